"""nnU-Net's folders: what ``dataset.json`` says of labels, and scores as ``summary.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from seglosses.evaluate.labels import Reading
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.settings import Settings
from seglosses.evaluate.table import Table

NAME = "dataset.json"


@dataclass(frozen=True)
class Dataset:
    """What ``dataset.json`` says of labels.

    Args:
        path: The file.
        labels: Name of every value from 0 on; of numbers where only regions have names.
        ignore: Value that does not count, None without.
        regions: Name of a region to its values, None where labels do not overlap.
        keys: Name of a region to what nnU-Net's summary calls it.
    """

    path: Path
    labels: tuple[str, ...]
    ignore: int | None = None
    regions: Mapping[str, tuple[int, ...]] | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    def reading(self, said: Reading) -> Reading:
        """What the values of files mean.

        Args:
            said: What the user says.

        Returns:
            The same, completed.

        Raises:
            ValueError: The user says otherwise.
        """
        if said.ignore_index not in (None, self.ignore):
            raise ValueError(
                f"ignore_index {said.ignore_index}, but {self.path} has "
                + ("no ignore label" if self.ignore is None else f"{self.ignore}")
            )
        return replace(said, num_classes=len(self.labels), ignore_index=self.ignore)


def find_dataset(pred: Path, target: Path) -> Path | None:
    """The ``dataset.json`` that nnU-Net puts among predictions, or above the ground truth.

    Args:
        pred: Folder of predictions.
        target: Folder of ground truth.

    Returns:
        The file, None where neither is one of nnU-Net v2.
    """
    places = (pred / NAME, target / NAME, target.resolve().parent / NAME)
    return next((path for path in places if path.is_file() and _of_nnunet(path)), None)


def _of_nnunet(path: Path) -> bool:
    """Whether a file of that name, which others have too, is one of nnU-Net v2."""
    try:
        return "background" in json.loads(path.read_text(encoding="utf-8"))["labels"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_dataset(path: Path) -> Dataset:
    """Labels of a data set.

    Args:
        path: A ``dataset.json`` of nnU-Net v2.

    Returns:
        What it says.

    Raises:
        ValueError: The file cannot be read, is none of nnU-Net v2, or its values have a gap.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "dataset.json"
        ...     path.write_text('{"labels": {"background": 0, "cell": [1, 2], "core": 2}}')
        ...     found = read_dataset(path)
        56
        >>> found.labels, found.regions
        (('background', '1', 'core'), {'cell': (1, 2), 'core': (2,)})
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        labels = given["labels"]
        if labels["background"] != 0:
            raise ValueError("background is not 0")
        values = {
            str(name): tuple(value) if isinstance(value, list) else (value,)
            for name, value in labels.items()
        }
        known = {one for name, value in values.items() if name != "ignore" for one in value}
        if not all(type(one) is int for value in values.values() for one in value):
            raise ValueError("values of labels are not whole numbers")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: no dataset.json of nnU-Net v2"
            f' ({type(error).__name__}: {error}): expected "labels" with names and values, such as'
            ' {"background": 0, "vessel": 1}'
        ) from error
    if sorted(known) != list(range(len(known))):
        raise ValueError(f"{path}: labels must be 0, 1, 2, ... without a gap, got {sorted(known)}")
    names = [str(value) for value in range(len(known))]
    for name, value in values.items():
        if len(value) == 1 and name != "ignore":
            names[value[0]] = name
    overlap = {n: v for n, v in values.items() if n != "ignore" and set(v) != {0}}
    return Dataset(
        path,
        tuple(names),
        values["ignore"][0] if "ignore" in values else None,
        overlap if any(len(value) > 1 for value in overlap.values()) else None,
        {n: str(tuple(v) if isinstance(v, list) else v) for n, v in labels.items()},
    )


