"""Which files of a folder count: links, suffixes, endings, names of any bytes."""

from __future__ import annotations

import csv
import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses import cli
from seglosses.evaluate import evaluate
from seglosses.evaluate.listing import left_out, list_files, match_files

MASK = np.zeros((8, 8), np.uint8)
MASK[2:5, 2:6] = 1


def save(folder: Path, *names: str, mask: np.ndarray = MASK) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(folder / name)


def test_linked_folders_and_files_are_followed(tmp_path: Path) -> None:
    save(tmp_path / "store", "b.png", "c.png")
    save(tmp_path, "d.png")
    for side in ("pred", "gt"):
        save(tmp_path / side, "a.png")
        (tmp_path / side / "linked").symlink_to(tmp_path / "store")
        (tmp_path / side / "d.png").symlink_to(tmp_path / "d.png")
        # Two ways into one folder are no circle.
        (tmp_path / side / "again").symlink_to(tmp_path / "store")
    result = evaluate(tmp_path / "pred", tmp_path / "gt", metrics=["dice"])
    expected = ["a", "again/b", "again/c", "d", "linked/b", "linked/c"]
    assert result.table.images == expected
    (tmp_path / "way").symlink_to(tmp_path / "gt")
    assert list(list_files(tmp_path / "way")) == expected


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("gt/deep", "a link into"),  # into the folder that holds it
        ("gt", "a link into"),  # into one above
        (".", "a link into"),  # into one above the whole
        ("gt/deep/circle", "a broken link"),  # into itself
    ],
)
def test_a_circle_is_named(tmp_path: Path, target: str, message: str) -> None:
    save(tmp_path / "gt", "deep/a.png")
    (tmp_path / "gt" / "deep" / "circle").symlink_to(tmp_path / target)
    with pytest.raises(ValueError, match=f"deep/circle: {message}"):
        list_files(tmp_path / "gt")


