"""Overlap of a predicted and a true mask, counted in pixels."""

from __future__ import annotations

from seglosses.metrics.pair import Pair


def dice(pair: Pair) -> float:
    """Dice coefficient, the F1 score of pixels.

        dice = 2 TP / (2 TP + FP + FN)

    Args:
        pair: The two masks.

    Returns:
        A number in [0, 1]; with an empty mask see ``pair.empty``.

    References:
        Equal to medpy's `dc` and MONAI's `compute_dice` where no mask is empty.

    Example:
        >>> dice(Pair([[1, 1, 0]], [[0, 1, 1]]))  # TP 1, FP 1, FN 1
        0.5
    """
    return _share(pair, 2 * pair.true_positives, pair.false_positives + pair.false_negatives)


def iou(pair: Pair) -> float:
    """Intersection over union, the Jaccard index.

        iou = TP / (TP + FP + FN)

    Args:
        pair: The two masks.

    Returns:
        A number in [0, 1]; with an empty mask see ``pair.empty``.

    Example:
        >>> iou(Pair([[1, 1, 0, 0]], [[0, 1, 1, 1]]))  # TP 1, FP 1, FN 2
        0.25
    """
    return _share(pair, pair.true_positives, pair.false_positives + pair.false_negatives)


def _share(pair: Pair, right: int, wrong: int) -> float:
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=1.0, worst=0.0)
    return right / (right + wrong)
