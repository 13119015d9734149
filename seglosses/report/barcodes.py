"""The bars of a prediction and of a label side by side, from threshold 1 (left) to 0 (right)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from seglosses.report.drawing import Drawing
from seglosses.report.features import Bar, Feature
from seglosses.report.kinds import COLOURS, NAMES, plural
from seglosses.report.overlay import RIGHT

MAX_BARS = 24
_ROW, _GAP = 5, 16


def panel_height(features: Sequence[Feature]) -> int:
    """Height of the higher one of both panels.

    Args:
        features: All of them.

    Returns:
        Pixels.
    """
    heights = []
    for side in ("pred", "target"):
        counts = Counter(f.dimension for f in features if getattr(f, side) is not None)
        heights.append(sum(min(n, MAX_BARS) * _ROW + 2 * _GAP for n in counts.values()))
    return max(heights) + 3 * _GAP


def draw_barcodes(drawing: Drawing, features: Sequence[Feature], top: float) -> None:
    """Both panels.

    Args:
        drawing: What to draw on.
        features: All of them.
        top: Where the panels begin.
    """
    half = (drawing.width - 3 * _GAP) // 2
    panels = [
        ("prediction", [(f, f.pred) for f in features if f.pred is not None]),
        ("label", [(f, f.target) for f in features if f.target is not None]),
    ]
    for index, (title, rows) in enumerate(panels):
        _panel(drawing, rows, title, _GAP + index * (half + _GAP), half, top)


def _panel(
    drawing: Drawing,
    rows: Sequence[tuple[Feature, Bar]],
    title: str,
    left: int,
    width: int,
    top: float,
) -> None:
    drawing.text(left, top + 4, f"{title}, threshold 1 to 0", RIGHT, 11)
    y = top + 4 + _GAP
    for dim, name in enumerate(NAMES):
        mine = [(feature, bar) for feature, bar in rows if feature.dimension == dim]
        if not mine:
            continue
        mine.sort(key=lambda row: -row[1].length)
        more = f", the longest {MAX_BARS} drawn" if len(mine) > MAX_BARS else ""
        drawing.text(left, y, f"{len(mine)} {plural(name, len(mine))}{more}", RIGHT, 11)
        y += _GAP
        for feature, bar in mine[:MAX_BARS]:
            ends = [left + (1 - min(max(end, 0.0), 1.0)) * width for end in (bar.birth, bar.death)]
            drawing.line((ends[0], y, max(ends[1], ends[0] + 1), y), COLOURS[feature.kind], 3)
            y += _ROW
        y += _GAP
