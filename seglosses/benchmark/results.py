"""Scores of many runs on disk: one CSV per run, in the layout that TopoMortar published.

<root>/<framework>/<labels>/<size>/<loss>/<seed>.csv      ID, Dice_mortar, HD95_mortar, ...
<root>/<framework>/<labels>/<size>/<loss>/<seed>.json     how the run was made, where known
<root>/dataset_types.txt                                  ID, group
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.benchmark.cards import engine_of, image_size_of, read_card
from seglosses.datasets.topomortar import GROUPS

SENTINEL = 9999999.0
"""HD95 of an empty prediction in published files; read as the diagonal of the image."""


@dataclass(frozen=True)
class Metric:
    """A column of the scores.

    Attributes:
        name: Column name without the class.
        title: For readers.
        higher: Whether higher is better.
        digits: Decimals in tables, the published ones aside.
    """

    name: str
    title: str
    higher: bool
    digits: int = 2

    @property
    def arrow(self) -> str:
        """Which direction is better."""
        return "↑" if self.higher else "↓"


METRICS = {
    metric.name: metric
    for metric in (
        Metric("Betti0Error", "Betti-0 error", higher=False),
        Metric("Betti1Error", "Betti-1 error", higher=False),
        Metric("Dice", "Dice", higher=True, digits=3),
        Metric("HD95", "HD95", higher=False),
        Metric("clDice", "clDice", higher=True, digits=3),
        Metric("Betti0ErrorLocal", "Betti-0 error, windows", higher=False),
        Metric("Betti1ErrorLocal", "Betti-1 error, windows", higher=False),
    )
}
SAME = {
    "engine": "engines",
    "leaf": "configs",
    "iters": "iterations",
    "image_size": "sizes of images",
    "recipe": "losses or options",
}
"""Entries of cards that all runs of a loss share, and what they are."""
TABLE_METRICS = ("Betti0Error", "Betti1Error", "Dice", "HD95")
"""Those of the published tables."""


@dataclass(frozen=True)
class Scores:
    """All runs of one loss in one setting.

    Attributes:
        setting: ``framework/labels/size``.
        loss: Name of the folder.
        seeds: Names of the runs.
        images: Ids, sorted; the same in every run.
        values: (seeds, images, metrics); NaN where undefined.
        cards: What is known of how each run was made.
        folder: Where the files lie.
        published: Whether others trained them.
    """

    setting: str
    loss: str
    seeds: tuple[str, ...]
    images: tuple[str, ...]
    values: NDArray[np.float64]
    cards: tuple[Mapping[str, Any], ...]
    folder: Path
    published: bool = False

    @property
    def protocol(self) -> str:
        """Size of the images, length of the trainings, config, and whether others trained.

        Example:
            >>> card = {"image_size": [128, 128], "iters": 300, "leaf": "configs/a/unet_128.py"}
            >>> nothing = np.zeros((1, 1, 1))
            >>> Scores("s", "a", ("1",), ("071",), nothing, (card,), Path()).protocol
            '128 × 128 px, 300 iterations, unet_128'
            >>> Scores("s", "a", ("1",), ("071",), nothing, ({},), Path(), True).protocol
            '512 × 512 px, published'
            >>> card = {"image_size": [90, 100], "image_sizes": 2}
            >>> Scores("s", "a", ("1",), ("071",), nothing, (card,), Path()).protocol
            'up to 90 × 100 px'
        """
        several = "up to " if self.cards[0].get("image_sizes", 1) > 1 else ""
        parts = [f"{several}{' × '.join(map(str, self.image_size))} px"]
        lengths = sorted({card["iters"] for card in self.cards if "iters" in card})
        parts += [f"{' or '.join(map(str, lengths))} iterations"] if lengths else []
        leaves = sorted({Path(card["leaf"]).stem for card in self.cards if "leaf" in card})
        engines = sorted({engine_of(card) for card in self.cards} - {"mmseg"})
        return ", ".join([*parts, *leaves, *engines, *(["published"] if self.published else [])])

    @property
    def image_size(self) -> tuple[int, ...]:
        """Size of the scored images, of the largest where they differ."""
        return image_size_of(self.cards[0])

    def only(self, images: Sequence[str]) -> Scores:
        """The same runs on some of the images.

        Args:
            images: Ids, some of those scored.

        Returns:
            Scores of these, in this order.

        Example:
            >>> values = np.array([[[1.0], [2.0]]])
            >>> scores = Scores("s", "a", ("1",), ("071", "072"), values, ({},), Path())
            >>> scores.only(["072"]).values
            array([[[2.]]])
        """
        places = [self.images.index(name) for name in images]
        return replace(self, images=tuple(images), values=self.values[:, places])


def read_results(root: Path, metrics: Sequence[str] = TABLE_METRICS) -> list[Scores]:
    r"""Read every run below a folder.

    Args:
        root: Top of the layout.
        metrics: Names in :data:`METRICS`.

    Returns:
        One entry per setting and loss, sorted.

    Raises:
        ValueError: No run is there, or files are damaged; every one of them is named.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     folder = Path(root) / "supervised" / "noisy" / "large" / "CEDiceLoss"
        ...     folder.mkdir(parents=True)
        ...     _ = (folder / "1.csv").write_text("ID,Dice_mortar\n071,0.5\n072,0.75\n")
        ...     scores = read_results(Path(root), ["Dice"])[0]
        >>> scores.loss, scores.images, scores.values.ravel()
        ('CEDiceLoss', ('071', '072'), array([0.5 , 0.75]))
    """
    folders = sorted({path.parent for path in root.glob("*/*/*/*/*.csv")})
    if not folders:
        raise ValueError(
            f"expected runs as {root}/<framework>/<labels>/<size>/<loss>/<seed>.csv, got none;"
            " make some with `seglosses benchmark run`"
        )
    found: list[Scores] = []
    problems: list[str] = []
    for folder in folders:
        try:
            found.append(_read_folder(root, folder, metrics))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError(f"{len(problems)} folders of runs are damaged:\n" + "\n".join(problems))
    return found


def _read_folder(root: Path, folder: Path, metrics: Sequence[str]) -> Scores:
    files = sorted(folder.glob("*.csv"), key=lambda path: (len(path.stem), path.stem))
    tables, cards = [], []
    problems = []
    for path in files:
        try:
            card = read_card(path.with_suffix(".json"))
        except ValueError as error:
            problems.append(f"  {error}")
            continue
        try:
            tables.append(_read_csv(path, metrics, image_size_of(card)))
            cards.append(card)
        except ValueError as error:
            problems.append(f"  {path}: {error}")
    if not problems:
        problems += _differences(files, cards)
    images = sorted(tables[0]) if tables else []
    for path, table in zip(files, tables, strict=False):
        if not problems and sorted(table) != images:
            odd = sorted(set(table) ^ set(images))
            problems.append(
                f"  {path}: {len(odd)} ids differ from those of {files[0].name}: {odd[0]}, …"
            )
    if problems:
        raise ValueError("\n".join(problems))
    return Scores(
        setting=folder.parent.relative_to(root).as_posix(),
        loss=folder.name,
        seeds=tuple(path.stem for path in files),
        images=tuple(images),
        values=np.array([[table[name] for name in images] for table in tables]),
        cards=tuple(cards),
        folder=folder,
    )


def _differences(files: Sequence[Path], cards: Sequence[Mapping[str, Any]]) -> list[str]:
    """In what runs of one loss were made differently: a mean over them would be of neither."""
    told = []
    for name, what in SAME.items():
        values = {
            json.dumps(card[name]): path.name
            for path, card in zip(files, cards, strict=True)
            if name in card
        }
        if len(values) > 1:
            parts = ", ".join(f"{value} in {path}" for value, path in values.items())
            told.append(
                f"  {files[0].parent}: runs with different {what} ({parts}); keep them in folders"
                " of their own"
            )
    return told


def _read_csv(path: Path, metrics: Sequence[str], size: tuple[int, ...]) -> dict[str, list[float]]:
    """Numbers of the wanted metrics by id; an empty cell is NaN."""
    diagonal = float(np.linalg.norm([side - 1 for side in size]))
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        heads = reader.fieldnames or []
        columns = []
        for metric in metrics:
            fitting = [head for head in heads if head.rpartition("_")[0] == metric]
            if len(fitting) != 1:
                raise ValueError(f"expected one column {metric}_<class>, got {len(fitting)}")
            columns.append(fitting[0])
        rows: dict[str, list[float]] = {}
        for row in reader:
            name = row.get("ID")
            if not name or name in rows:
                raise ValueError(f"line {reader.line_num}: the ID {name!r} is empty or repeated")
            try:
                numbers = [float(row[column] or "nan") for column in columns]
            except (TypeError, ValueError):
                raise ValueError(
                    f"line {reader.line_num}: a cell is not a number, or is missing"
                ) from None
            for index, metric in enumerate(metrics):
                if metric == "HD95" and numbers[index] == SENTINEL:
                    numbers[index] = diagonal
            rows[name] = numbers
    if not rows:
        raise ValueError("no image in it; delete it and run again")
    return rows


def read_group_file(places: Sequence[Path]) -> dict[str, str]:
    r"""Group of each id, from the first ``dataset_types.txt`` in folders or ``dataset`` in them.

    Args:
        places: Folders, looked through in order.

    Returns:
        Id to group.

    Raises:
        ValueError: There is none, or it names a group that does not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "dataset_types.txt").write_text("ID,group\n071,indistr\n")
        ...     read_group_file([Path(folder)])
        {'071': 'indistr'}
    """
    for place in places:
        for path in (place / "dataset_types.txt", place / "dataset" / "dataset_types.txt"):
            if path.is_file():
                with path.open(newline="", encoding="utf-8") as file:
                    groups = {row["ID"]: row["group"] for row in csv.DictReader(file)}
                unknown = sorted(set(groups.values()) - set(GROUPS))
                if unknown:
                    raise ValueError(f"{path}: expected groups {', '.join(GROUPS)}, got {unknown}")
                return groups
    raise ValueError(
        "expected dataset_types.txt (ID,group) in one of "
        f"{', '.join(map(str, places))}; copy that of the data there, or name it with --data"
    )
