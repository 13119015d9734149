"""Kernels of few classes where label 0 may hide others: soft counts and what lies at that label.

As :mod:`seglosses.primitives._kernels_few_counts`, with one more sum for every class: the mass that
it has at pixels of label 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import lanes
from seglosses.primitives._kernels_lanes import BLOCK, ONE, ZERO, f32, softmax


@lanes
def _class_sums(
    prob: Any, labels: Any, number: Any, weight: Any, weighed: Any
) -> tuple[Any, Any, Any, Any]:
    tp, mass, target, first = ZERO, ZERO, ZERO, ZERO
    for p in range(prob.size):
        own, share = prob[p], ONE
        if weighed:
            share = f32(weight[p])
            own = ZERO if share == ZERO else own * share
        hot = ONE if labels[p] == number else ZERO
        cold = ONE if labels[p] == np.uint8(0) else ZERO
        tp += own * hot
        mass += own
        target += share * hot
        first += own * cold
    return tp, mass, target, first


@lanes
def first_counts(logits: Any, labels: Any, weight: Any, weighed: bool, counts: Any) -> None:
    """Counts (4, N, C) of the softmax of logits (N, C, P): the fourth is mass at label 0."""
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
                for k in range(4):
                    counts[k, n, c] += sums[k]


@lanes
def _add_levers(prob: Any, labels: Any, number: Any, levers: Any, mean: Any) -> None:
    least, step, start = levers
    for p in range(prob.size):
        hot = step if labels[p] == number else ZERO
        cold = start if labels[p] == np.uint8(0) else ZERO
        mean[p] += (least + hot + cold) * prob[p]


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
    least, step, start = levers
    for p in range(prob.size):
        hot = step if labels[p] == number else ZERO
        cold = start if labels[p] == np.uint8(0) else ZERO
        slope = prob[p] * (least + hot + cold - mean[p])
        if weighed:
            share = f32(weight[p])
            slope = ZERO if share == ZERO else slope * share
        grad[p] = slope


@lanes
def first_slopes(
    logits: Any, labels: Any, weight: Any, weighed: bool, levers: Any, grad: Any
) -> None:
    """Gradient (N, C, P), given those of masses, intersections and masses at label 0, (3, N, C)."""
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
                each = (levers[0, n, c], levers[1, n, c], levers[2, n, c])
                _add_levers(prob[c, : j - i], own, np.uint8(c), each, mean)
            for c in range(channels):
                _class_slopes(
                    prob[c, : j - i],
                    own,
                    np.uint8(c),
                    (levers[0, n, c], levers[1, n, c], levers[2, n, c]),
                    mean,
                    weight[n, i:j],
                    weighed,
                    grad[n, c, i:j],
                )
