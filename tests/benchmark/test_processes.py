"""Slots on GPUs, claims on runs, lines while they train, and scripts for schedulers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seglosses.benchmark import claims, worker
from seglosses.benchmark.claims import NAME, TAKEN, TakenError, claimed
from seglosses.benchmark.devices import Slot, choose_slots, visible_gpus
from seglosses.benchmark.processes import Job, run_jobs, run_jobs_on_cluster
from seglosses.benchmark.progress import Progress
from seglosses.benchmark.scripts import write_scripts
from seglosses.cli import main


def job(folder: Path, name: str, code: str) -> Job:
    return Job(name, [sys.executable, "-c", code], folder / f"{name}.log")


def test_a_slot_is_a_gpu_or_a_core() -> None:
    two = ["0", "3"]
    assert [s.env for s in choose_slots(None, None, needs_gpu=False, visible=two)] == [
        {"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "3"}
    ]  # fmt: skip
    # a profile for GPUs never starts one job a core
    assert len(choose_slots(None, None, needs_gpu=True, visible=["0"])) == 1
    assert len(choose_slots(None, 8, needs_gpu=True, visible=two)) == 2
    assert len(choose_slots(["3"] * 2, None, needs_gpu=True, visible=two)) == 2
    assert len(choose_slots(None, None, needs_gpu=False, visible=[])) == (os.cpu_count() or 1)
    assert choose_slots([], 1, needs_gpu=False, visible=two)[0].env["CUDA_VISIBLE_DEVICES"] == ""


def test_wrong_slots_are_refused() -> None:
    with pytest.raises(ValueError, match="no GPU 2: visible are 0, 1"):
        choose_slots(["0", "2"], None, needs_gpu=False, visible=["0", "1"])
    with pytest.raises(ValueError, match="needs a GPU, and none is visible"):
        choose_slots(None, None, needs_gpu=True, visible=[])
    with pytest.raises(ValueError, match="needs a GPU"):
        choose_slots([], 4, needs_gpu=True, visible=["0"])
    with pytest.raises(ValueError, match="--jobs of at least 1, got 0"):
        choose_slots(None, 0, needs_gpu=False, visible=[])


def test_gpus_keep_the_names_that_the_environment_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-ab12")
    assert visible_gpus() == ["5", "GPU-ab12"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible_gpus() == ["0", "1"]


def test_one_run_a_slot_at_a_time_on_its_gpu(tmp_path: Path) -> None:
    code = f"""
import os,pathlib,time
gpu=os.environ["CUDA_VISIBLE_DEVICES"];mark=pathlib.Path({str(tmp_path)!r})/f"on{{gpu}}"
mark.touch(exist_ok=False);time.sleep(.4);mark.unlink();print("gpu",gpu)
"""
    jobs = [job(tmp_path, f"run{n}", code) for n in range(5)]
    slots = [Slot(f"GPU {n}", {"CUDA_VISIBLE_DEVICES": str(n)}) for n in (4, 7)]
    assert set(run_jobs(jobs, slots=slots)) == {one.name for one in jobs}
    used = {one.log.read_text().split()[-1] for one in jobs}
    assert used == {"4", "7"}


def test_lines_while_runs_train(tmp_path: Path) -> None:
    code = """
import time
for n in range(10,110,10):
    print(f"Iter(train) [{n:3d}/100]  lr: 1",flush=True);time.sleep(.25)
