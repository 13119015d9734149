"""Two masks of an image: their bars and the induced matching from connected components alone.

All edges of a mask that end a bar are equal, and ties are broken by the index. That fixes where
every component and every hole begins and ends without any sorting: a component ends above its first
pixel, but for those of the first two rows, and a hole is closed beside its last one. The kernel
therefore labels the two masks and their union, and reads the matching off the labels. The result
is, to the pixel, that of the forests of :mod:`seglosses.topology.forests`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seglosses.topology.kernels import masks as kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seglosses.topology.filtration import Construction, Filtration

    Mask = NDArray[np.bool_]
    Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def as_masks(
    first: NDArray[Any], second: NDArray[Any], filtration: Filtration
) -> tuple[Mask, Mask] | None:
    """Read two images as masks of their older pixels.

    Args:
        first: Numbers or booleans without NaN.
        second: The same.
        filtration: ``'superlevel'`` (bright is older) or ``'sublevel'``.

    Returns:
        The masks, or None where the two images have more than two values between them.

    Example:
        >>> as_masks(np.array([[0.2, 0.7]]), np.array([[0.7, 0.7]]), "superlevel")
        (array([[False,  True]]), array([[ True,  True]]))
    """
    masks = []
    low = min(first.min(), second.min())
    high = max(first.max(), second.max())
    older, other = (high, low) if filtration == "superlevel" else (low, high)
    for image in (first, second):
        few = image.ravel()[:: image.size // 64 + 1]
        if not ((few == older) | (few == other)).all():
            return None
        mask = image == older
        if image.dtype != np.bool_ and not (mask | (image == other)).all():
            return None
        masks.append(mask)
    return masks[0], masks[1]


def match_masks(
    first: Mask, second: Mask, construction: Construction
) -> tuple[list[Pairs], tuple[int, int]]:
    """Match the components and the holes of two masks through those of their union.

    Args:
        first: First mask, (H, W).
        second: Second mask, of the same shape.
        construction: ``'V'``: foreground 4-connected. ``'T'``: 8-connected.

    Returns:
        By dimension: matched bars (k, 4), and those of the first and of the second mask that are
        not matched, (k, 2), as birth and death pixels; and the first pixel of the component that
        never dies, in both.
    """
    wide = construction == "T"
    flat, width = _flat((first, second), turned=wide), first.shape[1]
    found = kernels.match_masks(flat[0], flat[1], flat[0] | flat[1], width, wide)
    bars_a, fore_a, bars_b, fore_b, mate = found
    oldest = [int(mask.argmax()) for mask in flat]
    if wide:
        top = first.size - 1
        oldest = [top - pixel for pixel in oldest]
        for bars in (bars_a, bars_b):
            np.subtract(top, bars, out=bars, where=bars >= 0)
    mated_a = np.flatnonzero(mate >= 0)
    mated_b = mate[mated_a]
    matched = np.concatenate([bars_a[mated_a], bars_b[mated_b]], axis=1)
    of_component = fore_a[mated_a]
    for bars, mated in ((bars_a, mated_a), (bars_b, mated_b)):
        bars[mated, 1] = -1
    by_dimension = []
    for dim in (0, 1):
        rests = [
            bars[(bars[:, 1] >= 0) & (fore == (dim == 0))]
            for bars, fore in ((bars_a, fore_a), (bars_b, fore_b))
        ]
        by_dimension.append((matched[of_component == (dim == 0)], rests[0], rests[1]))
    return by_dimension, (oldest[0], oldest[1])


def count_features(
    first: Mask, second: Mask, construction: Construction
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Count the components and the holes of two masks, and what both give to their union.

    Args:
        first: First mask, (H, W).
        second: Second mask, of the same shape.
        construction: ``'V'``: foreground 4-connected. ``'T'``: 8-connected.

    Returns:
        Components and holes of the first mask, of the second, and in common: components of the
        union that both touch, and groups of overlapping holes.

    Example:
        >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
        >>> count_features(ring, ~ring, "T")
        ((1, 1), (1, 0), (1, 0))
    """
    flat = _flat((first, second), turned=False)
    joined, width = flat[0] | flat[1], first.shape[1]
    counts = kernels.count_features(flat[0], flat[1], joined, width, construction == "T")
    a, b, both = map(tuple, counts.T.tolist())
    return a, b, both


def _flat(masks: tuple[Mask, Mask], *, turned: bool) -> list[NDArray[np.uint8]]:
    # The duality behind 'T' turns the order of ties around: the same as a half turn of the image.
    turn = slice(None, None, -1 if turned else 1)
    return [np.ascontiguousarray(mask.ravel()[turn]).view(np.uint8) for mask in masks]
