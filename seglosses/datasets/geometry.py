"""From masonry to pixels: camera, joints and rough edges become a wall with an exact mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects

from seglosses.datasets.masonry import Masonry, draw_masonry, lay
from seglosses.datasets.noise import smooth_noise
from seglosses.datasets.walls import Labels, Mask, Wall
from seglosses.topology import label_components

_FINEST_ROW = 6.0
"""A row needs this many pixels: mortar of one or two, and a brick."""


def _view(
    shape: tuple[int, int], scale: float, oblique: bool, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wall coordinates (along, across) of each pixel, as a camera before the wall sees it."""
    height, width = shape
    y = ((np.arange(height) - (height - 1) / 2) / scale)[:, None]
    x = ((np.arange(width) - (width - 1) / 2) / scale)[None, :]
    turn = np.radians(
        rng.uniform(15.0, 42.0) * rng.choice([-1, 1]) if oblique else rng.normal(0, 3)
    )
    # One end of a wall seen from the side is up to three times as far away as the other.
    tilt = rng.uniform(0.2, 0.5, 2) * rng.choice([-1, 1], 2) if oblique else rng.normal(0, 0.04, 2)
    reach = max(height, width) / scale / 2
    # A slanted look shortens the wall along the rows, never so far that joints would vanish.
    squeeze = rng.uniform(0.7, 1.3) if oblique else 1.0
    nearer = 1.0 + tilt[0] * x / reach * 0.6 + tilt[1] * y / reach * 0.4
    along = (np.cos(turn) * x + np.sin(turn) * y) / nearer / squeeze
    across = (np.cos(turn) * y - np.sin(turn) * x) / nearer
    return along, across


def build_wall(
    size: tuple[int, int],
    rng: np.random.Generator,
    *,
    oblique: bool = False,
    masonry: Masonry | None = None,
) -> Wall:
    """Draw a wall and rasterise it.

    Args:
        size: Height and width in pixels, 16 at least.
        rng: Source of randomness; the same state gives the same bits.
        oblique: Seen from the side, as in TopoMortar's group ``angles``.
        masonry: How the bricks are laid; drawn when None.

    Returns:
        The wall, without links.

    Raises:
        ValueError: When the image is too small to hold bricks.

    Example:
        >>> wall = build_wall((48, 64), np.random.default_rng(3))
        >>> wall.mask.shape, wall.betti[0] >= 1
        ((48, 64), True)
    """
    height, width = size
    if min(size) < 16:
        raise ValueError(f"expected a size of at least 16 x 16 pixels, got {height} x {width}")
    scale = min(size) / 512
    if masonry is None:
        # The far end of a slanted wall shrinks; its bricks must not vanish.
        masonry = draw_masonry(rng, _FINEST_ROW * (1.6 if oblique else 1.0) / scale)
    along, across = _view(size, scale, oblique, rng)
    wobble = min(0.12 * masonry.pitch, 3.0) * rng.uniform(0.2, 1.0)
    across = across + wobble * smooth_noise(size, 130 * scale, rng)
    along = along + wobble * smooth_noise(size, 130 * scale, rng)

    rows, joints = lay(
        masonry, (float(along.min()), float(along.max())), (across.min(), across.max()), rng
    )
    row = np.searchsorted(rows, across, side="right") - 1
    # All joints in one ascending list, each row shifted beyond the one before: one search a pixel.
    stride = (
        max(float(lines[-1]) for lines in joints) - min(float(lines[0]) for lines in joints) + 1
    )
    lines = np.concatenate([joint + stride * index for index, joint in enumerate(joints)])
    cell = np.searchsorted(lines, along + stride * row, side="right") - 1

    inset = rng.uniform(-0.16, 0.16, (4, len(lines)))
    half_head = masonry.head / 2 * (1.0 + inset)
    half_bed = masonry.bed / 2 * (1.0 + inset)
    left = lines[cell] - stride * row + half_head[0][cell]
    right = lines[cell + 1] - stride * row - half_head[1][cell]
    top, bottom = rows[row] + half_bed[2][cell], rows[row + 1] - half_bed[3][cell]
    depth = _depth(along, across, left, right, top, bottom, masonry.rounding)
    for cells, share in ((4.0, 0.4), (11.0, 0.6)):
        depth += 2.0 * share * masonry.rough * smooth_noise(size, max(cells * scale, 1.5), rng)
    bricks = _fill_crumbs(_bricks(cell, depth < 0), (16 * scale) ** 2)
    return Wall(bricks, (), depth, across, scale)


def _depth(
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
    rounding: float,
) -> NDArray[np.float64]:
    """Signed distance to rectangles with rounded corners, negative inside."""
    radius = np.minimum(rounding, np.minimum(right - left, bottom - top) / 2)
    x = abs(along - (left + right) / 2) - (right - left) / 2 + radius
    y = abs(across - (top + bottom) / 2) - (bottom - top) / 2 + radius
    outside = np.hypot(np.maximum(x, 0), np.maximum(y, 0))
    depth: NDArray[np.float64] = outside + np.minimum(np.maximum(x, y), 0) - radius
    return depth


def _bricks(cell: NDArray[np.intp], solid: Mask) -> Labels:
    """Number the bricks such that each is one piece and none touches another."""
    solid = solid.copy()
    # Mortar wins wherever the cell changes, so thin joints never break.
    solid[:, :-1] &= cell[:, :-1] == cell[:, 1:]
    solid[:-1] &= cell[:-1] == cell[1:]
    pieces, count = label_components(solid, connectivity=4)
    area = np.bincount(pieces.ravel(), minlength=count + 1)
    owner = np.zeros(count + 1, np.intp)
    owner[pieces[solid]] = cell[solid]
    # Of each cell's pieces the largest stays and crumbs become mortar.
    order = np.argsort(area[1:], kind="stable") + 1
    largest = np.zeros(int(cell.max()) + 1, np.intp)
    largest[owner[order]] = order
    keep = np.unique(largest[largest > 0])
    keep = keep[area[keep] >= 3]
    number = np.zeros(count + 1, np.int32)
    number[keep] = np.arange(1, len(keep) + 1)
    return number[pieces]


def _fill_crumbs(bricks: Labels, largest: float) -> Labels:
    """Give specks of mortar that only one brick surrounds, alone or with the frame, to that brick.

    Rough bricks that the frame cuts lengthwise leave such specks; annotators do not draw them.
    """
    bricks = bricks.copy()
    parts, _ = label_components(bricks == 0)
    area = np.bincount(parts.ravel())
    for index, box in enumerate(find_objects(parts), start=1):
        if area[index] > largest:
            continue
        window = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
        speck = parts[window] == index
        around = np.unique(bricks[window][binary_dilation(speck)])
        if np.count_nonzero(around) == 1:
            bricks[window][speck] = around.max()
    return bricks
