"""Label maps of a folder, read as `seglosses evaluate` reads them, one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seglosses.advise.profile import Annotators, ClassProfile, Profile
from seglosses.evaluate.choosing import Wishes, choose_settings
from seglosses.evaluate.codes import IGNORED, UnknownValuesError
from seglosses.evaluate.listing import PairFiles, list_files, printable
from seglosses.evaluate.loading import LabelMaps, load
from seglosses.evaluate.nnunet import said_dataset
from seglosses.evaluate.partners import Folders, partners
from seglosses.evaluate.settings import Settings, is_background
from seglosses.metrics.error_kinds import rim_pixels, wrong
from seglosses.metrics.shapes import Shape, measure

LIMIT = 200


@dataclass(frozen=True)
class Source:
    """Where label maps lie, and how they are read.

    Attributes:
        labels: Folder of label maps.
        pred: Folder of predictions, None without.
        second: Folder of another annotator's label maps, None without.
        wishes: What the user says about values, see :class:`seglosses.evaluate.choosing.Wishes`.
        suffix: End of the names of label maps.
        pred_suffix: End of the names of predictions.
        limit: Label maps to measure at most, spread evenly over the folder.
        keep_going: With predictions, measure the label maps that have one.
        dataset_json: nnU-Net's file that names the labels; None looks for it where nnU-Net puts it.
    """

    labels: Path
    pred: Path | None = None
    second: Path | None = None
    wishes: Wishes = field(default_factory=Wishes)
    suffix: str = ""
    pred_suffix: str = ""
    limit: int = LIMIT
    keep_going: bool = False
    dataset_json: Path | None = None


@dataclass
class _Totals:
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    spacings: list[tuple[float, ...]] = field(default_factory=list)
    ignored: int = 0
    pixels: int = 0
    touching: Counter[tuple[int, int]] = field(default_factory=Counter)


def survey(source: Source, *, progress: bool = False) -> tuple[Profile, list[PairFiles], Settings]:
    """Measure a folder.

    Args:
        source: Where label maps lie.
        progress: Show a bar.

    Returns:
        The profile, the files that were measured, in the order of the profile's shapes, and how
        they were read.

    Raises:
        ValueError: When folders or values are wrong, or no file can be read.
    """
    if source.limit < 1:
        raise ValueError(f"expected a limit of at least 1, got {source.limit}")
    pairs, failures = _pairs(source)
    wishes, regions = _said(source)
    settings = choose_settings(pairs, wishes)
    chosen = _spread(pairs, source.limit)
    foreground = _foreground(settings)
    classes = [ClassProfile(index, name) for index, name in foreground.items()]
    totals = _Totals()
    errors: dict[int, list[dict[str, float]]] = {index: [] for index in foreground}
    measured, first = [], ""
    for files in tqdm(chosen, desc="measure", unit="image", disable=not progress):
        try:
            maps = load(files, settings)
        except (ValueError, MemoryError) as error:
            failures.append((files.name, printable(str(error))))
            first = first or failures[-1][1]
            continue
        measured.append(files)
        _look(maps, classes, totals)
        if source.pred is not None:
            for index in foreground:
                errors[index].append(_wrong(maps, index, settings))
    if not measured:
        raise ValueError(f"no label map could be read; the first problem: {first}")
    shape, alike = Counter(totals.shapes).most_common(1)[0]
    annotators = None
    if source.second is not None:
        annotators, apart = _agreement(source.second, source, wishes, settings, tuple(foreground))
        failures += apart
    profile = Profile(
        ndim=settings.ndim,
        images=len(measured),
        found=len(pairs),
        shape=shape,
        other_shapes=len(measured) - alike,
        spacing=Counter(totals.spacings).most_common(1)[0][0] if totals.spacings else None,
        ignored=totals.ignored / max(totals.pixels, 1),
        classes=tuple(classes),
        num_classes=settings.num_classes,
        touching={
            (foreground[a], foreground[b]): count for (a, b), count in totals.touching.most_common()
        },
        annotators=annotators,
        errors=errors if source.pred is not None else {},
        failures=tuple(failures),
        regions=regions,
    )
    return profile, measured, settings


def _said(source: Source) -> tuple[Wishes, tuple[str, ...]]:
    """What is known of the values of files, and the names of regions that overlap."""
    wishes, labels = source.wishes, source.labels
    dataset = wishes.dataset or said_dataset(
        source.dataset_json, source.pred or labels, labels, wishes.reading, wishes.class_names,
        wishes.colours,
    )  # fmt: skip
    if dataset is None:
        return wishes, ()
    # one label is measured at a time, for a pixel has one value, whatever regions it is in
    return replace(wishes, dataset=replace(dataset, regions=None)), tuple(dataset.regions or ())


def _pairs(source: Source) -> tuple[list[PairFiles], list[tuple[str, str]]]:
    """Files to measure, and names that lack a partner, with what is missing."""
    if source.pred is not None:
        folders = Folders(source.pred, source.labels, source.pred_suffix, source.suffix)
        found, alone = partners(folders, keep_going=source.keep_going)
        return found, [(failure.image, failure.reason) for failure in alone]
    files = list_files(source.labels, suffix=source.suffix)
    return [PairFiles(name, path, path) for name, path in files.items()], []


def _spread(pairs: Sequence[PairFiles], limit: int) -> list[PairFiles]:
    """At most so many, evenly over the list."""
    if len(pairs) <= limit:
        return list(pairs)
    return [pairs[int(place)] for place in np.linspace(0, len(pairs) - 1, limit).round()]


def _foreground(settings: Settings) -> dict[int, str]:
    """Classes to measure: those asked for, else all but the background."""
    if settings.asked:
        return dict(settings.classes)
    kept = {i: n for i, n in settings.classes.items() if i != 0 and not is_background(n)}
    return kept or dict(settings.classes)


def _look(maps: LabelMaps, classes: Sequence[ClassProfile], totals: _Totals) -> None:
    target = maps.target
    valid = int(np.count_nonzero(target != IGNORED))
    totals.shapes.append(target.shape)
    totals.pixels += target.size
    totals.ignored += target.size - valid
    if maps.spacing is not None:
        totals.spacings.append(tuple(float(edge) for edge in maps.spacing))
    present = set(np.unique(target).tolist())
    for one in classes:
        shape = measure(target == one.index, valid) if one.index in present else _empty(valid)
        one.shapes.append(shape)
    if len(classes) > 1:
        _touch(target, {one.index for one in classes}, totals.touching)


def _empty(valid: int) -> Shape:
    return measure(np.zeros((1, 1), bool), valid)


def _touch(target: NDArray[np.int16], wanted: set[int], touching: Counter[tuple[int, int]]) -> None:
    """Count faces between pixels of two foreground classes."""
    for axis in range(target.ndim):
        along = np.moveaxis(target, axis, 0)
        one, two = along[1:], along[:-1]
        differ = one != two
        low = np.minimum(one[differ], two[differ]).astype(np.int64)
        high = np.maximum(one[differ], two[differ]).astype(np.int64)
        codes, counts = np.unique(low * 2**16 + high, return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            pair = divmod(code, 2**16)
            if pair[0] in wanted and pair[1] in wanted:
                touching[pair] += count


def _wrong(maps: LabelMaps, index: int, settings: Settings) -> dict[str, float]:
    return wrong(maps.pair(index, settings)).numbers()


def _agreement(
    second: Path, source: Source, wishes: Wishes, settings: Settings, classes: Sequence[int]
) -> tuple[Annotators, list[tuple[str, str]]]:
    """How far two annotators agree, on the images that both have labelled, and what fits not."""
    pairs, _ = partners(Folders(second, source.labels, "", source.suffix), keep_going=True)
    both = replace(settings, pred_code=choose_settings(pairs, wishes).pred_code)
    dices, rim, differ = [], 0, 0
    apart: list[tuple[str, str]] = []
    for files in _spread(pairs, source.limit):
        try:
            maps = load(files, both)
        except (ValueError, MemoryError) as error:
            apart.append((f"{files.name}, second annotator", printable(str(error))))
            continue
        valid = maps.target != IGNORED
        total, differing = 0, 0
        for index in classes:
            one, two = (maps.pred == index) & valid, (maps.target == index) & valid
            total += int(one.sum()) + int(two.sum())
            differing += int(np.count_nonzero(one != two))
            rim += rim_pixels(one, two)
        differ += differing
        if total:
            dices.append(1 - differing / total)
    if not dices:
        raise ValueError(
            f"{second} and {source.labels} share no image with a foreground"
            + (f"; {apart[0][0]}: {apart[0][1]}" if apart else "")
        )
    return Annotators(len(dices), float(np.median(dices)), rim / max(differ, 1)), apart


def read(files: PairFiles, settings: Settings) -> Iterator[LabelMaps]:
    """The label maps of an image once more, for pictures; nothing where it cannot be read.

    Args:
        files: Where they lie.
        settings: How they are read.

    Yields:
        One pair of label maps, or none.
    """
    try:
        yield load(files, settings)
    except (ValueError, UnknownValuesError, MemoryError):
        return
