"""The example of distillation, trained for real through the tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seglosses.datasets.write import BrickSet, write_dataset

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


def train(leaf, work_dir, *words):
    done = subprocess.run(
        [sys.executable, "tools/train.py", leaf, "--work-dir", str(work_dir), *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    (log,) = Path(work_dir).glob("*/vis_data/scalars.json")
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_student_learns_from_its_teacher(tmp_path):
    bricks = tmp_path / "bricks"
    write_dataset(bricks, BrickSet(size=(128, 128), train=8, val=2, test=3))
    common = ("--data", bricks, "--iters", 30, "--seed", 0)
    options = ("--cfg-options", "default_hooks.logger.interval=1")
    train("configs/bricks/unet_128.py", tmp_path / "teacher", *common, *options)
    log = train(
        "configs/bricks/distill_unet_128.py",
        tmp_path / "student",
        *(*common, *options, f"model.teacher.checkpoint={tmp_path / 'teacher' / 'iter_30.pth'}"),
    )
    steps = [step for step in log if "loss" in step]
    assert len(steps) == 30
    for name in ("loss_kl_distillation", "loss_jaccard_distillation"):
        values = [step[f"decode.{name}"] for step in steps]
        assert np.mean(values[-5:]) < np.mean(values[:5]), name
