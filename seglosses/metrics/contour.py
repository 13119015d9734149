"""Surface scores weighted by the length (area) of the contour (surface) between pixels."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes, mesh_surface_area

from seglosses.metrics.pair import Pair
from seglosses.primitives.masks import Mask
from seglosses.primitives.nearest import distances_at


def nsd_length(pair: Pair, *, tolerance: float) -> float:
    """Normalized surface Dice, weighted by contour length, in volumes by surface area.

    The contour runs between pixels: each 2x2 neighbourhood that is neither empty nor full holds a
    piece of it, whose length follows from which of the four pixels are set, and whose place is
    the centre of the neighbourhood. In a volume each 2x2x2 neighbourhood holds a piece of
    surface: that of marching cubes, through the middles of the edges between voxels.

    Args:
        pair: The two masks, 2D or 3D.
        tolerance: Distance in the unit of the spacing.

    Returns:
        A number in [0, 1]; with an empty mask see ``pair.empty``.

    References:
        Nikolov et al., arXiv:1809.04430; equal to DeepMind's surface-distance package. Its areas
        of a neighbourhood and of its complement are the same: of both, the one with fewer voxels
        is meshed.

    Example:
        >>> nsd_length(Pair([[1, 0, 0]], [[1, 0, 0]]), tolerance=0)
        1.0
        >>> voxel, bar = [[[1, 0]]], [[[1, 1]]]
        >>> # corners have sqrt(3) / 8, edges sqrt(1 / 2): all but 4 of the bar's corners are near
        >>> round(nsd_length(Pair(voxel, bar), tolerance=0), 4)
        0.8624
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=1.0, worst=0.0)
    # One pixel of margin, so that the contour closes around masks at the border.
    sides = [_corners(np.pad(mask, 1)) for mask in (pair.pred, pair.target)]
    full = 2**2 ** len(pair.shape) - 1
    sizes = (_lengths if len(pair.shape) == 2 else _areas)(pair.spacing)
    near = total = 0.0
    for own, other in (sides, sides[::-1]):
        places = (own > 0) & (own < full)
        weights = sizes[own[places]]
        distances = distances_at(places, (other > 0) & (other < full), pair.spacing)
        near += float(weights[distances <= tolerance].sum())
        total += float(weights.sum())
    return near / total


def _corners(mask: Mask) -> NDArray[np.uint8]:
    """Which pixels of each 2x2 (2x2x2) neighbourhood are set, one bit each."""
    code = np.zeros([size - 1 for size in mask.shape], np.uint8)
    for corner in np.ndindex(*(2,) * mask.ndim):
        place = (slice(at, at - 1 or None) for at in corner)
        code = 2 * code + mask[tuple(place)].view(np.uint8)
    return code


@lru_cache(maxsize=16)
def _areas(spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Area of the surface in a neighbourhood with a given code."""
    areas = np.zeros(256)
    bits = 1 << np.arange(7, -1, -1).reshape(2, 2, 2)
    for code in range(1, 255):
        fewer = min(code, 255 - code, key=int.bit_count)
        corners = ((bits & fewer) > 0).astype(np.float32)
        points, faces, _, _ = marching_cubes(corners, 0.5, spacing=spacing, method="lorensen")
        areas[code] = mesh_surface_area(points, faces)
    areas.flags.writeable = False
    return areas


def _lengths(spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Length of the contour in a neighbourhood with a given code."""
    height, width = spacing
    slant = math.hypot(height, width) / 2
    lengths = np.zeros(16)
    for code in range(1, 15):
        pixels = code.bit_count()
        if pixels in (1, 3):
            lengths[code] = slant
        elif code in (0b1100, 0b0011):
            lengths[code] = width
        elif code in (0b1010, 0b0101):
            lengths[code] = height
        else:
            lengths[code] = 2 * slant
    return lengths
