"""Planning, scoring, skipping what is finished, and surviving the worst."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seglosses.benchmark.cards import write_at_once
from seglosses.benchmark.checkout import ROOT, what_counts
from seglosses.benchmark.plan import read_seeds
from seglosses.cli import main
from seglosses.datasets.topomortar import read_betti_numbers, read_mask
from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.evaluate.mortar_folder import COLUMNS, as_csv, score, score_folder
from seglosses.hosts.parent import end_with_parent
from seglosses.topology import betti_numbers
from tests.benchmark.planned_runs import finish, planned


def squares(*corners: tuple[int, int], size: int = 64, edge: int = 6) -> NDArray[np.bool_]:
    mask = np.zeros((size, size), bool)
    for top, left in corners:
        mask[top : top + edge, left : left + edge] = True
    return mask


def test_scores_by_hand() -> None:
    # windows of 16: the lost square is alone in one of 16, the hole in another
    target = squares((2, 2), (34, 34))
    target[36, 36] = False
    row = score(squares((34, 34)), target)
    assert row["Betti0Error_mortar"] == 1
    assert row["Betti1Error_mortar"] == 1
    assert row["Betti0ErrorLocal_mortar"] == row["Betti1ErrorLocal_mortar"] == 1 / 16
    # 35 of 36 and 71 pixels agree
    assert row["Dice_mortar"] == pytest.approx(70 / (36 + 71))


def test_an_empty_prediction_is_no_good_score() -> None:
    row = score(squares(), squares((2, 2)))
    assert row["Betti0Error_mortar"] == 1
    assert row["Dice_mortar"] == row["clDice_mortar"] == 0
    assert row["HD95_mortar"] == pytest.approx(63 * np.sqrt(2))


def test_csv_keeps_ids_and_numbers(tmp_path: Path) -> None:
    rows = {"007": score(squares((2, 2)), squares((3, 2)))}
    (tmp_path / "0.csv").write_text(as_csv(rows))
    with (tmp_path / "0.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row.pop("ID") == "007"
    assert {name: float(cell) for name, cell in row.items()} == rows["007"]
    assert tuple(row) == COLUMNS


def test_folders_of_several_sizes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected predictions in"):
        score_folder(tmp_path)
    for name, size in (("a", (16, 40)), ("b", (9, 8))):
        for kind in ("predictions", "labels"):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(np.ones(size, np.uint8)).save(tmp_path / kind / f"{name}.png")
    # a hole that windows of 8 // 4 pixels see in one place, those of 16 // 4 in another
    label = np.ones((16, 40), np.uint8)
    label[5, 5] = 0
    Image.fromarray(label).save(tmp_path / "labels" / "a.png")
    rows, sizes = score_folder(tmp_path)
    assert list(rows) == ["a", "b"]
    assert sizes == ((9, 8), (16, 40))
    pred = np.ones((16, 40), bool)
    assert rows["a"] == score(pred, label == 1, window=2) != score(pred, label == 1)
    Image.fromarray(np.ones((9, 9), np.uint8)).save(tmp_path / "labels" / "b.png")
    with pytest.raises(ValueError, match=r"b\.png: expected the size of its label, \(9, 9\), got"):
        score_folder(tmp_path)


def test_betti_numbers_of_every_label_at_hand(shared_data: Path) -> None:
    root = shared_data / "topomortar"
    known = read_betti_numbers(root)
    labels = sorted((root / "test" / "accurate").glob("*.png"))
    assert labels
    assert {path.stem for path in labels} == set(known)
    for path in labels:
        assert betti_numbers(read_mask(path)) == known[path.stem], path.stem


@pytest.mark.parametrize(
    "text", ["", "3-1", "a", "1,,2", "1,1", "-1", "0,3-1", "3-", "0-", "0,1-x"]
)
def test_wrong_seeds(text: str) -> None:
    with pytest.raises(ValueError, match="seeds"):
        read_seeds(text)


def test_a_plan_composes_every_loss_and_seed(bricks: Path, tmp_path: Path) -> None:
    pytest.importorskip("mmengine")
    runs = planned(bricks, tmp_path)
    assert [one.folder.relative_to(tmp_path).as_posix() for one in runs] == [
        f"supervised/noisy/small/{loss}/{seed}"
        for seed in (0, 1)
        for loss in ("ce_dice", "dice_cldice")
    ]
    assert len({one.card["stamp"] for one in runs}) == 4
    assert "SoftClDiceLoss" in runs[1].config.pretty_text
    cfg = runs[2].config
    assert "SoftClDiceLoss" not in str(cfg.model)
    assert cfg.train_cfg.max_iters == 4
    assert cfg.randomness.seed == 1
    assert cfg.train_dataloader.dataset.labels == "noisy"
    assert cfg.train_dataloader.dataset.train_size == "small"
    assert cfg.test_dataloader.dataset.groups is None
    elsewhere = planned(bricks, tmp_path / "elsewhere")
    assert elsewhere[0].card["stamp"] == runs[0].card["stamp"]


def test_names_that_a_config_only_builds_others_with_do_not_make_another_run() -> None:
    config = {"model": {"type": "A", "in": (1, 2)}, "train_cfg": {"max_iters": 3}}
    same = {"crop_size": 8, "train_cfg": {"max_iters": 3}, "model": {"in": [1, 2], "type": "A"}}
    assert what_counts(config) == what_counts({**same, "work_dir": "elsewhere"})
    others: tuple[dict[str, Any], ...] = (
        {"model": {}},
        {"randomness": {"seed": 1}},
        {"compile": True},
    )
    for other in others:
        assert what_counts(config) != what_counts({**same, **other})


def test_finished_runs_are_skipped_and_other_ones_are_not_mixed_in(
    bricks: Path, tmp_path: Path
) -> None:
    pytest.importorskip("mmengine")
    first = planned(bricks, tmp_path)[0]
    assert not first.finished()
    finish(first)
    assert planned(bricks, tmp_path)[0].finished()
    with pytest.raises(ValueError, match="another config or other data"):
        planned(bricks, tmp_path, iters=5)[0].finished()


def test_one_data_set_a_folder(
    bricks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dataset_types.txt").write_text("ID,group\n900,indistr\n")
    words = ["benchmark", "run", "--data", str(bricks), "--out", str(tmp_path)]
    assert main(words) == 2
    assert "another data set" in capsys.readouterr().err


def test_scores_appear_at_once(tmp_path: Path) -> None:
    path = tmp_path / "0.csv"
    write_at_once(path, "old")
    write_at_once(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_worker_ends_when_its_parent_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(multiprocessing, "active_children", list)
    monkeypatch.setattr(os, "_exit", lambda status: ended.set())
    parent = os.getppid()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    end_with_parent(parent)
    assert ended.wait(10)


def start(bricks: Path, out: Path) -> subprocess.Popen[str]:
    words: list[object] = ["--data", bricks, "--out", out, "--losses", "ce,ce_dice", "--seeds", "0"]
    words += ["--iters", "60", "--jobs", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "seglosses", "benchmark", "run", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_a_killed_benchmark_goes_on(bricks: Path, tmp_path: Path) -> None:
    """Killed with SIGKILL in the second training; the first run is kept, the second finishes."""
    pytest.importorskip("mmseg")
    place = tmp_path / "supervised" / "accurate" / "large"
    log = place / "ce_dice" / "0" / "log.txt"
    process = start(bricks, tmp_path)
    deadline = time.monotonic() + 400
    while not (log.is_file() and b"Iter(train)" in log.read_bytes()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    first = (place / "ce" / "0.csv").stat().st_mtime_ns
    assert not (place / "ce_dice" / "0.csv").exists()
    damaged = log.with_name("iter_1.pth")
    damaged.write_bytes(b"PK\x03\x04 as after a power cut")
    log.with_name("last_checkpoint").write_text(str(damaged))
    again = start(bricks, tmp_path)
    output = again.communicate(timeout=500)[0]
    assert again.returncode == 0, output
    assert "2 runs, 1 finished before" in output
    assert (place / "ce" / "0.csv").stat().st_mtime_ns == first
    assert f"{damaged} (it is cut off); " in log.read_text()
    card = json.loads((place / "ce_dice" / "0.json").read_text())
    assert card["images"] == 7
    assert card["image_size"] == [128, 128]
    assert card["seconds_per_iteration"] > 0
    assert card["peak_memory_mib"] > 100
    assert all(loss is None or 0 < loss < 10 for loss in card["loss_curve"])
    assert card["loss_curve"][-1] is not None
    third = start(bricks, tmp_path)
    assert "2 runs, 2 finished before" in third.communicate(timeout=100)[0]
    out = tmp_path / "report"
    assert main(["benchmark", "report", str(tmp_path), "--out", str(out), "--baseline", "ce"]) == 0
    page = (out / "report.html").read_text()
    assert "Cost and benefit" in page
    assert "Critical errors" in page
    assert page.count("data:image/jpeg") == 2 * 4
    assert os.path.exists(tmp_path / "dataset_types.txt")


@pytest.mark.slow
def test_photographs_of_any_size(tmp_path: Path) -> None:
    """Smaller than a crop, no multiples of 8, grey, deep, with alpha: trained, tested, reported."""
    pytest.importorskip("mmseg")
    rng = np.random.default_rng(0)
    sizes = [(100, 90), (300, 281), (99, 50), (33, 300), (257, 255), (64, 65), (90, 100)]
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for number, (height, width) in enumerate(sizes):
        label = np.zeros((height, width), np.uint8)
        label[height // 2 - 2 : height // 2 + 2] = 1
        grey = (label * 100 + rng.integers(0, 100, label.shape)).astype(np.uint8)
        colours = np.dstack([grey] * (4 if number == 5 else 3))
        photo = grey.astype(np.uint16) * 200 if number == 1 else grey if number == 2 else colours
        for kind, pixels in (("images", photo), ("labels", label)):
            Image.fromarray(pixels).save(tmp_path / kind / f"{number}.png")
    parts = ["train"] * 4 + ["val"] + ["test"] * 2
    rows = "".join(f"{number},{part}\n" for number, part in enumerate(parts))
    (tmp_path / "split.csv").write_text(f"ID,split\n{rows}")
    data, runs = str(tmp_path / "data"), str(tmp_path / "runs")
    named = [str(tmp_path / name) for name in ("images", "labels", "split.csv")]
    assert main(["arrange", *named, data]) == 0
    words = ["--data", data, "--out", runs, "--profile", "thin", "--seeds", "0", "--iters", "3"]
    assert main(["benchmark", "run", *words, "--jobs", "1", "--losses", "ce,ce_dice"]) == 0
    card = json.loads((tmp_path / "runs/supervised/accurate/large/ce/0.json").read_text())
    assert (card["image_size"], card["image_sizes"], card["images"]) == ([90, 100], 2, 2)
    assert card["conventions"]["local Betti errors"] == "mean over windows of 16 pixels"
    assert main(["benchmark", "report", runs, "--baseline", "ce", "--out", runs + "/report"]) == 0
    page = (tmp_path / "runs" / "report" / "report.html").read_text()
    assert "Critical errors" in page


@pytest.mark.slow
def test_a_failing_run_is_named_and_the_others_finish(
    bricks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mmseg")
    broken = tmp_path / "broken"
    write_dataset(broken, BrickSet(size=(128, 128), train=4, val=1, test=1))
    words = ["benchmark", "run", "--data", str(broken), "--out", str(tmp_path / "runs")]
    words += ["--seeds", "0", "--iters", "2", "--jobs", "1", "--losses", "ce,ce_dice"]
    for path in (broken / "val" / "images").glob("*.png"):
        path.write_bytes(b"no picture")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "2 of 2 jobs failed" in error
    assert "ce seed 0 ended with status 1" in error
    assert "ce_dice seed 0 ended with status 1" in error
