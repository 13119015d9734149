"""What flooding a map shows: the pixels that connect regions, and the ridges between basins."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from seglosses.topology.filtration import check_image
from seglosses.topology.kernels.flooding import count_bottlenecks, mark_ridges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    Shares = NDArray[np.float64]


def bottleneck_shares(
    height: ArrayLike, labels: ArrayLike, *, window: int | None = None
) -> tuple[Shares, Shares]:
    """Shares of the pairs of pixels whose best connection is limited by each pixel.

    The best of all paths (over faces) between two pixels is the one whose lowest pixel is highest;
    that pixel is the bottleneck. It is found for all pairs at once by flooding from the top.

    Args:
        height: Map, (H, W) or (D, H, W).
        labels: Regions of that shape, numbered from 1 on; pixels of 0 form no pairs.
        window: Side of the windows that are treated on their own, pixels; ``None`` for the whole.

    Returns:
        Shares of the pairs of different and of equal regions, each of the shape of ``height``,
        with a sum of 1 over each window that has such pairs.

    Raises:
        ValueError: For maps that are no image, or for labels of another shape.

    References:
        Turaga et al., Maximin affinity learning of image segmentation, NeurIPS 2009,
        arXiv:0911.5372.

    Example:
        >>> between, within = bottleneck_shares([[0.9, 0.2, 0.8, 0.7]], [[1, 0, 2, 2]])
        >>> between.tolist(), within.tolist()
        ([[0.0, 1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 1.0]])
    """
    heights, regions = check_image(height), np.asarray(labels)
    if regions.shape != heights.shape:
        raise ValueError(f"labels must be {heights.shape}, got {regions.shape}")
    between, within = np.zeros(heights.shape), np.zeros(heights.shape)
    for part in _windows(heights.shape, window):
        numbers, local = np.unique(regions[part], return_inverse=True)
        # 0 stays 0 even where a window holds none
        shift = 0 if numbers[0] == 0 else 1
        framed = np.pad(local.reshape(regions[part].shape) + shift, 1).astype(np.int32)
        flat, steps, inside = _frame(framed)
        order = inside[np.argsort(-heights[part], axis=None, kind="stable")]
        apart, equal = np.zeros(flat.size), np.zeros(flat.size)
        count_bottlenecks(order, flat, numbers.size - 1 + shift, steps, apart, equal)
        for shares, found in ((between, apart), (within, equal)):
            total = found.sum()
            if total > 0:
                shares[part] = found[inside].reshape(regions[part].shape) / total
    return between, within


def ridge_pixels(height: ArrayLike, *, least: float = 0.1) -> NDArray[np.bool_]:
    """Ridges of a map: where basins deeper than ``least`` meet when it is flooded from below.

    This is the watershed with persistence: a basin that is shallower than ``least`` at the level
    where it first meets a deeper one is no basin. On plateaus of equal height the middle is flooded
    last. Ridges separate basins, so lines with an open end are not among them.

    Args:
        height: Map, (H, W) or (D, H, W).
        least: Least persistence, in units of the map.

    Returns:
        Ridges, bool of that shape; basins are face-connected.

    Raises:
        ValueError: For maps that are no image.

    Example:
        >>> ridge_pixels([[0.0, 0.3, 0.9, 0.2, 0.25, 0.1]], least=0.1).astype(int)
        array([[0, 0, 1, 0, 0, 0]])
    """
    heights = check_image(height).astype(np.float64)
    blurred = ndimage.gaussian_filter(heights, 2.0)
    framed = np.pad(heights, 1)
    flat, steps, inside = _frame(framed)
    order = inside[np.lexsort((blurred.ravel(), heights.ravel()))]
    ridge = np.zeros(flat.size, bool)
    mark_ridges(order, flat, steps, least, ridge)
    return ridge[inside].reshape(heights.shape)


def _frame(
    framed: NDArray[np.generic],
) -> tuple[NDArray[np.generic], NDArray[np.int64], NDArray[np.int64]]:
    """Flat map, steps to the face neighbours, and the indices inside the frame."""
    framed = np.ascontiguousarray(framed)  # np.pad keeps the order of a transposed map
    strides = np.array([stride // framed.itemsize for stride in framed.strides])
    index = np.arange(framed.size).reshape(framed.shape)[(slice(1, -1),) * framed.ndim]
    return framed.ravel(), np.concatenate([-strides, strides]), index.ravel()


def _windows(shape: tuple[int, ...], side: int | None) -> Iterator[tuple[slice, ...]]:
    for corner in itertools.product(*(range(0, n, side or max(n, 1)) for n in shape)):
        yield tuple(slice(a, a + (side or n)) for a, n in zip(corner, shape, strict=True))
