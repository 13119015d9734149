"""Pictures of what is wrong: coloured pixels, and marks on missing and spurious structures."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seglosses.metrics.pair import Pair
from seglosses.metrics.structures import structure_errors
from seglosses.primitives.distance import surface
from seglosses.topology import label_components
from seglosses.topology.skeleton import skeletonize

RIGHT = (226, 228, 232)
MISSING = (60, 140, 255)
SPURIOUS = (255, 122, 26)
GROUND = (34, 37, 43)
MAX_SIDE = 640
MAX_RINGS = 120


def error_overlay(pair: Pair, image: NDArray[np.uint8] | None = None) -> Image.Image:
    """Colour right, missing and spurious pixels, and mark the structures that have no partner.

    Rings surround small components, hatching fills holes; blue is missing, orange is spurious.

    Args:
        pair: The two masks; of a volume the slice with most wrong pixels is shown.
        image: RGB picture (H, W, 3) to draw on; None for a dark ground.

    Returns:
        An RGB picture, enlarged when small, reduced when its longer side exceeds 640 pixels.

    Example:
        >>> pair = Pair([[1, 1, 0]], [[0, 1, 1]])
        >>> picture = error_overlay(pair)  # enlarged 128 times
        >>> [picture.getpixel((x, 64)) for x in (10, 200, 380)] == [SPURIOUS, RIGHT, MISSING]
        True
    """
    flat = pair if len(pair.shape) == 2 else slice_pair(pair, worst_slice(pair))
    canvas = canvas_of(flat, image)
    errors = structure_errors(flat)
    window = canvas[flat.box]
    hatch(window, errors.missing_holes, MISSING)
    hatch(window, errors.spurious_holes, SPURIOUS)
    picture = fit(Image.fromarray(canvas))
    scale = picture.width / canvas.shape[1]
    draw = ImageDraw.Draw(picture)
    origin = (flat.box[0].start, flat.box[1].start)
    for labels, colour in (
        (errors.missing_components, MISSING),
        (errors.spurious_components, SPURIOUS),
    ):
        for box in label_boxes(labels)[:MAX_RINGS]:
            # a ring shows where something small is; a large one hides what else is there
            if max(box[2] - box[0], box[3] - box[1]) <= max(flat.shape) / 8:
                ring(draw, box, origin, scale, colour)
    return picture


def mask_picture(
    mask: NDArray[np.bool_], photo: NDArray[np.uint8] | None = None, *, rings: int = MAX_RINGS
) -> Image.Image:
    """A mask with its centre line in blue, and orange rings around all but its largest component.

    Args:
        mask: Of one class, (H, W).
        photo: RGB picture (H, W, 3) to draw on; None for a dark ground.
        rings: Most components to surround, the smallest first.

    Returns:
        An RGB picture, enlarged or reduced as that of :func:`error_overlay`.

    Example:
        >>> picture = mask_picture(np.array([[0, 1, 0]], bool))  # enlarged 128 times
        >>> [picture.getpixel((x, 64)) for x in (10, 200)] == [GROUND, MISSING]
        True
    """
    canvas = np.empty((*mask.shape, 3), np.float64)
    canvas[:] = GROUND
    strength = 1.0
    if photo is not None:
        canvas = 0.6 * photo.astype(np.float64)
        strength = 0.45
    canvas[mask] = (1 - strength) * canvas[mask] + strength * np.array(RIGHT, np.float64)
    canvas[skeletonize(mask)] = MISSING
    picture = fit(Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8)))
    labels, count = label_components(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    small = np.argsort(sizes[1:])[: min(rings, max(count - 1, 0))] + 1
    draw = ImageDraw.Draw(picture)
    scale = picture.width / mask.shape[1]
    for box in label_boxes(np.where(np.isin(labels, small), labels, 0).astype(np.int32)):
        ring(draw, box, (0, 0), scale, SPURIOUS)
    return picture


def hatch(
    canvas: NDArray[np.uint8], labels: NDArray[np.int32], colour: tuple[int, int, int]
) -> None:
    """Stripe the labelled regions and trace their outlines, in place.

    Args:
        canvas: RGB picture (H, W, 3), changed.
        labels: Regions, above 0, (H, W).
        colour: Of stripes and outlines.
    """
    region = labels > 0
    rows, columns = np.indices(labels.shape, sparse=True)
    canvas[region & ((rows + columns) % 7 < 2)] = colour
    canvas[surface(region, border=False)] = colour


def worst_slice(pair: Pair) -> int:
    """Index along the first axis of the slice of a volume with most wrong pixels.

    Args:
        pair: Masks of a volume.

    Returns:
        An index.

    Example:
        >>> worst_slice(Pair([[[1, 1]], [[1, 1]]], [[[1, 1]], [[1, 0]]]))
        1
    """
    pred, target = pair.uncropped()
    return int(np.argmax((pred != target).sum(axis=(1, 2))))


def slice_pair(pair: Pair, index: int) -> Pair:
    """One slice of a volume as a pair of its own.

    Args:
        pair: Masks of a volume.
        index: Along the first axis.

    Returns:
        A pair in 2D, with the connectivity that belongs to that of the volume.

    Example:
        >>> slice_pair(Pair([[[0, 0]], [[1, 1]]], [[[0, 0]], [[1, 0]]]), 1).false_positives
        1
    """
    pred, target = pair.uncropped()
    connectivity = None if pair.connectivity is None else {26: 8, 6: 4}[pair.connectivity]
    return Pair(pred[index], target[index], connectivity=connectivity)


def canvas_of(pair: Pair, image: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Right, missing and spurious pixels in colour, on a picture or on a dark ground.

    Args:
        pair: Two masks, 2D.
        image: RGB picture (H, W, 3) to draw on; None for a dark ground.

    Returns:
        RGB picture in the size of the masks.

    Example:
        >>> pair = Pair([[1, 1, 0]], [[0, 1, 1]])
        >>> canvas_of(pair, None)[0].tolist() == [list(SPURIOUS), list(RIGHT), list(MISSING)]
        True
    """
    pred, target = pair.uncropped()
    if image is None:
        canvas = np.empty((*pair.shape, 3), np.float64)
        canvas[:] = GROUND
        strength = {"right": 1.0, "wrong": 1.0}
    else:
        grey = image.astype(np.float64).mean(axis=2, keepdims=True)
        canvas = 0.55 * (0.5 * image + 0.5 * grey)
        strength = {"right": 0.35, "wrong": 0.85}
    for mask, colour, kind in (
        (pred & target, RIGHT, "right"),
        (target & ~pred, MISSING, "wrong"),
        (pred & ~target, SPURIOUS, "wrong"),
    ):
        part = strength[kind]
        canvas[mask] = (1 - part) * canvas[mask] + part * np.array(colour, np.float64)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def label_boxes(labels: NDArray[np.int32]) -> list[tuple[int, int, int, int]]:
    """Bounding boxes (top, left, bottom, right) of labels, largest first.

    Args:
        labels: Regions, above 0, (H, W).

    Returns:
        Indices of the first and last rows and columns.

    Example:
        >>> label_boxes(np.array([[1, 0, 2, 2]]))
        [(0, 2, 0, 3), (0, 0, 0, 0)]
    """
    rows, columns = np.nonzero(labels)
    values = labels[rows, columns]
    boxes = []
    for value in np.unique(values):
        mine = values == value
        y, x = rows[mine], columns[mine]
        boxes.append((mine.sum(), (int(y.min()), int(x.min()), int(y.max()), int(x.max()))))
    return [box for _, box in sorted(boxes, key=lambda item: -int(item[0]))]


