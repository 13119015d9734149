"""What an interrupted run leaves behind serves the same run, and no other."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from seglosses import cli
from seglosses.evaluate import IncompleteError, evaluate, workers
from seglosses.evaluate.journal import BLOCK, NAME, Journal, lock, stamp
from seglosses.evaluate.listing import PairFiles
from tests.evaluate.resumed import MASK, interrupted, save, scored


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images that are scored, each time one is."""
    names: list[str] = []
    original = workers.score

    def score(files, settings):
        names.append(files.name)
        return original(files, settings)

    monkeypatch.setattr(workers, "score", score)
    return names


def test_scores_of_one_model_never_become_those_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    """Files of equal size, time and name in another folder, as rsync and tar leave them."""
    good, bad = save(tmp_path / "a"), save(tmp_path / "b", shift=3)
    target = save(tmp_path / "gt")
    for path in [*good.iterdir(), *bad.iterdir()]:
        os.utime(path, (1e9, 1e9))
    interrupted(good, target, tmp_path / "out", monkeypatch)
    counted.clear()
    assert scored(bad, target, tmp_path / "out").mean("dice") == 0.5
    assert counted == ["00", "01", "02", "03"]


def test_a_file_that_changed_with_its_time_kept_is_scored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    pred, target = tmp_path / "pred", tmp_path / "gt"
    for folder in (pred, target):
        folder.mkdir()
        for index in range(3):
            np.save(folder / f"{index}.npy", MASK)
    interrupted(pred, target, tmp_path / "out", monkeypatch)
    before = (pred / "0.npy").stat()
    np.save(pred / "0.npy", np.roll(MASK, 3, 0))  # as many bytes
    os.utime(pred / "0.npy", ns=(before.st_atime_ns, before.st_mtime_ns))
    counted.clear()
    result = scored(pred, target, tmp_path / "out")
    assert counted == ["0", "2"]
    assert result.table.matrix("dice")[0, 0] == 0.5


def test_the_digest_sees_beginning_middle_and_end(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    content = bytearray(8 * BLOCK)
    stamps = []
    for place in (None, 0, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        if place is not None:
            changed[place] = 1
        path.write_bytes(changed)
        os.utime(path, (1, 1))
        stamps.append(stamp(PairFiles("a", path, path)))
    assert len({str(found) for found in stamps}) == 4
    path.unlink()
    assert stamp(PairFiles("a", path, path)) is None


def test_the_same_folder_by_another_way_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    pred, target = save(tmp_path / "pred"), save(tmp_path / "gt")
    interrupted(pred, target, tmp_path / "out", monkeypatch)
    counted.clear()
    monkeypatch.chdir(tmp_path)
    scored(Path("pred"), Path("gt"), Path("out"))
    assert counted == ["02", "03"]


@pytest.mark.parametrize(
    "damage",
    [
        b"\x00\xff\x13 no text\n",
        b'{"image": "00", "rows"\n',
        b"[]\n",
        b"7\n",
        b'{"run": "x", "image": "00", "stamp": [], "rows": [{"dice": "much"}]}\n',
        b'{"run": "x", "image": "00", "stamp": [], "rows": [{}]}\n',
        b'{"run": "x", "image": "00", "stamp": [], "rows": 3}\n',
        b'{"image": null}\n',
    ],
)
def test_damaged_lines_are_skipped_and_counted(
    tmp_path: Path,
    damage: bytes,
    monkeypatch: pytest.MonkeyPatch,
    counted: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pred, target, out = save(tmp_path / "pred"), save(tmp_path / "gt"), tmp_path / "out"
    interrupted(pred, target, out, monkeypatch, after=3)
    lines = (out / NAME).read_bytes().splitlines(keepends=True)
    (out / NAME).write_bytes(b"".join([lines[0], damage, lines[1], damage, lines[3]]))
    counted.clear()
    with caplog.at_level(logging.WARNING, "seglosses"):
        result = scored(pred, target, out)
    assert counted == ["01", "03"]
    assert f"2 lines of {out / NAME} cannot be read" in caplog.text
    assert (result.mean("dice"), len(result.table)) == (1, 4)


def test_the_command_says_how_many_lines_are_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pred, target, out = save(tmp_path / "pred"), save(tmp_path / "gt"), tmp_path / "out"
    interrupted(pred, target, out, monkeypatch)
    with (out / NAME).open("ab") as file:
        file.write(b"{}\n\xff\n")
    words = ["evaluate", str(pred), str(target), "--out", str(out), "--quiet"]
    assert cli.main([*words, "--metrics", "dice"]) == 0
    assert "2 lines of" in capsys.readouterr().err


def test_a_damaged_head_costs_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    pred, target, out = save(tmp_path / "pred"), save(tmp_path / "gt"), tmp_path / "out"
    interrupted(pred, target, out, monkeypatch)
    lines = (out / NAME).read_bytes().splitlines(keepends=True)
    (out / NAME).write_bytes(b"".join([b"\xff\xfe\n", *lines[1:]]))
    counted.clear()
    scored(pred, target, out)
    assert counted == ["02", "03"]


def test_other_settings_never_mix(tmp_path: Path, counted: list[str]) -> None:
    pred, target, out = save(tmp_path / "pred"), save(tmp_path / "gt"), tmp_path / "out"
    (pred / "03.png").write_bytes(b"damaged")
    for options in ({}, {"empty": "perfect"}, {"ignore_affine": True}, {"connectivity": 4}):
        counted.clear()
        with pytest.raises(IncompleteError):
            scored(pred, target, out, **options)
        assert counted == ["00", "01", "02", "03"]
        assert (out / NAME).read_text().count("\n") == 4


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    pred, target, out = save(tmp_path / "pred"), save(tmp_path / "gt"), tmp_path / "out"
    out.mkdir()
    with (
        Journal(out, {}, ["dice"], 1),
        pytest.raises(ValueError, match=r"another run writes into .*choose another out"),
    ):
        scored(pred, target, out)
    # A run that has ended, or was killed, holds nothing.
    assert scored(pred, target, out).mean("dice") == 1
    assert not (out / NAME).exists()


def test_a_file_system_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fcntl = pytest.importorskip("fcntl", reason="locks of POSIX")

    def without(file: object, how: int) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", without)
    with (tmp_path / "file").open("wb") as file, caplog.at_level(logging.WARNING, "seglosses"):
        lock(file)
    assert "cannot be locked" in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    pred, target = save(tmp_path / "pred", 60, shift=1), save(tmp_path / "gt", 60)
    words = [sys.executable, "-m", "seglosses", "evaluate", str(pred), str(target)]
    words += ["--quiet", "--out"]
    out = tmp_path / "out"
    process = subprocess.Popen([*words, str(out)], stdout=subprocess.DEVNULL)
    while not (out / NAME).exists() or (out / NAME).read_text().count("\n") < 5:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = (out / NAME).read_text().count("\n") - 1
    assert 0 < done < 60
    assert json.loads((out / NAME).read_text().splitlines()[1])["image"] == "00"
    again = subprocess.run([*words, str(out)], check=True, capture_output=True, text=True)
    assert "report: " in again.stdout
    evaluate(pred, target, out=tmp_path / "whole")
    for name in ("per_image.csv", "summary.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (out / NAME).exists()
