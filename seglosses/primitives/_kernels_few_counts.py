"""Kernels of few classes: soft counts of a softmax or sigmoids, and their gradients, in one pass.

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
from seglosses.primitives._kernels_lanes import BLOCK, ONE, ZERO, exp, f32, softmax


@lanes
def _pair_sums(
    x0: Any, x1: Any, labels: Any, number: Any, weight: Any, weighed: Any
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Sums of a block: intersection, mass and label of the class 0 and of the class 1."""
    tp0, tp1, mass0, mass1, target0, target1 = ZERO, ZERO, ZERO, ZERO, ZERO, ZERO
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        e = exp(-abs(apart))
        more = ONE / (ONE + e)
        less = e * more
        ahead = apart >= ZERO
        one = more if ahead else less
        zero = less if ahead else more
        share = ONE
        if weighed:
            share = f32(weight[p])
            one = ZERO if share == ZERO else one * share
            zero = ZERO if share == ZERO else zero * share
        hot = ONE if labels[p] == number else ZERO
        cold = ONE - hot
        tp0 += zero * cold
        tp1 += one * hot
        mass0 += zero
        mass1 += one
        target0 += share * cold
        target1 += share * hot
    return tp0, tp1, mass0, mass1, target0, target1


@lanes
def two_counts(logits: Any, labels: Any, weight: Any, weighed: bool, counts: Any) -> None:
    """Counts (3, N, 2) of the softmax of logits (N, 2, P): intersection, mass, label."""
    images, _, pixels = logits.shape
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            sums = _pair_sums(
                logits[n, 0, i:j],
                logits[n, 1, i:j],
                labels[n, i:j],
                np.uint8(1),
                weight[n, i:j],
                weighed,
            )
            for k in range(3):
                counts[k, n, 0] += sums[2 * k]
                counts[k, n, 1] += sums[2 * k + 1]


@lanes
def channel_counts(
    logits: Any, labels: Any, first: int, weight: Any, weighed: bool, counts: Any
) -> None:
    """Counts (3, N, C) of the sigmoid of logits (N, C, P); channel 0 is the label ``first``."""
    images, channels, pixels = logits.shape
    nothing = np.zeros(BLOCK, np.float32)
    for n in range(images):
        for c in range(channels):
            for i in range(0, pixels, BLOCK):
                j = min(i + BLOCK, pixels)
                sums = _pair_sums(
                    nothing[: j - i],
                    logits[n, c, i:j],
                    labels[n, i:j],
                    np.uint8(c + first),
                    weight[n, i:j],
                    weighed,
                )
                for k in range(3):
                    counts[k, n, c] += sums[2 * k + 1]


@lanes
def _pair_slopes(
    x0: Any, x1: Any, labels: Any, number: Any, levers: Any, weight: Any, weighed: Any, grad: Any
) -> None:
    """Gradient of a block for x1: the levers are those of every pixel and of those of the label."""
    least, step = levers
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        e = exp(-abs(apart))
        more = ONE / (ONE + e)
        hot = step if labels[p] == number else ZERO
        slope = (least + hot) * (e * more * more)
        if weighed:
            share = f32(weight[p])
            slope = ZERO if share == ZERO else slope * share
        grad[p] = slope


@lanes
def two_slopes(
    logits: Any, labels: Any, weight: Any, weighed: bool, hits: Any, masses: Any, grad: Any
) -> None:
    """Gradient (N, 2, P), given those of the intersections and masses (N, 2)."""
    images, _, pixels = logits.shape
    for n in range(images):
        levers = (masses[n, 1] - masses[n, 0] - hits[n, 0], hits[n, 0] + hits[n, 1])
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            zero, one = grad[n, 0, i:j], grad[n, 1, i:j]
            _pair_slopes(
                logits[n, 0, i:j],
                logits[n, 1, i:j],
                labels[n, i:j],
                np.uint8(1),
                levers,
                weight[n, i:j],
                weighed,
                one,
            )
            for p in range(j - i):
                zero[p] = -one[p]


@lanes
def channel_slopes(
    logits: Any,
    labels: Any,
    first: int,
    weight: Any,
    weighed: bool,
    hits: Any,
    masses: Any,
    grad: Any,
) -> None:
    """Gradient (N, C, P) of independent channels, given those of intersections and masses."""
    images, channels, pixels = logits.shape
    nothing = np.zeros(BLOCK, np.float32)
    for n in range(images):
        for c in range(channels):
            levers = (masses[n, c], hits[n, c])
            for i in range(0, pixels, BLOCK):
                j = min(i + BLOCK, pixels)
                _pair_slopes(
                    nothing[: j - i],
                    logits[n, c, i:j],
                    labels[n, i:j],
                    np.uint8(c + first),
                    levers,
                    weight[n, i:j],
                    weighed,
                    grad[n, c, i:j],
                )


@lanes
def _class_sums(
    prob: Any, labels: Any, number: Any, weight: Any, weighed: Any
) -> tuple[Any, Any, Any]:
    tp, mass, target = ZERO, ZERO, ZERO
    for p in range(prob.size):
        own, share = prob[p], ONE
        if weighed:
            share = f32(weight[p])
            own = ZERO if share == ZERO else own * share
        hot = ONE if labels[p] == number else ZERO
        tp += own * hot
        mass += own
        target += share * hot
    return tp, mass, target


@lanes
def few_counts(logits: Any, labels: Any, weight: Any, weighed: bool, counts: Any) -> None:
    """Counts (3, N, C) of the softmax of logits (N, C, P)."""
    images, channels, pixels = logits.shape
    prob = np.empty((channels, BLOCK), np.float32)
    top, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            softmax(logits, n, i, j, top, scale, prob)
            for c in range(channels):
                sums = _class_sums(
                    prob[c, : j - i], labels[n, i:j], np.uint8(c), weight[n, i:j], weighed
                )
                for k in range(3):
                    counts[k, n, c] += sums[k]


@lanes
def _add_levers(prob: Any, labels: Any, number: Any, levers: Any, mean: Any) -> None:
    least, step = levers
    for p in range(prob.size):
        hot = step if labels[p] == number else ZERO
        mean[p] += (least + hot) * prob[p]


@lanes
def _class_slopes(
    prob: Any,
    labels: Any,
    number: Any,
    levers: Any,
    mean: Any,
    weight: Any,
    weighed: Any,
    grad: Any,
) -> None:
    least, step = levers
    for p in range(prob.size):
        hot = step if labels[p] == number else ZERO
        slope = prob[p] * (least + hot - mean[p])
        if weighed:
            share = f32(weight[p])
            slope = ZERO if share == ZERO else slope * share
        grad[p] = slope


@lanes
def few_slopes(
    logits: Any, labels: Any, weight: Any, weighed: bool, hits: Any, masses: Any, grad: Any
) -> None:
    """Gradient (N, C, P), given those of the intersections and masses (N, C)."""
    images, channels, pixels = logits.shape
    prob = np.empty((channels, BLOCK), np.float32)
    mean, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            own = labels[n, i:j]
            softmax(logits, n, i, j, mean, scale, prob)
            mean[:] = ZERO
            for c in range(channels):
                levers = (masses[n, c], hits[n, c])
                _add_levers(prob[c, : j - i], own, np.uint8(c), levers, mean)
            for c in range(channels):
                _class_slopes(
                    prob[c, : j - i],
                    own,
                    np.uint8(c),
                    (masses[n, c], hits[n, c]),
                    mean,
                    weight[n, i:j],
                    weighed,
                    grad[n, c, i:j],
                )
