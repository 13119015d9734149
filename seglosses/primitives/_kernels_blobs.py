"""Kernels of soft counts of objects, of one foreground class: sums of its sigmoid by run.

Runs are those of :mod:`seglosses.topology.kernels.labels`, in the order of their pixels; those of
image n are ``first[n]`` to ``first[n + 1]``. Logits are float32 and contiguous, (N, C, P): of a
softmax of two classes, or of one independent channel. ``valid`` is (N, P) of uint8; where
``masked`` is false anything of this type may be given, and a pixel that is not valid may hold
anything, NaN too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import lanes
from seglosses.primitives._kernels_lanes import BLOCK, ONE, ZERO, add_up, exp, take


@lanes
def _sigmoids(x0: Any, x1: Any, valid: Any, masked: Any, prob: Any) -> None:
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        e = exp(-abs(apart))
        more = ONE / (ONE + e)
        one = more if apart >= ZERO else e * more
        if masked:
            one = one if valid[p] else ZERO
        prob[p] = one


@lanes
def blob_totals(
    logits: Any,
    valid: Any,
    masked: bool,
    first: Any,
    start: Any,
    stop: Any,
    component: Any,
    totals: Any,
) -> None:
    """Add to (N, M + 1) float64: the background's probabilities, and those of each component."""
    images, channels, pixels = logits.shape
    nothing, prob = np.zeros(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        run, end = first[n], first[n + 1]
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            x0 = logits[n, 0, i:j] if channels == 2 else nothing[: j - i]
            own = prob[: j - i]
            _sigmoids(x0, logits[n, channels - 1, i:j], valid[n, i:j], masked, own)
            while run < end and start[run] < j:
                low, high = max(start[run], i) - i, min(stop[run], j) - i
                totals[n, component[run] + 1] += take(own[low:high])
                if stop[run] > j:
                    # it goes on in the next block
                    break
                run += 1
            totals[n, 0] += add_up(own)


@lanes
def _slopes(x0: Any, x1: Any, valid: Any, masked: Any, lever: Any, grad: Any) -> None:
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        e = exp(-abs(apart))
        more = ONE / (ONE + e)
        slope = lever[p] * (e * more * more)
        if masked:
            slope = slope if valid[p] else ZERO
        grad[p] = slope


@lanes
def blob_slopes(
    logits: Any,
    valid: Any,
    masked: bool,
    first: Any,
    start: Any,
    stop: Any,
    component: Any,
    levers: Any,
    grad: Any,
) -> None:
    """Gradient (N, C, P) of :func:`blob_totals`, given that of the totals, float32 (N, M + 1)."""
    images, channels, pixels = logits.shape
    nothing, lever = np.zeros(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        run, end = first[n], first[n + 1]
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            x0 = logits[n, 0, i:j] if channels == 2 else nothing[: j - i]
            lever[:] = levers[n, 0]
            while run < end and start[run] < j:
                low, high = max(start[run], i) - i, min(stop[run], j) - i
                lever[low:high] = levers[n, component[run] + 1]
                if stop[run] > j:
                    break
                run += 1
            one = grad[n, channels - 1, i:j]
            x1, own = logits[n, channels - 1, i:j], lever[: j - i]
            _slopes(x0, x1, valid[n, i:j], masked, own, one)
            if channels == 2:
                zero = grad[n, 0, i:j]
                for p in range(j - i):
                    zero[p] = -one[p]
