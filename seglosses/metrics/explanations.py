"""Scores of attribution maps: does what speaks for a class lie on its objects?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seglosses.primitives.masks import as_mask


def energy_pointing_game(attribution: ArrayLike, target: ArrayLike) -> float:
    """Share of the positive attribution that lies on the object.

        epg = sum over the object of max(a, 0) / sum of max(a, 0)

    Args:
        attribution: a, how much each pixel speaks for the class, (*S), of any scale.
        target: Mask, or filled boxes, of its objects, (*S).

    Returns:
        A number in [0, 1]; NaN where nothing speaks for the class.

    Raises:
        ValueError: When shapes differ, or for an attribution that is not finite.

    References:
        Wang et al., Score-CAM, CVPRW 2020, arXiv:1910.01279; of signed maps as in Rao et al.,
        Studying How to Efficiently and Effectively Guide Models with Explanations, ICCV 2023,
        arXiv:2303.11932, whose loss is :class:`seglosses.losses.AttributionEnergyLoss`.

    Example:
        >>> energy_pointing_game([[3.0, 1.0, -5.0]], [[1, 0, 1]])  # 3 of 3 + 1
        0.75
    """
    positive, mask = _read(attribution, target)
    total = float(positive.sum())
    return float(positive[mask].sum()) / total if total else float("nan")


def attribution_iou(attribution: ArrayLike, target: ArrayLike, *, threshold: float = 0.5) -> float:
    """IoU of the object and of what speaks for the class most.

        iou = |{a >= threshold max(a)} ∩ object| / |{a >= threshold max(a)} ∪ object|

    Unlike the energy it asks that the whole object speaks for its class.

    Args:
        attribution: a, how much each pixel speaks for the class, (*S), of any scale.
        target: Mask, or filled boxes, of its objects, (*S).
        threshold: In (0, 1], of the largest attribution. Rao et al. take the best of a grid on the
            validation set.

    Returns:
        A number in [0, 1]; NaN where nothing speaks for the class and there is no object.

    Raises:
        ValueError: When shapes differ, for an attribution that is not finite, or another threshold.

    References:
        Rao et al., ICCV 2023, arXiv:2303.11932.

    Example:
        >>> attribution_iou([[3.0, 2.0, 1.0, -5.0]], [[1, 0, 0, 1]])  # 1 of 3
        0.3333333333333333
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"expected a threshold in (0, 1], got {threshold}")
    positive, mask = _read(attribution, target)
    highest = float(positive.max(initial=0.0))
    seen = (positive >= threshold * highest) & (positive > 0)
    union = int(np.count_nonzero(seen | mask))
    return int(np.count_nonzero(seen & mask)) / union if union else float("nan")


def _read(
    attribution: ArrayLike, target: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    array, mask = np.asarray(attribution, np.float64), as_mask(target, "target")
    if array.shape != mask.shape:
        raise ValueError(
            f"attribution {array.shape} and target {mask.shape} differ in shape; scale the map to "
            "the size of the target first"
        )
    if not np.isfinite(array).all():
        raise ValueError("expected a finite attribution, got NaN or infinity")
    return np.maximum(array, 0), mask
