"""Metrics of label maps: NumPy in, numbers out.

A :class:`Pair` holds one predicted and one true mask and measures each expensive statistic once;
a metric is a short reading of it::

    pair = Pair(pred == 1, target == 1, spacing=(0.5, 0.5))
    hd95(pair), cldice(pair), betti_error(pair, 0)
"""

from seglosses.metrics.boundary import hd95, hd95_directed
from seglosses.metrics.overlap import dice, iou
from seglosses.metrics.pair import EmptyPolicy, Pair
from seglosses.metrics.topology import betti_error, cldice

__all__ = [
    "EmptyPolicy",
    "Pair",
    "betti_error",
    "cldice",
    "dice",
    "hd95",
    "hd95_directed",
    "iou",
]
