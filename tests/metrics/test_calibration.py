"""Calibration: torchmetrics and netcal as oracles."""

from __future__ import annotations

from pathlib import Path

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


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    """Five images of 8 x 8, four classes, on which zifuwanggg/JDTLosses (MetricGroup) was run."""
    with np.load(Path(__file__).with_name("calibration.npz")) as stored:
        return stored["prob"], stored["label"]


def _ece(prob: np.ndarray, target: np.ndarray, label: np.ndarray) -> float:
    return expected_calibration_error(reliability(prob, target, valid=label != 255, bins=10))


def test_ece_of_the_predicted_class(images: tuple[np.ndarray, np.ndarray]) -> None:
    prob, label = images
    best, right = prob.max(1), prob.argmax(1) == label
    # ECED and ECEI, in percent
    assert 100 * _ece(best, right, label) == pytest.approx(15.786298, abs=1e-4)
    each = [_ece(*image) for image in zip(best, right, label, strict=True)]
    assert 100 * np.mean(each) == pytest.approx(16.809282, abs=1e-4)


def test_classwise_ece(images: tuple[np.ndarray, np.ndarray]) -> None:
    prob, label = images
    found = prob.argmax(1) == label

    def classwise(only_found: bool) -> tuple[float, float]:
        """Of the data set, and the mean of images over the classes that they show."""
        own = [(label == c) & (found | (not only_found)) for c in range(4)]
        whole = [_ece(prob[:, c], own[c], label) for c in range(4)]
        each = [
            np.mean(
                [_ece(prob[i, c], own[c][i], label[i]) for c in range(4) if (label[i] == c).any()]
            )
            for i in range(5)
        ]
        return 1000 * float(np.mean(whole)), 1000 * float(np.mean(each))

    # the reference's SCED and SCEI, in per mille, take a pixel for its class only where the
    # prediction found it: a probability of .4 that is right four times in ten is no error of
    # calibration, though it never wins
    assert classwise(only_found=True) == pytest.approx((98.453102, 115.913048), abs=1e-3)
    assert classwise(only_found=False)[0] == pytest.approx(73.81563, abs=1e-3)


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
