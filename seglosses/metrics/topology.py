"""Whether the shape is right: pieces and loops, in all of the image and window by window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from seglosses.distance import Mask
from seglosses.metrics.pair import Pair
from seglosses.topology import betti_numbers


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
    errors = [
        [abs(a - b) for a, b in zip(*numbers, strict=True)]
        for numbers in window_betti_numbers(pair, window=window)
    ]
    return tuple(float(mean) for mean in np.mean(errors, axis=0))


def window_betti_numbers(
    pair: Pair, *, window: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Betti numbers of prediction and target in each window, row by row.

    Args:
        pair: The two masks.
        window: Side of the windows, pixels; those at the far border are cut off there.

    Yields:
        Betti numbers of the prediction and of the target.

    Raises:
        ValueError: for a window below 1.

    Example:
        >>> pair = Pair(np.array([[1, 0, 1]]) > 0, np.array([[1, 1, 1]]) > 0)
        >>> list(window_betti_numbers(pair, window=2))
        [((1, 0), (1, 0)), ((1, 0), (1, 0))]
    """
    if window < 1:
        raise ValueError(f"expected a window of at least 1 pixel, got {window}")
    pred, target = pair.uncropped()
    counts = [range(0, size, window) for size in pair.shape]
    for corner in np.stack(np.meshgrid(*counts, indexing="ij"), -1).reshape(-1, len(pair.shape)):
        place = tuple(slice(start, start + window) for start in corner.tolist())
        yield (
            betti_numbers(pred[place], connectivity=pair.connectivity),
            betti_numbers(target[place], connectivity=pair.connectivity),
        )


def betti_matching_error(pair: Pair, dimension: int) -> int:
    """Number of components, loops or cavities without a counterpart in the other mask.

    Features correspond when they become the same feature in the union of the masks, so unlike the
    Betti error this sees where they are.

        error = b_k(pred) + b_k(target) - 2 matched_k

    Args:
        pair: The two masks; connectivity 8 (26) is the T-construction, 4 (6) the V-construction.
        dimension: 0 for components, 1 for loops, 2 for cavities (3D).

    Returns:
        A count, well defined for empty masks.

    Raises:
        ValueError: For a dimension that masks of this shape do not have.

    References:
        Stucki et al., Topologically Faithful Image Segmentation via Induced Matching of
        Persistence Barcodes, ICML 2023, arXiv:2211.15272. The released program always matches the
        first component of both images; here a component must share a piece of the union with its
        counterpart, and an empty mask has none.

    Example:
        >>> apart = Pair([[1, 0, 0]], [[0, 0, 1]])
        >>> betti_matching_error(apart, 0), betti_error(apart, 0)
        (2, 0)
    """
    _check_dimension(pair, dimension)
    if dimension == 0:
        pred, target = pair.betti
        return pred[0] + target[0] - 2 * _shared(pair.union_components, pair.pred, pair.target)
    matching = pair.matching
    return len(matching.unmatched_a[dimension]) + len(matching.unmatched_b[dimension])


def _shared(labels: NDArray[np.int32], pred: Mask, target: Mask) -> int:
    """Number of labels that both masks meet."""
    size = int(labels.max(initial=0)) + 1
    met = [np.bincount(labels[mask], minlength=size) > 0 for mask in (pred, target)]
    return int(np.count_nonzero(met[0] & met[1]))


def _check_dimension(pair: Pair, dimension: int) -> None:
    if not 0 <= dimension < len(pair.shape):
        raise ValueError(f"expected a dimension below {len(pair.shape)}, got {dimension}")
