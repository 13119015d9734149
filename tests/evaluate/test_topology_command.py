"""`seglosses topology` reads masks, label maps, probabilities and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.cli import main


@pytest.fixture
def files(tmp_path: Path) -> Path:
    target = np.zeros((24, 24), np.uint8)
    target[4:14, 4:14] = 255
    target[7:11, 7:11] = 0
    pred = target.copy()
    pred[8, 11:14] = 0
    pred[18:20, 18:20] = 255
    Image.fromarray(target).save(tmp_path / "target.png")
    Image.fromarray(pred).save(tmp_path / "pred.png")
    np.save(tmp_path / "prob.npy", pred / 255 * 0.8)
    Image.fromarray((pred * 0.8 + 20).astype(np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(np.where(pred > 0, 2, 1 - (np.indices(pred.shape)[0] > 20)).astype(np.uint8)
                    ).save(tmp_path / "labels.png")  # fmt: skip
    colours = np.stack([pred, pred // 2, pred // 3], -1)
    Image.fromarray(colours).save(tmp_path / "photo.png")
    return tmp_path


def run(files: Path, *words: str) -> int:
    return main(["topology", *words, "--out", str(files / "new" / "out.png")])


@pytest.mark.parametrize("name", ["pred.png", "prob.npy", "grey.png"])
def test_finds_the_broken_ring_and_the_island(files: Path, capsys, name: str) -> None:
    assert run(files, str(files / name), str(files / "target.png")) == 0
    printed = capsys.readouterr().out
    assert "missing: 1 loop" in printed
    assert "spurious: 1 component" in printed
    assert "Betti numbers        2, 0 at 1/2, label 1, 1" in printed
    assert "Betti matching error 1, 1" in printed
    with Image.open(files / "new" / "out.png") as picture:
        assert picture.width == 624


def test_draws_on_a_photograph_and_takes_a_photograph(files: Path, capsys) -> None:
    photo = str(files / "photo.png")
    assert run(files, photo, str(files / "target.png"), "--image", photo) == 0
    assert "missing: 1 loop" in capsys.readouterr().out


def test_class_of_a_label_map(files: Path, capsys) -> None:
    labels = str(files / "labels.png")
    assert run(files, labels, labels, "--class-index", "2") == 0
    assert "Betti numbers        2, 0 at 1/2, label 2, 0" in capsys.readouterr().out
    assert run(files, labels, labels) == 2
    assert "--class-index" in capsys.readouterr().err


def test_sizes_must_agree(files: Path, capsys) -> None:
    np.save(files / "small.npy", np.zeros((3, 3), np.uint8))
    assert run(files, str(files / "small.npy"), str(files / "target.png")) == 2
    assert "unequal sizes" in capsys.readouterr().err
    pred = str(files / "pred.png")
    Image.new("RGB", (3, 3)).save(files / "thumb.png")
    assert run(files, pred, pred, "--image", str(files / "thumb.png")) == 2
    assert "expected a picture of size" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ending", "start"), [("svg", b"<svg "), ("pdf", b"%PDF"), ("jpg", b"\xff")]
)
def test_formats_of_the_picture(files: Path, ending: str, start: bytes) -> None:
    out = files / f"out.{ending}"
    words = [str(files / "pred.png"), str(files / "target.png"), "--out", str(out)]
    assert main(["topology", *words, "--title", "Ring 7"]) == 0
    assert out.read_bytes().startswith(start)
    if ending == "svg":
        assert "Ring 7" in out.read_text("utf-8")


def test_the_score_of_probabilities_is_said_to_be_at_one_half(files: Path, capsys) -> None:
    for name, words in (("prob.npy", "1, 1 at 1/2\n"), ("pred.png", "1, 1\n")):
        assert run(files, str(files / name), str(files / "target.png")) == 0
        assert f"Betti matching error {words}" in capsys.readouterr().out
