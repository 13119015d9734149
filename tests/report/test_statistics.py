"""Tests, intervals and effect sizes, against enumeration, SciPy and arithmetic by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seglosses.report.statistics import (
    cliffs_delta,
    holm,
    sign_flip_test,
    t_interval,
)


def enumerated(gaps, alternative):
    """Share of all 2^n sign patterns whose sum reaches the observed one."""
    sums = np.array([np.dot(s, gaps) for s in itertools.product((-1, 1), repeat=len(gaps))])
    observed = abs(sum(gaps))
    return float(((np.abs(sums) if alternative == "two-sided" else sums) >= observed - 1e-9).mean())


@pytest.mark.parametrize("alternative", ["two-sided", "one-sided"])
@pytest.mark.parametrize(
    "gaps", [[1, 2, 3, 4, 5, 6, 7, 8], [3, -1, 2, -2, 5, 1, 0, 4], [0.1, 0.2, -0.3, 0.5, 0.4]]
)
def test_sign_flips_agree_with_all_patterns(gaps, alternative):
    p = sign_flip_test(gaps, alternative=alternative, flips=40_000, seed=1)[0]
    assert p == pytest.approx(enumerated(gaps, alternative), abs=0.01)
    # fewer flips than patterns: they are drawn
    p = sign_flip_test(gaps, alternative=alternative, flips=2 ** len(gaps) - 1, seed=1)[0]
    assert p == pytest.approx(enumerated(gaps, alternative), abs=0.3)


def test_few_pairs_have_the_p_of_all_patterns():
    """Random ones gave 0.952 of the least p of five images, and 0.92 of that of eight."""
    rng = np.random.default_rng(8)
    for count in range(1, 10):
        gaps = rng.integers(-3, 9, count) / 7
        assert sign_flip_test(gaps)[0] == pytest.approx(enumerated(gaps, "two-sided"), abs=1e-12)
        assert sign_flip_test(np.arange(1.0, count + 1))[0] == 2.0 ** (1 - count)


def test_no_p_is_below_two_of_all_patterns():
    """Also where patterns are drawn, and where most of many pairs do not differ."""
    ones = np.ones((9, 40))
    p = sign_flip_test(ones, flips=500)
    assert p.tolist() == [2.0**-8] * 40
    sparse = np.zeros((40, 1))
    sparse[::10] = 1.0
    assert sign_flip_test(sparse)[0] == 1 / 8
    sparse[::4] = np.nan
    assert sign_flip_test(sparse)[0] == 1 / 2  # 10 and 30 are left
    assert sign_flip_test(np.zeros(7))[0] == 1.0


def test_one_sided_is_half_and_may_be_zero():
    gaps = np.arange(1.0, 41.0)
    assert sign_flip_test(gaps, alternative="one-sided", flips=100)[0] == 0
    assert sign_flip_test(gaps, flips=100)[0] == 1 / 101


def test_the_sign_of_the_difference_does_not_matter():
    gaps = np.random.default_rng(0).normal(0.3, 1, 50)
    for alternative in ("two-sided", "one-sided"):
        there, back = (sign_flip_test(g, alternative=alternative)[0] for g in (gaps, -gaps))
        assert there == pytest.approx(back, abs=0.02)


def test_columns_are_tested_by_themselves_and_nans_are_no_pairs():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.5, 1, 40), rng.normal(0, 1, 40)
    both = np.column_stack([first, second, np.full(40, np.nan)])
    both[30:, 1] = np.nan
    p = sign_flip_test(both)
    assert p[0] == sign_flip_test(first)[0]
    assert p[1] == pytest.approx(sign_flip_test(second[:30])[0], abs=0.02)
    assert np.isnan(p[2])


def test_blocks_do_not_change_the_number_of_flips():
    many = np.ones((5_000, 1))
    assert sign_flip_test(many, flips=999)[0] == 1 / 1000


def test_sign_flips_hold_their_level():
    noise = np.random.default_rng(4).normal(size=(30, 400))
    assert (sign_flip_test(noise, flips=999) < 0.05).mean() == pytest.approx(0.05, abs=0.025)


def test_holm_by_hand():
    # sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, made rising: .02 .03 .06 .06
    adjusted = holm([0.01, 0.04, np.nan, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, np.nan, 0.06, 0.02])
    assert holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert holm([]).size == 0


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=9))
def test_t_interval_agrees_with_scipy(values):
    low, high = t_interval(values)
    spread = np.std(values, ddof=1)
    if spread > 1e-6:
        theirs = stats.t.interval(
            0.95, len(values) - 1, np.mean(values), spread / np.sqrt(len(values))
        )
        np.testing.assert_allclose([low, high], theirs, atol=1e-9)
    else:
        assert high - low < 1e-4


def test_one_value_has_no_interval():
    assert np.isnan(t_interval([3.0])).all()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.lists(st.integers(0, 4), min_size=1))
def test_cliffs_delta_counts_pairs(ours, theirs):
    naive = np.mean([np.sign(a - b) for a in ours for b in theirs])
    assert cliffs_delta(ours, theirs) == pytest.approx(naive)
    assert cliffs_delta(theirs, ours) == pytest.approx(-naive)


def test_cliffs_delta_leaves_undefined_values_out():
    assert cliffs_delta([np.nan, 2.0], [1.0]) == 1.0
    assert np.isnan(cliffs_delta([np.nan], [1.0]))
