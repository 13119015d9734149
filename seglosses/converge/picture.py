"""Curves of error over steps as an SVG document."""

from __future__ import annotations

import html
import math

import numpy as np
from numpy.typing import NDArray

#: A variant (after the comma) has the colour of its loss, dashed where both are drawn.
COLOURS = {
    "IoU": "#1b6ca8",
    "GIoU": "#d1495b",
    "DIoU": "#2e8b57",
    "CIoU": "#e08e0b",
    "CIoU ungated": "#6a4c93",
    "EfficientIoU": "#00a5b5",
    "SIoU": "#8d5524",
    "ShapeIoU": "#c71585",
    "MPDIoU": "#708090",
    "AlphaIoU": "#8fbc1a",
    "InnerIoU": "#ff9f80",
    "WiseIoU v1": "#7aa6e8",
    "NWD": "#000000",
}
WIDTH, HEIGHT, LEFT, TOP, LEGEND = 600, 400, 56, 16, 200


def draw(curves: dict[str, NDArray[np.float64]]) -> str:
    """Curves of mean error over steps; the legend goes from the worst end to the best.

    Args:
        curves: Name to errors before and after each step.

    Returns:
        An SVG document.

    Example:
        >>> draw({"IoU": np.array([2.0, 1.0])}).count("<polyline")
        1
    """
    steps = max(len(errors) for errors in curves.values()) - 1
    most = max(float(errors.max()) for errors in curves.values())
    total = LEFT + WIDTH + LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {HEIGHT + 60}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{total}" height="{HEIGHT + 60}" fill="#ffffff"/>',
    ]
    unit = _unit(most)
    for mark in np.arange(0, most, unit):
        line = TOP + HEIGHT * (1 - mark / most)
        parts.append(
            f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{line:.1f}" y2="{line:.1f}"'
            ' stroke="#dddddd"/>'
            f'<text x="{LEFT - 6}" y="{line + 4:.1f}" text-anchor="end">{mark:g}</text>'
        )
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(
            f'<text x="{LEFT + WIDTH * share}" y="{TOP + HEIGHT + 18}" text-anchor="middle">'
            f"{steps * share:g}</text>"
        )
    parts.append(
        f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 38}" text-anchor="middle">step</text>'
        f'<text transform="translate(16,{TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        "mean L1 error</text>"
        f'<text x="{LEFT + WIDTH + 16}" y="{TOP + 10}">error at the end</text>'
    )
    for index, name in enumerate(sorted(curves, key=lambda name: -curves[name][-1])):
        base = name.partition(",")[0]
        dash = ' stroke-dasharray="6 3"' if base != name and base in curves else ""
        stroke = f'stroke="{COLOURS.get(base, "#444444")}" stroke-width="2"{dash}'
        points = " ".join(
            f"{LEFT + WIDTH * step / max(steps, 1):.1f},{TOP + HEIGHT * (1 - error / most):.1f}"
            for step, error in enumerate(curves[name])
        )
        parts.append(f'<polyline points="{points}" fill="none" {stroke}/>')
        x, y = LEFT + WIDTH + 16, TOP + 30 + 20 * index
        parts.append(f'<line x1="{x}" x2="{x + 22}" y1="{y - 4}" y2="{y - 4}" {stroke}/>')
        text = f"{html.escape(name)}: {curves[name][-1]:.3f}"
        parts.append(f'<text x="{x + 28}" y="{y}">{text}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _unit(most: float) -> float:
    """A round number of which about four fit."""
    power = 10.0 ** math.floor(math.log10(max(most, 1e-12) / 4))
    return next(power * k for k in (1, 2, 5, 10) if most / (power * k) <= 5)
