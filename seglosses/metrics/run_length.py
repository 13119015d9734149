"""How far one can follow a line before the prediction breaks it or merges it with another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seglosses.metrics.graphs import graphs
from seglosses.metrics.pair import Pair
from seglosses.primitives.nearest import distances_at


class RunLength(NamedTuple):
    """Expected run length of a prediction.

    Attributes:
        length: In the unit of the spacing.
        share: Of the run length of the target itself, in [0, 1].
    """

    length: float
    share: float


def expected_run_length(pair: Pair) -> RunLength:
    """Expected run length of the centrelines of the target's components.

    A run is what a component of the prediction holds of the centreline of one component of the
    target; a predicted component that meets two centrelines merges them, and all of its runs are
    wrong.

        erl   = sum of (length of right runs)^2 / length of all centrelines
        share = erl / (sum of (length of centrelines)^2 / length of all centrelines)

    Args:
        pair: The two masks; components are its own, of its connectivity.

    Returns:
        A length in the unit of the spacing, and a number in [0, 1]; NaN where the target has no
        centreline longer than a pixel, and with an empty mask see ``pair.empty``.

    References:
        Januszewski et al., High-precision automated reconstruction of neurons with flood-filling
        networks, Nature Methods 2018; equal to funlib.evaluate (d2852b3) on these skeletons.

    Example:
        >>> gap = [[1] * 5 + [0] + [1] * 3]
        >>> expected_run_length(Pair(gap, [[1] * 9]))  # (4^2 + 2^2) / 8
        RunLength(length=2.5, share=0.3125)
    """
    if pair.left_out:
        return RunLength(float("nan"), float("nan"))
    target = graphs(pair)[1]
    places = np.asarray(pair.skeletons.target, bool)
    lines = np.asarray(pair.components.target)[places]
    pieces = np.asarray(pair.components.pred)[places]
    steps = target.steps.tocoo()
    once = steps.row < steps.col
    one, two, lengths = steps.row[once], steps.col[once], steps.data[once]
    total = float(lengths.sum())
    if not total:
        perfect = pair.empty == "perfect" and pair.pred_empty and pair.target_empty
        return RunLength(0.0, 1.0) if perfect else RunLength(float("nan"), float("nan"))
    best = float(np.square(np.bincount(lines[one], lengths)).sum()) / total
    met = np.unique(np.stack([pieces, lines]), axis=1)[0]
    merged = np.bincount(met, minlength=int(pieces.max()) + 1) > 1
    right = (pieces[one] > 0) & (pieces[one] == pieces[two]) & ~merged[pieces[one]]
    runs = lines.astype(np.int64) * (int(pieces.max()) + 1) + pieces
    _, run = np.unique(runs[one[right]], return_inverse=True)
    length = float(np.square(np.bincount(run, lengths[right])).sum()) / total
    return RunLength(length, length / best)


def centerline_hd(pair: Pair, *, percentile: float = 100.0) -> float:
    """Hausdorff distance of the centrelines, or a percentile of it.

        max(P({d(p, skeleton(T)): p in skeleton(P)}), P({d(t, skeleton(P)): t in skeleton(T)}))

    Args:
        pair: The two masks.
        percentile: In [0, 100], of each direction, linear interpolation.

    Returns:
        A distance in the unit of the spacing; with an empty mask see ``pair.empty``.

    References:
        The definition of :func:`seglosses.metrics.hd95_directed`, of centrelines.

    Example:
        >>> centerline_hd(Pair([[1] * 9], [[1] * 5 + [0] * 4]))  # the last of nine pixels
        4.0
    """
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=0.0, worst=pair.diagonal)
    pred, target = np.asarray(pair.skeletons.pred, bool), np.asarray(pair.skeletons.target, bool)
    sides = distances_at(pred, target, pair.spacing), distances_at(target, pred, pair.spacing)
    return max(float(np.percentile(side, percentile)) for side in sides)
