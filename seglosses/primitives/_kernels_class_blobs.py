"""Kernels of soft counts of objects of several classes: sums of their softmax by run.

As :mod:`seglosses.primitives._kernels_blobs`. K classes of C are asked for; runs of image n and of
the k-th of ``classes`` are ``first[n K + k]`` to ``first[n K + k + 1]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import lanes
from seglosses.primitives._kernels_lanes import BLOCK, ZERO, add_products, add_up, softmax, take


@lanes
def _blank(values: Any, valid: Any) -> None:
    for p in range(values.size):
        values[p] = values[p] if valid[p] else ZERO


@lanes
def class_blob_totals(
    logits: Any,
    valid: Any,
    masked: bool,
    classes: Any,
    first: Any,
    start: Any,
    stop: Any,
    component: Any,
    totals: Any,
) -> None:
    """Add to (N, K, M + 1) float64: what a class has in the rest, and in each of its components."""
    images, channels, pixels = logits.shape
    count, place = classes.size, first.copy()
    prob = np.empty((channels, BLOCK), np.float32)
    top, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            softmax(logits, n, i, j, top, scale, prob)
            for k in range(count):
                own = prob[classes[k], : j - i]
                if masked:
                    _blank(own, valid[n, i:j])
                run, end = place[n * count + k], first[n * count + k + 1]
                while run < end and start[run] < j:
                    low, high = max(start[run], i) - i, min(stop[run], j) - i
                    totals[n, k, component[run] + 1] += take(own[low:high])
                    if stop[run] > j:
                        # it goes on in the next block
                        break
                    run += 1
                place[n * count + k] = run
                totals[n, k, 0] += add_up(own)


@lanes
def _slopes(prob: Any, lever: Any, mean: Any, valid: Any, masked: Any, grad: Any) -> None:
    for p in range(grad.size):
        slope = prob[p] * (lever[p] - mean[p])
        if masked:
            slope = slope if valid[p] else ZERO
        grad[p] = slope


@lanes
def class_blob_slopes(
    logits: Any,
    valid: Any,
    masked: bool,
    classes: Any,
    first: Any,
    start: Any,
    stop: Any,
    component: Any,
    levers: Any,
    grad: Any,
) -> None:
    """Gradient (N, C, P), given that of the totals, float32 (N, K, M + 1)."""
    images, channels, pixels = logits.shape
    count, place = classes.size, first.copy()
    prob = np.empty((channels, BLOCK), np.float32)
    # classes that are not asked for have none
    lever = np.zeros((channels, BLOCK), np.float32)
    mean, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            softmax(logits, n, i, j, mean, scale, prob)
            mean[:] = ZERO
            for k in range(count):
                own = lever[classes[k], : j - i]
                own[:] = levers[n, k, 0]
                run, end = place[n * count + k], first[n * count + k + 1]
                while run < end and start[run] < j:
                    low, high = max(start[run], i) - i, min(stop[run], j) - i
                    own[low:high] = levers[n, k, component[run] + 1]
                    if stop[run] > j:
                        break
                    run += 1
                place[n * count + k] = run
                add_products(prob[classes[k], : j - i], own, mean)
            for c in range(channels):
                _slopes(prob[c], lever[c], mean, valid[n, i:j], masked, grad[n, c, i:j])
