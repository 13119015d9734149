"""Whether the trainings were long enough: how the training loss of each fell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.benchmark.results import Scores
from seglosses.benchmark.settings import Setting
from seglosses.evaluate.spread import nanmean
from seglosses.report import page
from seglosses.report.charts import number
from seglosses.report.figures import Figure, file_name
from seglosses.report.plane import lines

Cell = str | tuple[str, float]


def loss_curves(one: Scores) -> NDArray[np.float64] | None:
    """Mean training loss of equal parts of each training; None where a card does not say.

    Args:
        one: The runs of a loss.

    Returns:
        (seeds, parts); NaN where nothing was logged.

    Example:
        >>> from pathlib import Path
        >>> cards = ({"loss_curve": [1.0, None]}, {"loss_curve": [0.5, 0.25]})
        >>> loss_curves(Scores("s", "a", ("0", "1"), (), np.zeros((2, 0, 0)), cards, Path()))
        array([[1.  ,  nan],
               [0.5 , 0.25]])
    """
    curves: list[Any] = [card.get("loss_curve") for card in one.cards]
    if None in curves or len({len(curve) for curve in curves}) != 1:
        return None
    return np.array(curves, dtype=np.float64)


def last_change(curves: NDArray[np.float64]) -> float:
    """Mean loss of the last quarter of the trainings over that of the quarter before, minus one.

    Args:
        curves: Of :func:`loss_curves`.

    Returns:
        Negative while the loss falls; NaN where it is not known, or was not above 0.

    Example:
        >>> last_change(np.array([[4.0, 3.0, 2.0, 2.0, 1.0, 1.0, 0.5, 1.0]]))
        -0.25
    """
    quarter = max(1, curves.shape[1] // 4)
    before, last = curves[:, -2 * quarter : -quarter].mean(), curves[:, -quarter:].mean()
    return float(last / before - 1) if before > 0 else math.nan


def convergence_note(setting: Setting) -> str:
    """One line for readers of the tables; empty where no card knows.

    Args:
        setting: The losses.

    Returns:
        A text.
    """
    curves = {one.loss: loss_curves(one) for one in setting.losses}
    if all(curve is None for curve in curves.values()):
        return ""
    changes = ", ".join(f"{loss} {_said(curve)}" for loss, curve in curves.items())
    return (
        f"Converged? {setting.name}: mean training loss of the last quarter of the iterations"
        f" against that of the quarter before: {changes}."
    )


def _said(curves: NDArray[np.float64] | None) -> str:
    """The change of a loss, or why it is not known."""
    if curves is None:
        return "not known (not in the card of every run)"
    change = last_change(curves)
    if math.isfinite(change):
        return _percent(change)
    if np.isnan(curves).any():
        return "not known (a part of a training has no loss in its log)"
    return "not known (its loss is not above 0)"


def convergence(setting: Setting) -> tuple[str, Figure] | None:
    """The curves drawn, with a table.

    Args:
        setting: The losses.

    Returns:
        HTML, and the chart to write as a file; None where no card knows.
    """
    series: dict[str, list[tuple[float, float]]] = {}
    body: list[list[Cell]] = []
    for one in setting.losses:
        curves = loss_curves(one)
        if curves is None:
            continue
        means = nanmean(curves, axis=0)
        length = max(card.get("iters", len(means)) for card in one.cards)
        places = (np.arange(len(means)) + 0.5) * length / len(means)
        series[one.loss] = list(zip(places.tolist(), means.tolist(), strict=True))
        change = last_change(curves)
        values = [*means[[0, -2, -1]].tolist()]
        body.append([one.loss, *((number(v), v) for v in values), (_percent(change), change)])
    top = [y for each in series.values() for _, y in each if math.isfinite(y)]
    if not top:
        return None
    label = f"training loss of each loss, {setting.name}"
    ends = (min(0.0, *top), max(0.0, 1.05 * max(top)) or 1.0)
    axes = ("training iteration", "training loss")
    chart = lines(series, ends, axes=axes, label=label, legend=True)
    runs = ", ".join(f"{one.loss} {len(one.seeds)}" for one in setting.losses if one.loss in series)
    figure = Figure(
        file_name(setting.name, "training", "loss"),
        chart,
        f"Training loss, means of equal parts of the training, {setting.name}.",
        f"Runs averaged: {runs}.",
    )
    heads = [
        "Loss",
        "first part",
        "last but one",
        "last part",
        "last quarter against the one before",
    ]
    table = page.table(heads, body, name=f"convergence-{setting.name.replace('/', '-')}")
    note = (
        '<p class="quiet">Mean training loss of each eighth of the iterations. Compare a loss with'
        " itself: they have different terms, and one that begins late lifts the curve. A loss that"
        " still falls may gain from a longer training, and so may its baseline.</p>"
    )
    return f'{note}<div class="card" style="max-width:560px">{chart}</div><br>{table}', figure


def _percent(change: float) -> str:
    return f"{change:+.1%}" if math.isfinite(change) else "–"
