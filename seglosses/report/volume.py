"""A volume seen from three sides, with its wrong features in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from seglosses.report.overlay import GROUND, RIGHT, label_boxes, ring

GAP = 10
SIDES = ("from above (axis 0)", "from the front (axis 1)", "from the side (axis 2)")
Colour = tuple[int, int, int]


def projections(
    pred: NDArray[np.floating],
    target: NDArray[np.floating],
    marked: Sequence[tuple[NDArray[np.bool_], Colour]],
    *,
    plane: int | None = None,
    width: int = 640,
) -> Image.Image:
    """Draw both maps summed along each axis, and marked regions in their colours on top.

    Grey is the label, the brighter the thicker; the prediction shines through at half the light.

    Args:
        pred: Probabilities or a mask, (D, H, W).
        target: Label of that shape.
        marked: Regions and their colours; a later one lies above an earlier one.
        plane: Slice along the first axis to mark by a line.
        width: Of the picture, pixels.

    Returns:
        An RGB picture with a projection for each axis, side by side.

    Example:
        >>> maps = np.zeros((2, 3, 4))
        >>> projections(maps, maps, [(maps == 0, (255, 0, 0))]).width
        640
    """
    panel = (width - 2 * GAP) // 3
    pictures = [_panel(pred, target, marked, axis, panel, plane) for axis in range(3)]
    height = max(picture.height for picture in pictures) + 2 * GAP
    whole = Image.new("RGB", (width, height + GAP), GROUND)
    draw = ImageDraw.Draw(whole)
    for axis, picture in enumerate(pictures):
        left = axis * (panel + GAP)
        draw.text((left + 2, 2), SIDES[axis], fill=RIGHT)
        whole.paste(picture, (left, 2 * GAP))
    return whole


def fullest_slice(regions: Sequence[NDArray[np.bool_]], depth: int) -> int:
    """The slice through most regions, and of several the one that shows most of them.

    Args:
        regions: (D, H, W).
        depth: How many slices there are.

    Returns:
        Index along the first axis; the middle where there are no regions.

    Example:
        >>> islands = np.zeros((2, 4, 1, 5), bool)
        >>> islands[0, 1:3], islands[1, 2:] = True, True
        >>> fullest_slice(list(islands), 4)
        2
    """
    if not regions:
        return depth // 2
    sizes = np.stack([region.sum(axis=(1, 2)) for region in regions])
    most = sizes.sum(axis=0)
    return int(np.argmax(np.count_nonzero(sizes, axis=0) + most / (most.max() + 1)))


def shaded(colour: Colour) -> Colour:
    """A colour half-way to the ground.

    Example:
        >>> shaded((234, 137, 43))
        (134, 87, 43)
    """
    red, green, blue = ((one + other) // 2 for one, other in zip(colour, GROUND, strict=True))
    return red, green, blue


def enlarged(*planes: NDArray[Any], side: int = 320) -> list[NDArray[Any]]:
    """Small planes with every pixel repeated until the longer side has about so many.

    Args:
        planes: Of one height and width, (H, W) or (H, W, 3).
        side: The longer side, pixels; larger planes stay as they are.

    Returns:
        The planes.

    Example:
        >>> [plane.shape for plane in enlarged(np.zeros((3, 100)), np.zeros((3, 100, 3)))]
        [(9, 300), (9, 300, 3)]
    """
    times = max(1, side // max(planes[0].shape[:2]))
    return [plane.repeat(times, axis=0).repeat(times, axis=1) for plane in planes]


def _panel(
    pred: NDArray[np.floating],
    target: NDArray[np.floating],
    marked: Sequence[tuple[NDArray[np.bool_], Colour]],
    axis: int,
    width: int,
    plane: int | None,
) -> Image.Image:
    light = (_thickness(target, axis) + 0.5 * _thickness(pred, axis)) / 1.5
    canvas = np.repeat((30 + 170 * light)[..., None], 3, axis=2).astype(np.uint8)
    flat = [(region.any(axis=axis), colour) for region, colour in marked]
    for region, colour in flat:
        canvas[region] = colour
    scale = width / canvas.shape[1]
    size = (width, max(1, round(canvas.shape[0] * scale)))
    picture = Image.fromarray(canvas).resize(size, Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(picture)
    for region, colour in flat:
        # what is small would not be found without a ring
        if region.sum() < region.size / 50:
            for box in label_boxes(np.asarray(region, np.int32)):
                ring(draw, box, (0, 0), scale, colour)
    if plane is not None and axis > 0:
        height = (plane + 0.5) * scale
        draw.line((0, height, width, height), fill=RIGHT)
    return picture


def _thickness(values: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    """Share of the thickest ray, compressed so that thin tubes are seen."""
    depth = np.clip(np.asarray(values, np.float64), 0, 1).sum(axis=axis)
    return np.asarray(np.sqrt(depth / max(depth.max(), 1e-9)))
