"""Run several programs at the same time, each with its log and its GPU, and report progress."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seglosses.benchmark.claims import TAKEN
from seglosses.benchmark.devices import Slot
from seglosses.benchmark.progress import Progress, duration
from seglosses.evaluate.cluster import run_on_cluster

_TAIL = 15
_END = 2**14
_THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Of runs on CPUs, side by side, so that they do not fight for cores."""


@dataclass(frozen=True)
class Job:
    """A program to run.

    Attributes:
        name: For progress and messages.
        command: The words of the command.
        log: File that takes everything it prints; replaced.
    """

    name: str
    command: Sequence[str]
    log: Path


@dataclass
class _Running:
    job: Job
    slot: Slot
    process: subprocess.Popen[bytes]
    progress: Progress
    started: float = field(default_factory=time.monotonic)


def run_jobs(
    jobs: Sequence[Job],
    *,
    at_once: int | None = None,
    slots: Sequence[Slot] | None = None,
    keep_going: bool = False,
    say: Callable[[str], None] = print,
) -> dict[str, float]:
    """Run jobs, several at once, and say how far they are.

    Args:
        jobs: What to run.
        at_once: How many at a time; by default one for each core.
        slots: Where they run, one job per slot, in place of `at_once`.
        keep_going: Run the other jobs to their end when one failed.
        say: Takes the lines.

    Returns:
        Seconds that each took, by name; those that another process works on are left out.

    Raises:
        ValueError: Jobs failed; the message ends with the last lines of their logs. Unless
            `keep_going`, the other jobs are stopped, as they are on Ctrl-C.
    """
    waiting = list(jobs)
    free = list(slots or [Slot()] * (at_once or os.cpu_count() or 1))
    running: list[_Running] = []
    seconds: dict[str, float] = {}
    failures: list[str] = []
    begun = time.monotonic()
    width = len(free)
    try:
        while waiting or running:
            while waiting and free:
                running.append(_start(waiting.pop(0), free.pop(0)))
            time.sleep(0.2)
            for one in list(running):
                now = time.monotonic()
                line = one.progress.line(end_of(one.job.log), now)
                if line is not None:
                    say(line)
                if one.process.poll() is None:
                    continue
                running.remove(one)
                free.append(one.slot)
                if one.process.returncode == TAKEN:
                    say(f"{one.job.name}: another process works on it")
                    continue
                seconds[one.job.name] = now - one.started
                if one.process.returncode != 0:
                    failures.append(failure(one.job, one.process.returncode))
                    if not keep_going:
                        raise ValueError(failures[0])
                    say(_said_at_once(one.job, failures[-1]))
                if waiting or running:
                    left = _left(seconds, len(waiting) + len(running), width)
                    count = _counted(len(seconds), len(jobs), len(failures))
                    say(f"{count}, {duration(now - begun)}, {left} left")
    finally:
        for one in running:
            one.process.terminate()
            one.process.wait()
    _raise(failures, len(jobs))
    return seconds


def run_jobs_on_cluster(
    jobs: Sequence[Job], address: str, *, say: Callable[[str], None] = print
) -> dict[str, float]:
    """Run jobs on the workers of a running Dask scheduler, one for each of their threads.

    Args:
        jobs: What to run; every worker must see the same files under the same paths. A worker's
            GPU is its own matter: start one worker with one thread for each.
        address: Of the scheduler.
        say: Takes the lines.

    Returns:
        As :func:`run_jobs`, which keeps going.

    Raises:
        ValueError: Jobs failed, or the cluster is lost.
    """
    seconds: dict[str, float] = {}
    failures: list[str] = []
    for job, found in run_on_cluster(_work, list(jobs), {}, address):
        if found is None:
            failures.append(f"{job.name} ended its worker, as happens when memory runs out")
            continue
        status, took, text = found
        if status == TAKEN:
            say(f"{job.name}: another process works on it")
            continue
        seconds[job.name] = took
        if status != 0:
            failures.append(text)
            say(_said_at_once(job, text))
        count = _counted(len(seconds), len(jobs), len(failures))
        say(f"{job.name}: {duration(took)}; {count}")
    _raise(failures, len(jobs))
    return seconds


def _work(job: Job, env: Mapping[str, str]) -> tuple[Job, tuple[int, float, str]]:
    """A job to its end, on a worker of a cluster."""
    one = _start(job, Slot(env=env))
    status = one.process.wait()
    text = failure(job, status) if status not in (0, TAKEN) else ""
    return job, (status, time.monotonic() - one.started, text)


def _start(job: Job, slot: Slot) -> _Running:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    threads = {} if slot.name else _THREADS
    with job.log.open("wb") as log:
        process = subprocess.Popen(
            list(job.command),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **threads, **slot.env},
        )
    where = f" on {slot.name}" if slot.name else ""
    return _Running(job, slot, process, Progress(f"{job.name}{where}"))


def _left(seconds: Mapping[str, float], runs: int, width: int) -> str:
    """Time for the runs that are not finished: all slots, at the mean time of a run."""
    mean = sum(seconds.values()) / len(seconds)
    return f"about {duration(mean * -(-runs // width))}"


def end_of(log: Path) -> bytes:
    """The end of a log, in which the last step stands.

    Args:
        log: A file that another process writes.

    Returns:
        At most 16 KiB.
    """
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _END))
        return file.read()


def failure(job: Job, status: int) -> str:
    """Why a job failed, with the end of its log.

    Args:
        job: The job.
        status: Its exit status.

    Returns:
        Lines.
    """
    lines = end_of(job.log).decode("utf-8", "replace").splitlines()
    end = "\n  ".join(lines[-_TAIL:])
    return f"{job.name} ended with status {status}; the end of {job.log}:\n  {end}"


def _said_at_once(job: Job, text: str) -> str:
    """What :func:`failure` says, in a line: hours may pass before it is all printed."""
    last = text.splitlines()[-1].strip() or "it said nothing"
    return f"{job.name} failed: {last} (all of it in {job.log})"


def _counted(ended: int, count: int, failed: int) -> str:
    return f"{ended} of {count} runs" + (f", {failed} of them failed" if failed else "")


def _raise(failures: Sequence[str], count: int) -> None:
    if failures:
        raise ValueError(f"{len(failures)} of {count} jobs failed:\n" + "\n".join(failures))