@pytest.mark.parametrize("name", ["b.png", "folder"])
def test_a_dead_link_is_named(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in ("pred", "gt"):
        save(tmp_path / side, "a.png")
        (tmp_path / side / name).symlink_to(tmp_path / "gone")
    with pytest.raises(ValueError, match=rf"{name}: a broken link \(.*gone\)"):
        evaluate(tmp_path / "pred", tmp_path / "gt")
    words = ["evaluate", *(str(tmp_path / side) for side in ("pred", "gt"))]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "a broken link" in capsys.readouterr().err


def test_what_is_no_label_map_is_said(tmp_path: Path) -> None:
    for side in ("pred", "gt"):
        save(tmp_path / side, "a.png")
        (tmp_path / side / "b.jp2").write_bytes(b"a picture that nothing here reads")
    evaluate(tmp_path / "pred", tmp_path / "gt", out=tmp_path / "out")
    conventions = json.loads((tmp_path / "out" / "conventions.json").read_text("utf-8"))
    known = conventions["files that are no label maps"]
    assert known == "predictions: 1 .jp2; ground truth: 1 .jp2"


@pytest.mark.parametrize(("pred", "gt"), [("_pred", "_gt"), ("_pred.png", "_gt.png"), ("", "_gt")])
def test_suffixes(tmp_path: Path, pred: str, gt: str) -> None:
    ends = [suffix.removesuffix(".png") for suffix in (pred, gt)]
    save(tmp_path / "pred", f"x/a{ends[0]}.png", f"b{ends[0]}.png")
    save(tmp_path / "gt", f"x/a{ends[1]}.png", f"b{ends[1]}.png")
    save(tmp_path / "gt", "x/a_colour.png", "b_colour.png")
    pairs, *alone = match_files(
        tmp_path / "pred", tmp_path / "gt", pred_suffix=pred, target_suffix=gt
    )
    assert [files.name for files in pairs] == ["b", "x/a"]
    assert alone == [[], []]
    assert left_out(tmp_path / "gt", suffix=gt) == f"2 without {gt}"
    words = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "gt"), "--quiet"]
    words += [f"--pred-suffix={pred}", f"--gt-suffix={gt}", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    with pytest.raises(ValueError, match="no label files whose names end in _mask"):
        list_files(tmp_path / "gt", suffix="_mask")


def test_suffixes_that_would_help_are_named(tmp_path: Path) -> None:
    save(tmp_path / "pred", "a_pred.png", "b_pred.png")
    save(tmp_path / "gt", "a_mask.png", "b_mask.png")
    with pytest.raises(ValueError, match=r"--pred-suffix _pred --gt-suffix _mask pairs them"):
        evaluate(tmp_path / "pred", tmp_path / "gt")


def test_names_that_are_not_utf8_survive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in ("pred", "gt"):
        save(tmp_path / side, "a.png", "z.png")
        odd = os.fsencode(tmp_path / side) + b"/m\xff.png"
        try:
            os.rename(tmp_path / side / "a.png", odd)
        except OSError:
            pytest.skip("this file system takes UTF-8 names only")
        save(tmp_path / side, "a.png")
    # One that fails, so that its name stands in every file and message.
    Path(os.fsdecode(os.fsencode(tmp_path / "pred") + b"/n\xfe.png")).write_bytes(b"damaged")
    save(tmp_path / "gt", os.fsdecode(b"n\xfe.png"))
    out = tmp_path / "out"
    words = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "gt"), "--out", str(out)]
    assert cli.main(words) == 1
    assert "n\\xfe" in capsys.readouterr().err
    with (out / "per_image.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["a", "m\\xff", "z"]
    assert all(row["dice"] == "1" for row in rows)
    for name in ("failures.csv", "report.html", "summary.md", "unfinished.jsonl"):
        assert "xfe" in (out / name).read_text("utf-8") or name == "unfinished.jsonl"
    # What was scored is not scored again.
    assert cli.main([*words, "--keep-going"]) == 0
    assert "3/4" in capsys.readouterr().err


def test_cells_that_a_spreadsheet_executes_are_escaped(tmp_path: Path) -> None:
    names = ["=1+1", "+1a", "-x", "@sum", "plain", "-1"]
    for side in ("pred", "gt"):
        save(tmp_path / side, *(f"{name}.png" for name in names), "=bad.png")
    (tmp_path / "pred" / "=bad.png").write_bytes(b"damaged")
    out = tmp_path / "out"
    evaluate(
        tmp_path / "pred", tmp_path / "gt", out=out, keep_going=True, schema="topomortar",
        class_names=["background", "=cmd()"], num_classes=2,
    )  # fmt: skip
    for name in ("per_image.csv", "summary.csv", "failures.csv", "topomortar.csv"):
        with (out / name).open(encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert len(rows) > 1
        for cell in (cell for row in rows for cell in row):
            assert not cell.startswith(("=", "+", "@", "\t")), (name, cell)
            assert not cell.startswith("-") or float(cell) < 0, (name, cell)
    with (out / "per_image.csv").open(encoding="utf-8") as file:
        images = {row["image"] for row in csv.DictReader(file)}
    assert images == {"'=1+1", "'+1a", "'-x", "'@sum", "plain", "-1"}


def test_what_looks_like_a_label_map_is_not_left_out_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in ("pred", "gt"):
        save(tmp_path / side, "a.1.png", "b_x.png")
        for name in ("c.jp2", "deep/d.npy.gz", "a.1.mat", "notes.txt", "plans.json"):
            (tmp_path / side / name).parent.mkdir(exist_ok=True)
            (tmp_path / side / name).write_bytes(b"")
    words = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "gt"), "--workers", "0"]
    words += ["--metrics", "dice", "--quiet", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    said = capsys.readouterr().err
    assert "left out: 2 .jp2, 2 .gz, formats that are not read (the first is " in said
    assert "pred/c.jp2); save them as PNG, TIFF, NPY or NIfTI" in said
    for side in ("pred", "gt"):
        for name in ("c.jp2", "deep/d.npy.gz"):
            (tmp_path / side / name).unlink()
        (tmp_path / side / "b_x.dcm").write_bytes(b"")  # beside b_x.png
    assert cli.main([*words, "--pred-suffix", "_x", "--gt-suffix", "_x"]) == 0
    assert "left out: 2 .mat" in capsys.readouterr().err


def test_a_folder_against_itself_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(tmp_path / "gt", "a.png", "a_pred.png")
    (tmp_path / "again").symlink_to(tmp_path / "gt")
    evaluate(tmp_path / "again", tmp_path / "gt", metrics=["dice"], workers=0)
    assert "are the same files" in caplog.text
    caplog.clear()
    save(tmp_path / "other", "a.png")
    evaluate(tmp_path / "gt", tmp_path / "other", metrics=["dice"], workers=0, keep_going=True)
    assert not caplog.text


def test_accents_of_both_systems_are_one_name(tmp_path: Path) -> None:
    save(tmp_path / "pred", unicodedata.normalize("NFD", "é.png"))
    save(tmp_path / "gt", unicodedata.normalize("NFC", "é.png"))
    result = evaluate(tmp_path / "pred", tmp_path / "gt", metrics=["dice"], workers=0)
    assert result.table.images == ["é"]


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    save(tmp_path / "gt", "a.png")
    for place, message in ((tmp_path / "gt" / "a.png", "is a file"), (tmp_path / "x", "not there")):
        with pytest.raises(ValueError, match=f"no such folder: {place} .*{message}"):
            evaluate(place, tmp_path / "gt")
    with pytest.raises(ValueError, match=r"a\.png cannot be made .*choose another out \(--out\)"):
        evaluate(tmp_path / "gt", tmp_path / "gt", out=tmp_path / "gt" / "a.png")
