"""The bundle of the page runs by MONAI's own command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FENCE = re.compile(r"^```(yaml|bash)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_bundle_of_the_page(tmp_path: Path) -> None:
    for needed in ("monai", "ignite", "fire", "yaml"):
        pytest.importorskip(needed)
    page = (ROOT / "docs" / "hosts" / "monai.md").read_text("utf-8")
    blocks = FENCE.findall(page[page.index("## A bundle") :])
    own, rest = [text for kind, text in blocks if kind == "yaml"]
    assert len(own.splitlines()) <= 20
    (command,) = [text for kind, text in blocks if kind == "bash"]
    (tmp_path / "train.yaml").write_text(own + rest, encoding="utf-8")
    python, *words = shlex.split(command)
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    losses = [float(number) for number in re.findall(r"Loss: ([\d.]+)", said)]
    assert len(losses) == 16
    assert losses[-1] < losses[0] / 2
    numbers = [float(number) for number in re.findall(r"val/cldice: ([\d.]+)", said)]
    assert len(numbers) == 4
    assert numbers[-1] > 0.9
