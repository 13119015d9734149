"""Betti numbers and the Euler number of masks: components, loops and cavities, counted.

What pixels touch by which connectivity says :mod:`seglosses.topology.components`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from seglosses.topology.components import as_volume, check_connectivity, check_mask
from seglosses.topology.kernels.counts import euler, features, window_features

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]


def euler_number(mask: ArrayLike, *, connectivity: int | None = None) -> int:
    """Euler number of a mask: components - loops + cavities, without labelling anything.

    The alternating count of cells, summed locally:

        euler = vertices - edges + squares - cubes

    With connectivity 4 or 6 a foreground pixel is a vertex, and a larger cell is present when all
    its pixels are. With connectivity 8 or 26 a pixel is a closed square or cube with all its faces.

    Args:
        mask: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.
        connectivity: 4 or 8 in 2D, 6 or 26 in 3D; None means 8 or 26.

    Returns:
        The Euler number, 0 for an empty mask.

    Example:
        >>> euler_number([[1, 1, 1], [1, 0, 1], [1, 1, 1]])  # one component, one loop
        0
    """
    array = check_mask(mask)
    full = check_connectivity(connectivity, array.ndim)
    return _euler(array, full)


def _euler(array: Mask, full: bool) -> int:
    return int(euler(as_volume(array), _cells(full)))


@cache
def _cells(full: bool) -> NDArray[np.int64]:
    """By the bits of a block of 2 x 2 x 2 pixels, what the cells at its centre add.

    Of each block those cells count that span it, or an axis or a plane of it, from its first pixel
    on: no cell counts twice. With full connectivity a face of the grid is covered when a pixel
    beside it is, and each join lowers the dimension by one; otherwise a cell needs all its pixels,
    and each join raises it.
    """
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    table = np.zeros(256, np.int64)
    for axes in range(8):
        spanned = [pixel for pixel in range(8) if pixel & ~axes == 0]
        joins = axes.bit_count()
        if full:
            table += (-1) ** (3 - joins) * bits[:, spanned].any(axis=1)
        else:
            table += (-1) ** joins * bits[:, spanned].all(axis=1)
    return table


def betti_numbers(mask: ArrayLike, *, connectivity: int | None = None) -> tuple[int, ...]:
    """Betti numbers of a mask: components, loops and, in 3D, cavities.

    In 2D a loop surrounds a hole: a background component that does not touch the image border. In
    3D a tunnel is a loop and a cavity is an enclosed background component. All components of both
    sides are labelled run by run, and the loops of a volume follow from the Euler number:

        loops = components + cavities - euler

    Args:
        mask: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.
        connectivity: Of the foreground: 4 or 8 in 2D, 6 or 26 in 3D; None means 8 or 26. The
            background takes the other one.

    Returns:
        ``(b0, b1)`` in 2D and ``(b0, b1, b2)`` in 3D. All are 0 for an empty mask.

    Raises:
        ValueError: For floats, another number of axes, or an unknown connectivity.

    Example:
        >>> betti_numbers([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]])
        (1, 1)
        >>> betti_numbers([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]], connectivity=4)
        (2, 1)
    """
    array = check_mask(mask)
    full = check_connectivity(connectivity, array.ndim)
    if not array.size:
        return (0,) * array.ndim
    counts = features(as_volume(array), int(full), _cells(full))
    return tuple(map(int, counts[: array.ndim]))


def window_betti_numbers(
    mask: ArrayLike, *, window: int, connectivity: int | None = None
) -> NDArray[np.int64]:
    """Betti numbers of the square windows (cubes in 3D) that tile a mask, each an image of its own.

    Args:
        mask: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.
        window: Edge length, pixels; windows at the far borders may be smaller.
        connectivity: As in :func:`betti_numbers`.

    Returns:
        Betti numbers, (windows, 2) or (windows, 3), window by window along the last axis first.

    Raises:
        ValueError: For a window below 1, and as :func:`betti_numbers`.

    Example:
        >>> window_betti_numbers([[1, 0, 1, 1]], window=3).tolist()
        [[2, 0], [1, 0]]
    """
    if window < 1:
        raise ValueError(f"expected a window of at least 1 pixel, got {window}")
    array = check_mask(mask)
    full = check_connectivity(connectivity, array.ndim)
    volume = as_volume(array)
    edges = np.array([window if size > 1 else 1 for size in volume.shape])
    total = int(np.prod([-(-size // edge) for size, edge in zip(volume.shape, edges, strict=True)]))
    counts = np.zeros((total, 3), np.int64)
    window_features(volume, edges, int(full), _cells(full), counts)
    return counts[:, : array.ndim]