"""
    lines: list[str] = []
    slot = Slot("GPU 0", {})
    run_jobs([job(tmp_path, "ce seed 0", code), job(tmp_path, "b", "")], slots=[slot],
             say=lines.append)  # fmt: skip
    assert lines[0].startswith("ce seed 0 on GPU 0: ")
    trained = [line for line in lines if "iterations" in line]
    assert len(trained) >= 5
    assert sum(" left" in line for line in trained) >= 4
    assert any("100 of 100 iterations" in line and "is tested" in line for line in lines)
    assert lines[-1].startswith("1 of 2 runs, ")


def test_a_failure_is_told_at_once(tmp_path: Path) -> None:
    lines: list[str] = []
    codes = {"bad": "raise SystemExit('no disk')", "mute": "import os;os._exit(3)", "good": ""}
    jobs = [job(tmp_path, *pair) for pair in codes.items()]
    with pytest.raises(ValueError, match="2 of 3 jobs failed"):
        run_jobs(jobs, at_once=1, keep_going=True, say=lines.append)
    assert lines[0] == f"bad failed: no disk (all of it in {jobs[0].log})"
    assert lines[1].startswith("1 of 3 runs, 1 of them failed, ")
    assert lines[2] == f"mute failed: it said nothing (all of it in {jobs[1].log})"
    assert lines[3].startswith("2 of 3 runs, 2 of them failed, ")


def test_a_resumed_run_counts_from_where_it_began() -> None:
    progress = Progress("a", clock=0.0)
    assert progress.line(b"", 1.0) is None
    progress.line(b"Iter(train) [500/1000]", 10.0)
    line = progress.line(b"Iter(train) [600/1000]", 20.0)
    assert line == "a: 600 of 1000 iterations, 20 s, 40 s left"
    # a line a twentieth of the training
    assert progress.line(b"Iter(train) [640/1000]", 24.0) is None
    assert progress.line(b"Iter(train) [650/1000]", 25.0) is not None


def test_a_claim_keeps_others_out_and_ends(tmp_path: Path) -> None:
    with claimed(tmp_path):
        with pytest.raises(TakenError, match=f"process {os.getpid()} on "), claimed(tmp_path):
            pass
        assert (tmp_path / NAME).is_file()
    assert [path.name for path in tmp_path.iterdir()] == []
    with claimed(tmp_path):
        pass


def write_claim(folder: Path, age: float, **owner: object) -> Path:
    path = folder / NAME
    path.write_text(json.dumps({"token": "old", "host": "elsewhere", "pid": 1, **owner}))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_a_claim_of_another_machine_is_left_over_after_a_while(tmp_path: Path) -> None:
    write_claim(tmp_path, 100)
    with pytest.raises(TakenError, match="process 1 on elsewhere"), claimed(tmp_path):
        pass
    write_claim(tmp_path, claims.STALE + 5)
    with claimed(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())["token"] != "old"


def test_a_claim_of_a_dead_process_here_is_left_over_at_once(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_claim(tmp_path, 0, host=socket.gethostname(), pid=gone.pid)
    with claimed(tmp_path):
        pass


def test_who_loses_a_claim_stops(tmp_path: Path) -> None:
    told: list[int] = []
    with claimed(tmp_path, beat=0.02, lost=lambda: told.append(1)):
        write_claim(tmp_path, 0)
        time.sleep(0.3)
    assert told == [1]
    assert (tmp_path / NAME).is_file()  # that of the other stays


def test_a_claim_is_touched_while_it_is_held(tmp_path: Path) -> None:
    with claimed(tmp_path, beat=0.02):
        os.utime(tmp_path / NAME, (0, 0))
        time.sleep(0.3)
        assert time.time() - (tmp_path / NAME).stat().st_mtime < 60


def test_of_many_processes_one_works_at_a_time(tmp_path: Path) -> None:
    write_claim(tmp_path, claims.STALE + 5)  # all find one that is left over
    code = """
import pathlib,sys,time
from seglosses.benchmark.claims import TakenError,claimed
top=pathlib.Path(sys.argv[1])
for _ in range(12):
    try:
        with claimed(top):
            mark=top/"inside";mark.touch(exist_ok=False);time.sleep(.02);mark.unlink()
            print("worked")
    except TakenError:
        time.sleep(.01)
