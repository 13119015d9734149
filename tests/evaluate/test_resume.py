"""What an interrupted run leaves behind serves the same run, and no other."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses import cli
from seglosses.evaluate import Evaluation, IncompleteError, evaluate, workers
from seglosses.evaluate.journal import BLOCK, NAME, Journal, lock, stamp
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.workers import Workplace

MASK = np.zeros((12, 12), np.uint8)
MASK[3:9, 3:9] = 1


def save(folder: Path, count: int = 4, *, shift: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        Image.fromarray(np.roll(MASK, shift, 0)).save(folder / f"{index:02}.png")
    return folder


class Stop(BaseException):
    """What a killed process looks like from inside."""


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


def interrupted(pred: Path, target: Path, out: Path, monkeypatch, *, after: int = 2) -> None:
    done: list[str] = []
    original = workers.score

    def score(files, settings):
        if len(done) == after:
            raise Stop
        done.append(files.name)
        return original(files, settings)

    with monkeypatch.context() as patch:
        patch.setattr(workers, "score", score)
        with pytest.raises(Stop):
            scored(pred, target, out)


def scored(pred: Path, target: Path, out: Path, **options: object) -> Evaluation:
    """In this process, where a test can count what is scored."""
    return evaluate(pred, target, out=out, metrics=["dice"], workers=0, **options)  # type: ignore[arg-type]


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


@pytest.mark.parametrize("error", [MemoryError("too large"), RuntimeError("odd"), KeyError("x")])
def test_whatever_happens_to_one_image_the_others_are_scored(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    pred, target = save(tmp_path / "pred"), save(tmp_path / "gt")
    original = workers.score

    def score(files, settings):
        if files.name == "02":
            raise error
        return original(files, settings)

    monkeypatch.setattr(workers, "score", score)
    with pytest.raises(IncompleteError, match=f"02: .*{type(error).__name__}") as caught:
        scored(pred, target, tmp_path / "out")
    assert caught.value.evaluation.table.images == ["00", "01", "03"]
    assert len(scored(pred, target, tmp_path / "out", keep_going=True).table) == 3


def test_files_of_every_damage_are_named_and_counted(tmp_path: Path) -> None:
    pred, target = save(tmp_path / "pred"), save(tmp_path / "gt")
    for name in ("empty", "archive", "huge", "one-hot", "fractions", "text"):
        np.save(target / f"{name}.npy", MASK)
    np.save(pred / "empty.npy", np.zeros((0, 5), np.uint8))
    np.savez(pred / "archive", a=MASK, b=MASK)
    shutil.move(pred / "archive.npz", pred / "archive.npy")
    head = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
    with (pred / "huge.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
    np.save(pred / "one-hot.npy", np.eye(2, dtype=np.uint8)[MASK])
    np.save(pred / "fractions.npy", MASK * 0.5)
    (pred / "text.npy").write_text("no array")
    with pytest.raises(IncompleteError, match="6 of 10 images could not be scored") as caught:
        scored(pred, target, tmp_path / "out")
    found = {failure.image: failure.reason for failure in caught.value.evaluation.failures}
    assert set(found) == {"empty", "archive", "huge", "one-hot", "fractions", "text"}
    assert all(f"{name}.npy" in reason for name, reason in found.items())
    assert len(caught.value.evaluation.table) == 4


@pytest.fixture
def fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Image 01 ends the process that scores it, as a fault in a library or lack of memory does."""
    original = workers.attempt

    def attempt(files, settings):
        if files.name == "01":
            os.kill(os.getpid(), signal.SIGKILL)
        return original(files, settings)

    monkeypatch.setattr(workers, "attempt", attempt)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.usefixtures("fatal")
def test_an_image_that_ends_its_process_is_named(tmp_path: Path, count: int) -> None:
    pred, target = save(tmp_path / "pred", 12), save(tmp_path / "gt", 12)
    with pytest.raises(IncompleteError, match="1 of 12 images could not be scored") as caught:
        evaluate(pred, target, metrics=["dice"], workers=count)
    (failure,) = caught.value.evaluation.failures
    assert failure.image == "01"
    assert "01.png: ended the process" in failure.reason
    names = [f"{index:02}" for index in range(12) if index != 1]
    assert caught.value.evaluation.table.images == names


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
@pytest.mark.usefixtures("fatal")
def test_an_image_that_ends_workers_of_a_cluster_is_named(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="runs on a Dask cluster")
    pred, target = save(tmp_path / "pred", 12), save(tmp_path / "gt", 12)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        pytest.raises(IncompleteError, match="1 of 12 images could not be scored") as caught,
    ):
        evaluate(pred, target, metrics=["dice"], cluster=cluster.scheduler_address)
    (failure,) = caught.value.evaluation.failures
    assert failure.image == "01"
    assert len(caught.value.evaluation.table.images) == 11


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
@pytest.mark.usefixtures("fatal")
def test_a_cluster_without_workers_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="runs on a Dask cluster")
    pred, target = save(tmp_path / "pred"), save(tmp_path / "gt")
    monkeypatch.setattr("seglosses.evaluate.cluster.PATIENCE", 0.5)
    monkeypatch.setattr("seglosses.evaluate.cluster._LOOK", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None, silence_logs=50) as cluster,
        worker_without_nanny(cluster.scheduler_address),
        pytest.raises(ValueError, match=r"is lost: no worker was left.*: .*01.*with a nanny"),
    ):
        evaluate(pred, target, metrics=["dice"], cluster=cluster.scheduler_address)


@contextmanager
def worker_without_nanny(address: str) -> Iterator[None]:
    words = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny"]
    words += ["--nthreads", "1", "--no-dashboard"]
    from distributed import Client

    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with Client(address) as client:
            client.wait_for_workers(1, timeout=60)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_kept_processes_read_relative_paths_where_the_caller_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    for name, shift in (("a", 0), ("b", 3)):
        save(tmp_path / name / "pred", shift=shift)
        save(tmp_path / name / "gt")
    for name, dice in (("a", 1.0), ("b", 0.5)):
        monkeypatch.chdir(tmp_path / name)
        assert evaluate("pred", "gt", metrics=["dice"], workers=count).mean("dice") == dice


def test_processes_go_on_side_by_side_after_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only images that may have been under way are scored one by one."""
    pairs = [PairFiles(f"{index:02}", tmp_path, tmp_path) for index in range(12)]
    alone: list[str] = []

    class Parallel:
        def __init__(self, **options: object) -> None: ...

        def __call__(self, jobs):
            for _function, arguments, _options in jobs:
                files = arguments[2]
                if files.name in ("01", "09"):
                    raise workers.BrokenExecutor
                yield files, []

    def one_by_one(pairs, settings):
        alone.extend(files.name for files in pairs)
        return ((files, []) for files in pairs)

    monkeypatch.setattr(workers.joblib, "Parallel", Parallel)
    monkeypatch.setattr(workers, "_one_by_one", one_by_one)
    found = [files for files, _ in workers.results(pairs, None, Workplace(2))]  # type: ignore[arg-type]
    assert found == pairs
    assert alone == ["01", "02", "03", "04", "09", "10", "11"]


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
