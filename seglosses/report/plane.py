"""Charts with two axes as inline SVG: points, rising steps, and lines."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seglosses.report.axes import (
    BOTTOM,
    COLOURS,
    HEIGHT,
    ROW,
    WIDTH,
    diagonal,
    dot,
    frame,
    nothing,
    scales,
    stroke,
)
from seglosses.report.charts import number


def scatter(
    x: ArrayLike,
    y: ArrayLike,
    *,
    names: Sequence[str],
    axes: tuple[str, str],
    label: str,
    compress: bool = False,
) -> str:
    """The same images under two losses; below the diagonal the second has the lower number.

    Args:
        x: Numbers of the first; pairs with an undefined number are left out.
        y: Numbers of the second.
        names: Of the images, shown under the pointer.
        axes: Texts at the axes.
        label: Description for screen readers.
        compress: Logarithmic axes in ``1 + x``.

    Returns:
        An SVG element; a note when there is nothing to draw.

    Example:
        >>> svg = scatter([0, 2], [1, 1], names=["a", "b"], axes=("ours", "theirs"), label="")
        >>> svg.count("<circle")
        2
    """
    across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    fine = np.isfinite(across) & np.isfinite(up)
    if not fine.any():
        return nothing()
    ends = _ends(np.concatenate([across[fine], up[fine]]), from_zero=compress)
    horizontal, vertical = scales(ends, ends, compress, compress)
    parts = [diagonal(horizontal, vertical)]
    for index in np.flatnonzero(fine):
        text = f"{names[index]}: {number(across[index])}, {number(up[index])}"
        parts.append(
            dot(horizontal(across[index]), vertical(up[index]), COLOURS[0], text, opacity=0.75)
        )
    return frame(parts, horizontal, vertical, axes, label)


def points(
    series: Mapping[str, tuple[float, float, float, float]], *, axes: tuple[str, str], label: str
) -> str:
    """One named point per series, with a vertical interval.

    Args:
        series: Name to (x, y, low, high); a NaN end leaves the interval out, a NaN place the point.
        axes: Texts at the axes.
        label: Description for screen readers.

    Returns:
        An SVG element; a note when there is nothing to draw.

    Example:
        >>> svg = points({"a": (1.0, 2.0, 1.5, 2.5)}, axes=("cost", "error"), label="")
        >>> svg.count("<circle"), svg.count('stroke-width="1.5"')
        (1, 1)
    """
    known = {name: at for name, at in series.items() if np.isfinite(at[:2]).all()}
    if not known:
        return nothing()
    ups = np.array([[v for v in at[1:] if math.isfinite(v)][-1] for at in known.values()])
    lows = np.array([at[2] if math.isfinite(at[2]) else at[1] for at in known.values()])
    across = np.array([at[0] for at in known.values()])
    horizontal, vertical = scales(
        _ends(across, from_zero=True), _ends(np.concatenate([ups, lows])), False, False
    )
    parts = []
    for index, (name, (x, y, low, high)) in enumerate(series.items()):
        if name not in known:
            continue
        colour = COLOURS[index % len(COLOURS)]
        if math.isfinite(low) and math.isfinite(high):
            parts.append(
                f'<line stroke="{colour}" stroke-width="1.5" x1="{horizontal(x):.1f}" '
                f'x2="{horizontal(x):.1f}" y1="{vertical(low):.1f}" y2="{vertical(high):.1f}"/>'
            )
        parts.append(
            dot(horizontal(x), vertical(y), colour, f"{name}: {number(x)}, {number(y)}", size=4.5)
        )
    for left in (False, True):
        side = {n: at for n, at in known.items() if (horizontal(at[0]) > 0.7 * WIDTH) == left}
        rows = apart([vertical(at[1]) - 6 for at in side.values()], ROW, HEIGHT - BOTTOM - 2)
        for (name, at), row in zip(side.items(), rows, strict=True):
            parts.append(
                f'<text x="{horizontal(at[0]) + (-8 if left else 8):.1f}" y="{row:.1f}" '
                f'text-anchor="{"end" if left else "start"}">{html.escape(name)}</text>'
            )
    return frame(parts, horizontal, vertical, axes, label)


def apart(rows: Sequence[float], step: float, floor: float) -> list[float]:
    """Rows of texts moved so far that none covers another.

    Args:
        rows: Where they would stand, pixels downwards.
        step: Least distance of two.
        floor: The lowest row.

    Returns:
        Rows in the order given, as near to these as the order from top to bottom allows.

    Example:
        >>> apart([50, 51, 20], 10, 100)
        [45.5, 55.5, 20.0]
        >>> apart([98, 99], 10, 100)
        [90.0, 100.0]
    """
    order = sorted(range(len(rows)), key=lambda place: rows[place])
    groups: list[tuple[list[int], float]] = []
    for place in order:
        members, top = [place], min(float(rows[place]), floor)
        while groups and groups[-1][1] + step * len(groups[-1][0]) > top:
            members = groups.pop()[0] + members
            middle = sum(rows[each] for each in members) / len(members)
            top = min(middle - step * (len(members) - 1) / 2, floor - step * (len(members) - 1))
        groups.append((members, top))
    moved = dict.fromkeys(order, 0.0)
    for members, top in groups:
        moved |= {place: float(top + step * index) for index, place in enumerate(members)}
    return [moved[place] for place in range(len(rows))]


def shares(
    series: Mapping[str, ArrayLike], *, axis: str, label: str, compress: bool = False
) -> str:
    """Which share of the images has at most so much: one rising step line per series (ECDF).

    Args:
        series: Name to numbers; undefined ones are left out.
        axis: Text at the horizontal axis.
        label: Description for screen readers.
        compress: Logarithmic horizontal axis in ``1 + x``.

    Returns:
        An SVG element; a note when there is nothing to draw.

    Example:
        >>> shares({"a": [0, 1], "b": [2, 2]}, axis="errors", label="").count("<path")
        2
    """
    arrays = {name: np.asarray(values, np.float64).ravel() for name, values in series.items()}
    arrays = {name: np.sort(values[np.isfinite(values)]) for name, values in arrays.items()}
    filled = [values for values in arrays.values() if values.size]
    if not filled:
        return nothing()
    ends = _ends(np.concatenate(filled), from_zero=compress)
    horizontal, vertical = scales(ends, (0.0, 1.0), compress, False)
    parts = []
    for index, (name, values) in enumerate(arrays.items()):
        if not values.size:
            continue
        places, counts = np.unique(values, return_counts=True)
        path = [f"M{horizontal(ends[0]):.1f} {vertical(0.0):.1f}"]
        for place, share in zip(places, counts.cumsum() / values.size, strict=True):
            path.append(f"H{horizontal(place):.1f}V{vertical(share):.1f}")
        path.append(f"H{horizontal(ends[1]):.1f}")
        parts.append(
            f'<path fill="none" {stroke(index)} stroke-width="1.8" '
            f'd="{"".join(path)}"><title>{html.escape(name)}</title></path>'
        )
    legend = [name if values.size else None for name, values in arrays.items()]
    return frame(parts, horizontal, vertical, (axis, "share of images"), label, legend)


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    ends: tuple[float, float],
    *,
    axes: tuple[str, str],
    label: str,
    legend: bool = False,
) -> str:
    """Lines over a common axis; undefined places are left out.

    Args:
        series: Name to places (x, y).
        ends: Of the vertical axis.
        axes: Texts at the axes.
        label: Description for screen readers.
        legend: Whether the chart names the lines.

    Returns:
        An SVG element; a note when there is nothing to draw.

    Example:
        >>> both = {"a": [(0, 1.0), (1, 0.5)], "b": [(0, 1.0), (1, math.nan)]}
        >>> lines(both, (0, 1), axes=("iteration", "loss"), label="").count("<polyline")
        2
    """
    known = {
        name: [(x, y) for x, y in places if math.isfinite(y)] for name, places in series.items()
    }
    steps = [x for places in known.values() for x, _ in places]
    if not steps:
        return nothing()
    low, high = min(steps), max(steps)
    across, up = scales((low, high if high > low else low + 1), ends, False, False)
    parts = []
    for index, (name, places) in enumerate(known.items()):
        if not places:
            continue
        drawn = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in places)
        parts.append(
            f'<polyline points="{drawn}" fill="none" {stroke(index)} stroke-width="1.8">'
            f"<title>{html.escape(name)}: {number(places[-1][1])} at the end</title></polyline>"
        )
    named = [name if places else None for name, places in known.items()] if legend else ()
    return frame(parts, across, up, axes, label, named)


def _ends(values: NDArray[np.float64], *, from_zero: bool = False) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if from_zero:
        return min(0.0, low), high * 1.05 if high > 0 else 1.0
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room
