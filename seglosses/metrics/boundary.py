"""How far apart two boundaries lie.

A surface pixel is a mask pixel with a neighbour outside the mask across a face; what lies beyond
the image counts as outside. Distances run between centres of surface pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.pair import Pair
from seglosses.primitives.masks import Mask
from seglosses.primitives.nearest import eroded


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


def assd(pair: Pair) -> float:
    """Average symmetric surface distance: mean over both directions, pooled.

        assd = mean({d(p, T)} ∪ {d(t, P)})

    Args:
        pair: The two masks.

    Returns:
        A distance in the unit of the spacing; with an empty mask see ``pair.empty``.

    References:
        The definition of medpy's `assd` and of MONAI's symmetric average surface distance.

    Example:
        >>> assd(Pair([[1, 0, 0, 0]], [[1, 0, 0, 1]]))  # 0 and 0, 3
        1.0
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=0.0, worst=pair.diagonal)
    return float(np.concatenate(_both(pair)).mean())


def nsd(pair: Pair, *, tolerance: float) -> float:
    """Normalized surface Dice: share of surface pixels within a tolerance of the other surface.

        nsd = (|{p: d(p, T) <= tolerance}| + |{t: d(t, P) <= tolerance}|) / (|P| + |T|)

    Args:
        pair: The two masks.
        tolerance: Distance in the unit of the spacing.

    Returns:
        A number in [0, 1]; with an empty mask see ``pair.empty``.

    References:
        Nikolov et al., arXiv:1809.04430, counted in surface pixels as in MONAI;
        :func:`seglosses.metrics.nsd_length` weighs them by the length of the contour.

    Example:
        >>> nsd(Pair([[1, 0, 0, 0]], [[1, 0, 0, 1]]), tolerance=1)  # (1 + 1) of (1 + 2)
        0.6666666666666666
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=1.0, worst=0.0)
    sides = _both(pair)
    near = sum(int(np.count_nonzero(side <= tolerance)) for side in sides)
    return near / sum(side.size for side in sides)


def boundary_f(pair: Pair, *, tolerance: float) -> float:
    """Boundary F score: harmonic mean of the shares of matched surface pixels.

        precision = |{p: d(p, T) <= tolerance}| / |P|
        recall    = |{t: d(t, P) <= tolerance}| / |T|
        F         = 2 precision recall / (precision + recall)

    Args:
        pair: The two masks.
        tolerance: Distance in the unit of the spacing.

    Returns:
        A number in [0, 1]; with an empty mask see ``pair.empty``.

    References:
        Csurka et al., What is a good evaluation measure for semantic segmentation?, BMVC 2013.

    Example:
        >>> boundary_f(Pair([[1, 0, 0, 0]], [[1, 0, 0, 1]]), tolerance=1)  # 1 and 1 / 2
        0.6666666666666666
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=1.0, worst=0.0)
    precision, recall = (float(np.mean(side <= tolerance)) for side in _both(pair))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_iou(pair: Pair, *, width: int | None = None) -> float:
    """Intersection over union of the inner bands along both boundaries.

        band(M) = M minus M eroded `width` times by a 3x3 square

    A structure thinner than twice the width is all band, so there it is the plain IoU.

    Args:
        pair: The two masks.
        width: Width of the band in pixels; None for 2 % of the image diagonal, at least 1.

    Returns:
        A number in [0, 1]; with an empty mask see ``pair.empty``.

    References:
        Cheng et al., Boundary IoU, CVPR 2021, arXiv:2103.16562.

    Example:
        >>> import numpy as np
        >>> solid, hollow = np.ones((5, 5)), np.ones((5, 5))
        >>> hollow[2, 2] = 0
        >>> boundary_iou(Pair(solid, hollow), width=1)  # 16 of 16 + the 8 around the hole
        0.6666666666666666
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=1.0, worst=0.0)
    pixels = default_width(pair.shape) if width is None else width
    pred, target = band(pair.pred, pixels), band(pair.target, pixels)
    return int(np.count_nonzero(pred & target)) / int(np.count_nonzero(pred | target))


def default_width(shape: tuple[int, ...]) -> int:
    """Two percent of the diagonal of an image in pixels, at least 1.

    Args:
        shape: Shape of the image.

    Returns:
        A width in pixels.

    Example:
        >>> default_width((512, 512)), default_width((8, 8))
        (14, 1)
    """
    return max(1, round(0.02 * math.hypot(*shape)))


def band(mask: Mask, width: int) -> Mask:
    """Mask pixels within `width` steps (diagonal ones count) of the outside.

    Args:
        mask: Boolean mask, (*S).
        width: Number of steps, pixels.

    Returns:
        Boolean mask, (*S).

    Raises:
        ValueError: for a width below 1.

    Example:
        >>> band(np.ones((1, 5), bool), 1).astype(int)
        array([[1, 1, 1, 1, 1]])
    """
    if width < 1:
        raise ValueError(f"expected a width of at least 1 pixel, got {width}")
    return np.asarray(mask & ~eroded(mask, width))


def _both(pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    distances = pair.surface_distances
    return np.asarray(distances.pred, np.float64), np.asarray(distances.target, np.float64)
