"""Where components of a mask lie, and where those of two masks overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seglosses.topology.components import as_volume, check_connectivity, check_mask
from seglosses.topology.kernels.counts import meet
from seglosses.topology.kernels.labels import bounds, label_foreground, paint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def label_boxes(
    mask: ArrayLike, *, connectivity: int | None = None
) -> tuple[NDArray[np.int32], list[tuple[slice, slice]]]:
    """Number the components of a plane, and say where each of them lies.

    Args:
        mask: Booleans or integers, (H, W); everything but 0 is foreground.
        connectivity: 4 or 8; None means 8.

    Returns:
        Labels as :func:`label_components` gives them, and the smallest box around each component.

    Example:
        >>> label_boxes([[0, 1, 1]])
        (array([[0, 1, 1]], dtype=int32), [(slice(0, 1, None), slice(1, 3, None))])
    """
    array = check_mask(mask)
    full = check_connectivity(connectivity, array.ndim)
    labels = np.zeros(array.shape, np.int32)
    if not array.size:
        return labels, []
    flat = as_volume(array).ravel()
    start, stop, component, count = label_foreground(flat, *array.shape, int(full))
    paint(start, stop, component, labels.ravel())
    rows = bounds(start, stop, component, count, array.shape[1]).tolist()
    return labels, [(slice(top, end), slice(left, stop)) for top, end, left, stop in rows]


def component_overlaps(
    first: ArrayLike,
    second: ArrayLike,
    *,
    connectivity: int | None = None,
    counts: Sequence[ArrayLike] | None = None,
) -> NDArray[np.int64]:
    """Pieces in which components of two masks overlap, one row of an image at a time.

    Args:
        first: Booleans or integers, (H, W) or (D, H, W); everything but 0 is foreground.
        second: Another mask of that shape.
        connectivity: As in :func:`label_components`.
        counts: For each axis how many pixels each place stands for; None for 1.

    Returns:
        Component of the first and of the second mask, 0 for background, and number of pixels,
        (pieces, 3). All pixels together make the image.

    Raises:
        ValueError: When shapes differ, and as :func:`label_components`.

    Example:
        >>> component_overlaps([[1, 1, 0, 1]], [[0, 1, 1, 1]]).tolist()
        [[1, 0, 1], [1, 1, 1], [0, 1, 1], [2, 1, 1]]
    """
    one, two = check_mask(first), check_mask(second)
    if one.shape != two.shape:
        raise ValueError(f"masks must have one shape, got {one.shape} and {two.shape}")
    full = check_connectivity(connectivity, one.ndim)
    if not one.size:
        return np.zeros((0, 3), np.int64)
    volumes = as_volume(one), as_volume(two)
    _, height, width = volumes[0].shape
    axes = [np.asarray(axis, np.int64) for axis in counts or [np.ones(n) for n in one.shape]]
    per_row = np.ones(1, np.int64)
    for axis in axes[:-1]:
        per_row = np.multiply.outer(per_row, axis).ravel()
    up_to = np.concatenate([np.zeros(1, np.int64), axes[-1].cumsum()])
    flat = [volume.ravel() for volume in volumes]
    pieces: NDArray[np.int64] = meet(*flat, height, width, int(full), per_row, up_to)
    return pieces
