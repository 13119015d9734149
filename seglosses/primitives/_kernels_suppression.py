# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernel of non-maximum suppression (Numba, no bounds checks)."""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel


@kernel
def survivors(boxes, threshold, beta):
    """Rows that nothing before them suppresses.

    Args:
        boxes: Lower and upper corners, best first, float32 (n, 2d), contiguous.
        threshold: Least IoU, less the penalty, that suppresses; not negative.
        beta: Power of the penalty.

    Returns:
        Rows, int64 (k,).
    """
    n, dim = boxes.shape[0], boxes.shape[1] // 2
    volumes = np.ones(n)
    for i in range(n):
        for axis in range(dim):
            volumes[i] *= max(boxes[i, dim + axis] - boxes[i, axis], 0.0)
    waiting = np.arange(n)
    kept = np.empty(n, np.int64)
    found, left = 0, n
    while left:
        best = waiting[0]
        kept[found] = best
        found += 1
        still = 0
        for place in range(1, left):
            other = waiting[place]
            common = 1.0
            for axis in range(dim):
                upper = min(boxes[best, dim + axis], boxes[other, dim + axis])
                common *= max(upper - max(boxes[best, axis], boxes[other, axis]), 0.0)
            # without a common volume neither form suppresses, as the threshold is not negative
            value = 0.0
            if common > 0:
                value = common / (volumes[best] + volumes[other] - common)
            if value > threshold:
                offset, hull = 0.0, 0.0
                for axis in range(dim):
                    low, high = boxes[best, axis], boxes[best, dim + axis]
                    low_other, high_other = boxes[other, axis], boxes[other, dim + axis]
                    offset += ((low_other - low) + (high_other - high)) ** 2
                    hull += (max(high, high_other) - min(low, low_other)) ** 2
                value -= (offset / 4 / hull) ** beta
            if value <= threshold:
                waiting[still] = other
                still += 1
        left = still
    return kept[:found]
