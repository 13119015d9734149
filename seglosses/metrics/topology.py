"""Whether the shape is right: pieces and loops, in all of the image and window by window."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from seglosses import topology
from seglosses.metrics.pair import Pair
from seglosses.topology import MatchingError, matching_error
from seglosses.topology.errors import TieBreaking as TieBreaking


def betti_error(pair: Pair, dimension: int) -> int:
    """Absolute difference of Betti numbers.

        error = |b_k(pred) - b_k(target)|

    Blind to where the pieces and loops are: a missing and a spurious one cancel.

    Args:
        pair: The two masks; ``pair.connectivity`` says which pixels touch.
        dimension: 0 for components, 1 for loops, 2 for cavities (3D).

    Returns:
        A count. An empty mask has Betti numbers 0, so it is well defined for every pair.

    Raises:
        ValueError: For a dimension that masks of this shape do not have.

    References:
        Equal to gudhi's Betti numbers (closed pixels for connectivity 8), except that gudhi gives
        an empty mask one component.

    Example:
        >>> betti_error(Pair([[1, 0, 1, 0, 1]], [[1, 1, 1, 1, 1]]), 0)
        2
    """
    pred, target = pair.betti
    _check_dimension(pair, dimension)
    return abs(pred[dimension] - target[dimension])


def euler_error(pair: Pair) -> int:
    """Absolute difference of the Euler numbers, components - loops + cavities.

    Args:
        pair: The two masks.

    Returns:
        A count, 0 for two empty masks.

    Example:
        >>> euler_error(Pair([[1, 0, 1, 0, 1]], [[1, 1, 1, 1, 1]]))
        2
    """
    pred, target = pair.euler
    return abs(pred - target)


def windowed_betti_errors(pair: Pair, *, window: int) -> tuple[float, ...]:
    """Mean Betti errors of square windows that tile the image.

    Errors in different places cannot cancel, but windows cut loops, so the numbers do not compare
    with those of the whole image, nor between window sizes.

    Args:
        pair: The two masks.
        window: Edge length in pixels; windows at the far borders may be smaller.

    Returns:
        The mean of |difference| over windows, for each dimension.

    Example:
        >>> windowed_betti_errors(Pair([[1, 0, 0, 0]], [[0, 0, 0, 1]]), window=2)
        (1.0, 0.0)
    """
    pred, target, total = window_betti_numbers(pair, window=window)
    return tuple(float(errors) / total for errors in np.abs(pred - target).sum(axis=0))


def window_betti_numbers(
    pair: Pair, *, window: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Betti numbers of prediction and target in each window that holds something.

    Args:
        pair: The two masks.
        window: Side of the windows, pixels; those at the far border are cut off there.

    Returns:
        Betti numbers of the prediction and of the target, (windows, 2) or (windows, 3), in the
        windows that meet ``pair.box``, row by row; and how many windows tile the whole image. In
        the others both masks are empty.

    Raises:
        ValueError: for a window below 1.

    Example:
        >>> pair = Pair([[1, 0, 1, 0, 0, 0]], [[1, 1, 1, 0, 0, 0]])
        >>> pred, target, total = window_betti_numbers(pair, window=2)
        >>> pred.tolist(), target.tolist(), total
        ([[1, 0], [1, 0]], [[1, 0], [1, 0]], 3)
    """
    if window < 1:
        raise ValueError(f"expected a window of at least 1 pixel, got {window}")

    def measure() -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        # whole windows around the box: an edge of the box would be an edge of a window
        ends = [
            min(-(-side.stop // window) * window, size)
            for side, size in zip(pair.box, pair.shape, strict=True)
        ]
        starts = [side.start // window * window for side in pair.box]
        place = tuple(
            slice(side.start - start, side.stop - start)
            for side, start in zip(pair.box, starts, strict=True)
        )
        counts = []
        for mask in (pair.pred, pair.target):
            part = np.zeros([end - start for start, end in zip(starts, ends, strict=True)], bool)
            part[place] = mask
            counts.append(
                topology.window_betti_numbers(part, window=window, connectivity=pair.connectivity)
            )
        return counts[0], counts[1], math.prod(-(-size // window) for size in pair.shape)

    return pair.remember(("windows", window), measure)


def betti_matching_error(pair: Pair, dimension: int, *, tie_breaking: TieBreaking = "none") -> int:
    """Number of components, loops or cavities without a counterpart in the other mask.

    Features correspond when they become the same feature in the union of the masks, so unlike the
    Betti error this sees where they are.

        error = b_k(pred) + b_k(target) - 2 matched_k

    Args:
        pair: The two masks.
        dimension: 0 for components, 1 for loops, 2 for cavities (3D).
        tie_breaking: ``'none'`` counts what both masks give to the union, the same for flipped and
            transposed masks. ``'released'`` chooses among ties
            like the released programs: 4-connected (6) unless the pair says otherwise, and without
            the first component of each mask.

    Returns:
        A count, well defined for empty masks.

    Raises:
        ValueError: For a dimension that masks of this shape do not have, or an unknown option.

    References:
        :func:`seglosses.topology.matching_error` after Stucki et al., Topologically Faithful Image
        Segmentation via Induced Matching of Persistence Barcodes, ICML 2023, arXiv:2211.15272.

    Example:
        >>> apart = Pair([[1, 0, 0]], [[0, 0, 1]])
        >>> betti_matching_error(apart, 0), betti_error(apart, 0)
        (2, 0)
        >>> betti_matching_error(apart, 0, tie_breaking="released")
        0
    """
    _check_dimension(pair, dimension)
    error = pair.remember(("matching error", tie_breaking), lambda: _matched(pair, tie_breaking))
    return error.by_dimension[dimension]


def _matched(pair: Pair, tie_breaking: TieBreaking) -> MatchingError:
    released = tie_breaking == "released"
    # a choice among ties may depend on background, so the released one needs the whole image
    pred, target = pair.uncropped() if released else (pair.pred, pair.target)
    return matching_error(
        pred,
        target,
        connectivity=pair.connectivity,
        tie_breaking=tie_breaking,
        count_essential=not released,
    )


def _check_dimension(pair: Pair, dimension: int) -> None:
    if not 0 <= dimension < len(pair.shape):
        raise ValueError(f"expected a dimension below {len(pair.shape)}, got {dimension}")
