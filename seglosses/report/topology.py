"""Pictures of topology: which loop is missing, which island is spurious, and both barcodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from seglosses.metrics.pair import Pair
from seglosses.primitives.distance import surface
from seglosses.report.features import Bar, Feature, Kind, feature_region, find_features
from seglosses.report.overlay import (
    GROUND,
    MAX_SIDE,
    MISSING,
    RIGHT,
    SPURIOUS,
    canvas_of,
    fit,
    hatch,
    label_boxes,
    ring,
)
from seglosses.report.volume import projections

MATCHED = (88, 196, 106)
FAINT = (242, 201, 76)
COLOURS: dict[Kind, tuple[int, int, int]] = {
    "matched": MATCHED,
    "faint": FAINT,
    "missing": MISSING,
    "spurious": SPURIOUS,
}
NAMES = ("component", "loop", "cavity")
MAX_REGIONS = 60
MAX_BARS = 24
MIN_WIDTH = 400
_ROW, _GAP = 5, 16


def topology_picture(
    pred: ArrayLike,
    target: ArrayLike,
    image: NDArray[np.uint8] | None = None,
    *,
    connectivity: int | None = None,
    min_length: float = 0.1,
) -> Image.Image:
    """Draw matched and unmatched components and loops on the image, above both barcodes.

    Green dots (components) and squares (loops) lie on what is matched, with a line to the
    counterpart in the label where that is elsewhere. Outlines and rings surround components and
    hatching fills loops that are missing (blue), spurious (orange) or faint (yellow: matched,
    but absent at 1/2).

    Args:
        pred: Mask or probabilities of the foreground, (H, W) or (D, H, W); of a volume the slice
            with most errors is shown, above the view from three sides with every wrong feature: a
            loop as a cycle, a component or a cavity as a whole.
        target: Mask or soft label of that shape.
        image: RGB picture (H, W, 3) to draw on; None for a dark ground.
        connectivity: Of the foreground: 4 or 8, in 3D 6 or 26; None for 8 (26).
        min_length: Unmatched features that are not longer are noise, and left out.

    Returns:
        An RGB picture.

    Example:
        >>> picture = topology_picture([[1, 0, 1]], [[1, 0, 0]])
        >>> picture.mode, picture.width
        ('RGB', 639)
    """
    first, second = (np.asarray(side, np.float32) for side in (pred, target))
    features = find_features(first, second, connectivity=connectivity, min_length=min_length)
    wrong = [f for f in features if f.kind != "matched"]
    shown = sorted(wrong, key=lambda f: -f.bar.length)[:MAX_REGIONS]
    regions = [feature_region(f, first, second, connectivity=connectivity) for f in shown]
    place: int | None = None
    views: Image.Image | None = None
    if first.ndim == 3:
        # what is drawn last lies above: the longest
        marked = [(r, COLOURS[f.kind]) for f, r in zip(shown, regions, strict=True)][::-1]
        views = projections(first, second, marked)
        place = _worst_slice(shown, first.shape)
        image = None
        regions = [region[place] for region in regions]
        first, second = first[place], second[place]
    canvas = canvas_of(Pair(first > 0.5, second > 0.5), image)
    for feature, region in zip(shown, regions, strict=True):
        if feature.dimension > 0:
            hatch(canvas, region.astype(np.int32), COLOURS[feature.kind])
        else:
            canvas[surface(region, border=False)] = COLOURS[feature.kind]
    picture = fit(Image.fromarray(canvas), side=MAX_SIDE)
    draw, scale = ImageDraw.Draw(picture), picture.width / canvas.shape[1]
    for feature, region in zip(shown, regions, strict=True):
        # a ring makes a small component visible; around a large one it would only be in the way
        if feature.dimension == 0 and region.sum() < region.size / 50:
            for box in label_boxes(region.astype(np.int32)):
                ring(draw, box, (0, 0), scale, COLOURS[feature.kind])
    for feature in features:
        if feature.kind == "matched":
            _mark(draw, feature, canvas.shape[:2], place, scale)
    if views is not None:
        picture = _stack(picture, views)
    return _stack(picture, _barcodes(features, max(picture.width, MIN_WIDTH)))


def describe(features: Sequence[Feature]) -> str:
    """Features by kind and dimension in a line of text.

    Args:
        features: Of :func:`seglosses.report.features.find_features`.

    Returns:
        A text.

    Example:
        >>> describe(find_features([[1, 0, 1]], [[1, 0, 0]]))
        'matched: 1 component; spurious: 1 component'
    """
    counts = Counter((feature.kind, feature.dimension) for feature in features)
    parts = []
    for kind in COLOURS:
        words = [
            f"{n} {_plural(name, n)}" for d, name in enumerate(NAMES) if (n := counts[kind, d])
        ]
        parts += [f"{kind}: {', '.join(words)}"] if words else []
    return "; ".join(parts) or "no features"


def _plural(name: str, count: int) -> str:
    return name if count == 1 else {"cavity": "cavities"}.get(name, name + "s")


def _worst_slice(wrong: Sequence[Feature], shape: tuple[int, ...]) -> int:
    slices = [np.unravel_index(f.bar.place, shape)[0] for f in wrong]
    return int(np.bincount(slices).argmax()) if slices else shape[0] // 2


def _mark(
    draw: ImageDraw.ImageDraw,
    feature: Feature,
    shape: tuple[int, ...],
    place: int | None,
    scale: float,
) -> None:
    """A green dot or square at a matched feature, and a line to its place in the label."""
    points = []
    for bar in (feature.pred, feature.target):
        assert bar is not None
        plane, pixel = divmod(bar.place, shape[0] * shape[1])
        if plane != (place or 0):
            return
        row, column = divmod(pixel, shape[1])
        points.append(((column + 0.5) * scale, (row + 0.5) * scale))
    draw.line(points, fill=MATCHED, width=1)
    (x, y), size = points[0], 4
    outline = draw.ellipse if feature.dimension == 0 else draw.rectangle
    outline((x - size, y - size, x + size, y + size), fill=MATCHED, outline=(0, 0, 0))


def _barcodes(features: Sequence[Feature], width: int) -> Image.Image:
    """The bars of prediction and label side by side, from threshold 1 (left) to 0 (right)."""
    half = (width - 3 * _GAP) // 2
    panels = [
        ("prediction", [(f, f.pred) for f in features if f.pred is not None]),
        ("label", [(f, f.target) for f in features if f.target is not None]),
    ]
    heights = [_panel_height([f for f, _ in rows]) for _, rows in panels]
    picture = Image.new("RGB", (width, max(heights) + 3 * _GAP), GROUND)
    draw = ImageDraw.Draw(picture)
    for index, (title, rows) in enumerate(panels):
        _panel(draw, rows, title, _GAP + index * (half + _GAP), half)
    return picture


def _panel_height(features: Sequence[Feature]) -> int:
    counts = Counter(f.dimension for f in features)
    return sum(min(n, MAX_BARS) * _ROW + 2 * _GAP for n in counts.values())


def _panel(
    draw: ImageDraw.ImageDraw,
    rows: Sequence[tuple[Feature, Bar]],
    title: str,
    left: int,
    width: int,
) -> None:
    draw.text((left, 4), f"{title}, threshold 1 to 0", fill=RIGHT)
    y = 4 + _GAP
    for dim, name in enumerate(NAMES):
        mine = [(feature, bar) for feature, bar in rows if feature.dimension == dim]
        if not mine:
            continue
        mine.sort(key=lambda row: -row[1].length)
        more = f", the longest {MAX_BARS} drawn" if len(mine) > MAX_BARS else ""
        draw.text((left, y), f"{len(mine)} {_plural(name, len(mine))}{more}", fill=RIGHT)
        y += _GAP
        for feature, bar in mine[:MAX_BARS]:
            ends = [left + (1 - min(max(end, 0.0), 1.0)) * width for end in (bar.birth, bar.death)]
            draw.line((ends[0], y, max(ends[1], ends[0] + 1), y), COLOURS[feature.kind], 3)
            y += _ROW
        y += _GAP


def _stack(upper: Image.Image, lower: Image.Image) -> Image.Image:
    width = max(upper.width, lower.width)
    picture = Image.new("RGB", (width, upper.height + lower.height), GROUND)
    picture.paste(upper, (0, 0))
    picture.paste(lower, (0, upper.height))
    return picture
