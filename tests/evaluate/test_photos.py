"""Pictures under label maps: found by name, nnU-Net's among them, and missed with a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.cli import main
from seglosses.evaluate.photos import Photos


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two label maps, their predictions, and pictures as nnU-Net names them."""
    for folder in ("gt", "a", "b", "images"):
        (tmp_path / folder).mkdir()
    for name in ("case_1", "case_2"):
        labels = np.zeros((20, 24), np.uint8)
        labels[4:9, 3:20] = 1
        for step, folder in enumerate(("gt", "a", "b")):
            Image.fromarray(np.roll(labels, step, 0)).save(tmp_path / folder / f"{name}.png")
        photo = np.full((20, 24, 3), 90, np.uint8)
        Image.fromarray(photo).save(tmp_path / "images" / f"{name}_0000.png")
    return tmp_path


COMMANDS = {
    "evaluate": ["a", "gt"],
    "compare": ["gt", "a", "b"],
    "advise": ["gt"],
}


def run(top: Path, command: str, images: str = "images") -> int:
    words = [str(top / folder) for folder in COMMANDS[command]]
    out = str(top / "out")
    return main([command, *words, "--images", str(top / images), "--out", out, "--quiet"])


@pytest.mark.parametrize("command", COMMANDS)
def test_pictures_of_nnunet_are_found(
    command: str, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folders, command) == 0
    assert "picture" not in capsys.readouterr().err
    (page,) = (folders / "out").glob("*.html")
    drawn = ">image</text>" if command == "compare" else "image/jpeg"
    assert drawn in page.read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_pictures_that_fit_nothing_are_said_once(
    command: str, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in list((folders / "images").iterdir()):
        path.rename(path.with_name(f"photo_{path.name}"))
    assert run(folders, command) == 0
    said = capsys.readouterr().err
    assert said.count("holds no picture named case_") == 1
    assert "for example photo_case_1_0000" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_not_there_is_an_error_at_once(
    command: str, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folders, command, images="photos") == 2
    assert "no such folder" in capsys.readouterr().err
    assert not (folders / "out" / "report.html").exists()
    assert not (folders / "out" / "advice.html").exists()


def test_other_sizes_and_volumes_are_said(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    photos = Photos(folders / "images", tell=True)
    assert photos.of("case_1", (20, 24)) is not None
    assert photos.of("case_1", (24, 20)) is None
    assert photos.of("case_2", (24, 20)) is None
    assert [one.message.split("/")[-1] for one in caplog.records] == [
        "case_1_0000.png is no picture of 24 x 20 pixels as its label map: what has none is drawn"
        " without it"
    ]
    assert Photos(folders / "images", tell=True).of("case_1", (4, 20, 24)) is None
    assert "not under volumes" in caplog.records[-1].message
    assert Photos(None, tell=True).of("case_1", (20, 24)) is None
    assert len(caplog.records) == 2