"""
    words = [sys.executable, "-c", code, str(tmp_path)]
    several = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = [one.communicate(timeout=120)[0] for one in several]
    assert [one.returncode for one in several] == [0] * 4
    assert sum(text.count("worked") for text in outputs) >= 4
    assert not (tmp_path / NAME).exists()


def prepared(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps({"stamp": "s"}))
    return folder


def test_a_worker_does_a_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, done = prepared(tmp_path / "ce" / "0"), []

    def work(place: Path) -> None:
        done.append(place)
        assert worker.main(folder) == TAKEN
        (place.parent / "0.csv").write_text("ID\n")
        (place.parent / "0.json").write_text(json.dumps({"stamp": "s"}))

    monkeypatch.setattr(worker, "work", work)
    assert [worker.main(folder), worker.main(folder)] == [0, 0]
    assert done == [folder]
    # scores of another run do not count
    (folder / "card.json").write_text(json.dumps({"stamp": "other"}))
    assert worker.main(folder) == 0
    assert done == [folder, folder]


def test_a_run_of_another_process_is_left_to_it(tmp_path: Path) -> None:
    lines: list[str] = []
    taken = job(tmp_path, "a", f"raise SystemExit({TAKEN})")
    assert set(run_jobs([taken, job(tmp_path, "b", "")], at_once=2, say=lines.append)) == {"b"}
    assert "a: another process works on it" in lines


def test_scripts_run_their_runs(tmp_path: Path) -> None:
    """A task of the array does its line, with names that a shell would take apart."""
    top = tmp_path / "a b"
    jobs = [
        Job(name, [sys.executable, "-c", f"print('{name} $HOME')"], top / f"{name}'s.log")
        for name in ("one", "two")
    ]
    commands, array = write_scripts(jobs, top, gpu=False)
    text = array.read_text()
    assert "#SBATCH --array=1-2\n" in text
    assert "gres" not in text
    assert "#SBATCH --gres=gpu:1\n" in write_scripts(jobs, tmp_path, gpu=True)[1].read_text()
    env = {**os.environ, "SLURM_ARRAY_TASK_ID": "2"}
    subprocess.run(["bash", str(array)], check=True, env=env)
    assert not jobs[0].log.exists()
    assert jobs[1].log.read_text() == "two $HOME\n"
    subprocess.run(["bash", "-c", commands.read_text().splitlines()[0]], check=True)
    assert jobs[0].log.read_text() == "one $HOME\n"


def test_the_plan_prepares_every_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mmseg")
    from seglosses.datasets.write import BrickSet, write_dataset

    write_dataset(tmp_path / "bricks", BrickSet(size=(128, 128), train=2, val=1, test=1))
    words = ["--data", str(tmp_path / "bricks"), "--out", str(tmp_path / "runs"), "--plan"]
    # on a machine without a GPU too: those of the cluster count
    assert main(["benchmark", "run", *words, "--profile", "paper", "--seeds", "0-1"]) == 0
    printed = capsys.readouterr().out
    assert "array.sbatch" in printed
    lines = (tmp_path / "runs" / "plan" / "commands.txt").read_text().splitlines()
    assert len(lines) == 4
    for line in lines:
        folder = Path(line.split(" > ")[0].split()[-1])
        assert (folder / "card.json").is_file()
        assert (folder / "config.py").is_file()
    assert "--gres=gpu:1" in (tmp_path / "runs" / "plan" / "array.sbatch").read_text()


@pytest.mark.slow
def test_runs_on_a_cluster(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="runs on a Dask cluster")
    lines: list[str] = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        jobs = [job(tmp_path, name, f"print('{name}')") for name in "ab"]
        seconds = run_jobs_on_cluster(jobs, cluster.scheduler_address, say=lines.append)
        assert set(seconds) == {"a", "b"}
        assert (tmp_path / "b.log").read_text() == "b\n"
        bad = job(tmp_path, "bad", "raise SystemExit('no disk')")
        with pytest.raises(
            ValueError, match=r"(?s)1 of 2 jobs failed:\nbad ended with status 1.*no disk"
        ):
            run_jobs_on_cluster([jobs[0], bad], cluster.scheduler_address, say=lines.append)
    assert lines[1].endswith("2 of 2 runs")
