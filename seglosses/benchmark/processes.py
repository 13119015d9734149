"""Run several programs at the same time, each with its log, and report progress."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

_STEP = re.compile(rb"Iter\(\w+\) +\[ *(\d+)/(\d+)\]")
_TAIL = 15


@dataclass(frozen=True)
class Job:
    """A program to run.

    Attributes:
        name: For the progress bar and messages.
        command: The words of the command.
        log: File that takes everything it prints; replaced.
    """

    name: str
    command: Sequence[str]
    log: Path


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)


def run_jobs(
    jobs: Sequence[Job], *, at_once: int | None = None, keep_going: bool = False
) -> dict[str, float]:
    """Run jobs, several at once, with one thread each so that they do not fight for cores.

    Args:
        jobs: What to run.
        at_once: How many at a time; by default one for each core.
        keep_going: Run the other jobs to their end when one failed.

    Returns:
        Seconds that each took, by name.

    Raises:
        ValueError: Jobs failed; the message ends with the last lines of their logs. Unless
            `keep_going`, the other jobs are stopped, as they are on Ctrl-C.
    """
    waiting = list(jobs)
    width = at_once or os.cpu_count() or 1
    running: list[_Running] = []
    seconds: dict[str, float] = {}
    failures: list[str] = []
    bars: dict[str, tqdm[object]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < width:
                job = waiting.pop(0)
                bars[job.name] = tqdm(desc=job.name, unit="it", leave=False, disable=None)
                running.append(_start(job))
            time.sleep(0.2)
            for one in list(running):
                _show(bars[one.job.name], one.job.log)
                if one.process.poll() is not None:
                    running.remove(one)
                    bars[one.job.name].close()
                    seconds[one.job.name] = time.monotonic() - one.started
                    if one.process.returncode != 0:
                        failures.append(_failure(one))
                        if not keep_going:
                            raise ValueError(failures[0])
    finally:
        for one in running:
            one.process.terminate()
            one.process.wait()
        for bar in bars.values():
            bar.close()
    if failures:
        raise ValueError(f"{len(failures)} of {len(jobs)} jobs failed:\n" + "\n".join(failures))
    return seconds


def _start(job: Job) -> _Running:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with job.log.open("wb") as log:
        process = subprocess.Popen(
            list(job.command),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **threads},
        )
    return _Running(job, process)


def last_step(log: bytes) -> tuple[int, int] | None:
    """The last ``Iter(train) [ 50/300]`` of a log.

    Example:
        >>> last_step(b"Iter(train) [ 50/300]  lr: 1 .. Iter(train) [100/300]  lr: 1")
        (100, 300)
    """
    steps = _STEP.findall(log)
    return (int(steps[-1][0]), int(steps[-1][1])) if steps else None


def _show(bar: tqdm[object], log: Path) -> None:
    step = last_step(log.read_bytes()) if not bar.disable else None
    if step is not None:
        bar.total = step[1]
        bar.update(step[0] - bar.n)


def _failure(one: _Running) -> str:
    lines = one.job.log.read_text(encoding="utf-8", errors="replace").splitlines()
    end = "\n  ".join(lines[-_TAIL:])
    return (
        f"{one.job.name} ended with status {one.process.returncode}; the end of"
        f" {one.job.log}:\n  {end}"
    )
