"""Where runs train at the same time: a slot for each GPU, or for each core where there is none."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_ANYWHERE = "--profile cpu runs anywhere"
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Slot:
    """Room for one run.

    Attributes:
        name: For messages; empty on a CPU.
        env: What a run in it finds in its environment.
    """

    name: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


def visible_gpus() -> list[str]:
    """Names of the GPUs that CUDA shows to this process, as ``CUDA_VISIBLE_DEVICES`` takes them.

    Returns:
        Names, none without a GPU.
    """
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    given = os.environ.get(VISIBLE)
    names = [str(index) for index in range(count)]
    if given is None:
        return names
    return [name.strip() for name in given.split(",") if name.strip()][:count]


def choose_slots(
    gpus: Sequence[str] | None, jobs: int | None, *, needs_gpu: bool, visible: Sequence[str]
) -> list[Slot]:
    """Slots for the runs of a benchmark.

    Args:
        gpus: Names of GPUs; one that is named twice takes two runs at a time. None for those that
            are visible, empty for none.
        jobs: At most so many runs at a time; None for one per GPU, without GPUs one per core.
        needs_gpu: Whether the runs cannot do without.
        visible: Names of the GPUs that there are.

    Returns:
        At least one slot.

    Raises:
        ValueError: There is no such GPU, or none where one is needed.

    Example:
        >>> slots = choose_slots(None, None, needs_gpu=True, visible=["0", "1"])
        >>> [slot.env["CUDA_VISIBLE_DEVICES"] for slot in slots]
        ['0', '1']
        >>> [slot.name for slot in choose_slots(["1", "1"], None, needs_gpu=True, visible=["1"])]
        ['GPU 1', 'GPU 1']
        >>> len(choose_slots(None, 3, needs_gpu=False, visible=[]))
        3
    """
    check_wishes(gpus, jobs, needs_gpu=needs_gpu)
    chosen = list(visible if gpus is None else gpus)
    unknown = [name for name in chosen if name not in visible]
    if unknown:
        there = ", ".join(visible) or "none"
        raise ValueError(f"no GPU {', '.join(unknown)}: visible are {there}")
    if chosen:
        slots = [Slot(f"GPU {name}", {VISIBLE: name}) for name in chosen]
        return slots[: jobs or len(slots)]
    if needs_gpu:
        raise ValueError(f"this profile needs a GPU, and none is visible; {_ANYWHERE}")
    env = {} if gpus is None else {VISIBLE: ""}
    return [Slot(env=env)] * (jobs or os.cpu_count() or 1)


def check_wishes(gpus: Sequence[str] | None, jobs: int | None, *, needs_gpu: bool) -> None:
    """Refuse what no machine can do, also of runs that others will start.

    Args:
        gpus: As for :func:`choose_slots`.
        jobs: As for :func:`choose_slots`.
        needs_gpu: As for :func:`choose_slots`.

    Raises:
        ValueError: No run at a time, or no GPU where one is needed.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"expected --jobs of at least 1, got {jobs}")
    if needs_gpu and gpus is not None and not gpus:
        raise ValueError(f"this profile needs a GPU, got --gpus none; {_ANYWHERE}")


def read_gpus(text: str) -> list[str]:
    """GPUs of the command line.

    Args:
        text: Names separated by commas, or ``none``.

    Returns:
        Names.

    Raises:
        ArgumentTypeError: A name is missing.

    Example:
        >>> read_gpus("0,1"), read_gpus("none")
        (['0', '1'], [])
    """
    names = [name.strip() for name in text.split(",")]
    if "" in names:
        raise argparse.ArgumentTypeError(f"expected names as 0,1, or none, got {text!r}")
    return [] if names == ["none"] else names
