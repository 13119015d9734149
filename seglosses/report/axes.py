"""The frame of a chart with two axes as inline SVG: scales, colours, numbers and legend."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seglosses.report.charts import number, ticks

COLOURS = (
    "#4a6ea4", "#daa414", "#149214", "#b6146e", "#80a4c8", "#6e5c14",
    "#a46efe", "#38c880", "#c86e6e", "#3838fe", "#fe80fe", "#9214c8",
)  # fmt: skip
"""Of the series, in order; the thirteenth is again the first, dashed. Found by search: the least
distance of two in OKLab is 0.16, under protanopia and deuteranopia 0.08, and the contrast of each
is at least 2 on white and on the dark page."""

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


def stroke(index: int) -> str:
    """Attributes of the line of a series; from the thirteenth on lines are dashed.

    Args:
        index: Of the series.

    Returns:
        Of an SVG element.

    Example:
        >>> stroke(0), stroke(12)
        ('stroke="#4a6ea4"', 'stroke="#4a6ea4" stroke-dasharray="5 3"')
    """
    turn, place = divmod(index, len(COLOURS))
    dashes = ("", ' stroke-dasharray="5 3"', ' stroke-dasharray="1.5 3"')[min(turn, 2)]
    return f'stroke="{COLOURS[place]}"{dashes}'


def diagonal(across: Scale, up: Scale) -> str:
    """A dashed line where both numbers are equal."""
    return (
        f'<line class="axis" stroke-dasharray="4 3" x1="{across(across.low):.1f}" '
        f'y1="{up(across.low):.1f}" x2="{across(across.high):.1f}" y2="{up(across.high):.1f}"/>'
    )


def nothing() -> str:
    """What stands in place of a chart without a point."""
    return '<p class="quiet">nothing to draw: undefined for every image</p>'


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
            f'<line {stroke(index)} stroke-width="3" x1="{x}" '
            f'x2="{x + 16}" y1="{y - 4}" y2="{y - 4}"/><text x="{x + 22}" y="{y}">'
            f"{html.escape(name)}</text>"
        )
    return parts, ROW * -(-len(shown) // columns) + 4 if shown else 0
