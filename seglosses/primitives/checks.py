"""What options and inputs of a loss may hold, checked where they are given."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives import _kernels_labels as kernels
from seglosses.primitives.attention import when_to_check
from seglosses.primitives.device import at_hand
from seglosses.primitives.ranges import check_range as check_range
from seglosses.primitives.ranges import finite


def class_factors(
    given: Sequence[float] | Tensor | str | Path | None, name: str = "class_weight"
) -> Tensor | None:
    """The option ``class_weight`` as a tensor (C,) of its own.

    Args:
        given: One factor per class, finite and at least 0, or the path of a file that holds them:
            ``.npy`` or ``.json``.
        name: Of the option, for messages.

    Raises:
        ValueError: for anything else, such as one number, or a file that is missing.

    Example:
        >>> class_factors([0.5, 2.0])
        tensor([0.5000, 2.0000])
    """
    if given is None:
        return None
    named = isinstance(given, str | Path)
    held: Any = _read_numbers(Path(given), name) if isinstance(given, str | Path) else given
    if isinstance(held, Tensor | np.ndarray) and max(held.shape, default=0) == math.prod(
        held.shape
    ):
        held = held.reshape(-1)  # (C, 1, 1), as torch has pos_weight
    # tensors and arrays
    values = held.tolist() if hasattr(held, "tolist") else held
    fits = isinstance(values, Sequence) and not isinstance(values, str)
    if fits:
        values = [_number(each) for each in values]
    if not fits or not all(finite(value) >= 0 for value in values):
        raise ValueError(
            f"{name} must be finite numbers of at least 0, one per class, or the path of a .npy or"
            f" .json file of them, got {values!r}{f' in {given}' if named else ''}"
        )
    return torch.tensor(values, device=given.device if isinstance(given, Tensor) else None).float()


def _read_numbers(path: Path, name: str) -> Any:
    """What a file holds, read without running what may be written in it."""
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".json":
            return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} cannot be read from {path}: {error}") from error
    raise ValueError(
        f"{name} is read from .npy and .json files, got {str(path)!r}; a pickle can run code: load"
        " it where you trust it, and save its numbers by numpy.save"
    )


def _number(value: Any) -> object:
    return value.item() if getattr(value, "ndim", 1) == 0 else value


def require(condition: Tensor, expected: str) -> None:
    """Raise ``ValueError`` unless the scalar ``condition`` holds, see :func:`require_between`.

    Example:
        >>> require(torch.tensor(False), "labels must be whole")
        Traceback (most recent call last):
        ValueError: labels must be whole
    """
    when = when_to_check(condition)
    if when == "async":
        torch._assert_async(condition, expected)
    elif when == "sync" and not bool(condition):
        raise ValueError(expected)


def require_between(values: Tensor, low: float, high: float, expected: str) -> None:
    """Raise ``ValueError`` for values out of a range or NaN: at once on a CPU.

    Elsewhere :mod:`seglosses.primitives.attention` says when the host asks, and when the device
    asserts it by itself.

    Example:
        >>> require_between(torch.tensor([0, 2]), 0, 1, "labels must be 0 or 1")
        Traceback (most recent call last):
        ValueError: labels must be 0 or 1; got values from 0 to 2
    """
    when = when_to_check(values)
    if when == "off" or not values.numel():
        return
    if when == "async":
        least, most = values.aminmax()
        torch._assert_async((least >= low) & (most <= high), expected)
        return
    first, last = extremes(values)
    if not low <= first <= last <= high:
        raise ValueError(f"{expected}; got values from {first} to {last}")


def extremes(values: Tensor) -> tuple[float, float]:
    """Least and largest of at least one number, which the host waits for.

    Example:
        >>> extremes(torch.tensor([2, 0, 1])), extremes(torch.tensor([0.5]))
        ((0, 2), (0.5, 0.5))
    """
    if values.dtype == torch.int64 and at_hand(values):
        # ten times as fast as PyTorch's
        least, most = kernels.extremes(values.reshape(-1).numpy())
        return least, most
    # both at once, for on a device each question is a wait
    least, most = torch.stack(values.aminmax()).tolist()
    return least, most


def check_weight(weight: Tensor) -> None:
    """Raise ``ValueError`` for weights that are negative, NaN or infinite.

    Example:
        >>> check_weight(torch.tensor([0.0, 2.0]))
    """
    most = torch.finfo(weight.dtype).max
    require_between(weight, 0.0, most, "weight must be finite, at least 0; 0 leaves out")
