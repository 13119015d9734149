"""Small charts as inline SVG, without a plotting library and without scripts."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, ROW, AXIS = 420, 26, 30


def number(value: float) -> str:
    """A number for readers: three significant digits, no trailing zeros, a dash for NaN.

    Args:
        value: Any number.

    Returns:
        A text.

    Example:
        >>> number(0.98765), number(12.0), number(1234.5), number(float("nan"))
        ('0.988', '12', '1234', '–')
    """
    if not math.isfinite(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def p_value(p: float) -> str:
    """A p-value for readers.

    Args:
        p: In [0, 1]; NaN where nothing was tested.

    Returns:
        A text.

    Example:
        >>> p_value(0.0312), p_value(0.00005), p_value(float("nan"))
        ('0.031', '<0.001', '–')
    """
    if p != p:
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between two ends.

    Args:
        low: One end.
        high: The other end.
        count: About how many.

    Returns:
        Multiples of 1, 2 or 5 times a power of ten; the end alone when both are one.

    Example:
        >>> ticks(0.0, 1.0), ticks(3.0, 17.0)
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [5.0, 10.0, 15.0])
    """
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def histogram(
    values: ArrayLike,
    *,
    mean: float,
    low: float,
    high: float,
    label: str,
    zero: bool = False,
    axis: str = "",
) -> str:
    """Histogram over images with the mean and its interval.

    Args:
        values: Scores; undefined ones are left out.
        mean: Drawn as a line.
        low: Lower end of the interval, drawn as a band.
        high: Upper end.
        label: Description for screen readers.
        zero: Whether to draw a dashed line at 0, for differences.
        axis: Text below the axis.

    Returns:
        An SVG element; a note when there is nothing to draw.

    Example:
        >>> svg = histogram([0.5, 0.7], mean=0.6, low=0.5, high=0.7, label="Dice")
        >>> svg.count('class="bar"'), svg.count('class="band"')
        (2, 1)
    """
    scores = np.asarray(values, np.float64)
    scores = scores[np.isfinite(scores)]
    if not scores.size:
        return '<p class="quiet">nothing to draw: undefined for every image</p>'
    start, end = _range(np.append(scores, 0.0) if zero else scores)
    counts, edges = np.histogram(scores, bins=min(30, max(8, scores.size // 4)), range=(start, end))
    height, top = 110, max(int(counts.max()), 1)

    def x(value: float) -> float:
        # an interval may reach beyond the values
        return 8 + (min(max(value, start), end) - start) / (end - start) * (WIDTH - 16)

    parts = []
    if math.isfinite(low) and math.isfinite(high):
        parts.append(
            f'<rect class="band" x="{x(low):.1f}" y="4" width="{max(x(high) - x(low), 1):.1f}" '
            f'height="{height}"/>'
        )
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            tall = count / top * (height - 8)
            parts.append(
                f'<rect class="bar" x="{x(left) + 0.5:.1f}" y="{height + 4 - tall:.1f}" '
                f'width="{max(x(right) - x(left) - 1, 0.5):.1f}" height="{tall:.1f}"><title>'
                f"{count} images in [{number(left)}, {number(right)}]</title></rect>"
            )
    parts.append(
        f'<line class="mean" x1="{x(mean):.1f}" x2="{x(mean):.1f}" y1="4" y2="{height + 4}">'
        f"<title>mean {number(mean)}</title></line>"
    )
    if zero:
        parts.append(
            f'<line class="axis" stroke-dasharray="4 3" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="4" '
            f'y2="{height + 4}"/>'
        )
    parts.append(_axis(start, end, height + 4))
    if axis:
        parts.append(
            f'<text x="{WIDTH / 2}" y="{height + 4 + AXIS + 4}" text-anchor="middle">'
            f"{html.escape(axis)}</text>"
        )
    return _svg(parts, height + 4 + AXIS + 14 * bool(axis), label)


def boxes(groups: Mapping[str, Sequence[float]], *, label: str) -> str:
    """One horizontal box plot a group: quartiles, whiskers at 5 and 95 %, mean as a dot.

    Args:
        groups: Name to scores; undefined ones are left out.
        label: Description for screen readers.

    Returns:
        An SVG element; a note when there is nothing to draw.

    Example:
        >>> boxes({"road": [0.1, 0.3], "car": [0.2]}, label="Dice").count("<circle")
        2
    """
    arrays = {name: np.asarray(values, np.float64) for name, values in groups.items()}
    arrays = {name: values[np.isfinite(values)] for name, values in arrays.items()}
    filled = [values for values in arrays.values() if values.size]
    if not filled:
        return '<p class="quiet">nothing to draw: undefined for every image</p>'
    start, end = _range(np.concatenate(filled))
    margin = 110

    def x(value: float) -> float:
        return margin + (value - start) / (end - start) * (WIDTH - margin - 12)

    parts = []
    for index, (name, values) in enumerate(arrays.items()):
        middle = index * ROW + ROW / 2 + 2
        shown = name if len(name) <= 16 else name[:15] + "…"
        parts.append(
            f'<text x="{margin - 8}" y="{middle + 4:.1f}" text-anchor="end">{html.escape(shown)}'
            f"<title>{html.escape(name)}</title></text>"
        )
        if not values.size:
            continue
        five, quarter, half, three, ninety = np.percentile(values, [5, 25, 50, 75, 95])
        parts.append(
            f"<g><title>{html.escape(name)}: median {number(half)}, "
            f"quartiles {number(quarter)} to {number(three)}, "
            f"5 to 95 % {number(five)} to {number(ninety)}, n {values.size}</title>"
            f'<line class="whisker" x1="{x(five):.1f}" x2="{x(ninety):.1f}" '
            f'y1="{middle}" y2="{middle}"/>'
            f'<rect class="bar" x="{x(quarter):.1f}" y="{middle - 7}" '
            f'width="{max(x(three) - x(quarter), 1):.1f}" height="14" rx="2"/>'
            f'<line class="median" x1="{x(half):.1f}" x2="{x(half):.1f}" '
            f'y1="{middle - 7}" y2="{middle + 7}"/>'
            f'<circle class="dot" cx="{x(float(values.mean())):.1f}" cy="{middle}" r="3"/></g>'
        )
    bottom = len(arrays) * ROW + 4
    parts.append(_axis(start, end, bottom, left=margin, right=12))
    return _svg(parts, bottom + AXIS, label)


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low - 0.5, high + 0.5
    return low, high


def _axis(start: float, end: float, y: float, *, left: float = 8, right: float = 8) -> str:
    scale = (WIDTH - left - right) / (end - start)
    parts = [f'<line class="axis" x1="{left}" x2="{WIDTH - right}" y1="{y}" y2="{y}"/>']
    for tick in ticks(start, end):
        x = left + (tick - start) * scale
        parts.append(
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 4}"/>'
            f'<text x="{x:.1f}" y="{y + 17}" text-anchor="middle">{number(tick)}</text>'
        )
    return "".join(parts)


def _svg(parts: Sequence[str], height: float, label: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{html.escape(label)}">{"".join(parts)}</svg>'
    )
