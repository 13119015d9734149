"""What the marks of a picture of topology mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seglosses.report.drawing import Drawing
from seglosses.report.features import Feature
from seglosses.report.kinds import COLOURS, NAMES
from seglosses.report.overlay import RIGHT

#: Style, kind and dimension; pixels have the dimension -1.
Entry = tuple[str, str, int]


def at_half(feature: Feature) -> bool:
    """Whether a wrong feature is there when its map is cut at 1/2.

    Args:
        feature: Missing, spurious or faint.

    Returns:
        True for every feature of a mask.
    """
    return feature.bar.death <= 0.5 < feature.bar.birth


def entries_of(
    features: Sequence[Feature],
    weak: Sequence[Feature],
    pred: NDArray[np.bool_],
    target: NDArray[np.bool_],
) -> list[Entry]:
    """Style, kind and dimension of everything that is drawn.

    Args:
        features: All features.
        weak: Those with hollow marks.
        pred: The prediction at 1/2, as it is shown.
        target: The label at 1/2.

    Returns:
        Entries of a legend; pixels where some are wrong.

    Example:
        >>> none = np.zeros((1, 1), bool)
        >>> entries_of([], [], none, ~none)
        [('full', 'missing', -1)]
    """
    entries: list[Entry] = []
    wrong = {"missing": target & ~pred, "spurious": pred & ~target}
    for kind in COLOURS:
        for dim in range(len(NAMES)):
            mine = [f for f in features if f.kind == kind and f.dimension == dim]
            if kind == "matched" and mine:
                entries.append(("full", kind, dim))
            elif any(at_half(f) for f in mine):
                entries.append(("region", kind, dim))
            if any(f.kind == kind and f.dimension == dim for f in weak):
                entries.append(("hollow", kind, dim))
        if kind in wrong and wrong[kind].any():
            entries.append(("full", kind, -1))
    return entries


def draw_entry(drawing: Drawing, entry: Entry, x: float, y: float) -> None:
    """Draw a mark and its words.

    Args:
        drawing: Where.
        entry: Of :func:`entries_of`.
        x: Left side, pixels.
        y: Top, pixels.
    """
    style, kind, dim = entry
    colour = next(shade for name, shade in COLOURS.items() if name == kind)
    box = (x, y + 2, x + 9, y + 11)
    draw = drawing.ellipse if dim == 0 else drawing.rectangle
    name = NAMES[dim] if dim >= 0 else "pixels"
    words = f"{kind} {name}" if kind != "faint" else f"matched {name}, not at 1/2"
    if style == "full":
        draw(box, fill=colour)
    else:
        draw(box, outline=colour, width=2 if style == "region" else 1)
        if style == "region" and dim > 0:
            drawing.line((x, y + 11, x + 9, y + 2), colour)
    if style == "hollow" and kind != "faint":
        words += ", not at 1/2"
    drawing.text(x + 15, y, words, RIGHT, 11)
