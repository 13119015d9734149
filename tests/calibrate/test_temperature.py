"""Temperatures: on numbers with a known answer, and the command on files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from seglosses.calibrate import calibrate
from seglosses.cli import main
from seglosses.metrics import classwise_calibration_error, reliability
from seglosses.metrics.temperature import (
    fit_temperature,
    negative_log_likelihood,
    scaled_probabilities,
)


def overconfident(
    rng: np.random.Generator, shape: tuple[int, ...], temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Labels drawn from a softmax, and the probabilities of logits that are too large."""
    logits = 2 * rng.normal(size=(3, *shape))
    true = softmax(logits, axis=0)
    labels = (rng.random(shape) > true.cumsum(0)[:2]).sum(0)
    return softmax(temperature * logits, axis=0), labels


def test_the_temperature_that_made_them_is_found() -> None:
    prob, labels = overconfident(np.random.default_rng(0), (200_000,), 2.5)
    assert fit_temperature(prob, labels) == pytest.approx(2.5, rel=0.02)


def test_agrees_with_a_minimum_of_the_likelihood() -> None:
    prob, labels = overconfident(np.random.default_rng(1), (500,), 0.6)
    best = minimize_scalar(
        lambda t: negative_log_likelihood(scaled_probabilities(prob, np.exp(t)), labels),
        bounds=(-4, 4),
        method="bounded",
        options={"xatol": 1e-8},
    )
    assert fit_temperature(prob, labels) == pytest.approx(np.exp(best.x), rel=1e-5)


def test_decisions_stay() -> None:
    prob, _ = overconfident(np.random.default_rng(2), (99,), 3.0)
    scaled = scaled_probabilities(prob, 7.0)
    np.testing.assert_array_equal(scaled.argmax(0), prob.argmax(0))
    np.testing.assert_allclose(scaled.sum(0), 1)
    np.testing.assert_allclose(scaled_probabilities(prob, 1.0), prob)


def test_certain_and_right_wants_more_than_there_is() -> None:
    sure = np.array([[0.9, 0.1], [0.1, 0.9]])
    assert fit_temperature(sure, np.array([0, 1])) == pytest.approx(0.01)
    assert fit_temperature(np.array([[0.9], [0.1]]), np.array([1])) == pytest.approx(100)


def test_errors_of_the_fit() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        fit_temperature(np.ones((2, 0)), np.zeros(0, int))
    with pytest.raises(ValueError, match=r"labels in \[0, 2\)"):
        fit_temperature(np.full((2, 1), 0.5), np.array([2]))
    with pytest.raises(ValueError, match="above 0"):
        scaled_probabilities(np.full((2, 1), 0.5), 0.0)
    with pytest.raises(ValueError, match="got none"):
        classwise_calibration_error([])


def test_classwise_error_is_no_error_of_the_largest() -> None:
    # class 2 is never predicted, and its error of a tenth counts a third
    prob = np.array([[0.9, 0.9], [0.1, 0.1], [0.0, 0.0]])
    labels = np.array([0, 0])
    bins = [reliability(prob[c], labels == c) for c in range(3)]
    assert classwise_calibration_error(bins) == pytest.approx((0.1 + 0.1 + 0.0) / 3)


def folders(root: Path, count: int = 4) -> tuple[Path, Path]:
    rng = np.random.default_rng(3)
    prob, gt = root / "prob", root / "gt"
    for folder in (prob, gt):
        folder.mkdir()
    for image in range(count):
        found, labels = overconfident(rng, (40, 50), 2.0)
        labels[0] = 255
        np.save(prob / f"{image}.npy", found.astype(np.float32))
        np.save(gt / f"{image}.npy", labels.astype(np.uint8))
    return prob, gt


def test_the_command_reports_on_images_it_did_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prob, gt = folders(tmp_path)
    out = tmp_path / "out"
    assert main(["calibrate", str(prob), str(gt), "--num-classes", "3", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    found = json.loads((out / "calibration.json").read_text())
    assert found["temperature"] == pytest.approx(2.0, rel=0.05)
    assert (found["images"], found["measured"]) == (4, 2)
    assert found["after"]["likelihood"] < found["before"]["likelihood"]
    assert found["after"]["classwise_ece"] < found["before"]["classwise_ece"] / 3
    assert f"temperature {found['temperature']:.4f}" in told
    assert (out / "calibration.html").read_text().count("<section>") == 4


def test_the_half_that_is_measured_is_not_fitted(tmp_path: Path) -> None:
    prob, gt = folders(tmp_path)
    first = calibrate(prob, gt, num_classes=3)
    for name in ("1.npy", "3.npy"):
        np.save(gt / name, (np.load(gt / name) + 1) % 3)
    other = calibrate(prob, gt, num_classes=3)
    assert other.held_out_temperature == first.held_out_temperature
    assert other.temperature != first.temperature
    assert other.before.likelihood > first.before.likelihood


def test_errors_of_folders(tmp_path: Path) -> None:
    prob, gt = folders(tmp_path)
    with pytest.raises(ValueError, match=r"expected \(5, 40, 50\)"):
        calibrate(prob, gt, num_classes=5)
    with pytest.raises(ValueError, match="got 0 to 255"):
        calibrate(prob, gt, num_classes=3, ignore_index=None)
    (gt / "3.npy").unlink()
    with pytest.raises(ValueError, match="1 names are in only one of"):
        calibrate(prob, gt, num_classes=3)
