"""Charts with two axes as inline SVG: points, and rising steps."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seglosses.report.charts import number, ticks

COLOURS = (
    "#4a6ea4", "#daa414", "#149214", "#b6146e", "#80a4c8", "#6e5c14",
    "#a46efe", "#38c880", "#c86e6e", "#3838fe", "#fe80fe", "#9214c8",
)  # fmt: skip
"""Of the series, in order; the thirteenth is again the first. Found by search: the least distance
of two in OKLab is 0.16, under protanopia and deuteranopia 0.08, and the contrast of each is at
least 2 on white and on the dark page."""

_SHORT = 24
ROW = 15
"""Pixels from one line of text to the next."""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 300, 52, 12, 10, 42


@dataclass(frozen=True)
class Scale:
    """From numbers to pixels of an axis.

    Attributes:
        low: Number at the first pixel.
        high: Number at the last pixel.
        first: First pixel.
        last: Last pixel.
        compress: Logarithmic in ``1 + x``, for counts from zero to thousands.
    """

    low: float
    high: float
    first: float
    last: float
    compress: bool = False

    def __call__(self, value: float) -> float:
        """Pixel of a number."""
        bend: Callable[[float], float] = math.log1p if self.compress else float
        share = (bend(value) - bend(self.low)) / (bend(self.high) - bend(self.low))
        return self.first + share * (self.last - self.first)

    def ticks(self) -> list[float]:
        """Round numbers between the ends.

        Returns:
            Numbers in order.

        Example:
            >>> Scale(0, 20, 0, 100, compress=True).ticks()
            [0.0, 1.0, 3.0, 10.0]
        """
        if not self.compress:
            return ticks(self.low, self.high)
        steps = [0.0, *(f * 10.0**e for e in range(7) for f in (1, 3))]
        return [step for step in steps if self.low <= step <= self.high]


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
    """One named point a series, with a vertical interval.

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
    """Which share of the images has at most so much: one rising step line a series (ECDF).

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
            f'<path fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.8" '
            f'd="{"".join(path)}"><title>{html.escape(name)}</title></path>'
        )
    legend = [name if values.size else None for name, values in arrays.items()]
    return frame(parts, horizontal, vertical, (axis, "share of images"), label, legend)


def diagonal(across: Scale, up: Scale) -> str:
    """A dashed line where both numbers are equal."""
    return (
        f'<line class="axis" stroke-dasharray="4 3" x1="{across(across.low):.1f}" '
        f'y1="{up(across.low):.1f}" x2="{across(across.high):.1f}" y2="{up(across.high):.1f}"/>'
    )


def nothing() -> str:
    """What stands in place of a chart without a point."""
    return '<p class="quiet">nothing to draw: undefined for every image</p>'


def _ends(values: NDArray[np.float64], *, from_zero: bool = False) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if from_zero:
        return min(0.0, low), high * 1.05 if high > 0 else 1.0
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def scales(
    across: tuple[float, float], up: tuple[float, float], bend_x: bool, bend_y: bool
) -> tuple[Scale, Scale]:
    """Both axes, from the ends of their numbers, and whether they are logarithmic."""
    return (
        Scale(*across, first=LEFT, last=WIDTH - RIGHT, compress=bend_x),
        Scale(*up, first=HEIGHT - BOTTOM, last=TOP, compress=bend_y),
    )


def dot(
    x: float, y: float, colour: str, text: str, *, size: float = 3.2, opacity: float = 1.0
) -> str:
    """A point, in pixels of the chart, whose text stands under the pointer."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour}" fill-opacity="{opacity}">'
        f"<title>{html.escape(text)}</title></circle>"
    )


def frame(
    parts: Sequence[str],
    across: Scale,
    up: Scale,
    axes: tuple[str, str],
    label: str,
    legend: Sequence[str | None] = (),
) -> str:
    """The chart: axes with numbers and texts, and what is drawn on them, as one SVG element.

    ``legend`` names the series in the order of their colours, below the chart where they cover
    nothing; None leaves one out.
    """
    floor, wall = HEIGHT - BOTTOM, LEFT
    lines = [
        f'<line class="axis" x1="{wall}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>',
        f'<line class="axis" x1="{wall}" x2="{wall}" y1="{TOP}" y2="{floor}"/>',
    ]
    for tick in across.ticks():
        lines.append(
            f'<line class="axis" x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="{floor}" '
            f'y2="{floor + 4}"/><text x="{across(tick):.1f}" y="{floor + 16}" '
            f'text-anchor="middle">{number(tick)}</text>'
        )
    for tick in up.ticks():
        lines.append(
            f'<line class="axis" x1="{wall - 4}" x2="{wall}" y1="{up(tick):.1f}" '
            f'y2="{up(tick):.1f}"/><text x="{wall - 7}" y="{up(tick) + 4:.1f}" '
            f'text-anchor="end">{number(tick)}</text>'
        )
    middle = (TOP + floor) / 2
    lines.append(
        f'<text x="{(wall + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f'{html.escape(axes[0])}</text><text transform="translate(12 {middle}) rotate(-90)" '
        f'text-anchor="middle">{html.escape(axes[1])}</text>'
    )
    names, high = _legend(legend)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT + high}" role="img" '
        f'aria-label="{html.escape(label)}">{"".join([*lines, *parts, *names])}</svg>'
    )


def _legend(names: Sequence[str | None]) -> tuple[list[str], int]:
    """Elements below the chart, and the pixels that they need."""
    shown = [(index, name) for index, name in enumerate(names) if name is not None]
    columns = 2 if all(len(name) <= _SHORT for _, name in shown) else 1
    parts = []
    for place, (index, name) in enumerate(shown):
        row, column = divmod(place, columns)
        x, y = LEFT + column * (WIDTH - LEFT) // 2, HEIGHT + 10 + ROW * row
        parts.append(
            f'<line stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="3" x1="{x}" '
            f'x2="{x + 16}" y1="{y - 4}" y2="{y - 4}"/><text x="{x + 22}" y="{y}">'
            f"{html.escape(name)}</text>"
        )
    return parts, ROW * -(-len(shown) // columns) + 4 if shown else 0
