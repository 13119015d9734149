"""Tests, intervals and effect sizes for paired comparisons; NumPy in, numbers out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats: TypeAlias = NDArray[np.float64]
Alternative: TypeAlias = Literal["two-sided", "one-sided"]
RESAMPLES = 2000
"""Of a bootstrap."""
UNITS = 16_000
"""Of a bootstrap: more images than this are drawn in fixed groups, as many as this."""
_BLOCK = 4_000_000


def sign_flip_test(
    differences: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    flips: int = 10_000,
    seed: int = 0,
) -> Floats:
    """Random sign-flip test of paired differences, many columns at once.

    Where neither side is better, the sign of each difference is a coin toss. With ``s`` the sum
    of a column and ``s*`` the sum after tossing all its signs::

        two-sided    p = (#{|s*| >= |s|} + 1) / (flips + 1)
        one-sided    p = #{s* >= |s|} / flips

    The second is what TopoMortar published: half of the first, and 0 is possible.

    Args:
        differences: (n,) or (n, k); a NaN leaves its pair out. Multiply by weights for a weighted
            mean.
        alternative: Which of the two.
        flips: How many times signs are tossed; the same tosses serve all columns.
        seed: Of the tosses.

    Returns:
        One p a column, (k,); NaN for a column without a single pair.

    Example:
        >>> sign_flip_test([1.0, 2.0, 1.0, 3.0, 1.0, 2.0, 2.0]).round(3)  # 2 of 128 sign patterns
        array([0.016])
        >>> sign_flip_test([1.0, -1.0])
        array([1.])
    """
    columns = np.asarray(differences, np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    known = np.isfinite(columns)
    gaps = np.where(known, columns, 0.0)
    observed = np.abs(gaps.sum(axis=0))
    # Sums that are equal on paper may differ in the last bits.
    bar = observed - 1e-12 * np.abs(gaps).sum(axis=0)
    rng = np.random.default_rng(seed)
    reached = np.zeros(gaps.shape[1], np.int64)
    block = max(1, _BLOCK // max(1, len(gaps)))
    for start in range(0, flips, block):
        size = (min(block, flips - start), len(gaps))
        sums = (2.0 * rng.integers(0, 2, size=size, dtype=np.int8) - 1.0) @ gaps
        reached += ((np.abs(sums) if alternative == "two-sided" else sums) >= bar).sum(axis=0)
    p = (reached + 1) / (flips + 1) if alternative == "two-sided" else reached / flips
    return np.where(known.any(axis=0), p, np.nan)


def holm(p: ArrayLike) -> Floats:
    """Holm's step-down correction for several tests; NaNs are no tests and stay.

    With the p-values in rising order ``p_1 <= ... <= p_m``::

        adjusted_i = max over j <= i of min(1, (m - j + 1) p_j)

    Args:
        p: p-values of all tests, (m,).

    Returns:
        Adjusted p-values in the same order.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p, np.float64)
    adjusted = values.copy()
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    scaled = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def t_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Student's interval of a mean.

    Args:
        values: Any number of values; NaNs are left out.
        confidence: Share of intervals that hold the true mean.

    Returns:
        Lower and upper end; NaNs for fewer than two values.

    Example:
        >>> low, high = t_interval([1.0, 2.0, 3.0])
        >>> round(low, 3), round(high, 3)  # 2 -+ 4.303 / sqrt(3)
        (-0.484, 4.484)
    """
    fine = np.asarray(values, np.float64)
    fine = fine[np.isfinite(fine)]
    if fine.size < 2:
        return float("nan"), float("nan")
    reach = special.stdtrit(fine.size - 1, (1 + confidence) / 2)
    half = float(reach * fine.std(ddof=1) / np.sqrt(fine.size))
    return float(fine.mean()) - half, float(fine.mean()) + half


def cliffs_delta(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Cliff's delta: how often ours is larger than theirs, minus how often it is smaller.

    Over all pairs of a value of ours and one of theirs.

    Args:
        ours: Values of one side; NaNs are left out.
        theirs: Values of the other side, not necessarily as many.

    Returns:
        A number in [-1, 1], 0 for equal distributions, NaN when a side is empty.

    Example:
        >>> cliffs_delta([1, 2, 3], [0, 2])  # larger 4 times, smaller once, of 6 pairs
        0.5
    """
    left, right = (np.asarray(side, np.float64) for side in (ours, theirs))
    left, right = left[np.isfinite(left)], np.sort(right[np.isfinite(right)])
    if not left.size or not right.size:
        return float("nan")
    larger = np.searchsorted(right, left, side="left").sum()
    smaller = (right.size - np.searchsorted(right, left, side="right")).sum()
    return float((larger - smaller) / (left.size * right.size))


def resampled_ratios(numerator: Floats, denominator: Floats) -> Floats:
    """Bootstrap distribution of a ratio of sums over images.

    A mean is such a ratio, with denominator 1 where the value is defined; so is the IoU of all
    pixels together.

    Args:
        numerator: (images, classes).
        denominator: (images, classes).

    Returns:
        Ratios, (RESAMPLES, classes); NaN where a denominator is 0. Seeded, so the same scores
        have the same interval.

    Example:
        >>> spread = resampled_ratios(np.array([[1.0], [2.0]]), np.array([[2.0], [4.0]]))
        >>> spread.shape, np.unique(spread)  # one half, whatever is drawn
        ((2000, 1), array([0.5]))
    """
    top, bottom = np.hsplit(resampled_sums(np.hstack([numerator, denominator])), 2)
    return divide(top, bottom)


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
    if len(values) > UNITS:
        gap = -len(values) % UNITS
        values = np.pad(values, ((0, gap), (0, 0))).reshape(-1, UNITS, values.shape[1]).sum(axis=0)
    parts = [weights @ values for weights in _drawn(len(values), len(values))]
    return np.concatenate(parts) if parts else np.zeros((RESAMPLES, values.shape[1]))


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
    ranked, unit, start = scores[order], order % UNITS, 0
    for weights in _drawn(min(len(scores), UNITS), len(scores)):
        drawn = weights[:, unit]
        counts, sums = drawn.cumsum(axis=1), (drawn * ranked).cumsum(axis=1)
        total, rows = counts[:, -1], np.arange(len(drawn))
        for place, percent in enumerate(percents):
            wanted = np.maximum(1, np.floor(percent * total / 100))
            last = np.minimum((counts < wanted[:, None]).sum(axis=1), len(order) - 1)
            surplus = (counts[rows, last] - wanted) * ranked[last]
            lowest = np.where(total > 0, (sums[rows, last] - surplus) / wanted, np.nan)
            out[start : start + len(drawn), place] = lowest
        start += len(drawn)
    return out


def _drawn(units: int, images: int) -> Iterator[Floats]:
    """How often each unit is drawn, RESAMPLES rows in blocks that bound the memory by images."""
    block = max(1, min(RESAMPLES, _BLOCK // max(1, images)))
    counts = _draw(units)
    for start in range(0, len(counts), block):
        yield counts[start : start + block].astype(np.float64)


@lru_cache(maxsize=1)
def _draw(units: int) -> NDArray[np.uint16]:
    # every column of a summary asks for the same draws, and drawing is what takes the time
    if units == 0:
        return np.zeros((0, 0), np.uint16)
    rng, even = np.random.default_rng(0), np.full(units, 1 / units)
    parts = [rng.multinomial(units, even, size=RESAMPLES // 20) for _ in range(20)]
    return np.concatenate([part.astype(np.uint16) for part in parts])


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
