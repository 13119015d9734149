"""nnU-Net as an engine of the benchmark: real trainings on tiny walls, killed and gone on with."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from seglosses.benchmark.results import read_results
from seglosses.cli import main
from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.evaluate.mortar_folder import score_folder

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


def test_runs_end_to_end(python: Path, tmp_path: Path) -> None:
    """Killed after the first checkpoint of the first training; the second command ends both."""
    data, out = tmp_path / "walls", tmp_path / "runs"
    write_dataset(data, BrickSet(size=(64, 64), train=6, val=2, test=1))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = [str(python), "-m", "seglosses", "benchmark", "run", "--engine", "nnunet"]
    words += ["--data", str(data), "--losses", "nnunet,ce_dice_betti_matching_late"]
    words += ["--profile", "thin", "--iters", "12", "--seeds", "0", "--out", str(out)]
    words += ["--jobs", "1", "--gpus", "none"]
    place = out / "nnunet" / "accurate" / "large"
    first = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    end = time.monotonic() + 900
    while not (
        latest := list((place / "nnunet").glob("0/results/*/*/fold_0/checkpoint_latest.pth"))
    ):
        assert first.poll() is None, first.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.2)
    first.kill()
    first.communicate()
    latest[0].with_name("checkpoint_best.pth").write_bytes(b"PK as after a power cut")
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "plans and preprocesses" not in done.stdout  # once is enough
    assert "of 20 iterations" in done.stdout  # 10 epochs of 2
    log = (place / "nnunet" / "0" / "log.txt").read_text()
    assert "Epoch 0 " not in log  # it went on
    for loss in ("nnunet", "ce_dice_betti_matching_late"):
        card = json.loads((place / loss / "0.json").read_text())
        assert (card["engine"], card["iters"], card["images"]) == ("nnunet", 20, 7)
        assert card["image_size"] == [64, 64]
        assert card["seconds_per_iteration"] > 0
        assert card["peak_memory_mib"] > 100
        assert len(card["loss_curve"]) == 8  # of 10 epochs, so that each has one
        assert None not in card["loss_curve"]
        rows, _ = score_folder(place / loss / "0" / "test")
        assert len(rows) == 7
    found = {one.loss: one for one in read_results(out, ["Dice"])}
    assert found["nnunet"].setting == "nnunet/accurate/large"
    assert found["nnunet"].protocol.startswith("64 × 64 px, 20 iterations, nnunet 2.")
    log = (place / "ce_dice_betti_matching_late" / "0" / "log.txt").read_text()
    assert "weight of loss_betti_matching: 0.5" in log
    again = subprocess.run(words, env=env, capture_output=True, text=True, check=True, timeout=300)
    assert "2 runs, 2 finished before" in again.stdout
    report = tmp_path / "report"
    assert (
        main(["benchmark", "report", str(out), "--baseline", "nnunet", "--out", str(report)]) == 0
    )
    assert "nnunet 2." in (report / "table.csv").read_text()
