"""Tables of one folder of runs: scores, changes, training losses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from evidence_parts.runs import (
    BASELINE,
    COLUMNS,
    MIXINS,
    NAMES,
    cells_of,
    changes_of,
    curve_of,
    line_of,
    p_of,
    scores_of,
    signed,
)
from seglosses.benchmark.comparison import Row


def change_of(row: Row, digits: int) -> str:
    """The change with its interval, bold where it is better and sure."""
    parts = (row.difference, row.difference_low, row.difference_high)
    middle, low, high = (signed(part, digits) for part in parts)
    told = f"{middle} [{low}, {high}]"
    return f"**{told}**" if row.bold else told


def mean_of(values: np.ndarray, digits: tuple[int, int]) -> str:
    """Of (seeds, images): the mean, the deviation over images, and the means of seeds."""
    plain, several = digits
    told = f"{values.mean():.{plain}f} ± {values.mean(axis=0).std(ddof=1):.{plain}f}"
    seeds = ", ".join(f"{seed:.{several}f}" for seed in values.mean(axis=1))
    return f"{told} ({seeds})" if len(values) > 1 else told


def _decimals(cell: str) -> tuple[int, int]:
    """Of the first number and of the last, as they are printed."""
    numbers = re.findall(r"\d+(?:\.(\d+))?", cell)
    return len(numbers[0]), len(numbers[-1])


def _losses(shown: list[str], there: list[str], *, short: bool) -> Iterator[tuple[str, str]]:
    """Names to print and mix-ins: those of the table, then those that it lacks."""
    mixins = [MIXINS[name] for name in shown]
    more = [mixin for mixin in NAMES if mixin in there and mixin not in mixins]
    yield from zip(shown, mixins, strict=True)
    yield from ((NAMES[mixin][short], mixin) for mixin in more)


def runs_table(folder: str, part: str, table: str) -> str:
    """Scores, or changes, of all losses of a folder."""
    head, rule, *body = table.splitlines(keepends=True)
    columns, first = cells_of(head), cells_of(body[0])
    tested = "p" in columns
    scores = scores_of(folder, part)
    changes = changes_of(folder, part) if tested else {}
    there = [loss for loss in scores if not (tested and loss == BASELINE)]
    lines = []
    for name, mixin in _losses([cells_of(line)[0] for line in body], there, short=tested):
        cells = [name]
        for at, column in enumerate(columns[1:], start=1):
            if column == "p":
                cells.append(p_of(changes[mixin, COLUMNS[columns[at - 1]]].p))
            elif tested:
                cells.append(change_of(changes[mixin, COLUMNS[column]], _decimals(first[at])[0]))
            else:
                values = scores[mixin].values[:, :, list(COLUMNS).index(column)]
                cells.append(mean_of(values, _decimals(first[at])))
        lines.append(line_of(cells))
    return "".join([head, rule, *lines])


def curves_table(folder: str, table: str) -> str:
    """Training losses in eighths, and how far the last quarter lies below the one before."""
    head, rule, *body = table.splitlines(keepends=True)
    scores = scores_of(folder, "ID")
    lines = []
    for name, mixin in _losses([cells_of(line)[0] for line in body], list(scores), short=False):
        curve, fallen = curve_of(scores[mixin])
        lines.append(line_of([name, *(f"{value:.2f}" for value in curve), fallen]))
    return "".join([head, rule, *lines])
