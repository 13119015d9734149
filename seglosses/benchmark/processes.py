"""Run several programs at the same time, each with its log and its GPU, and report progress."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from seglosses.benchmark.claims import TAKEN
from seglosses.benchmark.devices import Slot
from seglosses.benchmark.progress import Progress, Watch, duration, end_of
from seglosses.evaluate.cluster import run_on_cluster

_TAIL = 15
_STOP = 20.0
"""Seconds in which a program ends by itself, before it is made to."""
_ON_CORES = {
    # so that runs side by side do not fight for cores
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # glibc keeps what a step frees for the next, or maps and clears large tensors anew in each;
    # before 2.35 it takes no higher threshold. Dask sets another in the processes that use it.
    "MALLOC_MMAP_THRESHOLD_": f"{2**25}",
    "MALLOC_TRIM_THRESHOLD_": f"{2**34}",
    "MALLOC_TOP_PAD_": f"{2**24}",
}
"""Of runs on CPUs."""


@dataclass(frozen=True)
class Job:
    """A program to run.

    Attributes:
        name: For progress and messages.
        command: The words of the command.
        log: File that takes everything it prints, after what is in it.
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
    since: int
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
        Seconds that each took, by name; those that failed, or that another process works on, are
        left out.

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

    def fail(job: Job, text: str) -> None:
        failures.append(text)
        if not keep_going:
            raise ValueError(text)
        say(_said_at_once(job, text))

    try:
        while waiting or running:
            while waiting and free:
                job = waiting.pop(0)
                try:
                    running.append(_start(job, free[0]))
                    free.pop(0)
                except OSError as error:
                    fail(job, f"{job.name} could not be started: {error}")
            time.sleep(0.2)
            for one in list(running):
                now = time.monotonic()
                line = one.progress.line(end_of(one.job.log, one.since), now)
                if line is not None:
                    say(line)
                if one.process.poll() is None:
                    continue
                running.remove(one)
                free.append(one.slot)
                if one.process.returncode == TAKEN:
                    say(f"{one.job.name}: another process works on it")
                    continue
                if one.process.returncode == 0:
                    seconds[one.job.name] = now - one.started
                else:
                    fail(one.job, failure(one.job, one.process.returncode, one.since))
                if waiting or running:
                    count = _counted(len(seconds), len(jobs), len(failures))
                    left = _left(seconds, len(waiting) + len(running), width)
                    say(f"{count}, {duration(now - begun)}{left}")
    finally:
        for one in running:
            one.process.terminate()
        for one in running:
            _wait(one.process)
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
    with _quiet_dask(), Watch({job.name: job.log for job in jobs}, say) as watch:
        try:
            for job, found in run_on_cluster(_work, list(jobs), {}, address):
                watch.ended(job.name)
                if found is None:
                    failures.append(f"{job.name} ended its worker, as happens when memory runs out")
                    continue
                status, took, text = found
                if status == TAKEN:
                    say(f"{job.name}: another process works on it")
                    continue
                if status == 0:
                    seconds[job.name] = took
                else:
                    failures.append(text)
                    say(_said_at_once(job, text))
                count = _counted(len(seconds), len(jobs), len(failures))
                say(f"{job.name}: {duration(took)}; {count}")
        except ValueError as error:
            begun = watch.under_way()
            more = f"; what its workers have begun may go on: {', '.join(begun)}" if begun else ""
            raise ValueError(f"{error}{more}") from error
    _raise(failures, len(jobs))
    return seconds


@contextmanager
def _quiet_dask() -> Iterator[None]:
    """Without the traceback that Dask logs of a lost scheduler; the error of the loss says it."""
    logger = logging.getLogger("distributed.client")

    def has_no_traceback(record: logging.LogRecord) -> bool:
        return record.exc_info is None

    logger.addFilter(has_no_traceback)
    try:
        yield
    finally:
        logger.removeFilter(has_no_traceback)


def _work(job: Job, env: Mapping[str, str]) -> tuple[Job, tuple[int, float, str]]:
    """A job to its end, on a worker of a cluster."""
    begun = time.monotonic()
    try:
        one = _start(job, Slot(env=env))
    except OSError as error:
        return job, (1, 0.0, f"{job.name} could not be started: {error}")
    status = one.process.wait()
    text = failure(job, status, one.since) if status not in (0, TAKEN) else ""
    return job, (status, time.monotonic() - begun, text)


def _start(job: Job, slot: Slot) -> _Running:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    own = {} if slot.name else _ON_CORES
    # another process may be writing to it, or a run that was stopped may have
    with job.log.open("ab") as log:
        since = log.tell()
        process = subprocess.Popen(
            list(job.command),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **own, **slot.env},
        )
    where = f" on {slot.name}" if slot.name else ""
    return _Running(job, slot, process, Progress(f"{job.name}{where}"), since)


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for a program that was told to end, which lets go of its claim."""
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _left(seconds: Mapping[str, float], runs: int, width: int) -> str:
    """Time for the runs that are not finished: all slots, at the mean time of a finished run."""
    if not seconds:
        return ""
    mean = sum(seconds.values()) / len(seconds)
    return f", about {duration(mean * -(-runs // width))} left"


def failure(job: Job, status: int, since: int = 0) -> str:
    """Why a job failed, with the end of its log.

    Args:
        job: The job.
        status: Its exit status.
        since: Bytes of the log that were there before.

    Returns:
        Lines.
    """
    lines = end_of(job.log, since).decode("utf-8", "replace").splitlines()
    end = "\n  ".join(lines[-_TAIL:])
    return f"{job.name} ended with status {status}; the end of {job.log}:\n  {end}"


def _said_at_once(job: Job, text: str) -> str:
    """What :func:`failure` says, in a line: hours may pass before it is all printed."""
    last = text.splitlines()[-1].strip() or "it said nothing"
    return f"{job.name} failed: {last} (all of it in {job.log})"


def _counted(done: int, count: int, failed: int) -> str:
    return f"{done + failed} of {count} runs" + (f", {failed} of them failed" if failed else "")


def _raise(failures: Sequence[str], count: int) -> None:
    if failures:
        raise ValueError(f"{len(failures)} of {count} jobs failed:\n" + "\n".join(failures))
