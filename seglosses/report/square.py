"""Charts of two shares: reliability diagrams, and precision against recall."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from seglosses.report.axes import COLOURS, diagonal, dot, frame, nothing, scales, stroke


def unit_square(
    series: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    axes: tuple[str, str],
    label: str,
    marks: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A line a series of two shares, both axes from 0 to 1.

    Args:
        series: Name to (x, y), each (n,) in [0, 1].
        axes: Texts at the axes.
        label: Description for screen readers.
        marks: Name to a text a point, shown under the pointer; such series get points, and the
            chart the diagonal on which both shares agree.

    Returns:
        An SVG element; a note when there is nothing to draw.

    Example:
        >>> svg = unit_square({"a": ([0, 1], [0.5, 1])}, axes=("x", "y"), label="", marks={
        ...     "a": ["3 boxes", "1 box"]})
        >>> svg.count("<circle"), svg.count("stroke-dasharray"), "1.2" in svg
        (2, 1, False)
    """
    arrays = {name: np.asarray(at, np.float64) for name, at in series.items()}
    known = {name: at for name, at in arrays.items() if at.size}
    if not known:
        return nothing()
    horizontal, vertical = scales((0.0, 1.0), (0.0, 1.0), False, False)
    parts = [] if marks is None else [diagonal(horizontal, vertical)]
    for index, (name, at) in enumerate(known.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [(horizontal(x), vertical(y)) for x, y in at.T]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(
            f'<path fill="none" {stroke(index)} stroke-width="1.8" d="M{path}">'
            f"<title>{html.escape(name)}</title></path>"
        )
        texts = (marks or {}).get(name, ())
        for (x, y), text in zip(places, texts, strict=False):
            parts.append(dot(x, y, colour, text, size=4.5))
    return frame(parts, horizontal, vertical, axes, label, list(known) if len(known) > 1 else ())
