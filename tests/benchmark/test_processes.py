"""Slots on GPUs, programs side by side, and lines while they run."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from seglosses.benchmark.claims import TAKEN
from seglosses.benchmark.devices import Slot, choose_slots, visible_gpus
from seglosses.benchmark.processes import Job, run_jobs, run_jobs_on_cluster
from seglosses.benchmark.progress import Progress, Watch, end_of


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


def test_runs_on_cores_have_one_thread_and_keep_their_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")  # as Dask leaves it
    code = """
import os
names = "OMP_NUM_THREADS", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"
print([os.environ.get(name) for name in names])
"""
    said = []
    for slot in (Slot(), Slot("GPU 0", {})):
        one = job(tmp_path, f"on{slot.name}", code)
        run_jobs([one], slots=[slot])
        said.append(one.log.read_text().split("\n")[0])
    assert said == ["['1', '33554432', '17179869184']", "['8', None, '65536']"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_tensors_of_runs_on_cores_get_their_memory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES"))]:
        monkeypatch.delenv(name)
    code = """
import resource, torch
torch.set_num_threads(1)
network = torch.nn.Sequential(*[torch.nn.Conv2d(8, 8, 3, padding=1) for _ in range(6)])
image = torch.ones(4, 8, 128, 128)
def faults_after(steps):
    for _ in range(steps):
        network(image).sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
faults_after(5)
print("faults", min(-faults_after(0) + faults_after(5) for _ in range(4)))
"""
    kept, given_back = job(tmp_path, "kept", code), job(tmp_path, "given back", code)
    run_jobs([kept], slots=[Slot()])
    run_jobs([given_back], slots=[Slot("GPU 0", {})])  # as glibc does by itself
    here, there = (
        int(re.findall(r"faults (\d+)", one.log.read_text())[0]) for one in (kept, given_back)
    )
    assert here < there / 5, (here, there)  # 0 and 25 000


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
    assert "left" not in lines[1], "how long a run takes is not known yet"
    assert lines[2] == f"mute failed: it said nothing (all of it in {jobs[1].log})"
    assert lines[3].startswith("2 of 3 runs, 2 of them failed, ")


def test_the_time_left_is_that_of_runs_that_did_not_fail(tmp_path: Path) -> None:
    lines: list[str] = []
    codes = {"good": "import time; time.sleep(1.2)", "bad": "1/0", "worse": "1/0", "last": ""}
    jobs = [job(tmp_path, *pair) for pair in codes.items()]
    with pytest.raises(ValueError, match="2 of 4 jobs failed"):
        run_jobs(jobs, at_once=1, keep_going=True, say=lines.append)
    counted = [line for line in lines if " of 4 runs" in line]
    assert len(counted) == 3
    # a failure takes no time, and would halve it
    assert re.fullmatch(r"3 of 4 runs, 2 of them failed, \d+ s, about [12] s left", counted[2])


def test_a_log_is_kept_and_its_old_lines_are_not_news(tmp_path: Path) -> None:
    lines: list[str] = []
    bad = job(tmp_path, "bad", "raise SystemExit('no disk')")
    bad.log.write_text("Iter(train) [50/100]\nan older error\n")
    with pytest.raises(ValueError, match=r"log:\n  no disk$"):
        run_jobs([bad], keep_going=True, say=lines.append)
    assert bad.log.read_text() == "Iter(train) [50/100]\nan older error\nno disk\n"
    assert not [line for line in lines if "iterations" in line]


def test_a_lost_log_and_a_program_that_is_not_there_stop_no_other_run(tmp_path: Path) -> None:
    lost = job(tmp_path, "lost", "import pathlib,sys;pathlib.Path(sys.argv[1]).unlink()")
    lost = Job("lost", [*lost.command, str(lost.log)], lost.log)
    none = Job("none", ["/nowhere/python"], tmp_path / "none.log")
    lines: list[str] = []
    with pytest.raises(ValueError, match="1 of 3 jobs failed:\nnone could not be started: "):
        run_jobs([none, lost, job(tmp_path, "good", "")], at_once=1, keep_going=True,
                 say=lines.append)  # fmt: skip
    assert lines[0].startswith("none failed: none could not be started: ")
    assert lines[-1].startswith("2 of 3 runs, 1 of them failed")
    assert end_of(lost.log) == b""


def test_what_is_stopped_may_end_by_itself(tmp_path: Path) -> None:
    mark = tmp_path / "let go"
    code = f"""
