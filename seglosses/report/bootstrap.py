"""Bootstrap distributions and intervals of scores, images drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from seglosses.report.statistics import Floats

RESAMPLES = 2000
"""Of a bootstrap."""
UNITS = 16_000
"""Of a bootstrap: more images than this are drawn in fixed groups, as many as this."""
TAIL = 20
"""Images that a mean of the lowest scores must hold for a bootstrap interval to be valid."""
REACH = 3.0
"""Times Student's quantile that an end of an interval may lie from the mean, in standard errors.

In simulations of 8 to 50 normal and lognormal scores, without this limit no more intervals held the
mean; where one score of twelve stands far off, some ended a thousand times further away.
"""
_NUMBERS = 8000


def resampled_sums(values: Floats) -> Floats:
    """Bootstrap distribution of sums over images, for scores that are computed from such sums.

    Args:
        values: (images, k).

    Returns:
        Sums, (RESAMPLES, k). Images are drawn with replacement, the same ones in every call with
        as many images; beyond :data:`UNITS` images, the groups of those whose numbers are equal
        modulo it. Groups of independent images vary as the images do, so the interval stays the
        same and its cost bounded.

    Example:
        >>> resampled_sums(np.ones((3, 1))).ravel()[:2]  # three images are drawn each time
        array([3., 3.])
    """
    values = _grouped(values)
    out = np.zeros((RESAMPLES, values.shape[1]))
    for start, weights in _drawn(len(values)):
        out[start : start + len(weights)] = weights @ values
    return out


def _grouped(values: Floats) -> Floats:
    """Sums of groups of images, where there are more than :data:`UNITS`."""
    if len(values) <= UNITS:
        return values
    whole = len(values) // UNITS * UNITS
    groups: Floats = values[:whole].reshape(-1, UNITS, values.shape[1]).sum(axis=0)
    groups[: len(values) - whole] += values[whole:]
    return groups


def mean_interval(
    mean: float,
    deviations: ArrayLike,
    *,
    confidence: float = 0.95,
    freedom: float | None = None,
) -> tuple[float, float]:
    """Studentised bootstrap interval of a mean, or of what is a mean to first order.

    With d_i the deviation of image i and s the standard error, images are drawn with replacement
    and each draw has a t of its own::

        t* = mean*(d) / s*,   interval = mean - q_0.975(t*) s .. mean - q_0.025(t*) s

    so that skewed scores of few images get longer arms on the side that needs them, up to
    :data:`REACH` times those of Student's interval: draws without an image that stands far off
    have next to no spread, and their t* says nothing. Where one draw in a hundred or more has no
    spread at all, it is Student's interval.

    Args:
        mean: The mean, or ratio of sums.
        deviations: What each image adds to its error, (images,): the score minus the mean, for a
            ratio A / B of sums ``(a_i - mean b_i) / mean(b)``; NaN leaves an image out.
        confidence: Share of intervals that hold the true mean.
        freedom: Degrees of freedom where the spread rests on fewer images than there are: no arm
            is shorter than that of Student's interval with as many.

    Returns:
        Lower and upper end; NaNs for fewer than two images; twice the mean when all images agree.

    References:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 12.

    Example:
        >>> scores = np.array([1.0, 2.0, 3.0])
        >>> low, high = mean_interval(2.0, scores - 2.0)  # draws without spread are many
        >>> round(low, 3), round(high, 3)
        (-0.484, 4.484)
    """
    fine = np.asarray(deviations, np.float64)
    fine = fine[np.isfinite(fine)]
    if fine.size < 2 or not np.isfinite(mean):
        return float("nan"), float("nan")
    error = float(np.sqrt(np.square(fine).sum() / (fine.size * (fine.size - 1))))
    if error <= 1e-12 * max(1.0, abs(mean)):
        return mean, mean
    groups = _grouped(fine[:, None])[:, 0]
    sums, squares = resampled_sums(np.column_stack([groups, np.square(groups)])).T
    spread = squares - np.square(sums) / groups.size
    errors = np.sqrt(np.maximum(spread, 0.0) * groups.size / max(groups.size - 1, 1)) / fine.size
    known = errors > 1e-6 * error
    tails = np.array([(1 + confidence) / 2, (1 - confidence) / 2])
    reach = student = special.stdtrit(fine.size - 1, tails)
    if known.mean() > 0.99:
        found = np.quantile(sums[known] / (fine.size * errors[known]), tails)
        reach = np.clip(found, REACH * student[1], REACH * student[0])
    if freedom is not None:
        least = special.stdtrit(freedom, tails)
        reach = np.array([max(reach[0], least[0]), min(reach[1], least[1])])
    low, high = mean - float(reach[0]) * error, mean - float(reach[1]) * error
    # of very skewed scores both quantiles can lie on one side of 0
    return min(low, mean), max(high, mean)


def resampled_worst(scores: Floats, percents: Sequence[float]) -> Floats:
    """Bootstrap distribution of the mean of the lowest scores.

    Args:
        scores: (images,); NaNs are left out.
        percents: Shares of the defined scores of a draw, rounded down but at least one score.

    Returns:
        Means, (RESAMPLES, percents); NaN where a draw holds no defined score.

    Example:
        >>> spread = resampled_worst(np.array([1.0, 3.0]), [50, 100])
        >>> np.unique(spread, axis=0)  # both draws the first, one of each, both the second
        array([[1., 1.], [1., 2.], [3., 3.]])
    """
    order = np.argsort(scores, kind="stable")[: int(np.isfinite(scores).sum())]
    out = np.full((RESAMPLES, len(percents)), np.nan)
    if not order.size:
        return out
    ranked, unit = scores[order], order % UNITS
    for start, weights in _drawn(min(len(scores), UNITS)):
        drawn = weights[:, unit]
        counts, sums = drawn.cumsum(axis=1), (drawn * ranked).cumsum(axis=1)
        total, rows = counts[:, -1], np.arange(len(drawn))
        for place, percent in enumerate(percents):
            wanted = np.maximum(1, np.floor(percent * total / 100))
            last = np.minimum((counts < wanted[:, None]).sum(axis=1), len(order) - 1)
            surplus = (counts[rows, last] - wanted) * ranked[last]
            lowest = np.where(total > 0, (sums[rows, last] - surplus) / wanted, np.nan)
            out[start : start + len(drawn), place] = lowest
    return out


def _drawn(units: int) -> Iterator[tuple[int, Floats]]:
    """How often each unit is drawn: RESAMPLES rows, some at a time, and where they begin."""
    counts = _draw(units)
    # Some 40 bytes per unit and row, here and in the readers: with the draws, 4 kB per image.
    block = max(32, min(RESAMPLES, _NUMBERS // max(1, units)))
    for start in range(0, len(counts), block):
        yield start, counts[start : start + block].astype(np.float64)


@lru_cache(maxsize=1)
def _draw(units: int) -> NDArray[np.uint8]:
    # every column of a summary asks for the same draws, and drawing is what takes the time
    counts = np.zeros((RESAMPLES if units else 0, units), np.uint8)
    rng, even = np.random.default_rng(0), np.full(units, 1 / max(units, 1))
    for start in range(0, len(counts), 20):
        # no unit is drawn 256 times: there are as few, or there is no chance
        counts[start : start + 20] = rng.multinomial(units, even, size=20)
    return counts


def divide(top: Floats, bottom: Floats) -> Floats:
    """Quotients, NaN where the divisor is not positive.

    Args:
        top: Dividends.
        bottom: Divisors, of the same shape.

    Returns:
        Quotients of that shape.

    Example:
        >>> divide(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
        array([0.5, nan])
    """
    out = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out


def percentile_interval(spread: Floats) -> tuple[float, float]:
    """Central 95 % of a bootstrap distribution.

    Args:
        spread: Values of the resamples; NaNs are left out.

    Returns:
        Lower and upper end, NaNs when nothing is left.

    Example:
        >>> percentile_interval(np.arange(41.0))
        (1.0, 39.0)
    """
    fine = spread[np.isfinite(spread)]
    if not fine.size:
        return float("nan"), float("nan")
    low, high = np.percentile(fine, [2.5, 97.5])
    return float(low), float(high)
