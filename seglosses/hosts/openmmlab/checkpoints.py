"""Checkpoints: nothing is unpickled without trust, and damaged files are named and skipped.

A checkpoint is a pickle, and a pickle may run any program when it is read. mmengine reads it
without restrictions, or falls back to that when a restricted reading fails. Here PyTorch's own
switch, ``TORCH_FORCE_WEIGHTS_ONLY_LOAD``, is set for the process (:func:`guard`) or for a block
(:func:`weights_only`), so that it holds for every reader: of training, resuming, testing, teachers,
pretrained backbones and URLs, in both families.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log


class CheckpointError(ValueError):
    """A checkpoint that is damaged, or that could run programs when it is read."""


_SWITCH = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_OPPOSITE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def guard(*, trust: bool) -> None:
    """Decide for the rest of the process whether checkpoints may hold more than weights.

    Args:
        trust: Whether the user said that every checkpoint of this run may run programs.
    """
    trust_own_checkpoints()
    for name in (_SWITCH, _OPPOSITE):
        os.environ.pop(name, None)
    os.environ[_OPPOSITE if trust else _SWITCH] = "1"


@contextmanager
def weights_only(*, trust: bool = False) -> Iterator[None]:
    """As :func:`guard`, inside of a block; trust that the process has is kept.

    Args:
        trust: Whether the user said that what is read here may run programs.
    """
    before = {name: os.environ.get(name) for name in (_SWITCH, _OPPOSITE)}
    try:
        guard(trust=trust or before[_OPPOSITE] == "1")
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def explained(path: str | Path, remedy: str) -> Iterator[None]:
    """Say of a checkpoint that cannot be read what it is and what to do.

    Args:
        path: A file, or an address that mmengine knows.
        remedy: How the user says that the file is trusted.

    Raises:
        CheckpointError: for a damaged file, or one that holds more than weights.
    """
    if os.path.isfile(path) and (found := damage(path)) is not None:
        raise CheckpointError(f"the checkpoint {path} is damaged ({found}); give another one")
    try:
        yield
    except (pickle.UnpicklingError, RuntimeError) as error:
        reason = str(error)
        if os.environ.get(_SWITCH) != "1" or "weights_only" not in reason.lower().replace(" ", "_"):
            raise
        names = re.findall(r"(?:GLOBAL|Unsupported \w+) `?([\w.]+)", reason)
        inside = f" ({', '.join(dict.fromkeys(names))})" if names else ""
        raise CheckpointError(
            f"the checkpoint {path} holds more than weights{inside}: reading it could run any"
            f" program, so nothing was read. If you trust who made it, {remedy}"
        ) from error


def damage(path: str | Path) -> str | None:
    """What is wrong with the bytes of a checkpoint, None for a sound file.

    Nothing is unpickled: the file is a ZIP archive, and its checksums are compared.

    Args:
        path: A file.

    Returns:
        A few words.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "iter_2.pth")
        ...     torch.save({"a": torch.zeros(2)}, file)
        ...     sound, size = damage(file), file.write_bytes(file.read_bytes()[:-30])
        ...     sound, damage(file)
        (None, 'it is cut off')
    """
    with open(path, "rb") as file:
        start = file.read(4)
    if not start:
        return "it is empty"
    if not zipfile.is_zipfile(path):
        # before PyTorch 1.6 files were plain pickles, which have no checksums
        return "it is cut off" if start[:2] == b"PK" else (
            None if start[:1] == b"\x80" else "it is no checkpoint"
        )  # fmt: skip
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        return str(error)
    return None if broken is None else f"{broken} differs from its checksum"


def newest_checkpoint(work_dir: str | Path) -> Path | None:
    """The newest checkpoint of a training that can be read; damaged ones are named in the log.

    The one that mmengine noted in ``last_checkpoint`` comes first, then those of earlier iterations
    in the folder, from the latest on. ``best_*.pth`` are for testing and do not count.

    Args:
        work_dir: Folder of the training.

    Returns:
        A file, None where there is none.
    """
    folder = Path(work_dir)
    note = folder / "last_checkpoint"
    named = Path(note.read_text(encoding="utf-8").strip() or ".") if note.is_file() else Path()
    last = next((one for one in (named, folder / named.name) if one.is_file()), None)
    found = {path: _number(path) for path in folder.glob("*.pth")}
    known = {path: number for path, number in found.items() if number is not None}
    limit = None if last is None else _number(last)
    earlier = [path for path, number in known.items() if limit is None or number < limit]
    candidates = sorted(earlier, key=lambda path: known[path], reverse=True)
    damaged = []
    for path in [*([] if last is None else [last]), *candidates]:
        if (reason := damage(path)) is None:
            break
        damaged.append(f"{path} ({reason})")
    else:
        path = None
    if damaged:
        instead = "the training begins anew" if path is None else f"it goes back to {path}"
        print_log(
            f"damaged, most likely by an interruption: {', '.join(damaged)}; {instead}",
            logger="current",
            level=logging.WARNING,
        )
    return path


def _number(path: Path) -> int | None:
    match = re.search(r"(\d+)\.pth$", path.name)
    return None if match is None or path.name.startswith("best_") else int(match[1])


def trust_own_checkpoints() -> None:
    """Let ``torch.load`` read what a Runner writes beside the weights.

    mmengine keeps its log history in checkpoints, which ``torch.load`` refuses unless its classes
    are named. Naming these few keeps the refusal for everything else.
    """
    if not hasattr(torch.serialization, "add_safe_globals"):
        return
    dtypes: list[Any] = [type(np.dtype(kind)) for kind in ("f8", "f4", "i8", "i4", "u1", "?")]
    rebuild: Any = np.array(0.0).__reduce__()[0]
    scalar: Any = np.float64(0.0).__reduce__()[0]
    method = (_history_method, "builtins.getattr")
    torch.serialization.add_safe_globals(
        [HistoryBuffer, np.ndarray, np.dtype, rebuild, scalar, method, *dtypes]
    )


def _history_method(owner: object, name: str) -> object:
    """What ``getattr`` means in a checkpoint: a statistic of the log history, nothing else."""
    if owner is not HistoryBuffer:
        raise ValueError(f"A checkpoint asked for {name!r} of {owner!r}; do not trust this file.")
    return getattr(owner, name)
