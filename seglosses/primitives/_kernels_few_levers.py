"""Kernels of a few soft counts: the mean of an overlap loss, and its derivative by the counts.

Counts (3, N, C) are intersection, mass of the prediction and mass of the label, float64. The levers
(2, N, C), float32, are the derivatives by the first two. Classes within an image are averaged
first, then images; where ``present`` is true only the classes that the label of an image has.
"""

from __future__ import annotations

from typing import Any

from seglosses.primitives._kernels_compiled import kernel


@kernel
def tversky_levers(
    counts: Any, alpha: float, beta: float, smooth: float, present: bool, levers: Any
) -> float:
    """One minus (TP + smooth) / (TP + alpha FP + beta FN + smooth), 0 where both vanish."""
    images, channels = counts.shape[1:]
    total = 0.0
    for n in range(images):
        read = 0
        for c in range(channels):
            read += not present or counts[2, n, c] > 0
        share = 1.0 / (images * max(read, 1))
        for c in range(channels):
            levers[0, n, c] = levers[1, n, c] = 0.0
            hit = counts[0, n, c] + smooth
            wrong = counts[1, n, c] - counts[0, n, c]
            missed = counts[2, n, c] - counts[0, n, c]
            below = hit + alpha * wrong + beta * missed
            if below == 0 or (present and counts[2, n, c] == 0):
                continue
            index = hit / below
            total += share * (1 - index)
            levers[0, n, c] = -share * (1 - index * (1 - alpha - beta)) / below
            levers[1, n, c] = share * index * alpha / below
    return total


@kernel
def generalized_levers(counts: Any, smooth: float, present: bool, levers: Any) -> float:
    """Generalized Dice, see :func:`seglosses.losses.overlap.generalized.generalized_dice_loss`."""
    images, channels = counts.shape[1:]
    total = 0.0
    for n in range(images):
        least = 0.0
        for c in range(channels):
            volume = counts[2, n, c]
            if volume > 0 and (least == 0 or volume < least):
                least = volume
        hit, mass = smooth, smooth
        for c in range(channels):
            tp, prob, volume = counts[0, n, c], counts[1, n, c], counts[2, n, c]
            weight = (least / volume) ** 2 if volume > 0 else 0.0 if present else 1.0
            # kept here until the quotient is known
            levers[0, n, c] = levers[1, n, c] = weight
            hit += 2 * weight * tp
            mass += weight * (prob + volume)
        loss = 0.0 if mass == 0 else 1 - hit / mass
        if loss < 0:
            loss = 0.0
        total += loss / images
        # where it is cut off, and where nothing is found nor to be found, nothing pulls
        steep = 0.0 if mass == 0 or hit > mass else 1.0 / (images * mass)
        for c in range(channels):
            levers[0, n, c] *= -2 * steep
            levers[1, n, c] *= steep * (1 - loss)
    return total
