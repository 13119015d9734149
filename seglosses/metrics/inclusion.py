"""Discrepancy between the intersection and the union of two masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seglosses.distance import Mask
from seglosses.metrics.pair import Pair, other_connectivity
from seglosses.topology import label_components


def diu(pair: Pair) -> int:
    """Discrepancy between intersection and union: what their inclusion fails to preserve.

    Let I = P ∩ T lie inside U = P ∪ T, and let the inclusion map the components and loops of I
    to those of U.

        DIU = sum_k (b_k(I) + b_k(U) - 2 rank_k)

    the dimensions of kernel and cokernel in homology. It is 0 when the shape of both masks is
    right and in place, also where Betti numbers agree by chance.

    Args:
        pair: The two masks, 2D.

    Returns:
        A count, 0 for two empty masks.

    Raises:
        ValueError: For volumes.

    References:
        Lux et al., Topograph, ICLR 2025, arXiv:2411.03228.

    Example:
        >>> diu(Pair([[1, 1, 0, 1, 1]], [[1, 1, 1, 1, 1]]))  # two pieces become one
        1
    """
    if len(pair.shape) != 2:
        raise ValueError(f"DIU is computed in 2D, got shape {pair.shape}; score slices")
    inner, outer = pair.pred & pair.target, pair.pred | pair.target
    inner_count = label_components(inner, connectivity=pair.connectivity)[1]
    outer_labels, outer_count = pair.union_components, int(pair.union_components.max(initial=0))
    components = inner_count + outer_count - 2 * _met(outer_labels, inner)
    # Loops by duality: a loop of I lives on in U when the hole it surrounds keeps a pixel, and
    # the rank is that of the map of background components, the outer one apart.
    other = other_connectivity(pair.connectivity, 2)
    gaps, gap_count = _background(inner, other)
    holes_outer = _background(outer, other)[1] - 1
    rank = _met(gaps, np.pad(~outer, 1, constant_values=True)) - 1
    return components + (gap_count - 1) + holes_outer - 2 * rank


def _background(mask: Mask, connectivity: int) -> tuple[NDArray[np.int32], int]:
    """Components of the background, all that touches the border joined to one."""
    padded = np.pad(~mask, 1, constant_values=True)
    return label_components(padded, connectivity=connectivity)


def _met(labels: NDArray[np.int32], mask: Mask) -> int:
    """Number of labels above 0 that meet the mask."""
    found = np.bincount(labels[mask], minlength=1) > 0
    return int(np.count_nonzero(found[1:]))
