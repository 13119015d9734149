"""Draws, intervals and their memory, against enumeration, SciPy and simulation."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from seglosses.evaluate.calibration_columns import CALIBRATION
from seglosses.evaluate.spread import deviations
from seglosses.report import bootstrap
from seglosses.report.bootstrap import RESAMPLES, mean_interval, resampled_sums, resampled_worst


def test_the_worst_of_a_draw_are_those_of_the_drawn_images():
    scores = np.array([0.5, np.nan, 0.25, 0.75, 0.5, 1.0])
    draws = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), size=RESAMPLES)
    spread = resampled_worst(scores, [1, 40, 100])
    for times, row in zip(draws, spread, strict=True):
        drawn = np.sort(np.repeat(scores, times))
        fine = drawn[np.isfinite(drawn)]
        expected = [fine[: max(1, int(p * fine.size / 100))].mean() for p in (1, 40, 100)]
        assert row == pytest.approx(expected)
    np.testing.assert_array_equal(resampled_sums(np.eye(6)), draws)


def test_blocks_draw_the_same_images(monkeypatch):
    scores = np.random.default_rng(1).normal(size=(20, 2))
    whole = resampled_sums(scores), resampled_worst(scores[:, 0], [10, 50])
    monkeypatch.setattr(bootstrap, "_NUMBERS", 300 * 20)
    np.testing.assert_allclose(resampled_sums(scores), whole[0], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(resampled_worst(scores[:, 0], [10, 50]), whole[1])


def test_many_images_are_drawn_in_groups(monkeypatch):
    monkeypatch.setattr(bootstrap, "UNITS", 4)
    scores = np.arange(6.0)
    draws = np.random.default_rng(0).multinomial(4, np.full(4, 1 / 4), size=RESAMPLES)
    # 0 and 4 are one unit, 1 and 5 another, 2 and 3 stand alone
    np.testing.assert_array_equal(resampled_sums(scores[:, None])[:, 0], draws @ [4, 6, 2, 3])
    of_images = draws[:, [0, 1, 2, 3, 0, 1]]
    lowest = [np.repeat(scores, times)[: times.sum() // 2].mean() for times in of_images]
    np.testing.assert_allclose(resampled_worst(scores, [50])[:, 0], lowest)


def test_groups_keep_the_interval(monkeypatch):
    scores = np.random.default_rng(2).normal(size=(8000, 1))
    alone = resampled_sums(scores).std()
    monkeypatch.setattr(bootstrap, "UNITS", 1000)
    assert resampled_sums(scores).std() == pytest.approx(alone, rel=0.1)


def test_nothing_defined_has_no_spread():
    assert np.isnan(resampled_worst(np.full(3, np.nan), [10, 100])).all()
    assert not resampled_sums(np.zeros((0, 2))).any()


@pytest.mark.parametrize("count", [1000, 5000, 20_000])
@pytest.mark.parametrize(
    "measure",
    [
        lambda scores: resampled_sums(scores[:, None]),
        lambda scores: resampled_worst(scores, [10, 50, 100]),
        lambda scores: mean_interval(float(scores.mean()), scores - scores.mean()),
    ],
)
def test_memory_stays_below_four_kilobytes_an_image(
    count: int, measure: Callable[[np.ndarray], object]
) -> None:
    scores = np.random.default_rng(0).random(count)
    bootstrap._draw.cache_clear()
    tracemalloc.start()
    measure(scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4000 * count


def test_interval_equals_the_studentised_bootstrap_written_out() -> None:
    scores = np.random.default_rng(3).lognormal(sigma=0.5, size=30)
    draws = np.random.default_rng(0).multinomial(30, np.full(30, 1 / 30), size=RESAMPLES)
    samples = np.stack([np.repeat(scores, times) for times in draws])
    errors = samples.std(axis=1, ddof=1) / np.sqrt(30)
    t = (samples.mean(axis=1) - scores.mean()) / errors
    reach = np.quantile(t, [0.975, 0.025]) * scores.std(ddof=1) / np.sqrt(30)
    found = mean_interval(float(scores.mean()), scores - scores.mean())
    np.testing.assert_allclose(found, scores.mean() - reach)
    # Large scores are rare in few draws: the arm upwards is the longer one.
    assert found[1] - scores.mean() > scores.mean() - found[0]


def test_where_draws_agree_the_interval_is_students() -> None:
    scores = np.array([1.0] * 9 + [0.5])
    found = mean_interval(float(scores.mean()), scores - scores.mean())
    expected = stats.t.interval(0.95, 9, scores.mean(), stats.sem(scores))
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("scores", [[], [0.5], [np.nan, 0.5]])
def test_one_image_has_no_interval(scores: list[float]) -> None:
    assert np.isnan(mean_interval(0.5, np.array(scores) - 0.5)).all()


def test_equal_images_have_no_width() -> None:
    assert mean_interval(0.7, np.full(5, 0.7) - 0.7) == (0.7, 0.7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "mean", "least"),
    [
        (lambda rng: rng.normal(size=24), 0.0, 0.92),
        (lambda rng: rng.beta(5, 1, size=24), 5 / 6, 0.92),
        (lambda rng: rng.lognormal(size=24), float(np.exp(0.5)), 0.87),
    ],
)
def test_intervals_of_few_images_hold_the_mean(
    draw: Callable[[np.random.Generator], np.ndarray], mean: float, least: float
) -> None:
    # Percentiles hold it in 93, 93 and 85 to 87 % of samples.
    rng, inside = np.random.default_rng(7), 0
    for _ in range(500):
        scores = draw(rng)
        low, high = mean_interval(float(scores.mean()), scores - scores.mean())
        inside += low <= mean <= high
    assert inside >= least * 500


@pytest.mark.parametrize("count", [8, 12, 24])
@pytest.mark.parametrize("seed", range(5))
def test_one_image_far_off_does_not_make_an_interval_endless(count: int, seed: int) -> None:
    """Draws without it have next to no spread; the unbounded end was at 14518 for 12 images."""
    scores = np.random.default_rng(seed).normal(1.2, 0.1, count)
    scores[3] = 180.0
    error = scores.std(ddof=1) / np.sqrt(count)
    longest = 3 * stats.t.ppf(0.975, count - 1) * error
    low, high = mean_interval(scores.mean(), scores - scores.mean())
    assert scores.mean() - longest <= low < 1.2 < scores.mean()
    assert high <= scores.mean() + longest * (1 + 1e-9)


@pytest.mark.slow
def test_an_interval_of_the_error_of_all_pixels_holds_the_true_one_as_often_as_it_says() -> None:
    """Of 24 images, whose predictions are too sure by amounts of their own."""
    rng = np.random.default_rng(0)
    bins, pixels = 10, 400

    def images(count: int) -> np.ndarray:
        prob = np.clip(rng.normal(rng.random((count, 1)), 0.25, (count, pixels)), 0, 1)
        rate = prob + 0.1 * (0.5 - prob) + rng.normal(0, 0.08, (count, 1))
        gaps = prob - (rng.random(prob.shape) < rate)
        place = np.minimum((prob * bins).astype(int), bins - 1) + bins * np.arange(count)[:, None]
        sums = np.bincount(place.ravel(), gaps.ravel(), bins * count).reshape(count, bins)
        return np.column_stack([sums, np.full(count, pixels)])[:, None]

    def error(sums: np.ndarray) -> tuple[float, np.ndarray]:
        shares, total = CALIBRATION[0].pooled.shares(sums), sums[..., -1]
        return float(shares.sum() / total.sum()), deviations(shares, total)[:, 0]

    truth, _ = error(images(20_000))
    found = [mean_interval(*error(images(24))) for _ in range(300)]
    held = np.mean([low <= truth <= high for low, high in found])
    assert 0.9 <= held <= 0.98
