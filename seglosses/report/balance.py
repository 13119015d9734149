"""The balance of losses over a training, drawn: shares, angles, and cosines with the others."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from seglosses.primitives.balance import Measured
from seglosses.report import page
from seglosses.report.axes import COLOURS
from seglosses.report.charts import number
from seglosses.report.plane import lines


def write_balance(path: Path, histories: Mapping[str, Sequence[Measured]]) -> None:
    """Write the page of a training.

    Args:
        path: File to write.
        histories: Measurements by head.
    """
    sections = [
        page.section(head or "Losses", balance_charts(history, name=f"balance-{place}"))
        for place, (head, history) in enumerate(histories.items())
        if history
    ]
    note = "gradients at the logits, weights included"
    path.write_text(page.page("Balance of losses", note, sections), "utf-8")


def save_balance(path: Path, histories: Mapping[str, Sequence[Measured]]) -> None:
    """Keep the measurements of a training as JSON.

    Args:
        path: File to write.
        histories: Measurements by head.
    """
    plain = {head: [_plain(asdict(one)) for one in each] for head, each in histories.items()}
    path.write_text(json.dumps(plain), "utf-8")


def read_balance(path: Path) -> dict[str, list[Measured]]:
    """Measurements that :func:`save_balance` kept.

    Args:
        path: Its file.

    Returns:
        Measurements by head, without heads that have none.
    """
    found = {}
    for head, history in json.loads(path.read_text("utf-8")).items():
        if history:
            found[head] = [_read(one) for one in history]
    return found


def _plain(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def _read(one: dict[str, Any]) -> Measured:
    numbers = {
        name: {key: math.nan if value is None else float(value) for key, value in one[name].items()}
        for name in ("norms", "shares", "angles", "against")
    }
    return Measured(int(one["step"]), **numbers)


def balance_charts(history: Sequence[Measured], *, name: str = "balance") -> str:
    """Charts of the terms of one head.

    Args:
        history: Measurements, the oldest first.
        name: Id of the table.

    Returns:
        HTML.

    Example:
        >>> both = {"a": 0.5, "b": 0.5}
        >>> found = Measured(0, norms=both, shares=both, angles={"a~b": 60.0}, against=both)
        >>> balance_charts([found]).count("<svg")
        3
    """
    names = list(history[-1].norms)
    shares = {name: [(one.step, one.shares[name]) for one in history] for name in names}
    against = {n: [(one.step, one.against.get(n, math.nan)) for one in history] for n in names}
    pairs = list(dict.fromkeys(pair for one in history for pair in one.angles))
    angles = {pair: [(o.step, o.angles.get(pair, math.nan)) for o in history] for pair in pairs}
    rows: list[list[str | tuple[str, float]]] = []
    for term in names:
        on = [value for _, value in shares[term] if value > 0]  # not while a schedule has it off
        values = on or [0.0]
        against_it = [value for _, value in against[term] if value == value]
        middle = float(np.median(values))
        cosine = float(np.median(against_it)) if against_it else math.nan
        last = history[-1].norms[term]
        rows.append(
            [
                term,
                (f"{middle:.1%}", middle),
                (f"{values[-1]:.1%}", values[-1]),
                (number(last), last),
                (number(cosine), cosine),
            ]
        )
    heads = [
        "Loss",
        "Share while on, median",
        "Share, last",
        "Norm, last",
        "Cosine with the others, median",
    ]
    cards = [
        _card("Share of the gradient", shares, (0.0, 1.0), names),
        _card("Cosine with the sum of the others", against, (-1.0, 1.0), names),
    ]
    if pairs:
        cards.append(_card("Angle of two losses, degrees", angles, (0.0, 180.0), pairs))
    return page.table(heads, rows, name=name) + (
        f'<div class="grid wide" style="margin-top:14px">{"".join(cards)}</div>'
    )


def _card(
    title: str,
    series: Mapping[str, Sequence[tuple[int, float]]],
    ends: tuple[float, float],
    names: Sequence[str],
) -> str:
    return (
        f'<div class="card"><b>{html.escape(title)}</b>{_legend(names)}'
        f"{lines(series, ends, axes=('iteration', ''), label=title)}</div>"
    )


def _legend(names: Sequence[str]) -> str:
    items = "".join(
        f'<span><span class="swatch" style="background:none;border-top:3px {_line(index)}"></span>'
        f"{html.escape(name)}</span>"
        for index, name in enumerate(names)
    )
    return f'<div class="legend">{items}</div>'


def _line(index: int) -> str:
    """As :func:`seglosses.report.axes.stroke` draws it, for a border."""
    turn, place = divmod(index, len(COLOURS))
    return f"{('solid', 'dashed', 'dotted')[min(turn, 2)]} {COLOURS[place]}"
