"""Two gloo ranks of MONAI's metric count each file once, however the files were dealt out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("monai")

WORKER = """
import sys
from torch import distributed
from seglosses.hosts.monai import ScoresMetric
from tests.hosts.monai.test_metric import items

folder, rank = sys.argv[1], int(sys.argv[2])
distributed.init_process_group(
    "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2
)
pairs = list(items(5))
for dealt in ([[0, 2, 4], [1, 3, 0]], [[4, 1, 0, 3], [2]], [[0, 1, 2, 3, 4], []]):
    metric = ScoresMetric(["dice", "hd95"], 3, ndim=3)
    for index in dealt[rank]:
        metric([pairs[index][0]], [pairs[index][1]])
    number = metric.aggregate().item()
    print(number, metric.results["hd95"], metric.results.evaluation.table.images)
distributed.destroy_process_group()
"""


def test_two_ranks(tmp_path: Path) -> None:
    from seglosses.hosts.monai import ScoresMetric
    from tests.hosts.monai.test_metric import items

    metric = ScoresMetric(["dice", "hd95"], 3)
    for pred, label in items(5):
        metric([pred], [label])
    expected = f"{metric.aggregate().item()} {metric.results['hd95']} {metric.scores.images}"
    root = Path(__file__).parents[3]
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, str(tmp_path), str(rank)],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for rank in (0, 1)
    ]
    for run in runs:
        said, wrong = run.communicate(timeout=120)
        assert run.returncode == 0, wrong[-2000:]
        assert said.splitlines() == [expected] * 3
