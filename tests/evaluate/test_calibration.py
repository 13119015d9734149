"""Calibration of a folder: images by themselves, and all their pixels together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.evaluate import Evaluation, Options, evaluate, workers
from seglosses.evaluate.sample import Sample
from seglosses.metrics import (
    Pair,
    boundary_band,
    brier_score,
    expected_calibration_error,
    reliability,
)


@pytest.fixture
def calibrated(tmp_path: Path) -> Path:
    """Forty small images whose probabilities mean what they say."""
    rng = np.random.default_rng(0)
    for folder in ("prob", "pred", "gt"):
        (tmp_path / folder).mkdir()
    for index in range(40):
        shade = 0.5 + 0.45 * np.sin(np.linspace(0, 9, 16) + rng.uniform(0, 6))
        prob = np.clip(shade[:, None] + rng.normal(0, 0.05, (16, 14)), 0, 1).astype(np.float32)
        target = rng.random(prob.shape) < prob
        np.save(tmp_path / "prob" / f"{index:02}.npy", prob)
        for folder, mask in (("pred", prob > 0.5), ("gt", target)):
            Image.fromarray(mask.astype(np.uint8)).save(tmp_path / folder / f"{index:02}.png")
    return tmp_path


def score(folder: Path, **options: object) -> Evaluation:
    return evaluate(
        folder / "pred",
        folder / "gt",
        probabilities=folder / "prob",
        metrics=["calibration"],
        options=Options(bins=10, band=2),
        **options,  # type: ignore[arg-type]
    )


def test_pooled_scores_are_those_of_all_pixels_at_once(calibrated: Path) -> None:
    result = score(calibrated)
    prob, target, band = [], [], []
    for path in sorted((calibrated / "prob").iterdir()):
        mask = np.asarray(Image.open(calibrated / "gt" / f"{path.stem}.png")) > 0
        prob.append(np.load(path))
        target.append(mask)
        band.append(boundary_band(mask, width=2))
    everything = reliability(prob, target, bins=10)
    near = reliability(prob, target, bins=10, valid=band)
    for name, expected in (
        ("ece_dataset", expected_calibration_error(everything)),
        ("ece_boundary_dataset", expected_calibration_error(near)),
        ("brier_dataset", brier_score(prob, target)),
    ):
        assert result.mean(name) == pytest.approx(expected)
        row = next(row for row in result.summary if row.metric == name)
        assert row.low < row.high
    # Pixels follow their probabilities, so the error is chance alone: less, the more pixels.
    assert result.mean("ece_dataset") < result.mean("ece") / 3


@pytest.mark.slow
def test_pooled_ece_equals_torchmetrics(calibrated: Path) -> None:
    oracle = pytest.importorskip("torchmetrics.classification", reason="oracle of ECE")
    torch = pytest.importorskip("torch")
    theirs = oracle.BinaryCalibrationError(n_bins=10)
    for path in sorted((calibrated / "prob").iterdir()):
        mask = np.array(Image.open(calibrated / "gt" / f"{path.stem}.png"))
        theirs.update(torch.from_numpy(np.load(path)), torch.from_numpy(mask.astype(np.int64)))
    assert score(calibrated).mean("ece_dataset") == pytest.approx(float(theirs.compute()), abs=1e-5)


def test_sums_survive_an_interruption_and_stay_out_of_the_table(
    calibrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, out = score(calibrated), calibrated / "out"
    original, done = workers.score, []

    def interrupted(files, settings):
        if len(done) == 25:
            raise KeyboardInterrupt
        done.append(files)
        return original(files, settings)

    monkeypatch.setattr(workers, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score(calibrated, out=out, workers=0)
    monkeypatch.setattr(workers, "score", original)
    assert repr(score(calibrated, out=out, workers=0).summary) == repr(expected.summary)
    head = (out / "per_image.csv").read_text().splitlines()[0]
    assert head == "image,class,ece,ece_boundary,brier,tp,fp,fn,pixels"
    assert "ECE of all pixels" in (out / "report.html").read_text("utf-8")


def test_ignored_images_leave_pooled_scores_undefined(tmp_path: Path) -> None:
    for folder in ("prob", "pred", "gt"):
        (tmp_path / folder).mkdir()
    np.save(tmp_path / "prob" / "a.npy", np.full((4, 4), 0.5, np.float32))
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "pred" / "a.png")
    Image.fromarray(np.full((4, 4), 255, np.uint8)).save(tmp_path / "gt" / "a.png")
    result = score(tmp_path, num_classes=2, ignore_index=255)
    assert np.isnan([result.mean("ece_dataset"), result.mean("brier_dataset")]).all()


def test_ignored_pixels_do_not_count_near_boundaries_either() -> None:
    mask = np.zeros((6, 6), bool)
    mask[:, 3:] = True
    valid = np.ones_like(mask)
    valid[:2] = False
    prob = np.where(valid, 0.5, 1).astype(np.float32)
    sample = Sample(Pair(mask, mask), mask, valid, prob)
    near = boundary_band(mask, width=1.0)
    assert near[~valid].any()
    assert sample.reliability(4, 1.0).pixels.sum() == (near & valid).sum()
