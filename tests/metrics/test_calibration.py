"""Calibration: torchmetrics and netcal as oracles."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.metrics import boundary_band, brier_score, expected_calibration_error, reliability


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    prob = rng.random((40, 50)).astype(np.float32)
    return prob, rng.random((40, 50)) < prob**2


@pytest.mark.slow
@pytest.mark.parametrize("bins", [10, 15])
def test_ece_equals_torchmetrics(sample: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    oracle = pytest.importorskip("torchmetrics.functional.classification", reason="oracle of ECE")
    torch = pytest.importorskip("torch")
    prob, target = sample
    expected = oracle.binary_calibration_error(
        torch.from_numpy(prob), torch.from_numpy(target.astype(np.int64)), n_bins=bins
    )
    ours = expected_calibration_error(reliability(prob, target, bins=bins))
    assert ours == pytest.approx(float(expected), abs=1e-5)


def test_brier_equals_the_squared_error(sample: tuple[np.ndarray, np.ndarray]) -> None:
    prob, target = sample
    assert brier_score(prob, target) == pytest.approx(np.mean((prob - target) ** 2))


def test_ignored_pixels_do_not_count(sample: tuple[np.ndarray, np.ndarray]) -> None:
    prob, target = sample
    valid = np.zeros(prob.shape, bool)
    valid[:10] = True
    assert brier_score(prob, target, valid=valid) == brier_score(prob[:10], target[:10])
    bins = reliability(prob, target, valid=valid)
    assert bins.pixels.sum() == 500
    nothing = np.zeros(prob.shape, bool)
    assert np.isnan(brier_score(prob, target, valid=nothing))
    assert np.isnan(expected_calibration_error(reliability(prob, target, valid=nothing)))


def test_perfect_and_certain_costs_nothing() -> None:
    target = np.eye(4, dtype=bool)
    assert expected_calibration_error(reliability(target.astype(float), target)) == 0
    assert brier_score(target.astype(float), target) == 0


def test_bins_of_images_add_up(sample: tuple[np.ndarray, np.ndarray]) -> None:
    prob, target = sample
    whole = reliability(prob, target)
    halves = [reliability(prob[part], target[part]) for part in (slice(20), slice(20, 40))]
    for index in range(3):
        np.testing.assert_allclose(halves[0][index] + halves[1][index], whole[index])


def test_band_lies_on_both_sides() -> None:
    mask = np.zeros((1, 9), bool)
    mask[0, 4:] = True
    np.testing.assert_array_equal(boundary_band(mask, width=2), [[0, 0, 1, 1, 1, 1, 0, 0, 0]])
    assert not boundary_band(np.ones((3, 3)), width=2).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: brier_score([0.5], [1, 0]), "differ in shape"),
        (lambda: brier_score([1.5], [1]), "softmax or sigmoid"),
        (lambda: brier_score([float("nan")], [1]), "softmax or sigmoid"),
        (lambda: reliability([0.5], [1], bins=0), "at least 1 bin"),
    ],
)
def test_errors_say_what_to_give(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_bin_holds_its_upper_edge() -> None:
    # halves (0, 0.5] and (0.5, 1], as in torchmetrics and netcal; 0 belongs to the first
    bins = reliability([0.0, 0.5, 0.75, 1.0], [0, 1, 1, 1], bins=2)
    np.testing.assert_array_equal(bins.pixels, [2, 2])
    np.testing.assert_array_equal(bins.prob, [0.5, 1.75])
    np.testing.assert_array_equal(bins.target, [1, 2])
