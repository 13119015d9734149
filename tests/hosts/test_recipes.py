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
NEEDS = re.compile(r"<!-- needs: (.*) -->")
PAGES = [
    page
    for page in sorted((ROOT / "docs" / "hosts").glob("*.md"))
    if NEEDS.match(page.read_text("utf-8"))
]
FENCE = re.compile(r"^```python([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINES = 20
# Packages that would bring another torch lie in a folder of their own, see tools/test.sh.
FOLDER = Path(os.environ.get("SEGLOSSES_RECIPES") or Path(sys.prefix) / "recipes")

# What a page's names must show when it has run.
CHECKS = {
    "boxes.md": "type(trainer.model.criterion.bbox_loss).__name__ == 'Boxes'"
    " and 0 < float(trainer.tloss['box_loss']) < 100 and history[-1] < history[0]",
    "detectron2.md": "history[-1] < history[0] / 2 and results['shape']['cldice'] > 0.9"
    " and len(evaluator.scores.images) == 16",
    "huggingface.md": "evaluated['eval_cldice'] > 0.8 and evaluated['eval_dice'] > 0.6",
    "lightning.md": "trainer.callback_metrics['cldice'] > 0.9 and lines.scores.images == []",
    "monai.md": "evaluator.state.metrics['val/dice'] > 0.8 and evaluator.state.metrics['val'] > 0.8"
    " and region_metric.aggregate() > 0.95 and region_metric.results['hd95.whole tumour'] < 2",
    "plain.md": "found['cldice'] > 0.9 and scores.images == [f'{n:03}' for n in range(16, 24)]",
    "smp.md": "scores.compute()['dice'] > 0.8 and other_loss > 0 and other_loss.requires_grad",
}

RUNNER = Path(__file__).with_name("run_page.py")


def needs(page: Path) -> list[str]:
    found = NEEDS.match(page.read_text("utf-8"))
    assert found is not None
    return found[1].split()


def code(block: str) -> list[str]:
    return [
        line for line in block.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_recipe_takes_twenty_lines(page: Path) -> None:
    own = [block for kind, block in FENCE.findall(page.read_text("utf-8")) if not kind.strip()]
    assert own
    for block in own:
        assert len(code(block)) <= LINES, f"{page.name}: {len(code(block))} lines"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_recipe_runs(page: Path, tmp_path: Path) -> None:
    beside = [name for name in needs(page) if importlib.util.find_spec(name) is None]
    for name in beside:
        if not (FOLDER / name).is_dir():
            pytest.skip(f"{name} is not installed, nor in {FOLDER}")
    program = tmp_path / "page.py"
    program.write_text("\0".join(block for _, block in FENCE.findall(page.read_text("utf-8"))))
    done = subprocess.run(
        [
            sys.executable,
            str(RUNNER),
            str(program),
            str(FOLDER) if beside else "",
            CHECKS[page.name],
        ],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-3000:]