def ring(
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    origin: tuple[int, int],
    scale: float,
    colour: tuple[int, int, int],
) -> None:
    """Surround a box (top, left, bottom, right) of unscaled pixels.

    Args:
        draw: What to draw on.
        box: Rows and columns, before scaling.
        origin: Row and column that the box starts from.
        scale: Pixels of the drawing a pixel of the box.
        colour: Of the ring.
    """
    top, left, bottom, right = box
    y, x = (
        (origin[0] + (top + bottom + 1) / 2) * scale,
        (origin[1] + (left + right + 1) / 2) * scale,
    )
    half_y, half_x = (max(7.0, 0.7 * scale * (size + 1)) for size in (bottom - top, right - left))
    draw.ellipse(
        (x - half_x - 1, y - half_y - 1, x + half_x + 1, y + half_y + 1), outline=(0, 0, 0)
    )
    draw.ellipse((x - half_x, y - half_y, x + half_x, y + half_y), outline=colour, width=2)


def fit(picture: Image.Image, *, side: int = 384) -> Image.Image:
    """Enlarge by the largest whole factor up to ``side``, or shrink to 640 pixels.

    Args:
        picture: Any picture.
        side: Length of the longer side up to which small ones grow.

    Returns:
        The picture in another size.

    Example:
        >>> fit(Image.new("RGB", (100, 50))).size, fit(Image.new("RGB", (1280, 2))).size
        ((300, 150), (640, 1))
    """
    longer = max(picture.size)
    if longer > MAX_SIDE:
        size = tuple(max(1, round(length * MAX_SIDE / longer)) for length in picture.size)
        return picture.resize(size, Image.Resampling.LANCZOS)
    factor = max(1, side // longer)
    size = tuple(length * factor for length in picture.size)
    return picture.resize(size, Image.Resampling.NEAREST)


def data_url(picture: Image.Image, *, photo: bool) -> str:
    """Picture as a data URL: JPEG for photographs, PNG for flat colours.

    Args:
        picture: RGB picture.
        photo: Whether it shows a photograph.

    Returns:
        A text for ``src``.

    Example:
        >>> data_url(Image.new("RGB", (2, 2)), photo=False)[:22]
        'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    if photo:
        picture.save(buffer, "JPEG", quality=88)
    else:
        picture.quantize(64).save(buffer, "PNG", optimize=True)
    kind = "jpeg" if photo else "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
