"""The pages of hosts run as they stand, with the real frameworks, and take twenty lines at most."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "hosts").glob("*.md"))
FENCE = re.compile(r"^```python([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINES = 20
# Packages that would bring another torch lie in a folder of their own, see tools/test.sh.
FOLDER = Path(os.environ.get("SEGLOSSES_RECIPES") or Path(sys.prefix) / "recipes")

# What a page's names must show when it has run.
CHECKS = {
    "monai.md": "evaluator.state.metrics['val/dice'] > 0.8 and evaluator.state.metrics['val'] > 0.8"
    " and float(bundle_loss([torch.zeros(4, 2, 8, 8)], label[:4, :, :8, :8])) > 0"
    " and key_metric['val'].metric_fn.key == 'dice'",
}

RUN = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path.append(sys.argv[2])
import torch
if not torch.cuda.is_available():
    # torchvision's wheel is built for CUDA, and does not import without its operators; the models
    # used here have none.
    import importlib.util as u
    if u.find_spec("torchvision"):
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
names = {"__name__": "__main__"}
for number, block in enumerate(open(sys.argv[1]).read().split("\\0")):
    exec(compile(block, f"block {number}", "exec"), names)
shown = {k: v for k, v in names.items() if isinstance(v, (int, float, list, dict))}
assert eval(sys.argv[3], names), shown
"""


def needs(page: Path) -> list[str]:
    found = re.match(r"<!-- needs: (.*) -->", page.read_text("utf-8"))
    return found.group(1).split() if found else []


def code(block: str) -> list[str]:
    return [
        line for line in block.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_recipe_takes_twenty_lines(page: Path) -> None:
    own = [block for kind, block in FENCE.findall(page.read_text("utf-8")) if not kind.strip()]
    assert own
    for block in own[:1] if page.name == "monai.md" else own:
        assert len(code(block)) <= LINES, f"{page.name}: {len(code(block))} lines"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_recipe_runs(page: Path, tmp_path: Path) -> None:
    for name in needs(page):
        if importlib.util.find_spec(name) is None and not (FOLDER / name).is_dir():
            pytest.skip(f"{name} is not installed, nor in {FOLDER}")
    program = tmp_path / "page.py"
    program.write_text("\0".join(block for _, block in FENCE.findall(page.read_text("utf-8"))))
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(program), str(FOLDER), CHECKS[page.name]],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-3000:]
