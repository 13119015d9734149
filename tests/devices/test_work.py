"""How lean losses are on a device: launches and bytes, counted beside the peers'."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import seglosses

ROOT = Path(seglosses.__file__).parents[1]
Work = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def work(paper: None) -> Work:
    pytest.importorskip("monai")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.devices.work", "64", "64"],
        cwd=ROOT,
        env={**os.environ, "SEGLOSSES_CHECKS": "async", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: Work = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("ours", "theirs", "times"),
    [
        ("CrossEntropyLoss, nothing ignored", "torch, nothing ignored", 1.2),
        # ignored pixels may hold NaN here, which torch's gradient would spread
        ("CrossEntropyLoss", "torch cross-entropy", 1.25),
        ("DiceLoss", "MONAI Dice", 1.0),
        ("JaccardLoss", "MONAI Dice", 1.0),
        ("TverskyLoss", "MONAI Dice", 1.0),
        ("SSIMLoss", "MONAI SSIM", 1.0),
    ],
)
def test_bytes_are_no_more_than_the_peers(work: Work, ours: str, theirs: str, times: float) -> None:
    assert work[ours]["bytes"] <= times * work[theirs]["bytes"]


def test_ignored_pixels_cost_cross_entropy_no_copy(work: Work) -> None:
    ours, theirs = work["CrossEntropyLoss"], work["torch cross-entropy"]
    assert ours["touched"] <= 1.2 * theirs["touched"]


@pytest.mark.parametrize(
    ("name", "most"), [("CrossEntropyLoss", 28), ("DiceLoss", 105), ("LovaszHingeLoss", 60)]
)
def test_launches_do_not_grow(work: Work, name: str, most: int) -> None:
    assert work[name]["launches"] <= most
