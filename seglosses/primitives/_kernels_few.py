"""Kernels of few classes: softmax or sigmoid, and counts or cross-entropy of it, in one pass.

A formula in PyTorch reads and writes memory once an operation. Here a pixel is read once, and
everything about it is done while it lies in registers: 16 pixels at a time where the processor can,
which takes an exponential without branches and sums that may be added up in any order. All maps are
float32 and contiguous, all labels uint8; sums are float32 over a block and float64 over blocks.

``weight`` is (N, P), uint8 or float32; where ``weighed`` is false anything of these types may be
given. A pixel of weight zero may hold anything, NaN too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import floor, lanes, two_to_the

#: Pixels in a block: what is made of them lies in the first-level cache.
BLOCK = 512

_f = np.float32
_ZERO, _HALF, _ONE, _TWO, _FOUR = _f(0), _f(0.5), _f(1), _f(2), _f(4)
_QUARTER, _LOG_2, _LOG_4 = _f(0.25), _f(np.log(2)), _f(np.log(4))
_LOG2_E = _f(1 / np.log(2))
# log 2 in two parts, the first of which has so few digits that small multiples of it are exact
_LOG_2_HIGH, _LOG_2_LOW = _f(355 / 512), _f(np.log(2) - 355 / 512)
_LOWEST = _f(-87)
# the series of exp behind 1 + r, fitted for |r| <= log(2) / 2
_E2, _E3, _E4 = _f(0.5000000120), _f(0.1666666546), _f(4.1665795894e-2)
_E5, _E6, _E7 = _f(8.3334519073e-3), _f(1.3981999507e-3), _f(1.9875691500e-4)
# the series of artanh
_A3, _A5, _A7 = _f(1 / 3), _f(1 / 5), _f(1 / 7)
_A9, _A11, _A13 = _f(1 / 9), _f(1 / 11), _f(1 / 13)


@lanes
def _exp(x: Any) -> Any:
    """exp(x) of x <= 0 to two units in the last place, and 0 below -87."""
    low = x < _LOWEST
    x = _LOWEST if low else x
    n = floor(x * _LOG2_E + _HALF)
    r = x - n * _LOG_2_HIGH
    r = r - n * _LOG_2_LOW
    series = ((((_E7 * r + _E6) * r + _E5) * r + _E4) * r + _E3) * r + _E2
    y = (series * (r * r) + r + _ONE) * two_to_the(n)
    return _ZERO if low else y


@lanes
def _log1p(x: Any) -> Any:
    """log(1 + x) of 0 <= x <= 1, twice the artanh of x / (2 + x)."""
    s = x / (_TWO + x)
    q = s * s
    series = ((((_A13 * q + _A11) * q + _A9) * q + _A7) * q + _A5) * q + _A3
    return _TWO * (s + s * q * series)


@lanes
def _pair_sums(
    x0: Any, x1: Any, labels: Any, number: Any, weight: Any, weighed: Any
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Sums of a block: intersection, mass and label of the class 0 and of the class 1."""
    tp0, tp1, mass0, mass1, target0, target1 = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        e = _exp(-abs(apart))
        more = _ONE / (_ONE + e)
        less = e * more
        ahead = apart >= _ZERO
        one = more if ahead else less
        zero = less if ahead else more
        share = _ONE
        if weighed:
            share = _f(weight[p])
            one = _ZERO if share == _ZERO else one * share
            zero = _ZERO if share == _ZERO else zero * share
        hot = _ONE if labels[p] == number else _ZERO
        cold = _ONE - hot
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
        e = _exp(-abs(apart))
        more = _ONE / (_ONE + e)
        hot = step if labels[p] == number else _ZERO
        slope = (least + hot) * (e * more * more)
        if weighed:
            share = _f(weight[p])
            slope = _ZERO if share == _ZERO else slope * share
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
def _raise(x: Any, top: Any) -> None:
    """Largest logit so far (B,); NaN is passed over, and then met in the exponentials."""
    for p in range(x.size):
        top[p] = x[p] if x[p] > top[p] else top[p]


@lanes
def _add_exponentials(x: Any, top: Any, total: Any, own: Any) -> None:
    for p in range(x.size):
        e = _exp(x[p] - top[p])
        own[p] = e
        total[p] += e


@lanes
def _softmax(logits: Any, n: int, i: int, j: int, top: Any, scale: Any, prob: Any) -> None:
    """Softmax of pixels i to j, the largest logit, and the reciprocal of the exponentials' sum."""
    top[: j - i] = logits[n, 0, i:j]
    for c in range(1, logits.shape[1]):
        _raise(logits[n, c, i:j], top)
    scale[:] = _ZERO
    for c in range(logits.shape[1]):
        _add_exponentials(logits[n, c, i:j], top, scale, prob[c, : j - i])
    for p in range(j - i):
        scale[p] = _ONE / scale[p]
    for c in range(logits.shape[1]):
        _multiply(prob[c, : j - i], scale)


@lanes
def _multiply(prob: Any, scale: Any) -> None:
    for p in range(prob.size):
        prob[p] *= scale[p]


