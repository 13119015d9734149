"""A process that alone calls compute() says so, in place of waiting without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = """
import logging, sys, time
from pathlib import Path
import torch
from torch import distributed
from seglosses.evaluate import gathering
from seglosses.evaluate.accumulator import Scores

folder, rank, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
logging.basicConfig(format="%(message)s")
distributed.init_process_group(
    "gloo", init_method=f"file://{folder}/{kind}", rank=rank, world_size=2
)
scores = Scores("dice", 2, timeout=1.0 if kind == "limit" else None)
scores.update(torch.ones(1, 4, 4, dtype=torch.long), torch.ones(1, 4, 4), ids=[rank])
gathering._PATIENCE = 0.5
if kind == "late":
    here = Path(folder, "here")
    if rank == 0:
        here.touch()
    while not here.exists():
        time.sleep(0.1)
    time.sleep(4 * rank)
    print(scores.compute().evaluation.table.images)
elif rank == 0:
    try:
        scores.compute()
    except ValueError as error:
        print(error)
    open(f"{folder}/{kind}-done", "w").close()
elif kind == "limit":
    while not Path(folder, f"{kind}-done").exists():
        time.sleep(0.1)
"""


@pytest.mark.parametrize("kind", ["limit", "gone", "late"])
def test_who_waits_says_so(tmp_path: Path, kind: str) -> None:
    root = Path(__file__).parents[2]
    runs = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORKER, str(tmp_path), str(rank), kind],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for rank in (0, 1)
    ]
    (said, warned), _ = (run.communicate(timeout=120) for run in runs)
    assert runs[0].returncode == 0, warned
    if kind == "late":
        assert said.strip() == "['0', '1']"
        assert "rank 0 has been waiting in compute() for the other processes" in warned
        return
    words = {"limit": "rank 0 waited 1 s in compute()", "gone": "rank 0 lost the other processes"}
    assert words[kind] in said
    assert "every process must call compute(), also where it has no image" in said
    assert "if rank == 0" in said
