"""Images that no run survives: each is named, and the others are scored."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from seglosses.evaluate import IncompleteError, evaluate, workers
from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.workers import Workplace
from tests.evaluate.resumed import MASK, save, scored


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
