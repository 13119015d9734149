"""Homotopy warping: where two masks differ after every topology-preserving change is undone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from seglosses.primitives.distance import two_sided_distance
from seglosses.topology.components import check_mask, label_components
from seglosses.topology.kernels.simple import flip_once, simple_table, warp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]

_RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_TABLE = simple_table()


def warp_towards(mask: ArrayLike, goal: ArrayLike) -> Mask:
    """Turn a mask into another one as far as its topology allows.

    Pixels that differ are flipped where they are simple: where flipping one changes neither the
    components, loops nor cavities. Pixels near the boundary of the mask come first, and rounds go
    on until none can be flipped. The foreground is 8-connected (26 in 3D), the outside of the image
    is background.

    Args:
        mask: Mask to warp, (H, W) or (D, H, W).
        goal: Mask of that shape.

    Returns:
        A mask with the topology of ``mask``.

    Raises:
        ValueError: For masks of other or different shapes.

    References:
        Hu, Structure-Aware Image Segmentation with Homotopy Warping, NeurIPS 2022,
        arXiv:2112.07812.

    Example:
        >>> warp_towards([[1, 1, 1, 0, 0]], [[0, 1, 1, 1, 0]]).astype(int)
        array([[0, 1, 1, 1, 0]])
        >>> warp_towards([[1, 1, 1, 1, 1]], [[1, 1, 0, 1, 1]]).astype(int)  # must not break
        array([[1, 1, 1, 1, 1]])
    """
    start, end = check_mask(mask), check_mask(goal)
    if start.shape != end.shape:
        raise ValueError(f"masks must have one shape, got {start.shape} and {end.shape}")
    return _warped(start, end, two_sided_distance(start))


def critical_pixels(pred: ArrayLike, target: ArrayLike) -> Mask:
    """Pixels at which prediction and label differ in topology.

    Each of the two is warped towards the other; pixels that still differ are critical.

    Args:
        pred: Predicted mask, (H, W) or (D, H, W).
        target: Label of that shape.

    Returns:
        Critical pixels, bool of that shape; none where one mask is a deformation of the other that
        simple flips can follow.

    Raises:
        ValueError: For masks of other or different shapes.

    References:
        Hu, Structure-Aware Image Segmentation with Homotopy Warping, NeurIPS 2022,
        arXiv:2112.07812.

    Example:
        >>> critical_pixels([[1, 1, 0, 1, 1]], [[1, 1, 1, 1, 0]]).astype(int)
        array([[0, 0, 1, 0, 0]])
    """
    seen, truth = check_mask(pred), check_mask(target)
    if seen.shape != truth.shape:
        raise ValueError(f"masks must have one shape, got {seen.shape} and {truth.shape}")
    forth = _warped(truth, seen, two_sided_distance(truth)) != seen
    back = _warped(seen, truth, two_sided_distance(seen)) != truth
    critical: Mask = forth | back
    return critical


def released_critical_pixels(pred: ArrayLike, target: ArrayLike) -> Mask:
    """Pixels that TopoMortar's code calls critical, to rerun its published rows.

    It compares the prediction with the *background* of the label. Pixels inside the mask that is
    warped are tried first, then those outside, each once, by distance to its boundary; border
    pixels never flip. A pixel flips if its 3 x 3 neighbourhood, itself included, has one
    8-component of foreground and one of background. Equal distances come in the order of NumPy's
    unstable sort, as released: the result can differ between processors.

    Args:
        pred: Predicted mask, (H, W).
        target: Label of that shape.

    Returns:
        Critical pixels, bool of that shape.

    Raises:
        ValueError: For volumes, or masks of different shapes.

    Example:
        >>> released_critical_pixels([[0, 1, 1]], [[0, 1, 1]]).astype(int)  # none is wrong
        array([[1, 1, 1]])
    """
    seen, goal = check_mask(pred), ~check_mask(target)
    if seen.ndim != 2 or seen.shape != goal.shape:
        raise ValueError(
            f"TopoMortar warps images (H, W) of one shape, got {seen.shape} and {goal.shape}"
        )
    critical: Mask = (_flipped(goal, seen) != seen) | (_flipped(seen, goal) != goal)
    return critical


def _flipped(start: Mask, goal: Mask) -> Mask:
    mask = start.copy()
    width = mask.shape[1]
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = True
    square = (np.indices((3, 3)).reshape(2, -1).T - 1) @ np.array([width, 1])
    for side in (start, ~start):
        # where a mask has no boundary, every pixel counts as equally deep
        depth = two_sided_distance(side) if not side.all() else np.ones(side.shape)
        wrong = depth * (side & (start != goal))
        # ties as released: the unstable order of the whole map, read from the end
        order = np.argsort(-wrong.astype(np.float64), axis=None)[: np.count_nonzero(wrong)][::-1]
        flip_once(mask.ravel(), order[inner.ravel()[order]], square, _released_table())
    return mask


@cache
def _released_table() -> Mask:
    """By neighbourhood, whether it has one 8-component of foreground and one of background."""
    squares = ((np.arange(512)[:, None] >> np.arange(9)) & 1).astype(bool).reshape(-1, 3, 3)
    return np.array([label_components(s)[1] == label_components(~s)[1] == 1 for s in squares])


def _warped(start: Mask, goal: Mask, distance: NDArray[np.float32]) -> Mask:
    # a volume with one slice is an image
    if start.ndim == 3 and 1 in start.shape:
        axis = start.shape.index(1)
        plane = _warped(start.squeeze(axis), goal.squeeze(axis), distance.squeeze(axis))
        return np.expand_dims(plane, axis)
    # in reading order whatever the order of the input: the kernel steps by strides
    mask, end = np.ascontiguousarray(np.pad(start, 1)), np.pad(goal, 1)
    pixels = np.flatnonzero(mask != end)
    depth = np.pad(distance, 1).ravel()[pixels]
    # missed pixels of the mask first, then surplus ones, each from the boundary inwards
    order = pixels[np.lexsort((depth, ~mask.ravel()[pixels]))]
    strides = np.array([s // mask.itemsize for s in mask.strides])
    none = np.zeros(0, np.int64)
    ring = np.array(_RING) @ strides if mask.ndim == 2 else none
    cube = none if mask.ndim == 2 else (np.indices((3, 3, 3)).reshape(3, -1).T - 1) @ strides
    flat = mask.ravel()
    warp(flat, end.ravel(), order, cube, ring, _TABLE)
    inside: Mask = flat.reshape(mask.shape)[(slice(1, -1),) * mask.ndim]
    return inside
