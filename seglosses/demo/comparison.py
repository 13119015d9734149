"""Scores of several losses side by side, with paired differences to the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate import Evaluation
from seglosses.report.bootstrap import mean_interval
from seglosses.report.cells import write_table


@dataclass(frozen=True)
class ComparisonRow:
    """One metric of one loss.

    Attributes:
        loss: Name of the mix-in.
        metric: Name of the metric in CSV files.
        title: Name for readers.
        better: ``'higher'`` or ``'lower'``.
        mean: Mean over images.
        std: Standard deviation over images.
        low: Lower end of the 95 % interval of the mean.
        high: Upper end.
        n: Number of images.
        difference: Mean over images of this loss minus the first one; NaN for the first.
        difference_low: Lower end of its 95 % interval, images drawn with replacement.
        difference_high: Upper end.
    """

    loss: str
    metric: str
    title: str
    better: str
    mean: float
    std: float
    low: float
    high: float
    n: int
    difference: float
    difference_low: float
    difference_high: float

    @property
    def verdict(self) -> str:
        """``'better'``, ``'worse'``, or nothing where the interval holds zero."""
        if not (self.difference_low > 0 or self.difference_high < 0):
            return ""
        return "better" if (self.difference > 0) == (self.better == "higher") else "worse"


def compare(evaluations: Mapping[str, Evaluation]) -> list[ComparisonRow]:
    """All metrics of all losses, loss by loss; the first loss is the one to beat.

    Args:
        evaluations: One class each, over the same images.

    Raises:
        ValueError: The evaluations are of different images.
    """
    base = next(iter(evaluations.values()))
    rows = []
    for loss, evaluation in evaluations.items():
        if evaluation.table.images != base.table.images:
            raise ValueError(
                f"{loss} was tested on other images than {next(iter(evaluations))}; delete the"
                " output folder and run again"
            )
        for found in evaluation.summary:
            change = (float("nan"),) * 3
            per_image = any(column.name == found.metric for column in evaluation.columns)
            if evaluation is not base and per_image:
                ours, theirs = (e.table.matrix(found.metric)[:, 0] for e in (evaluation, base))
                change = paired_difference(ours, theirs)
            rows.append(
                ComparisonRow(
                    loss,
                    found.metric,
                    found.title,
                    found.better,
                    found.mean,
                    found.std,
                    found.low,
                    found.high,
                    found.n,
                    *change,
                )
            )
    return rows


def paired_difference(
    ours: NDArray[np.float64], theirs: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Mean difference over images with its 95 % bootstrap interval; seeded.

    Images where either score is undefined are left out.

    Example:
        >>> paired_difference(np.array([1.0, 2.0]), np.array([0.5, 1.5]))
        (0.5, 0.5, 0.5)
    """
    gap = ours - theirs
    gap = gap[np.isfinite(gap)]
    if not gap.size:
        return (float("nan"),) * 3
    mean = float(gap.mean())
    return mean, *mean_interval(mean, gap - mean)


def write_csv(rows: list[ComparisonRow], path: Path) -> None:
    """A row per loss and metric; an undefined number is an empty cell."""
    table = [
        ["" if v != v else f"{v:.6g}" if isinstance(v, float) else v for v in asdict(row).values()]
        for row in rows
    ]
    write_table(path, [field.name for field in fields(ComparisonRow)], table)


def as_text(rows: list[ComparisonRow]) -> str:
    """The one table: a line per metric, a column per loss, and the change against the first."""
    losses = list(dict.fromkeys(row.loss for row in rows))
    cells = {(row.loss, row.metric): row for row in rows}
    lines = [["metric", *losses, *(f"change by {loss}" for loss in losses[1:])]]
    for metric in dict.fromkeys(row.metric for row in rows):
        of = [cells[loss, metric] for loss in losses]
        arrow = "↑" if of[0].better == "higher" else "↓"
        line = [f"{of[0].title} {arrow}", *(f"{row.mean:.4g}" for row in of)]
        lines.append([*line, *(change(row) for row in of[1:])])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def change(row: ComparisonRow) -> str:
    """The paired difference of a row for readers, nothing where there is none."""
    if row.difference != row.difference:
        return ""
    interval = f"[{row.difference_low:+.3g}, {row.difference_high:+.3g}]"
    return f"{row.difference:+.3g} {interval} {row.verdict}".rstrip()
