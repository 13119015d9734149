"""What lies near a mask or its boundary, asked for some pixels only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from seglosses.primitives._kernels_distance import erode, nearest_at
from seglosses.primitives.distance import Spacing, distance_to, spacing_of
from seglosses.primitives.masks import Mask, as_mask

#: pixels; longer sides are left to the general transform
_STEPS = 30_000


def distances_at(
    places: ArrayLike, mask: ArrayLike, spacing: Spacing = None
) -> NDArray[np.float64]:
    """Distances from some pixels to the nearest pixel of a mask, cheaper than a map of all pixels.

    Args:
        places: Boolean mask of these pixels, (*S) with one to three axes.
        mask: Boolean mask, (*S).
        spacing: Edge lengths of a pixel.

    Returns:
        One distance per pixel in reading order, float64; 0 on the mask; inf when the mask is empty.

    Raises:
        ValueError: When shapes differ.

    Example:
        >>> distances_at([[1, 1, 0]], [[0, 1, 1]])
        array([1., 0.])
    """
    asked, array = as_mask(places), as_mask(mask)
    if asked.shape != array.shape:
        raise ValueError(f"places {asked.shape} and mask {array.shape} differ in shape")
    if array.ndim != 2 or not array.any() or max(array.shape) > _STEPS:
        return distance_to(array, spacing)[asked].astype(np.float64)
    wanted = np.flatnonzero(asked)
    out = np.empty(wanted.size)
    nearest_at(
        np.ascontiguousarray(array).view(np.uint8), wanted, np.array(spacing_of(2, spacing)), out
    )
    return out


def nearest_to(mask: ArrayLike) -> tuple[NDArray[np.int32], ...]:
    """The nearest pixel of a mask for every pixel.

    Args:
        mask: Boolean mask, (*S), not empty.

    Returns:
        Its indices, one array (*S) an axis; of equally near ones any.

    Raises:
        ValueError: When the mask is empty.

    Example:
        >>> nearest_to([[0, 0, 1]])[1]
        array([[2, 2, 2]], dtype=int32)
    """
    array = as_mask(mask)
    if not array.any():
        raise ValueError("an empty mask has no nearest pixel; ask whether mask.any() first")
    found = ndimage.distance_transform_edt(~array, return_distances=False, return_indices=True)
    return tuple(found)


def eroded(mask: ArrayLike, width: int) -> Mask:
    """Erode a mask by a square (cube in 3D), `width` steps to each side.

    Args:
        mask: Boolean mask, (*S) with one to three axes; what lies beyond the border is outside.
        width: Number of steps, pixels, at least 1.

    Returns:
        Boolean mask, (*S), set where all pixels within `width` steps along every axis are.

    Example:
        >>> eroded([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 1).astype(int)
        array([[0, 0, 0],
               [0, 1, 0],
               [0, 0, 0]])
    """
    array = np.ascontiguousarray(as_mask(mask)).view(np.uint8)
    if array.ndim == 2:
        inner = np.zeros(array.shape, np.uint8)
        erode(array, width, inner)
        return inner.view(np.bool_)
    for axis in range(array.ndim):
        array = ndimage.minimum_filter1d(array, 2 * width + 1, axis, mode="constant", cval=0)
    return np.asarray(array, np.bool_)
