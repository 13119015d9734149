"""``seglosses converge``: how fast each box loss brings a box to its target, without a network.

The published order, DIoU and CIoU before GIoU and IoU, holds for the gradients of the authors'
code (:mod:`seglosses.converge.published`) and for ours with the diagonal c frozen. With the exact
gradient of c, which makes boxes grow while they are apart, GIoU is ahead on average.
"""

from seglosses.converge.command import add_arguments, run
from seglosses.converge.descent import CASES, cases, corners, descend, follow, half_time
from seglosses.converge.published import PUBLISHED

__all__ = [
    "CASES",
    "PUBLISHED",
    "add_arguments",
    "cases",
    "corners",
    "descend",
    "follow",
    "half_time",
    "run",
]
