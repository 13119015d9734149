"""The columns of an evaluation: which metrics there are, and in which group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from seglosses import metrics
from seglosses.metrics import Pair


@dataclass(frozen=True)
class Column:
    """One number an image and class.

    Args:
        name: Name in CSV files.
        title: Name for readers.
        group: Group that selects it.
        better: Whether higher or lower numbers are better.
        meaning: Definition in a line, with every convention that changes the number.
        measure: The number of a pair.
    """

    name: str
    title: str
    group: str
    better: Literal["higher", "lower"]
    meaning: str
    measure: Callable[[Pair], float]


COLUMNS: tuple[Column, ...] = (
    Column("dice", "Dice", "overlap", "higher", "2 TP / (2 TP + FP + FN)", metrics.dice),
    Column("iou", "IoU", "overlap", "higher", "TP / (TP + FP + FN)", metrics.iou),
    Column(
        "hd95",
        "HD95",
        "boundary",
        "lower",
        "95th percentile of the surface distances of both directions, pooled (medpy, TopoMortar)",
        metrics.hd95,
    ),
    Column(
        "betti0_error",
        "Betti-0 error",
        "topology",
        "lower",
        "|difference of the numbers of components|; an empty mask has 0",
        lambda pair: metrics.betti_error(pair, 0),
    ),
    Column(
        "betti1_error",
        "Betti-1 error",
        "topology",
        "lower",
        "|difference of the numbers of loops|; background at the image border is no hole",
        lambda pair: metrics.betti_error(pair, 1),
    ),
    Column(
        "cldice",
        "clDice",
        "topology",
        "higher",
        "centreline Dice of hard masks, scikit-image skeletons",
        metrics.cldice,
    ),
)


def choose_columns(names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """Columns by group or by name, in the order of :data:`COLUMNS`.

    Args:
        names: Groups and column names; None for all.

    Raises:
        ValueError: For a name that is neither, listing what there is.

    Example:
        >>> [column.name for column in choose_columns(["hd95", "overlap"])]
        ['dice', 'iou', 'hd95']
    """
    if names is None:
        return COLUMNS
    groups = {column.group for column in COLUMNS}
    known = groups | {column.name for column in COLUMNS}
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(
            f"unknown metrics {', '.join(unknown) or '(none given)'}: expected groups "
            f"({', '.join(sorted(groups))}) or names ({', '.join(c.name for c in COLUMNS)})"
        )
    return tuple(column for column in COLUMNS if {column.name, column.group} & set(names))