def said_dataset(
    given: str | Path | None,
    pred: Path,
    target: Path,
    reading: Reading,
    class_names: Sequence[str] | None,
    colours: str | Path | None,
) -> Dataset | None:
    """What nnU-Net's ``dataset.json`` says, where one is given or found and nobody says else.

    Args:
        given: The file, None to look for it.
        pred: Folder of predictions.
        target: Folder of ground truth.
        reading: What the user says about values.
        class_names: What the user says about names.
        colours: The user's table of colours.

    Returns:
        None where there is no such file, or the user says it all.

    Raises:
        ValueError: The file cannot be read, or both it and the user say which classes there are.
    """
    own = (
        *(reading.num_classes, reading.foreground_value, class_names, colours),
        *(reading.labels_map, reading.pred_labels_map, reading.gt_labels_map),
    )
    said = any(option is not None for option in own)
    if given is None:
        path = None if said else find_dataset(pred, target)
        return None if path is None else read_dataset(path)
    if said:
        raise ValueError(
            f"{given} says which classes there are: leave out num_classes, class_names, colours,"
            " foreground_value and maps of labels"
        )
    return read_dataset(Path(given))


def check_foreground(settings: Settings) -> None:
    """Refuse settings under which nnU-Net's summary would lack a label.

    Args:
        settings: What is scored.

    Raises:
        ValueError: A label or region is not scored.
    """
    every = settings.regions or range(1, settings.num_classes)
    if missing := [str(index) for index in every if index not in settings.classes]:
        raise ValueError(
            f"nnU-Net's summary.json has every foreground label, and {', '.join(missing)} would be"
            " missing: leave out --classes (classes)"
        )


def write_summary(
    table: Table,
    settings: Settings,
    pairs: Sequence[PairFiles],
    path: Path,
    dataset: Dataset | None = None,
) -> None:
    """Write scores as nnU-Net's own evaluation does.

    Dice, IoU, TP, FP, FN, TN and numbers of pixels by case and label; a score is NaN where neither
    mask has a pixel, and means leave it out.

    Args:
        table: Scores of all images.
        settings: What the scores depend on.
        pairs: The files.
        path: File to write.
        dataset: What names the regions, where there are any.
    """
    files = {pair.name: pair for pair in pairs}
    keys = {index: str(index) for index in settings.classes}
    if settings.regions and dataset is not None:
        keys = {index: dataset.keys[name] for index, name in settings.classes.items()}
    order = list(settings.classes)
    counts = {name: table.matrix(name) for name in ("tp", "fp", "fn", "pixels")}
    cases = []
    for row, image in enumerate(table.images):
        pair = files[image]
        metrics = {
            keys[index]: _metrics(*(int(counts[name][row, place]) for name in counts))
            for place, index in enumerate(order)
            if keys[index] != "0"
        }
        cases.append(
            {
                "metrics": metrics,
                "prediction_file": str(pair.pred),
                "reference_file": str(pair.target),
            }
        )
    cases.sort(key=lambda case: Path(str(case["prediction_file"])).name)
    mean = {
        key: {
            name: _mean([case["metrics"][key][name] for case in cases])  # type: ignore[index]
            for name in ("Dice", "FN", "FP", "IoU", "TN", "TP", "n_pred", "n_ref")
        }
        for key in keys.values()
        if key != "0"
    }
    first = next(iter(mean.values()))
    foreground = {name: float(np.mean([of[name] for of in mean.values()])) for name in first}
    summary = {"foreground_mean": foreground, "mean": mean, "metric_per_case": cases}
    path.write_text(json.dumps(summary, indent=4, sort_keys=True), encoding="utf-8")


def _metrics(tp: int, fp: int, fn: int, pixels: int) -> dict[str, float]:
    none = tp + fp + fn == 0
    return {
        "Dice": math.nan if none else 2 * tp / (2 * tp + fp + fn),
        "FN": fn,
        "FP": fp,
        "IoU": math.nan if none else tp / (tp + fp + fn),
        "TN": pixels - tp - fp - fn,
        "TP": tp,
        "n_pred": fp + tp,
        "n_ref": fn + tp,
    }


def _mean(values: Sequence[Any]) -> float:
    known = np.array(values, np.float64)
    return float(np.nanmean(known)) if not np.isnan(known).all() else math.nan
