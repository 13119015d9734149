"""Pages of the smaller commands in a real browser, at two widths, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.cli import main
from seglosses.demo.comparison import compare
from seglosses.demo.report import write_report
from seglosses.evaluate import evaluate

pytestmark = pytest.mark.slow


@pytest.fixture
def walls(tmp_path: Path) -> Path:
    """Four walls with two predictions, their probabilities and pictures."""
    rng = np.random.default_rng(0)
    for number in range(4):
        target = np.zeros((48, 64), bool)
        target[::12, :] = target[:, ::16] = True
        for folder, noise in (("ce_dice", 0.08), ("a_loss_with_quite_a_long_name", 0.02)):
            pred = target ^ (rng.random(target.shape) < noise)
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pred.astype(np.uint8)).save(tmp_path / folder / f"{number}.png")
        prob = np.clip(target * 0.7 + rng.random(target.shape) * 0.3, 0, 1).astype(np.float32)
        photo = np.repeat((90 + 80 * target)[..., None], 3, axis=2)
        for folder, pixels in (("gt", target), ("images", photo)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / folder / f"{number}.png")
        (tmp_path / "prob").mkdir(exist_ok=True)
        np.save(tmp_path / "prob" / f"{number}.npy", np.stack([1 - prob, prob]))
    return tmp_path


def test_advice(walls: Path, looked_at: Callable[[Path], str]) -> None:
    words = [str(walls / "gt"), "--pred", str(walls / "ce_dice"), "--images", str(walls / "images")]
    assert main(["advise", *words, "--out", str(walls / "out"), "--quiet"]) == 0
    assert "Which losses" in looked_at(walls / "out" / "advice.html")


def test_temperature(walls: Path, looked_at: Callable[[Path], str]) -> None:
    words = [str(walls / "prob"), str(walls / "gt"), "--out", str(walls / "out")]
    assert main(["calibrate", *words]) == 0
    assert "Temperature" in looked_at(walls / "out" / "calibration.html")


def test_quick_start(walls: Path, looked_at: Callable[[Path], str]) -> None:
    found = {
        name: evaluate(walls / name, walls / "gt", num_classes=2, metrics=["dice", "topology"])
        for name in ("ce_dice", "a_loss_with_quite_a_long_name")
    }
    facts = {"training": "300 iterations", "command": "seglosses " + "x" * 120}
    write_report(walls / "report.html", compare(found), found, walls / "images", facts)
    assert "Where they differ most" in looked_at(walls / "report.html")
