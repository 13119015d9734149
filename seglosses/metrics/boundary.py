"""How far apart two boundaries lie.

A surface pixel is a mask pixel with a neighbour outside the mask across a face; what lies beyond
the image counts as outside. Distances run between centres of surface pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.pair import Pair


def hd95(pair: Pair, *, percentile: float = 95.0) -> float:
    """Percentile of the surface distances of both directions, pooled.

        hd95 = P95({d(p, T)} ∪ {d(t, P)})

    Papers name two different numbers HD95; the other one is :func:`hd95_directed`.

    Args:
        pair: The two masks.
        percentile: In [0, 100], linear interpolation; 100 is the Hausdorff distance.

    Returns:
        A distance in the unit of the spacing; with an empty mask see ``pair.empty``.

    References:
        The definition of medpy's `hd95`, nnU-Net v1 and TopoMortar.

    Example:
        >>> hd95(Pair([[1, 0, 0, 0]], [[1, 0, 0, 1]]), percentile=75)  # P75 of (0, 0, 3)
        1.5
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=0.0, worst=pair.diagonal)
    return float(np.percentile(np.concatenate(_both(pair)), percentile))


def hd95_directed(pair: Pair, *, percentile: float = 95.0) -> float:
    """Larger one of the two directed percentiles of the surface distances.

        hd95 = max(P95({d(p, T)}), P95({d(t, P)}))

    Args:
        pair: The two masks.
        percentile: In [0, 100], linear interpolation; 100 is the Hausdorff distance.

    Returns:
        A distance in the unit of the spacing; with an empty mask see ``pair.empty``.

    References:
        The definition of MONAI and of Metrics Reloaded (Maier-Hein et al., Nature Methods 2024).

    Example:
        >>> hd95_directed(Pair([[1, 0, 0, 0]], [[1, 0, 0, 1]]), percentile=75)  # (0) and (0, 3)
        2.25
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=0.0, worst=pair.diagonal)
    return max(float(np.percentile(side, percentile)) for side in _both(pair))


def _both(pair: Pair) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    distances = pair.surface_distances
    return np.asarray(distances.pred), np.asarray(distances.target)
