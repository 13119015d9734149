"""Who scores images: processes of this machine or of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import TypeAlias

import joblib
from joblib.externals.loky import ProcessPoolExecutor

from seglosses.evaluate.cluster import run_on_cluster
from seglosses.evaluate.codes import UnknownValuesError
from seglosses.evaluate.journal import Rows
from seglosses.evaluate.listing import PairFiles, printable
from seglosses.evaluate.result import Failure
from seglosses.evaluate.scoring import score
from seglosses.evaluate.settings import Settings

Outcome: TypeAlias = tuple[PairFiles, Rows | Failure]

_IDLE = 60.0
"""Seconds after which a process without work ends."""

_kept = threading.local()
"""The process of each thread that scores one by one, kept for its next run; joblib's own pool
would break for other users of joblib in this process."""


@dataclass(frozen=True)
class Workplace:
    """Who does the work: processes of this machine or a Dask cluster, with a bar or without."""

    workers: int = 1
    cluster: str | None = None
    progress: bool = False


def results(pairs: Sequence[PairFiles], settings: Settings, place: Workplace) -> Iterator[Outcome]:
    """Scores of images, or why there are none, each as soon as it is known.

    Args:
        pairs: Images.
        settings: What to measure.
        place: Who does the work.

    Yields:
        An image, with its rows or its failure. An image that ends the process which scores it (a
        fault in a library, no memory left) has a failure, too.

    Raises:
        ValueError: When the cluster cannot be reached, or has lost all its workers.
    """
    if place.cluster is not None:
        for files, outcome in run_on_cluster(attempt, pairs, settings, place.cluster):
            yield files, _ended(files) if outcome is None else outcome
    elif place.workers == 0 or multiprocessing.current_process().daemon:
        # A daemonic process may not have children.
        yield from (attempt(files, settings) for files in pairs)
    elif place.workers == 1:
        yield from _one_by_one(pairs, settings)
    else:
        yield from _side_by_side(pairs, settings, place.workers)


def attempt(files: PairFiles, settings: Settings) -> Outcome:
    """Rows of an image, or why there are none.

    Args:
        files: Where its files lie.
        settings: What to measure.

    Returns:
        The image, with its rows or its failure.
    """
    try:
        return files, score(files, settings)
    except UnknownValuesError as error:
        return files, Failure(files.name, printable(str(error)), error.values, error.side)
    except ValueError as error:
        reason = str(error)
        if not any(str(path) in reason for path in files.paths):
            reason = f"{files.pred} and {files.target}: {reason}"
        return files, Failure(files.name, printable(reason))
    except Exception as error:  # one image must not cost the scores of the others
        reason = f"{files.pred} and {files.target}: {type(error).__name__}: {error}"
        return files, Failure(files.name, printable(reason))


def _side_by_side(
    pairs: Sequence[PairFiles], settings: Settings, workers: int
) -> Iterator[Outcome]:
    """By some processes; where one has ended, the next images are scored one by one."""
    width = joblib.effective_n_jobs(workers)
    done = 0
    while done < len(pairs):
        folder = os.getcwd()
        jobs = (joblib.delayed(_at)(folder, attempt, files, settings) for files in pairs[done:])
        try:
            for outcome in joblib.Parallel(n_jobs=workers, return_as="generator")(jobs):
                done += 1
                yield outcome
        except BrokenExecutor:
            suspects = pairs[done : done + 2 * width]
            done += len(suspects)
            yield from _one_by_one(suspects, settings)


def _one_by_one(pairs: Iterable[PairFiles], settings: Settings) -> Iterator[Outcome]:
    """By a single process, which is made anew when an image ends it."""
    for files in pairs:
        if not hasattr(_kept, "executor"):
            _kept.executor = ProcessPoolExecutor(1, timeout=_IDLE)
        try:
            yield _kept.executor.submit(_at, os.getcwd(), attempt, files, settings).result()
        except BrokenExecutor:
            del _kept.executor
            yield files, _ended(files)


def _at(
    folder: str,
    work: Callable[[PairFiles, Settings], Outcome],
    files: PairFiles,
    settings: Settings,
) -> Outcome:
    """Work in a process that may have begun in another folder; paths may be relative."""
    os.chdir(folder)
    return work(files, settings)


def _ended(files: PairFiles) -> Failure:
    reason = "ended the process that scored it, as happens when memory runs out"
    return Failure(files.name, printable(f"{files.target}: {reason}"))
