"""Scores of all processes of a distributed run, brought together in every one of them."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import distributed

from seglosses.evaluate.kept import Kept

#: Seconds after which a process that waits for others says so.
_PATIENCE = 30.0


class Part(NamedTuple):
    """What one process knows.

    Args:
        settings: What its scores depend on, as a text that is equal for equal settings.
        ids: One for each image; None where they have none.
        values: (images, classes, columns).
    """

    settings: str
    ids: list[str] | None
    values: NDArray[np.float64]


def is_distributed() -> bool:
    """Whether there are other processes to gather from."""
    return (
        distributed.is_available()
        and distributed.is_initialized()
        and distributed.get_world_size() > 1
    )


def meet(group: Any = None, *, timeout: float | None = None) -> None:
    """Wait until every process of a group is here, and say so when one does not come.

    Args:
        group: A process group; None for all processes.
        timeout: Seconds to wait at most; None for the limit of the group.

    Raises:
        ValueError: When that is over, or the connection to another process is lost.
    """
    rank, start, said = distributed.get_rank(group), time.monotonic(), False
    remedy = (
        "every process must call compute(), also where it has no image: call it outside of `if rank"
        " == 0` (is_main_process(), trainer.is_global_zero), or make Scores with gather=False to"
        " score the images of one process alone"
    )
    try:
        # some backends wait without end when a process is missing; to look costs them nothing
        work = distributed.barrier(group=group, async_op=True)
        if work is None:  # of a group that this process is not in
            return
        while not work.is_completed():
            waited = time.monotonic() - start
            if timeout is not None and waited > timeout:
                raise ValueError(
                    f"rank {rank} waited {waited:.0f} s in compute() for the other processes:"
                    f" {remedy}"
                )
            if waited > _PATIENCE and not said:
                said = True
                logging.getLogger("seglosses").warning(
                    "rank %d has been waiting in compute() for the other processes for %.0f s: %s",
                    rank, waited, remedy,
                )  # fmt: skip
            time.sleep(0.001 if waited < 1 else 0.05)
        work.wait()
    except RuntimeError as error:
        raise ValueError(
            f"rank {rank} lost the other processes in compute() after"
            f" {time.monotonic() - start:.0f} s ({str(error).splitlines()[0]}): {remedy}"
        ) from error


def all_parts(part: Part, group: Any = None, *, timeout: float | None = None) -> list[Part]:
    """The parts of all processes of a group, in the order of their ranks.

    Every process calls this, and gets the same; how many images each one has does not matter.

    Args:
        part: Of this process.
        group: A process group; None for all processes.
        timeout: Of :func:`meet`.

    Returns:
        One part a process.

    Raises:
        ValueError: In every process, when their settings differ, or some have ids and some none;
            and where others do not come.
    """
    meet(group, timeout=timeout)
    parts: list[Any] = [None] * distributed.get_world_size(group)
    distributed.all_gather_object(parts, tuple(part), group=group)
    found = [Part(*one) for one in parts]
    for rank, one in enumerate(found):
        if one.settings != found[0].settings:
            raise ValueError(
                f"rank {rank} scores other columns or classes, or with other options, than rank 0:"
                " make Scores with the same arguments on all ranks"
            )
    named = [rank for rank, one in enumerate(found) if len(one.values) and one.ids is not None]
    nameless = [rank for rank, one in enumerate(found) if len(one.values) and one.ids is None]
    if named and nameless:
        raise ValueError(
            f"rank {named[0]} gave ids to update() and rank {nameless[0]} gave none: give them on"
            " all ranks, or on none"
        )
    return found


def dealt(parts: Sequence[Sequence[Any]]) -> list[Any]:
    """Items of all processes in the order in which a distributed sampler dealt them out.

    Args:
        parts: Items of each process.

    Returns:
        The first of each, the second of each, and so on.

    Example:
        >>> dealt([["a", "c", "e"], ["b", "d"]])
        ['a', 'b', 'c', 'd', 'e']
    """
    nothing = object()
    rounds = zip_longest(*parts, fillvalue=nothing)
    return [item for items in rounds for item in items if item is not nothing]


def gather_into(kept: Kept, part: Part, group: Any = None, *, timeout: float | None = None) -> None:
    """Count the images of all processes of a group; every process calls this.

    Args:
        kept: What they are added to, empty at first.
        part: Of this process.
        group: A process group; None for all processes.
        timeout: Of :func:`meet`.

    Raises:
        ValueError: As :func:`all_parts`, and when an id has two ground truths.
    """
    parts = all_parts(part, group, timeout=timeout)
    if any(one.ids is not None for one in parts):
        for one in parts:
            kept.extend(one.values, one.ids, "same truth")
        return
    counts = {len(one.values) for one in parts}
    if counts != {0}:
        warnings.warn(
            "update() got no ids, so that Scores counts every image of every process. A distributed"
            " sampler repeats samples to give all processes as many, and these count twice: give"
            " ids=, such as the names of the files. Where every process gets the batches of all,"
            " as from the Trainer of transformers, set gather=False",
            stacklevel=4,
        )
    values = dealt([list(one.values) for one in parts])
    kept.extend(np.array(values).reshape(-1, *parts[0].values.shape[1:]), None)