import pathlib,time
from seglosses.hosts.parent import ended_by_signal
with ended_by_signal():
    try:
        print("Iter(train) [1/2]",flush=True);time.sleep(60)
    finally:
        pathlib.Path({str(mark)!r}).touch()
"""

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs([job(tmp_path, "a", code)], say=stop)
    assert mark.exists()


def test_runs_of_other_machines_are_watched(tmp_path: Path) -> None:
    logs = {name: tmp_path / name for name in ("a", "b", "c")}
    logs["a"].write_text("Iter(train) [90/100]\n")
    lines: list[str] = []
    with Watch(logs, lines.append, beat=0.02) as watch:
        with logs["a"].open("a") as log:
            log.write("Iter(train) [10/100]\n")
        deadline = time.monotonic() + 10
        while not lines and time.monotonic() < deadline:
            time.sleep(0.02)
        logs["b"].write_text("it begins")
        assert watch.under_way() == ["a", "b"]
        watch.ended("a")
        assert watch.under_way() == ["b"]
    assert lines == ["a: 10 of 100 iterations, 0 s"]


def test_a_resumed_run_counts_from_where_it_began() -> None:
    progress = Progress("a", clock=0.0)
    assert progress.line(b"", 1.0) is None
    progress.line(b"Iter(train) [500/1000]", 10.0)
    line = progress.line(b"Iter(train) [600/1000]", 20.0)
    assert line == "a: 600 of 1000 iterations, 20 s, 40 s left"
    # a line a twentieth of the training
    assert progress.line(b"Iter(train) [640/1000]", 24.0) is None
    assert progress.line(b"Iter(train) [650/1000]", 25.0) is not None


def test_a_run_of_another_process_is_left_to_it(tmp_path: Path) -> None:
    lines: list[str] = []
    taken = job(tmp_path, "a", f"raise SystemExit({TAKEN})")
    assert set(run_jobs([taken, job(tmp_path, "b", "")], at_once=2, say=lines.append)) == {"b"}
    assert "a: another process works on it" in lines


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
        assert lines[1].endswith("2 of 2 runs")
        slow = job(
            tmp_path, "slow", "print('Iter(train) [1/9]',flush=True);import time;time.sleep(12)"
        )
        run_jobs_on_cluster([slow], cluster.scheduler_address, say=lines.append)
        assert any(line.startswith("slow: 1 of 9 iterations") for line in lines)
        bad = job(tmp_path, "bad", "raise SystemExit('no disk')")
        with pytest.raises(
            ValueError, match=r"(?s)1 of 2 jobs failed:\nbad ended with status 1.*no disk"
        ):
            run_jobs_on_cluster([jobs[0], bad], cluster.scheduler_address, say=lines.append)


@pytest.mark.slow
def test_a_lost_scheduler_says_what_may_go_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed", reason="runs on a Dask cluster")
    code = """
import time
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    print(cluster.scheduler_address, flush=True)
    time.sleep(300)
"""
    words = [sys.executable, "-c", code]
    cluster = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert cluster.stdout is not None
    address = cluster.stdout.readline().strip()
    mark = tmp_path / "begun"
    told = f"import pathlib,time;print('begun',flush=True);pathlib.Path({str(mark)!r}).touch();"
    long = job(tmp_path, "long", told + "time.sleep(20)")

    def lose() -> None:
        while not mark.exists():
            time.sleep(0.1)
        cluster.kill()

    thread = threading.Thread(target=lose)
    thread.start()
    try:
        with pytest.raises(ValueError, match="what its workers have begun may go on: long"):
            run_jobs_on_cluster([long], address)
    finally:
        mark.touch()
        thread.join()
        cluster.communicate()
    assert "Traceback" not in capfd.readouterr().err
