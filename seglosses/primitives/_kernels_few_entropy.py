"""Kernels of few classes: cross-entropy and its gradient, in one pass.

A formula in PyTorch reads and writes memory once per operation. Here a pixel is read once, and
everything about it is done while it lies in registers. All maps are float32 and contiguous, all
labels uint8; sums are float32 over a block and float64 over blocks.

``weight`` is (N, P), uint8 or float32; where ``weighed`` is false anything of these types may be
given. A pixel of weight zero may hold anything, NaN too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import lanes
from seglosses.primitives._kernels_lanes import (
    BLOCK,
    HALF,
    ONE,
    TWO,
    ZERO,
    add_up,
    exp,
    f32,
    log1p,
    softmax,
)

_FOUR, _QUARTER, _LOG_2, _LOG_4 = f32(4), f32(0.25), f32(np.log(2)), f32(np.log(4))


@lanes
def _pair_entropy(x0: Any, x1: Any, labels: Any, weight: Any, weighed: Any, loss: Any) -> None:
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        towards = apart if labels[p] == np.uint8(1) else -apart
        wrong = -towards if towards < ZERO else ZERO
        value = wrong + log1p(exp(-abs(apart)))
        # NaN is neither below nor above
        value = value if apart == apart else apart
        if weighed:
            share = f32(weight[p])
            value = ZERO if share == ZERO else value * share
        loss[p] = value


@lanes
def _pair_entropy_slopes(
    x0: Any, x1: Any, labels: Any, weight: Any, weighed: Any, lever: Any, grad: Any
) -> None:
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        one = labels[p] == np.uint8(1)
        towards = apart if one else -apart
        e = exp(-abs(apart))
        more = ONE / (ONE + e)
        other = e * more if towards >= ZERO else more
        slope = (-other if one else other) * lever[p]
        if weighed:
            share = f32(weight[p])
            slope = ZERO if share == ZERO else slope * share
        grad[p] = slope


@lanes
def two_entropy(
    logits: Any, labels: Any, weight: Any, weighed: bool, each: bool, loss: Any
) -> float:
    """Sum of the cross-entropy of logits (N, 2, P), or of one independent channel (N, 1, P).

    Where ``each`` is true, (N, P) is written to ``loss`` in place of the sum.
    """
    images, channels, pixels = logits.shape
    nothing, scratch = np.zeros(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    total = 0.0
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            x0 = logits[n, 0, i:j] if channels == 2 else nothing[: j - i]
            x1 = logits[n, channels - 1, i:j]
            own = loss[n, i:j] if each else scratch[: j - i]
            _pair_entropy(x0, x1, labels[n, i:j], weight[n, i:j], weighed, own)
            if not each:
                total += add_up(own)
    return total


@lanes
def two_entropy_slopes(
    logits: Any, labels: Any, weight: Any, weighed: bool, factor: Any, levers: Any, grad: Any
) -> None:
    """Gradient of :func:`two_entropy`, given that of each pixel's loss (N, P), or of the sum.

    The factor is that of the sum, and NaN where there are levers.
    """
    images, channels, pixels = logits.shape
    nothing, shared = np.zeros(BLOCK, np.float32), np.full(BLOCK, factor)
    each = levers.size > 0
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            x0 = logits[n, 0, i:j] if channels == 2 else nothing[: j - i]
            x1, one = logits[n, channels - 1, i:j], grad[n, channels - 1, i:j]
            own = levers[n, i:j] if each else shared[: j - i]
            _pair_entropy_slopes(x0, x1, labels[n, i:j], weight[n, i:j], weighed, own, one)
            if channels == 2:
                zero = grad[n, 0, i:j]
                for p in range(j - i):
                    zero[p] = -one[p]


@lanes
def _behind(x: Any, top: Any, labels: Any, number: Any, loss: Any) -> None:
    for p in range(x.size):
        loss[p] = top[p] - x[p] if labels[p] == number else loss[p]


@lanes
def _add_logarithms(scale: Any, weight: Any, weighed: Any, loss: Any) -> None:
    for p in range(loss.size):
        # 1 <= total <= 8, brought below 2
        total = ONE / scale[p]
        extra = _LOG_4 if total >= _FOUR else ZERO
        total = total * _QUARTER if total >= _FOUR else total
        extra = extra + _LOG_2 if total >= TWO else extra
        total = total * HALF if total >= TWO else total
        value = loss[p] + extra + log1p(total - ONE)
        if weighed:
            share = f32(weight[p])
            value = ZERO if share == ZERO else value * share
        loss[p] = value


@lanes
def few_entropy(
    logits: Any, labels: Any, weight: Any, weighed: bool, each: bool, loss: Any
) -> float:
    """Sum of the cross-entropy of logits (N, C, P), or as (N, P), see :func:`two_entropy`."""
    images, channels, pixels = logits.shape
    prob = np.empty((channels, BLOCK), np.float32)
    top, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    scratch = np.empty(BLOCK, np.float32)
    total = 0.0
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            softmax(logits, n, i, j, top, scale, prob)
            own = loss[n, i:j] if each else scratch[: j - i]
            for c in range(channels):
                _behind(logits[n, c, i:j], top, labels[n, i:j], np.uint8(c), own)
            _add_logarithms(scale, weight[n, i:j], weighed, own)
            if not each:
                total += add_up(own)
    return total


@lanes
def _few_entropy_slopes(
    prob: Any, labels: Any, number: Any, weight: Any, weighed: Any, lever: Any, grad: Any
) -> None:
    for p in range(prob.size):
        hot = ONE if labels[p] == number else ZERO
        slope = (prob[p] - hot) * lever[p]
        if weighed:
            share = f32(weight[p])
            slope = ZERO if share == ZERO else slope * share
        grad[p] = slope


@lanes
def few_entropy_slopes(
    logits: Any, labels: Any, weight: Any, weighed: bool, factor: Any, levers: Any, grad: Any
) -> None:
    """Gradient of :func:`few_entropy`, given what :func:`two_entropy_slopes` is given."""
    images, channels, pixels = logits.shape
    prob = np.empty((channels, BLOCK), np.float32)
    top, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    shared = np.full(BLOCK, factor)
    each = levers.size > 0
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            softmax(logits, n, i, j, top, scale, prob)
            own = levers[n, i:j] if each else shared[: j - i]
            for c in range(channels):
                _few_entropy_slopes(
                    prob[c, : j - i],
                    labels[n, i:j],
                    np.uint8(c),
                    weight[n, i:j],
                    weighed,
                    own,
                    grad[n, c, i:j],
                )