@lanes
def _class_sums(
    prob: Any, labels: Any, number: Any, weight: Any, weighed: Any
) -> tuple[Any, Any, Any]:
    tp, mass, target = _ZERO, _ZERO, _ZERO
    for p in range(prob.size):
        own, share = prob[p], _ONE
        if weighed:
            share = _f(weight[p])
            own = _ZERO if share == _ZERO else own * share
        hot = _ONE if labels[p] == number else _ZERO
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
            _softmax(logits, n, i, j, top, scale, prob)
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
        hot = step if labels[p] == number else _ZERO
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
        hot = step if labels[p] == number else _ZERO
        slope = prob[p] * (least + hot - mean[p])
        if weighed:
            share = _f(weight[p])
            slope = _ZERO if share == _ZERO else slope * share
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
            _softmax(logits, n, i, j, mean, scale, prob)
            mean[:] = _ZERO
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


@lanes
def _pair_entropy(x0: Any, x1: Any, labels: Any, valid: Any, masked: Any, loss: Any) -> None:
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        towards = apart if labels[p] == np.uint8(1) else -apart
        wrong = -towards if towards < _ZERO else _ZERO
        value = wrong + _log1p(_exp(-abs(apart)))
        # NaN is neither below nor above
        value = value if apart == apart else apart
        if masked:
            value = value if valid[p] else _ZERO
        loss[p] = value


@lanes
def _pair_entropy_slopes(
    x0: Any, x1: Any, labels: Any, valid: Any, masked: Any, lever: Any, grad: Any
) -> None:
    for p in range(x0.size):
        apart = x1[p] - x0[p]
        one = labels[p] == np.uint8(1)
        towards = apart if one else -apart
        e = _exp(-abs(apart))
        more = _ONE / (_ONE + e)
        other = e * more if towards >= _ZERO else more
        slope = (-other if one else other) * lever[p]
        if masked:
            slope = slope if valid[p] else _ZERO
        grad[p] = slope


@lanes
def _sum(values: Any) -> Any:
    total = _ZERO
    for p in range(values.size):
        total += values[p]
    return total


@lanes
def two_entropy(logits: Any, labels: Any, valid: Any, masked: bool, each: bool, loss: Any) -> float:
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
            _pair_entropy(x0, x1, labels[n, i:j], valid[n, i:j], masked, own)
            if not each:
                total += _sum(own)
    return total


@lanes
def two_entropy_slopes(
    logits: Any, labels: Any, valid: Any, masked: bool, factor: Any, levers: Any, grad: Any
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
            _pair_entropy_slopes(x0, x1, labels[n, i:j], valid[n, i:j], masked, own, one)
            if channels == 2:
                zero = grad[n, 0, i:j]
                for p in range(j - i):
                    zero[p] = -one[p]


@lanes
def _behind(x: Any, top: Any, labels: Any, number: Any, loss: Any) -> None:
    for p in range(x.size):
        loss[p] = top[p] - x[p] if labels[p] == number else loss[p]


@lanes
def _add_logarithms(scale: Any, valid: Any, masked: Any, loss: Any) -> None:
    for p in range(loss.size):
        # 1 <= total <= 8, brought below 2
        total = _ONE / scale[p]
        extra = _LOG_4 if total >= _FOUR else _ZERO
        total = total * _QUARTER if total >= _FOUR else total
        extra = extra + _LOG_2 if total >= _TWO else extra
        total = total * _HALF if total >= _TWO else total
        value = loss[p] + extra + _log1p(total - _ONE)
        if masked:
            value = value if valid[p] else _ZERO
        loss[p] = value


@lanes
def few_entropy(logits: Any, labels: Any, valid: Any, masked: bool, each: bool, loss: Any) -> float:
    """Sum of the cross-entropy of logits (N, C, P), or as (N, P), see :func:`two_entropy`."""
    images, channels, pixels = logits.shape
    prob = np.empty((channels, BLOCK), np.float32)
    top, scale = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    scratch = np.empty(BLOCK, np.float32)
    total = 0.0
    for n in range(images):
        for i in range(0, pixels, BLOCK):
            j = min(i + BLOCK, pixels)
            _softmax(logits, n, i, j, top, scale, prob)
            own = loss[n, i:j] if each else scratch[: j - i]
            for c in range(channels):
                _behind(logits[n, c, i:j], top, labels[n, i:j], np.uint8(c), own)
            _add_logarithms(scale, valid[n, i:j], masked, own)
            if not each:
                total += _sum(own)
    return total


@lanes
def _few_entropy_slopes(
    prob: Any, labels: Any, number: Any, valid: Any, masked: Any, lever: Any, grad: Any
) -> None:
    for p in range(prob.size):
        hot = _ONE if labels[p] == number else _ZERO
        slope = (prob[p] - hot) * lever[p]
        if masked:
            slope = slope if valid[p] else _ZERO
        grad[p] = slope


@lanes
def few_entropy_slopes(
    logits: Any, labels: Any, valid: Any, masked: bool, factor: Any, levers: Any, grad: Any
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
            _softmax(logits, n, i, j, top, scale, prob)
            own = levers[n, i:j] if each else shared[: j - i]
            for c in range(channels):
                _few_entropy_slopes(
                    prob[c, : j - i],
                    labels[n, i:j],
                    np.uint8(c),
                    valid[n, i:j],
                    masked,
                    own,
                    grad[n, c, i:j],
                )
