"""Regions of errors: which of them change the topology, and how far two masks are apart.

Prediction and label meet in four ways: correct background, correct foreground, surplus and missed
pixels. A connected region of errors is harmless when flipping it only moves a boundary; it is
critical when it makes, removes, merges or splits something.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from seglosses.topology.components import check_connectivity, check_mask, label_components
from seglosses.topology.counts import betti_numbers
from seglosses.topology.kernels.counts import continued
from seglosses.topology.kernels.regions import FRAME, count_neighbours, label_codes
from seglosses.topology.shared_loops import kept_loops

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Labels = NDArray[np.int32]


def critical_regions(
    pred: ArrayLike, target: ArrayLike, *, connectivity: int | None = None
) -> Labels:
    """Regions of errors that do not have exactly one correct neighbour of each kind.

    A region of surplus or missed pixels is harmless if it touches exactly one region of correct
    background and one of correct foreground: then it only moves their common boundary. The outside
    of the image is background.

    Args:
        pred: Predicted mask, (H, W).
        target: Label of that shape.
        connectivity: Of the foreground, 8 or 4 (the background has the other), None for 8.

    Returns:
        int32 of that shape: 0, or the number of the critical region from 1 on.

    Raises:
        ValueError: For masks of other or different shapes.

    References:
        Lux et al., Topograph, ICLR 2025, arXiv:2411.03228.

    Example:
        >>> critical_regions([[1, 1, 0, 1, 1]], [[1, 1, 1, 1, 1]])  # a break
        array([[0, 0, 1, 0, 0]], dtype=int32)
        >>> critical_regions([[1, 1, 1, 1, 0]], [[1, 1, 1, 1, 1]])  # a shorter end
        array([[0, 0, 0, 0, 0]], dtype=int32)
    """
    seen, truth = _pair(pred, target)
    if seen.ndim != 2:
        raise ValueError(
            f"critical_regions needs images (H, W), got {seen.shape}: neighbours cannot tell"
            " handles in volumes; use critical_components"
        )
    full = check_connectivity(connectivity, 2)
    # errors hang together as they do in the prediction: surplus is foreground, missed background
    codes, roots, count = _neighbours(seen, truth, np.array([not full, full, not full, full]))
    return _number(codes, roots, (count[0] != 1) | (count[1] != 1))


def critical_components(pred: ArrayLike, target: ArrayLike) -> Labels:
    """Components of errors that add, delete, merge or split components of the foreground.

    A component (8-connected, 26 in 3D) of missed pixels deletes the label's component when it
    touches no correct foreground, and splits it when it touches several pieces of it. A component
    of surplus pixels adds or merges likewise. Holes do not matter.

    Args:
        pred: Predicted mask, (H, W) or (D, H, W).
        target: Label of that shape.

    Returns:
        int32 of that shape: 0, or the number of the critical component from 1 on.

    Raises:
        ValueError: For masks of other or different shapes.

    References:
        Grim et al., Efficient Connectivity-Preserving Instance Segmentation with Supervoxel-Based
        Loss Function, AAAI 2025, arXiv:2501.01022.

    Example:
        >>> critical_components([[1, 1, 0, 0, 1]], [[1, 1, 0, 0, 0]])  # an island
        array([[0, 0, 0, 0, 1]], dtype=int32)
    """
    seen, truth = _pair(pred, target)
    codes, roots, count = _neighbours(seen, truth, np.array([False, True, True, True]))
    return _number(codes, roots, count[1] != 1)


def union_intersection_error(
    pred: ArrayLike, target: ArrayLike, *, connectivity: int | None = None
) -> int:
    r"""Strict topological error: what the intersection and the union of two masks do not share.

        error = sum_k dim ker(i_k) + dim coker(i_k),   i: H_k(pred & target) -> H_k(pred | target)

    Zero if and only if every component and loop of the intersection continues to exactly one of
    the union and no other is there. What is enclosed (loops of an image, cavities of a volume) is
    counted as bounded components of the background, loops of a volume by the rank of i_1, see
    :func:`seglosses.topology.shared_loops.kept_loops`.

    Args:
        pred: Predicted mask, (H, W) or (D, H, W).
        target: Label of that shape.
        connectivity: Of the foreground, 8 or 4 in 2D, 26 or 6 in 3D, None for the larger one.

    Returns:
        The number of components, loops and cavities without a counterpart.

    Raises:
        ValueError: For masks of other or different shapes.

    References:
        Lux et al., Topograph, ICLR 2025, arXiv:2411.03228 (DIU).

    Example:
        >>> union_intersection_error([[1, 1, 0, 1]], [[1, 1, 1, 1]])  # one piece too many
        1
        >>> union_intersection_error([[1, 0, 0, 0]], [[0, 0, 0, 1]])  # two pieces, none shared
        2
    """
    seen, truth = _pair(pred, target)
    full = check_connectivity(connectivity, seen.ndim)
    both, either = seen & truth, seen | truth
    frame = tuple(size + 2 for size in seen.shape)
    outer, wide = np.ones(frame, bool), np.ones(frame, bool)
    inner = (slice(1, -1),) * seen.ndim
    outer[inner], wide[inner] = ~either, ~both
    error = _unshared(both, either, full) + _unshared(outer, wide, not full)
    if seen.ndim == 3:
        numbers = [
            betti_numbers(mask, connectivity=26 if full else 6)[1] for mask in (both, either)
        ]
        shared = kept_loops(both, either, full=full) if min(numbers) else 0
        error += sum(numbers) - 2 * shared
    return error


def _unshared(small: NDArray[np.bool_], large: NDArray[np.bool_], full: bool) -> int:
    """Components of ``small`` and ``large`` beyond one of each for every pair that continues."""
    if small.ndim == 3:
        connectivity = 26 if full else 6
        few = label_components(small, connectivity=connectivity)[1]
        labels, many = label_components(large, connectivity=connectivity)
        image = np.unique(labels[small]).size
    else:
        few, many, image = continued(
            np.ascontiguousarray(small).view(np.uint8).ravel(),
            np.ascontiguousarray(large).view(np.uint8).ravel(),
            *small.shape,
            int(full),
        )
    return int((few - image) + (many - image))


def _pair(pred: ArrayLike, target: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    seen, truth = check_mask(pred), check_mask(target)
    if seen.shape != truth.shape:
        raise ValueError(f"masks must have one shape, got {seen.shape} and {truth.shape}")
    return seen, truth


def _neighbours(
    seen: NDArray[np.bool_], truth: NDArray[np.bool_], wide: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]:
    # a ring of background (the outside), then a ring that stops the kernels; a volume with one
    # slice has no outside above and below
    ring = [(int(size > 1 or seen.ndim == 2),) * 2 for size in seen.shape]
    codes = np.pad(2 * truth.astype(np.uint8) + seen, ring)
    framed = np.pad(codes, 1, constant_values=FRAME)
    steps = np.array(_half_steps(framed.shape))
    flat = framed.ravel()
    roots = label_codes(flat, steps, seen.ndim, wide)
    count = count_neighbours(flat, roots, steps, seen.ndim, wide)
    inside = tuple(
        slice(1 + before, size - 1 - after)
        for (before, after), size in zip(ring, framed.shape, strict=True)
    )
    return framed[inside], roots.reshape(framed.shape)[inside], count


def _half_steps(shape: tuple[int, ...]) -> list[int]:
    strides = np.cumprod((1, *shape[:0:-1]))[::-1]
    moves = [m for m in itertools.product((-1, 0, 1), repeat=len(shape)) if m > (0,) * len(shape)]
    moves.sort(key=lambda move: sum(map(abs, move)))
    return [int(np.dot(move, strides)) for move in moves]


def _number(
    codes: NDArray[np.uint8], roots: NDArray[np.int64], critical: NDArray[np.bool_]
) -> Labels:
    labels = np.zeros(codes.shape, np.int32)
    chosen = ((codes == 1) | (codes == 2)) & critical[roots]
    if chosen.any():
        labels[chosen] = np.unique(roots[chosen], return_inverse=True)[1] + 1
    return labels
