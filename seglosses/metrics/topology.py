"""Whether the shape is right: pieces, loops and centrelines."""

from __future__ import annotations

import numpy as np

from seglosses.metrics.pair import Pair


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
    if not 0 <= dimension < len(pred):
        raise ValueError(f"expected a dimension below {len(pred)}, got {dimension}")
    return abs(pred[dimension] - target[dimension])


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
