"""Centrelines: are lines where they should be, and are they whole?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seglosses.metrics.pair import Pair
from seglosses.primitives.nearest import distances_at


def cldice(pair: Pair) -> float:
    """Centreline Dice of two hard masks.

        precision   = |skeleton(P) ∩ T| / |skeleton(P)|
        sensitivity = |skeleton(T) ∩ P| / |skeleton(T)|
        clDice      = 2 precision sensitivity / (precision + sensitivity)

    Args:
        pair: The two masks.

    Returns:
        A number in [0, 1]; 0 when neither skeleton meets the other mask, where the reference
        code divides 0 by 0; with an empty mask see ``pair.empty``.

    References:
        Shit et al., clDice, CVPR 2021, arXiv:2003.07311, with scikit-image's skeletons.

    Example:
        >>> cldice(Pair([[0] * 8, [1] * 8, [0] * 8], [[0] * 8, [1] * 4 + [0] * 4, [0] * 8]))
        0.6666666666666666
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=1.0, worst=0.0)
    pred, target = np.asarray(pair.skeletons.pred, bool), np.asarray(pair.skeletons.target, bool)
    precision = np.count_nonzero(pred & pair.target) / np.count_nonzero(pred)
    sensitivity = np.count_nonzero(target & pair.pred) / np.count_nonzero(target)
    if precision + sensitivity == 0:
        return 0.0
    return float(2 * precision * sensitivity / (precision + sensitivity))


class LineScores(NamedTuple):
    """Shares of centreline pixels that have a partner within the tolerance.

    Attributes:
        correctness: Of the predicted centrelines.
        completeness: Of the true ones.
        quality: Both in one number, as an IoU.
    """

    correctness: float
    completeness: float
    quality: float


def line_scores(pair: Pair, *, tolerance: float) -> LineScores:
    """Correctness, completeness and quality of centrelines.

        correctness  = |{p in skeleton(P): d(p, skeleton(T)) <= tolerance}| / |skeleton(P)|
        completeness = |{t in skeleton(T): d(t, skeleton(P)) <= tolerance}| / |skeleton(T)|
        quality      = correctness completeness / (correctness + completeness - product)

    Args:
        pair: The two masks.
        tolerance: Distance in the unit of the spacing.

    Returns:
        Numbers in [0, 1]; with an empty mask see ``pair.empty``.

    References:
        Wiedemann et al., Empirical evaluation of automatically extracted road axes, 1998.

    Example:
        >>> long, short = [[0] * 8, [1] * 8, [0] * 8], [[0] * 8, [1] * 4 + [0] * 4, [0] * 8]
        >>> line_scores(Pair(long, short), tolerance=0)
        LineScores(correctness=0.5, completeness=1.0, quality=0.5)
    """
    if pair.pred_empty or pair.target_empty:
        return LineScores(*(pair.undefined(perfect=1.0, worst=0.0),) * 3)
    pred, target = np.asarray(pair.skeletons.pred, bool), np.asarray(pair.skeletons.target, bool)
    correctness = float(np.mean(distances_at(pred, target, pair.spacing) <= tolerance))
    completeness = float(np.mean(distances_at(target, pred, pair.spacing) <= tolerance))
    product = correctness * completeness
    union = correctness + completeness - product
    return LineScores(correctness, completeness, product / union if union else 0.0)
