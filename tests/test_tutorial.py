"""The tutorial runs as it is written, and its notebook is the page."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import tutorial  # noqa: E402


def test_the_notebook_is_that_of_the_page() -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    kept = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))
    assert kept == tutorial.notebook(page), "python tools/tutorial.py"


def test_commands_and_code_become_cells() -> None:
    page = "# A\n\n```bash\nseglosses list \\\n    dice\n```\n\ntext\n\n```python\nx = 1\n```\n"
    cells = tutorial.notebook(page)["cells"]
    assert ["".join(cell["source"]) for cell in cells] == [
        "# A",
        "!seglosses list \\\n    dice",
        "text",
        "x = 1",
    ]


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    names: dict[str, object] = {}
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    for kind, code in tutorial.BLOCK.findall(page):
        if kind == "python":
            exec(compile(code, "tutorial.md", "exec"), names)
        else:
            done = subprocess.run(
                ["bash", "-ec", code], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, code + done.stdout[-2000:] + done.stderr[-2000:]
    shares = names["balance"].last.shares
    assert len(shares) == 4
    assert sum(shares.values()) == pytest.approx(1)
    assert all(share > 0.01 for share in shares.values())
    assert "of the gradient" in capsys.readouterr().out
    with Path("comparison/comparison.csv").open(encoding="utf-8") as file:
        rows = {row["metric"]: row for row in csv.DictReader(file)}
    means = [float(value) for key, value in rows["dice"].items() if key.startswith("mean")]
    assert len(means) == 2
    assert min(means) > 0.6
    for made in ("advice/advice.html", "comparison/report.html", "scores/report.html",
                 "topology.png"):  # fmt: skip
        assert Path(made).stat().st_size > 5000, made
