"""Kernels that sort probabilities into bins of equal width, and add up what lies in each.

``prob`` and ``target`` are (N, C, P), float32 or float64, contiguous and of one type; so are
``weight``, (N, P), of which anything may be given where ``weighed`` is false, and ``bins`` and
``half``, the number of bins and a half, so that a bin is found in that precision. In hard bins a
probability lies in the one bin (0, 1/n], ...; in soft ones in the two whose centres are next to it.
What is no number lies in the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import kernel


@kernel
def _hard(value: Any, last: int) -> int:
    """The bin of a probability times their number."""
    place = int(np.ceil(value)) - 1 if value > 0 else 0
    return min(max(place, 0), last)


@kernel
def _upper(value: Any, last: int) -> int:
    """The upper of the two bins of a probability times their number, and a half; 0 to last + 1."""
    place = int(value) if value > 0 else 0
    return min(place, last + 1)


@kernel
def add_to_bins(
    prob: Any,
    target: Any,
    weight: Any,
    weighed: bool,
    soft: bool,
    bins: Any,
    half: Any,
    gaps: Any,
    counts: Any,
) -> None:
    """Add to sums of p - y and of pixels in each bin, (N, C, bins) float64."""
    images, classes, pixels = prob.shape
    last = gaps.shape[2] - 1
    for n in range(images):
        for c in range(classes):
            gap, count = gaps[n, c], counts[n, c]
            for i in range(pixels):
                p = prob[n, c, i]
                share = np.float64(weight[n, i]) if weighed else 1.0
                wrong = share * (np.float64(p) - np.float64(target[n, c, i]))
                if not soft:
                    place = _hard(p * bins, last)
                    gap[place] += wrong
                    count[place] += share
                    continue
                value = p * bins + half
                high = _upper(value, last)
                toward = np.float64(value) - high
                low, high = max(high - 1, 0), min(high, last)
                gap[low] += (1.0 - toward) * wrong
                count[low] += (1.0 - toward) * share
                gap[high] += toward * wrong
                count[high] += toward * share


@kernel
def bin_slopes(
    prob: Any,
    target: Any,
    weight: Any,
    weighed: bool,
    soft: bool,
    bins: Any,
    half: Any,
    gaps: Any,
    counts: Any,
    grad: Any,
) -> None:
    """Gradient (N, C, P), given those of :func:`add_to_bins`'s sums, (N, C, bins) float64."""
    images, classes, pixels = prob.shape
    last = gaps.shape[2] - 1
    for n in range(images):
        for c in range(classes):
            gap, count = gaps[n, c], counts[n, c]
            for i in range(pixels):
                p = prob[n, c, i]
                share = np.float64(weight[n, i]) if weighed else 1.0
                if not soft:
                    grad[n, c, i] = gap[_hard(p * bins, last)] * share
                    continue
                value = p * bins + half
                high = _upper(value, last)
                toward = np.float64(value) - high
                low, high = max(high - 1, 0), min(high, last)
                slope = gap[low] + toward * (gap[high] - gap[low])
                # a share moves with p, but not beyond the outer centres, where both bins are one
                wrong = np.float64(p) - np.float64(target[n, c, i])
                moved = (gap[high] - gap[low]) * wrong + count[high] - count[low]
                grad[n, c, i] = (slope + np.float64(bins) * moved) * share
