"""Exponentials, logarithms and a softmax that a processor takes of many numbers at once.

All maps are float32 and contiguous. Nothing here branches, so that the compiler may do 16 pixels in
one step where the processor can.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import floor, lanes, two_to_the

#: Pixels in a block: what is made of them lies in the first-level cache.
BLOCK = 512

f32 = np.float32
ZERO, HALF, ONE, TWO = f32(0), f32(0.5), f32(1), f32(2)
_LOG2_E = f32(1 / np.log(2))
# log 2 in two parts, the first of which has so few digits that small multiples of it are exact
_LOG_2_HIGH, _LOG_2_LOW = f32(355 / 512), f32(np.log(2) - 355 / 512)
_LOWEST = f32(-87)
# the series of exp behind 1 + r for |r| <= log(2) / 2: coefficients of expf in Moshier's Cephes
_E2, _E3, _E4 = f32(0.5000000120), f32(0.1666666546), f32(4.1665795894e-2)
_E5, _E6, _E7 = f32(8.3334519073e-3), f32(1.3981999507e-3), f32(1.9875691500e-4)
# the series of artanh
_A3, _A5, _A7 = f32(1 / 3), f32(1 / 5), f32(1 / 7)
_A9, _A11, _A13 = f32(1 / 9), f32(1 / 11), f32(1 / 13)


@lanes
def exp(x: Any) -> Any:
    """Exponential of x <= 0 to three units in the last place, and 0 below -87."""
    low = x < _LOWEST
    x = _LOWEST if low else x
    n = floor(x * _LOG2_E + HALF)
    r = x - n * _LOG_2_HIGH
    r = r - n * _LOG_2_LOW
    series = ((((_E7 * r + _E6) * r + _E5) * r + _E4) * r + _E3) * r + _E2
    y = (series * (r * r) + r + ONE) * two_to_the(n)
    return ZERO if low else y


@lanes
def log1p(x: Any) -> Any:
    """Logarithm of 1 + x for 0 <= x <= 1: twice the artanh of x / (2 + x)."""
    s = x / (TWO + x)
    q = s * s
    series = ((((_A13 * q + _A11) * q + _A9) * q + _A7) * q + _A5) * q + _A3
    return TWO * (s + s * q * series)


@lanes
def _raise(x: Any, top: Any) -> None:
    """Largest logit so far (B,); NaN is passed over, and then met in the exponentials."""
    for p in range(x.size):
        top[p] = x[p] if x[p] > top[p] else top[p]


@lanes
def _add_exponentials(x: Any, top: Any, total: Any, own: Any) -> None:
    for p in range(x.size):
        e = exp(x[p] - top[p])
        own[p] = e
        total[p] += e


@lanes
def softmax(logits: Any, n: int, i: int, j: int, top: Any, scale: Any, prob: Any) -> None:
    """Softmax of pixels i to j, the largest logit, and the reciprocal of the exponentials' sum."""
    top[: j - i] = logits[n, 0, i:j]
    for c in range(1, logits.shape[1]):
        _raise(logits[n, c, i:j], top)
    scale[:] = ZERO
    for c in range(logits.shape[1]):
        _add_exponentials(logits[n, c, i:j], top, scale, prob[c, : j - i])
    for p in range(j - i):
        scale[p] = ONE / scale[p]
    for c in range(logits.shape[1]):
        _multiply(prob[c, : j - i], scale)


@lanes
def _multiply(prob: Any, scale: Any) -> None:
    for p in range(prob.size):
        prob[p] *= scale[p]


@lanes
def take(values: Any) -> Any:
    """Sum of a run, whose values become zero."""
    total = ZERO
    for p in range(values.size):
        total += values[p]
        values[p] = ZERO
    return total


@lanes
def add_up(values: Any) -> Any:
    """Sum of a run."""
    total = ZERO
    for p in range(values.size):
        total += values[p]
    return total


@lanes
def add_products(prob: Any, lever: Any, mean: Any) -> None:
    """Add products of two runs to a third one."""
    for p in range(prob.size):
        mean[p] += lever[p] * prob[p]
