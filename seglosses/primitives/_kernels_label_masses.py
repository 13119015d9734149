"""Kernels of few classes where a label may stand for several: soft counts, and what lies at labels.

As :mod:`seglosses.primitives._kernels_few_counts`, with more sums for every class: the mass that it
has at pixels of each of some labels, which are ``rows``, (F,) of uint8. Labels of C and more are no
class: masses are those of the other pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import lanes
from seglosses.primitives._kernels_lanes import BLOCK, ONE, ZERO, add_products, f32, softmax


@lanes
def _class_sums(
    prob: Any, labels: Any, number: Any, channels: Any, weight: Any, weighed: Any
) -> tuple[Any, Any, Any]:
    tp, mass, target = ZERO, ZERO, ZERO
    for p in range(prob.size):
        own, share = prob[p], ONE
        if weighed:
            share = f32(weight[p])
            own = ZERO if share == ZERO else own * share
        hot = ONE if labels[p] == number else ZERO
        tp += own * hot
        mass += own if labels[p] < channels else ZERO
        target += share * hot
    return tp, mass, target


@lanes
def _sum_at(prob: Any, labels: Any, number: Any, weight: Any, weighed: Any) -> Any:
    total = ZERO
    for p in range(prob.size):
        own = prob[p] if labels[p] == number else ZERO
        if weighed:
            share = f32(weight[p])
            own = ZERO if share == ZERO else own * share
        total += own
    return total


@lanes
def counts_at(logits: Any, labels: Any, weight: Any, weighed: bool, rows: Any, counts: Any) -> None:
    """Add to (3 + F, N, C) of float64: counts of the softmax of logits (N, C, P), and masses."""
    images, channels, pixels = logits.shape
    prob = np.empty((channels, BLOCK), np.float32)
    top, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            own, share = labels[n, i:j], weight[n, i:j]
            softmax(logits, n, i, j, top, scale, prob)
            for c in range(channels):
                sums = _class_sums(
                    prob[c, : j - i], own, np.uint8(c), np.uint8(channels), share, weighed
                )
                for k in range(3):
                    counts[k, n, c] += sums[k]
                for f in range(rows.size):
                    mass = _sum_at(prob[c, : j - i], own, rows[f], share, weighed)
                    counts[3 + f, n, c] += mass


@lanes
def _fill(labels: Any, number: Any, channels: Any, least: Any, step: Any, lever: Any) -> None:
    for p in range(labels.size):
        hot = step if labels[p] == number else ZERO
        lever[p] = (least if labels[p] < channels else ZERO) + hot


@lanes
def _add_at(labels: Any, number: Any, step: Any, lever: Any) -> None:
    for p in range(labels.size):
        lever[p] += step if labels[p] == number else ZERO


@lanes
def _class_slopes(prob: Any, lever: Any, mean: Any, weight: Any, weighed: Any, grad: Any) -> None:
    for p in range(grad.size):
        slope = prob[p] * (lever[p] - mean[p])
        if weighed:
            share = f32(weight[p])
            slope = ZERO if share == ZERO else slope * share
        grad[p] = slope


@lanes
def slopes_at(
    logits: Any, labels: Any, weight: Any, weighed: bool, rows: Any, levers: Any, grad: Any
) -> None:
    """Gradient (N, C, P), given those of masses, intersections and masses at labels, (2 + F, N, C).

    They are float32.
    """
    images, channels, pixels = logits.shape
    prob = np.empty((channels, BLOCK), np.float32)
    lever = np.empty((channels, BLOCK), np.float32)
    mean, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            own = labels[n, i:j]
            softmax(logits, n, i, j, mean, scale, prob)
            mean[:] = ZERO
            for c in range(channels):
                each = lever[c, : j - i]
                _fill(own, np.uint8(c), np.uint8(channels), levers[0, n, c], levers[1, n, c], each)
                for f in range(rows.size):
                    _add_at(own, rows[f], levers[2 + f, n, c], each)
                add_products(prob[c, : j - i], each, mean)
            for c in range(channels):
                _class_slopes(prob[c], lever[c], mean, weight[n, i:j], weighed, grad[n, c, i:j])
