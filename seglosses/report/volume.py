"""A volume seen from three sides, with its wrong features in colour."""

from __future__ import annotations

from collections.abc import Sequence

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
    width: int = 640,
) -> Image.Image:
    """Draw both maps summed along each axis, and marked regions in their colours on top.

    Grey is the label, the brighter the thicker; the prediction shines through at half the light.

    Args:
        pred: Probabilities or a mask, (D, H, W).
        target: Label of that shape.
        marked: Regions and their colours; a later one lies above an earlier one.
        width: Of the picture, pixels.

    Returns:
        An RGB picture with a projection for each axis, side by side.

    Example:
        >>> maps = np.zeros((2, 3, 4))
        >>> projections(maps, maps, [(maps == 0, (255, 0, 0))]).width
        640
    """
    panel = (width - 2 * GAP) // 3
    pictures = [_panel(pred, target, marked, axis, panel) for axis in range(3)]
    height = max(picture.height for picture in pictures) + 2 * GAP
    whole = Image.new("RGB", (width, height + GAP), GROUND)
    draw = ImageDraw.Draw(whole)
    for axis, picture in enumerate(pictures):
        left = axis * (panel + GAP)
        draw.text((left + 2, 2), SIDES[axis], fill=RIGHT)
        whole.paste(picture, (left, 2 * GAP))
    return whole


def _panel(
    pred: NDArray[np.floating],
    target: NDArray[np.floating],
    marked: Sequence[tuple[NDArray[np.bool_], Colour]],
    axis: int,
    width: int,
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
    return picture


def _thickness(values: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    """Share of the thickest ray, compressed so that thin tubes are seen."""
    depth = np.clip(np.asarray(values, np.float64), 0, 1).sum(axis=axis)
    return np.asarray(np.sqrt(depth / max(depth.max(), 1e-9)))
