"""Discrepancy between the intersection and the union of two masks."""

from __future__ import annotations

from seglosses.metrics.pair import Pair
from seglosses.topology.regions import union_intersection_error


def diu(pair: Pair) -> int:
    """Discrepancy between intersection and union: what their inclusion fails to preserve.

    Let I = P ∩ T lie inside U = P ∪ T, and let the inclusion map the components, loops and, in 3D,
    cavities of I to those of U.

        DIU = sum_k (b_k(I) + b_k(U) - 2 rank_k)

    the dimensions of kernel and cokernel in homology. It is 0 when the shape of both masks is
    right and in place, also where Betti numbers agree by chance.

    Args:
        pair: The two masks, 2D or 3D.

    Returns:
        A count, 0 for two empty masks.

    References:
        Lux et al., Topograph, ICLR 2025, arXiv:2411.03228, which defines it in homology. Its
        program calls the DIU its Topograph score, sums it over the classes, and counts missing
        and surplus neighbours in a graph of regions instead.

    Example:
        >>> diu(Pair([[1, 1, 0, 1, 1]], [[1, 1, 1, 1, 1]]))  # two pieces become one
        1
    """
    return union_intersection_error(pair.pred, pair.target, connectivity=pair.connectivity)
