"""Checking a data set: each kind of damage is named, and a sound set has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses import cli
from seglosses.datasets.check import check_dataset


def save(path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def label(shape: tuple[int, int], value: int) -> np.ndarray:
    values = np.zeros(shape, np.uint8)
    values[4:9] = value
    return values


DAMAGE: list[tuple[Callable[[Path], object], str, str, str]] = [
    (lambda r: (r / "test/accurate").rename(r / "gone"), "missing", "test/accurate", "this folder"),
    (lambda r: (r / "val").rename(r / "gone"), "missing", "val", "this folder"),
    (lambda r: cut(r / "train/images/002.png"), "unreadable", "train/images/002.png", "truncated"),
    (lambda r: (r / "val/pseudo/006.png").write_bytes(b"no png"), "unreadable",
     "val/pseudo/006.png", "cannot identify"),
    (lambda r: (r / "train/noisy/001.png").unlink(), "partner", "train/images/001.png",
     "has no noisy label"),
    (lambda r: (r / "val/images/007.png").unlink(), "partner", "val/accurate/007.png",
     "has no image"),
    (lambda r: save(r / "train/accurate/003.png", label((32, 32), 255)), "size",
     "train/accurate/003.png", "expected 32 x 48 as its image has, got 32 x 32"),
    (lambda r: save(r / "train/accurate/003.png", label((32, 48), 1)), "values",
     "train/accurate/003.png", "expected the values 0 and 255, got 1 others (1, …)"),
    (lambda r: save(r / "train/images/003.png", label((32, 48), 9)), "values",
     "train/images/003.png", "expected an RGB image, got mode L"),
    (lambda r: save(r / "test/accurate/010.png", label((32, 48), 255)), "betti",
     "betti_numbers.csv", "the label has (1, 0)"),
    (lambda r: replace(r / "betti_numbers.csv", "011,", "911,"), "list", "betti_numbers.csv",
     "011 has no line"),
    (lambda r: replace(r / "betti_numbers.csv", "011,", "911,"), "list", "betti_numbers.csv",
     "911 has a line and no image"),
    (lambda r: replace(r / "betti_numbers.csv", "Betti0", "B0"), "list", "betti_numbers.csv",
     "expected lines ID,Betti0"),
    (lambda r: (r / "betti_numbers.csv").unlink(), "missing", "betti_numbers.csv", "Betti numbers"),
    (lambda r: (r / "dataset_types.txt").unlink(), "missing", "dataset_types.txt", "the group"),
    (lambda r: replace(r / "dataset_types.txt", "ID,group", "a,b"), "list", "dataset_types.txt",
     "expected lines ID,group"),
    (lambda r: replace(r / "dataset_types.txt", "angles", "rain"), "list", "dataset_types.txt",
     "unknown group 'rain'"),
    (lambda r: replace(r / "dataset_types.txt", "009,", "909,"), "list", "dataset_types.txt",
     "gives no group for 009"),
    (lambda r: replace(r / "dataset_types.txt", "009,", "909,"), "list", "dataset_types.txt",
     "names 909, which has no image"),
    (lambda r: (r / "train_small.txt").write_text("099\n"), "list", "train_small.txt",
     "099 is no training image"),
    (lambda r: (r / "train_small.txt").write_text(""), "list", "train_small.txt", "named once"),
    (lambda r: (r / "train_small.txt").unlink(), "missing", "train_small.txt", "the small set"),
    (lambda r: (r / "val/images/001.png").write_bytes((r / "val/images/006.png").read_bytes()),
     "list", "val/images/001.png", "is in train as well"),
    (lambda r: (r / "train/images/notes.txt").write_text("?"), "list", "train/images/notes.txt",
     "only .png"),
    (lambda r: save(r / "train/noisy/004.png", label((32, 48), 255)), "checksum",
     "train/noisy/004.png", "changed since"),
    (lambda r: (r / "manifest.json").write_text("[]"), "unreadable", "manifest.json",
     "delete the folder"),
    (lambda r: (r / "manifest.json").write_text('{"parameters": {}, "files": {}}'), "missing",
     "manifest.json", "interrupted"),
]  # fmt: skip


def test_sound_set(pristine: Path) -> None:
    findings = check_dataset(pristine)
    assert findings.problems == []
    assert findings.counts["train/pseudo"] == 5
    assert findings.counts["test/images"] == 7
    assert "test/noisy" not in findings.counts


@pytest.mark.parametrize(("damage", "kind", "where", "what"), DAMAGE)
def test_damage_is_named(
    bricks: Path, damage: Callable[[Path], object], kind: str, where: str, what: str
) -> None:
    damage(bricks)
    problems = check_dataset(bricks).problems
    assert [p for p in problems if (p.kind, p.where) == (kind, where) and what in p.what]


def test_command(bricks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check-data", str(bricks)]) == 0
    assert capsys.readouterr().out.endswith(f"nothing is missing or damaged in {bricks}\n")
    cut(bricks / "test/images/008.png")
    assert cli.main(["check-data", str(bricks)]) == 1
    out = capsys.readouterr().out
    assert "test/images: 6 readable files" in out
    assert "unreadable: test/images/008.png: " in out
    assert f"2 problems (1 checksum, 1 unreadable) in {bricks}" in out
    (tmp_path / "empty").mkdir()
    assert cli.main(["check-data", str(tmp_path / "empty")]) == 2


@pytest.mark.slow
def test_real_part_is_sound(shared_data: Path) -> None:
    findings = check_dataset(shared_data / "topomortar")
    assert findings.problems == []
    assert findings.counts["test/accurate"] == 37
