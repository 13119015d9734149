"""What training CE + Dice twice as long gives, and whether the proposal gives more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from evidence_parts.runs import (
    BASELINE,
    COLUMNS,
    PROPOSED,
    RUNS,
    SETS,
    TWICE,
    curve_of,
    is_worse,
    line_of,
    p_of,
    scores_of,
    signed,
)
from seglosses.benchmark.comparison import Row, compare
from seglosses.benchmark.results import METRICS, TABLE_METRICS, Scores
from seglosses.benchmark.settings import Setting

CURVES = "training loss"


def twice_table(title: str) -> str:
    """A row for each set: once, twice, and the proposal once.

    Args:
        title: Of a metric, or ``"training loss"``.
    """
    head = ["set", "CE + Dice", "twice as long", "change", "p"]
    head += ["proposed by advise, once", "against twice", "p"]
    if title == CURVES:
        head = ["set", "iterations", "last eighth", "last quarter"]
        head += ["twice as many", "last eighth", "last quarter"]
    lines = [line_of(head), line_of(["---", *["---:"] * (len(head) - 1)]).replace(" ", "")]
    for place, folder in TWICE.items():
        if (RUNS / folder).is_dir():
            cells = _curves(place) if title == CURVES else _scores(place, title)
            lines.append(line_of([place, *cells]))
    return "".join(lines)


def compared(place: str) -> dict[tuple[str, str], Row]:
    """Rows of CE + Dice and of the proposal against CE + Dice trained twice as long.

    Args:
        place: A set; its images like those of the training set.
    """
    once, twice = (scores_of(folders[place], "ID") for folders in (SETS, TWICE))
    shown = [list(COLUMNS.values()).index(metric) for metric in TABLE_METRICS]
    losses = tuple(
        replace(one, values=one.values[:, :, shown])
        for one in (replace(twice[BASELINE], loss="twice"), once[BASELINE], once[PROPOSED[place]])
    )
    groups = np.array(["indistr"] * len(losses[0].images))
    found = compare(Setting("twice", losses, groups), TABLE_METRICS, "image")
    return {(row.loss, row.metric): row for row in found}


def _scores(place: str, title: str) -> Iterator[str]:
    digits = 1 if METRICS[COLUMNS[title]].title != "Dice" else 3
    rows = compared(place)
    twice, once, ours = (
        rows[loss, COLUMNS[title]] for loss in ("twice", BASELINE, PROPOSED[place])
    )
    yield f"{once.mean:.{digits}f}"
    yield f"{twice.mean:.{digits}f}"
    yield _interval([-once.difference, -once.difference_high, -once.difference_low], max(digits, 2))
    yield p_of(once.p)
    yield f"{ours.mean:.{digits}f}"
    told = _interval([ours.difference, ours.difference_low, ours.difference_high], max(digits, 2))
    mark = "**" if ours.bold else "_" if is_worse(ours) else ""
    yield f"{mark}{told}{mark}"
    yield p_of(ours.p)


def _interval(values: list[float], digits: int) -> str:
    middle, low, high = (signed(value, digits) for value in values)
    return f"{middle} [{low}, {high}]"


def _curves(place: str) -> Iterator[str]:
    for folders in (SETS, TWICE):
        found: Scores = scores_of(folders[place], "ID")[BASELINE]
        yield str(found.cards[0]["iters"])
        if not all("loss_curve" in card for card in found.cards):
            yield from ("–", "–")  # cards of older runs
            continue
        curve, fallen = curve_of(found)
        yield f"{curve[-1]:.3f}"
        yield fallen
