"""Pictures of topology: which loop is missing, which island is spurious, and both barcodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy import ndimage

from seglosses.metrics.pair import Pair
from seglosses.primitives.distance import surface
from seglosses.report.barcodes import draw_barcodes, panel_height
from seglosses.report.drawing import Drawing
from seglosses.report.features import Feature, feature_region, find_features
from seglosses.report.kinds import COLOURS, FAINT, MATCHED, NAMES, plural
from seglosses.report.overlay import GROUND, MAX_SIDE, RIGHT, canvas_of, fit, hatch, label_boxes
from seglosses.report.topology_legend import at_half, draw_entry, entries_of
from seglosses.report.volume import enlarged, fullest_slice, projections, shaded

__all__ = ["COLOURS", "FAINT", "MATCHED", "describe", "topology_drawing", "topology_picture"]

MAX_REGIONS = 60
MAX_WEAK = 80
MIN_WIDTH = 400
HEADER = 60
_ENTRY, _GAP, _COLUMN = 18, 16, 220


def topology_picture(
    pred: ArrayLike,
    target: ArrayLike,
    image: NDArray[np.uint8] | None = None,
    *,
    connectivity: int | None = None,
    min_length: float = 0.1,
    title: str = "",
) -> Image.Image:
    """:func:`topology_drawing` as an RGB picture.

    Args:
        pred: As there.
        target: As there.
        image: As there.
        connectivity: As there.
        min_length: As there.
        title: As there.

    Returns:
        Pixels.

    Example:
        >>> picture = topology_picture([[1, 0, 1]], [[1, 0, 0]])
        >>> picture.mode, picture.width
        ('RGB', 639)
    """
    return topology_drawing(
        pred, target, image, connectivity=connectivity, min_length=min_length, title=title
    ).image()


def topology_drawing(
    pred: ArrayLike,
    target: ArrayLike,
    image: NDArray[np.uint8] | None = None,
    *,
    connectivity: int | None = None,
    min_length: float = 0.1,
    title: str = "",
) -> Drawing:
    """Draw matched and unmatched components and loops on the image, above legend and barcodes.

    Green dots (components) and squares (loops) lie on what is matched, with a line to the
    counterpart in the label where that is elsewhere. Outlines surround components, with a ring
    around small ones, and hatching fills loops that are missing (blue), spurious (orange) or faint
    (yellow: matched, but absent at 1/2). Of probabilities, hollow marks are what is wrong at other
    thresholds only, and the ground is the map itself.

    Args:
        pred: Mask or probabilities of the foreground, (H, W) or (D, H, W); of a volume the slice
            through most wrong features is shown, above the view from three sides with every wrong
            feature: a loop as a cycle, a component or a cavity as a whole. A line there is the
            slice.
        target: Mask or soft label of that shape.
        image: RGB picture (H, W, 3) to draw on; None for a dark ground.
        connectivity: Of the foreground: 4 or 8, in 3D 6 or 26; None for 8 (26).
        min_length: Unmatched features that are not longer are noise, and left out.
        title: First line; below it stands what is found.

    Returns:
        A drawing, as pixels or SVG.
    """
    first, second = (np.asarray(side, np.float32) for side in (pred, target))
    features = find_features(first, second, connectivity=connectivity, min_length=min_length)
    wrong = sorted((f for f in features if f.kind != "matched"), key=lambda f: -f.bar.length)
    shown = [f for f in wrong if at_half(f)][:MAX_REGIONS]
    weak = [f for f in wrong if not at_half(f)][:MAX_WEAK]
    regions = [
        feature_region(f, first, second, connectivity=connectivity, least=0.5) for f in shown
    ]
    place: int | None = None
    views: Image.Image | None = None
    if first.ndim == 3:
        depth = len(first)
        place = fullest_slice(regions, depth)
        views = projections(first, second, _marked(shown, regions), plane=place)
        image = None
        regions = [region[place] for region in regions]
        first, second = first[place], second[place]
    if image is None and not np.isin(first, (0, 1)).all():
        grey = np.clip(255 * first, 0, 255).astype(np.uint8)
        image = np.repeat(grey[..., None], 3, axis=2)
    shape = first.shape
    canvas = canvas_of(Pair(first > 0.5, second > 0.5), image)
    if place is not None:
        # outlines of a voxel's width would hide what is in a small slice
        canvas, *regions = enlarged(canvas, *regions)
    for feature, region in zip(shown, regions, strict=True):
        if feature.dimension > 0:
            hatch(canvas, region.astype(np.int32), COLOURS[feature.kind])
        else:
            canvas[_outline(region)] = COLOURS[feature.kind]
    picture = fit(Image.fromarray(canvas), side=MAX_SIDE)
    width = max(picture.width, MIN_WIDTH)
    entries = entries_of(features, weak, first > 0.5, second > 0.5)
    columns = max(1, (width - 2 * _GAP) // _COLUMN)
    lines = -(-len(entries) // columns)
    below = HEADER + picture.height + (views.height if views is not None else 0)
    height = below + _GAP // 2 + lines * _ENTRY + panel_height(features)
    heading = title or "Prediction against label"
    wide = width if views is None else max(width, views.width)
    drawing = Drawing(wide, height, GROUND, heading)
    drawing.text(8, 6, drawing.fitting(heading, width - 16, 16), RIGHT, 16)
    for number, line in enumerate(_wrapped(drawing, describe(features), width - 16)):
        drawing.text(8, 27 + 15 * number, line, RIGHT)
    drawing.picture(picture, 0, HEADER)
    for feature, region in zip(shown, regions, strict=True):
        if feature.dimension == 0:
            _rings(drawing, region, picture.width / canvas.shape[1], COLOURS[feature.kind])
    scale = picture.width / shape[1]
    for feature in weak:
        _hollow(drawing, feature, shape, place, scale)
    for feature in features:
        if feature.kind == "matched" and feature.bar.length > min_length:
            _mark(drawing, feature, shape, place, scale)
    if views is not None:
        drawing.picture(views, 0, HEADER + picture.height)
        caption = f"slice {place} of 0 to {depth - 1} (axis 0): the line below"
        drawing.text(8, HEADER + 4, caption, RIGHT, 11)
    for number, entry in enumerate(entries):
        row, column = divmod(number, columns)
        draw_entry(drawing, entry, _GAP + _COLUMN * column, below + _GAP // 2 + row * _ENTRY)
    draw_barcodes(drawing, features, below + _GAP // 2 + lines * _ENTRY)
    return drawing


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
        words = [f"{n} {plural(name, n)}" for d, name in enumerate(NAMES) if (n := counts[kind, d])]
        parts += [f"{kind}: {', '.join(words)}"] if words else []
    return "; ".join(parts) or "no features"


def _marked(
    shown: Sequence[Feature], regions: Sequence[NDArray[np.bool_]]
) -> list[tuple[NDArray[np.bool_], tuple[int, int, int]]]:
    """Regions and colours for projections; what comes last lies above: loops, then the longest.

    A cycle would not be seen on a component of its colour, which is therefore darker.
    """
    found = [(f.dimension == 1, r, COLOURS[f.kind]) for f, r in zip(shown, regions, strict=True)]
    found = sorted(found[::-1], key=lambda mark: mark[0])
    return [(r, colour if loop else shaded(colour)) for loop, r, colour in found]


def _wrapped(drawing: Drawing, text: str, room: float) -> list[str]:
    """At most two lines, broken where a kind ends."""
    first, rest = "", text.split("; ")
    while rest and drawing.fitting(first + rest[0] + ";", room) == first + rest[0] + ";":
        first += rest.pop(0) + "; "
    return [line for line in (first.rstrip("; "), drawing.fitting("; ".join(rest), room)) if line]


def _outline(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The edge of a component, and the pixels around it where it is thin."""
    edge = surface(region, border=False)
    return np.asarray(edge | (ndimage.binary_dilation(region) & ~region))


