"""From scores of images to a few numbers: means with intervals, and scores of the whole set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.columns import Column, Pooled
from seglosses.evaluate.options import Options
from seglosses.evaluate.settings import is_background
from seglosses.evaluate.spread import (
    Interval,
    deviations,
    fine_grained_intervals,
    intervals,
    nanmean,
    of_scores,
)
from seglosses.evaluate.table import Table
from seglosses.metrics.fine_grained import fine_grained
from seglosses.report.bootstrap import divide

MACRO = "mean of classes"


@dataclass(frozen=True)
class SummaryRow:
    """One metric of one class over all images.

    Args:
        cls: Name of the class, or :data:`MACRO`.
        metric: Name of the column.
        title: Name for readers.
        better: Whether higher or lower is better.
        mean: Mean over images where the metric is defined, or the score of all pixels together.
        std: Standard deviation over images (n - 1); NaN for scores of the whole set.
        median: Median over images; NaN for scores of the whole set.
        low: Lower end of the 95 % bootstrap interval of `mean`, images drawn with replacement; NaN
            where no interval is valid. An interval holds its mean.
        high: Upper end.
        n: Number of images in the mean.
        undefined: Number of images left out because the metric is undefined there, as where both
            masks lack the class; in rows of :data:`MACRO` summed over its classes, as the next two.
        pred_empty: Number of images without a predicted pixel of the class.
        target_empty: Number of images without a true pixel of the class.
    """

    cls: str
    metric: str
    title: str
    better: str
    mean: float
    std: float
    median: float
    low: float
    high: float
    n: int
    undefined: int
    pred_empty: int
    target_empty: int


def summarize(
    table: Table,
    columns: Sequence[Column],
    options: Options | None = None,
    *,
    outside: Sequence[str] = (),
) -> list[SummaryRow]:
    """Summary of every column for every class, and for their mean if there are several.

    Where no image shows a true pixel of the foreground there is no score: every number is NaN.

    Args:
        table: Scores of the images, with every number that the columns and counts need.
        columns: What to summarize; those of overlap also over all pixels and fine-grained, those
            with a pooled score also over all images together.
        options: With which the scores were computed.
        outside: Names of classes that the mean of classes leaves out.

    Returns:
        The rows, column by column.

    Example:
        >>> from seglosses.evaluate.measures import choose_columns
        >>> table = Table(["a"], ["dice", "tp", "fp", "fn", "pixels"])
        >>> for name, tp in (("001", 2), ("002", 4)):
        ...     table.add(name, [{"dice": tp / 4, "tp": tp, "fp": 0, "fn": 4 - tp, "pixels": 9}])
        >>> row = summarize(table, choose_columns(["dice"]))[0]
        >>> row.mean, row.n, row.target_empty
        (0.75, 2, 0)
    """
    rows = list(_all_rows(table, columns, options or Options(), counted(table.classes, outside)))
    if len(table) and not shows_foreground(table):
        rows = [_without_score(row) for row in rows]
    return rows


def said_once(rows: Sequence[SummaryRow]) -> list[SummaryRow]:
    """Rows without scores that are another one by definition.

    Where every image shows every class, the mean by image (and by class) is the mean over images.
    Where no image is larger than a window, the error of windows is that of whole images.

    Args:
        rows: Of :func:`summarize`.

    Returns:
        The others, in order.

    Example:
        >>> from seglosses.evaluate.measures import choose_columns
        >>> table = Table(["a"], ["dice", "tp", "fp", "fn", "pixels"])
        >>> table.add("001", [{"dice": 0.5, "tp": 1, "fp": 1, "fn": 1, "pixels": 9}])
        >>> rows = summarize(table, choose_columns(["dice"]))
        >>> "dice_image" in [row.metric for row in rows], len(rows) - len(said_once(rows))
        (True, 1)
    """
    plain = {(row.cls, row.metric): row for row in rows}
    kept = []
    for row in rows:
        name, _, reading = row.metric.rpartition("_")
        same = plain.get((row.cls, name)) if reading in ("image", "class", "window") else None
        if same is None or not _says(row, same, reading):
            kept.append(row)
    return kept


def _says(row: SummaryRow, same: SummaryRow, reading: str) -> bool:
    """Whether a reading of a score is the score."""
    if reading == "window":
        # zero is zero in windows of any size
        mine, other = ((one.mean, one.std, one.median, one.n) for one in (row, same))
        return row.mean > 0 and np.array_equal(mine, other, equal_nan=True)
    return not (same.undefined or row.target_empty)


def counted(classes: Sequence[str], outside: Sequence[str] = ()) -> list[int]:
    """Places of the classes that the mean of classes holds.

    Args:
        classes: Names of all.
        outside: Names of those to leave out; when that is all of them, none is left out.

    Returns:
        Places.

    Example:
        >>> counted(["background", "car"], ["background"]), counted(["sky"], ["sky"])
        ([1], [0])
    """
    inside = [place for place, name in enumerate(classes) if name not in outside]
    return inside or list(range(len(classes)))


def shows_foreground(table: Table) -> bool:
    """Whether any image shows a true pixel that counts, of a class other than background.

    Args:
        table: Scores with counts.

    Returns:
        False for a run that has no score.

    Example:
        >>> table = Table(["cell"], ["tp", "fn"])
        >>> table.add("001", [{"tp": 0, "fn": 0}])
        >>> shows_foreground(table)
        False
    """
    ground = [name for name in table.classes if is_background(name)]
    if len(table.classes) > 1:
        ground.append("0")  # of classes without names
    shown = table.matrix("tp") + table.matrix("fn")
    return bool(shown[:, counted(table.classes, ground)].any())


def _without_score(row: SummaryRow) -> SummaryRow:
    gone = dict.fromkeys(("mean", "std", "median", "low", "high"), float("nan"))
    return replace(row, **gone, n=0, undefined=row.n + row.undefined)  # type: ignore[arg-type]


def _all_rows(
    table: Table, columns: Sequence[Column], options: Options, inside: Sequence[int]
) -> Iterator[SummaryRow]:
    tp, fp, fn = (table.matrix(name) for name in ("tp", "fp", "fn"))
    for column in columns:
        scores = table.matrix(column.name)
        means = nanmean(scores, axis=0)
        ends = intervals(means, of_scores(scores), inside, better=column.better, most=column.most)
        head = (column.name, column.title, column.better)
        yield from _rows(table, head, means, ends, scores, inside)
        if column.pooled is not None:
            yield from _pooled_rows(table, column, column.pooled, options, inside)
    for name, weight in (("IoU", 1), ("Dice", 2)):
        if any(column.name == name.lower() for column in columns):
            right, total = weight * tp, weight * tp + fp + fn
            head = (f"{name.lower()}_dataset", f"{name} of all pixels", "higher")
            means = divide(right.sum(axis=0), total.sum(axis=0))
            ends = intervals(means, deviations(right, total), inside, better="higher")
            yield from _rows(table, head, means, ends, None, inside)
            yield from _fine_grained_rows(table, name, weight, inside)


def _pooled_rows(
    table: Table, column: Column, pooled: Pooled, options: Options, inside: Sequence[int]
) -> Iterator[SummaryRow]:
    """The score of all images together."""
    sums = np.stack([table.matrix(name) for name in column.parts(options)], axis=-1)
    shares, total = pooled.shares(sums), sums[..., -1]
    head = (f"{column.name}_dataset", pooled.title, column.better)
    means = divide(shares.sum(axis=0), total.sum(axis=0))
    ends = intervals(
        means, deviations(shares, total), inside, better=column.better, most=column.most
    )
    yield from _rows(table, head, means, ends, None, inside)


def _rows(
    table: Table,
    head: tuple[str, str, str],
    means: NDArray[np.float64],
    ends: Sequence[Interval],
    scores: NDArray[np.float64] | None,
    inside: Sequence[int],
) -> Iterator[SummaryRow]:
    """Rows of one metric; `scores` is None when the images have no score of their own."""
    pred_empty = (table.matrix("tp") + table.matrix("fp") == 0).sum(axis=0)
    target_empty = (table.matrix("tp") + table.matrix("fn") == 0).sum(axis=0)
    spread = np.zeros((len(table), len(table.classes))) if scores is None else scores
    undefined = (~np.isfinite(spread)).sum(axis=0)
    names = list(table.classes)
    if len(names) > 1:
        names.append(MACRO)
        means = np.append(means, nanmean(means[inside], axis=0))
        spread = np.column_stack([spread, nanmean(spread[:, inside], axis=1)])
        pred_empty, target_empty, undefined = (
            np.append(counts, counts[inside].sum())
            for counts in (pred_empty, target_empty, undefined)
        )
    for index, name in enumerate(names):
        fine = spread[np.isfinite(spread[:, index]), index]
        has_spread = scores is not None and fine.size > 1
        yield SummaryRow(
            name,
            *head,
            mean=float(means[index]),
            std=float(fine.std(ddof=1)) if has_spread else float("nan"),
            median=float(np.median(fine)) if scores is not None and fine.size else float("nan"),
            low=ends[index][0],
            high=ends[index][1],
            n=fine.size,
            undefined=int(undefined[index]),
            pred_empty=int(pred_empty[index]),
            target_empty=int(target_empty[index]),
        )


def _fine_grained_rows(
    table: Table, name: str, beta: int, inside: Sequence[int]
) -> Iterator[SummaryRow]:
    """A score by image and by class, and that of the worst images."""
    tp, fp, fn = (table.matrix(count)[:, inside] for count in ("tp", "fp", "fn"))
    if not len(table):
        return
    scores = fine_grained(tp, fp, fn, beta=beta)
    ends = fine_grained_intervals(tp, fp, fn, beta=beta)
    shown = tp + fn > 0
    several, prefix = len(table.classes) > 1, name.lower()
    readings = [
        ("image", f"{name} by image"),
        ("cls", f"{name} by class"),
        ("image_worst", f"{name} by image, worst 10 to 100 %"),
        ("class_worst", f"{name} by class, worst 10 to 100 %"),
        ("image_lowest", f"{name} by image, worst 1 %"),
        ("class_lowest", f"{name} by class, worst 1 %"),
    ]
    for key, title in readings:
        if not several and key.startswith("cl"):
            continue  # the same number as by image
        low, high = ends[key]
        yield SummaryRow(
            MACRO if several else table.classes[0],
            f"{prefix}_{key.replace('cls', 'class')}",
            title,
            "higher",
            mean=getattr(scores, key),
            std=float("nan"),
            median=float("nan"),
            low=low,
            high=high,
            n=int(shown.any(axis=1).sum()),
            undefined=int((~shown.any(axis=1)).sum()),
            pred_empty=int((tp + fp == 0).sum()),
            target_empty=int((~shown).sum()),
        )
