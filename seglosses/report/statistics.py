"""Tests, intervals and effect sizes for paired comparisons; NumPy in, numbers out."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats: TypeAlias = NDArray[np.float64]
Alternative: TypeAlias = Literal["two-sided", "one-sided"]
_BLOCK = 4_000_000


def sign_flip_test(
    differences: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    flips: int = 10_000,
    seed: int = 0,
) -> Floats:
    """Sign-flip test of paired differences, many columns at once.

    Where neither side is better, the sign of each difference is a coin toss. With ``s`` the sum
    of a column and ``s*`` the sum after tossing the signs of its ``m`` differences that are not 0::

        two-sided    p = #{|s*| >= |s|} / 2^m                                  over all 2^m patterns
                     p = max(2^(1-m), (#{|s*| >= |s|} + 1) / (flips + 1))      over random ones
        one-sided    p = #{s* >= |s|} / flips

    All patterns are taken where there are no more than flips; two of them, all signs alike, always
    reach ``|s|``. The third is what TopoMortar published: half of the second, and 0 is possible.

    Args:
        differences: (n,) or (n, k); a NaN leaves its pair out. Multiply by weights for a weighted
            mean.
        alternative: Which of the two.
        flips: How many times signs are tossed; the same tosses serve all columns.
        seed: Of the tosses.

    Returns:
        One p a column, (k,); NaN for a column without a single pair.

    Example:
        >>> sign_flip_test([1.0, 2.0, 1.0, 3.0, 1.0, 2.0, 2.0])  # 2 of 128 sign patterns
        array([0.015625])
        >>> sign_flip_test([1.0, -1.0])
        array([1.])
    """
    columns = np.asarray(differences, np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    known = np.isfinite(columns)
    gaps = np.where(known, columns, 0.0)
    signed = np.count_nonzero(gaps, axis=0)
    if alternative == "two-sided":
        least = 2.0 ** np.minimum(0, 1 - signed)
        whole = signed <= np.log2(flips)
    else:
        least, whole = np.zeros(len(signed)), np.zeros(len(signed), bool)
    p = np.empty(len(signed))
    for place in np.flatnonzero(whole):
        p[place] = _over_all_patterns(gaps[gaps[:, place] != 0, place])
    drawn = ~whole
    if drawn.any():
        p[drawn] = np.maximum(least[drawn], _over_tosses(gaps[:, drawn], alternative, flips, seed))
    return np.where(known.any(axis=0), p, np.nan)


def _over_all_patterns(gaps: Floats) -> float:
    """Two-sided p of one column; one sign may stay, for the other half of the patterns mirrors."""
    if not gaps.size:
        return 1.0
    sums = gaps[:1]
    for gap in gaps[1:]:
        sums = np.concatenate([sums + gap, sums - gap])
    return float((np.abs(sums) >= _bar(gaps)).mean())


def _over_tosses(gaps: Floats, alternative: Alternative, flips: int, seed: int) -> Floats:
    bar = _bar(gaps)
    rng = np.random.default_rng(seed)
    reached = np.zeros(gaps.shape[1], np.int64)
    block = max(1, _BLOCK // max(1, len(gaps)))
    for start in range(0, flips, block):
        size = (min(block, flips - start), len(gaps))
        sums = (2.0 * rng.integers(0, 2, size=size, dtype=np.int8) - 1.0) @ gaps
        reached += ((np.abs(sums) if alternative == "two-sided" else sums) >= bar).sum(axis=0)
    return (reached + 1) / (flips + 1) if alternative == "two-sided" else reached / flips


def _bar(gaps: Floats) -> Floats:
    """What a sum has to reach: sums that are equal on paper may differ in the last bits."""
    return np.asarray(np.abs(gaps.sum(axis=0)) - 1e-12 * np.abs(gaps).sum(axis=0))


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
