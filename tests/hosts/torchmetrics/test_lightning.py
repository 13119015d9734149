"""Two processes of Lightning, whose sampler repeats an image, have the scores of one."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seglosses.evaluate.accumulator import Scores
from tests.evaluate.test_accumulator import images
from tests.hosts.test_recipes import FOLDER


@pytest.mark.slow
def test_two_processes() -> None:
    if importlib.util.find_spec("lightning") is None and not (FOLDER / "lightning").is_dir():
        pytest.skip(f"no lightning, nor in {FOLDER}")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("lightning_ranks.py")), str(FOLDER)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    said = [line for line in done.stdout.splitlines() if " here: " in line]
    alone = Scores(["overlap", "hd95"], 3, ignore_index=255)
    for name, logits, target in images(7):
        alone.update(logits[None, :, :14, :11], target[None, :14, :11], ids=[name])
    found = alone.compute()
    expected = f"4 here: {found['dice']} {found['hd95']} {alone.images}"
    assert said == [expected] * 2, done.stderr[-2000:]