def _rings(
    drawing: Drawing, region: NDArray[np.bool_], scale: float, colour: tuple[int, int, int]
) -> None:
    """A ring around a small component; around a large one it would only be in the way."""
    for top, left, bottom, right in label_boxes(region.astype(np.int32)):
        if max(bottom - top, right - left) > max(region.shape) / 8:
            continue
        y, x = HEADER + (top + bottom + 1) / 2 * scale, (left + right + 1) / 2 * scale
        tall, wide = (max(7.0, 0.7 * scale * (n + 1)) for n in (bottom - top, right - left))
        for more, shade, stroke in ((1, (0, 0, 0), 1), (0, colour, 2)):
            box = (x - wide - more, y - tall - more, x + wide + more, y + tall + more)
            drawing.ellipse(box, outline=shade, width=stroke)


def _point(
    place: int, shape: tuple[int, ...], plane: int | None, scale: float
) -> tuple[float, float] | None:
    """Where a flat index lies in the drawing; None in another slice."""
    slice_, pixel = divmod(place, shape[0] * shape[1])
    if slice_ != (plane or 0):
        return None
    row, column = divmod(pixel, shape[1])
    return (column + 0.5) * scale, HEADER + (row + 0.5) * scale


def _hollow(
    drawing: Drawing,
    feature: Feature,
    shape: tuple[int, ...],
    plane: int | None,
    scale: float,
) -> None:
    at = _point(feature.bar.place, shape, plane, scale)
    if at is not None:
        box = (at[0] - 3, at[1] - 3, at[0] + 3, at[1] + 3)
        draw = drawing.ellipse if feature.dimension == 0 else drawing.rectangle
        draw(box, outline=COLOURS[feature.kind])


def _mark(
    drawing: Drawing,
    feature: Feature,
    shape: tuple[int, ...],
    plane: int | None,
    scale: float,
) -> None:
    """A green dot or square at a matched feature, and a line to its place in the label."""
    points = []
    for bar in (feature.pred, feature.target):
        assert bar is not None
        at = _point(bar.place, shape, plane, scale)
        if at is None:
            return
        points.append(at)
    (x, y), other = points
    if other != (x, y):
        drawing.line((x, y, *other), MATCHED)
    outline = drawing.ellipse if feature.dimension == 0 else drawing.rectangle
    outline((x - 4, y - 4, x + 4, y + 4), fill=MATCHED, outline=(0, 0, 0))
