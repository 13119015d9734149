"""The page of gradients can be made, and its losses repair what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "gradients.py"


@pytest.mark.slow
def test_page_is_made_and_topological_losses_repair_every_error(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    subprocess.run([sys.executable, TOOL, "--out", tmp_path], check=True, cwd=TOOL.parents[1])
    page = (tmp_path / "gradients.md").read_text()
    assert (tmp_path / "gradients.png").stat().st_size > 10_000
    for family in ("overlap", "pixel", "boundary", "weak", "guided", "attributions"):
        assert (tmp_path / f"gradients_{family}.png").stat().st_size > 5_000
        assert f"(gradients_{family}.png)" in page
    for name in ("Topograph", "warping", "TopoLoss"):
        (row,) = (line for line in page.splitlines() if line.startswith(f"| {name} |"))
        assert row.count("**") == 8, row
