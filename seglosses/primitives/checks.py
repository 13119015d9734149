"""What options and inputs of a loss may hold, checked where they are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand


def check_range(interval: str, *, whole: bool = False, remedy: str = "", **numbers: object) -> None:
    """Raise ``ValueError`` unless each of these is a finite number in the interval.

    Args:
        interval: As in a textbook, for example ``"[0, 1)"`` or ``"(0, inf)"``.
        whole: Numbers must be integers.
        remedy: What to do instead, where the interval does not say it.
        numbers: Options by name.

    Raises:
        ValueError: for anything else, NaN and infinity included.

    Example:
        >>> check_range("[0, 1)", gamma=0.5)
        >>> check_range("[0, 1)", gamma=1.0)
        Traceback (most recent call last):
        ValueError: gamma must lie in [0, 1), got 1.0
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    for name, value in numbers.items():
        number = _finite(value)
        fits = low <= number <= high
        fits = fits and not (number == low and interval[0] == "(")
        fits = fits and not (number == high and interval[-1] == ")")
        if not fits or (whole and not isinstance(value, Integral)):
            kind = "be a whole number" if whole else "lie"
            tail = f"; {remedy}" if remedy else ""
            raise ValueError(f"{name} must {kind} in {interval}, got {value!r}{tail}")


def _finite(value: object) -> float:
    """The number, NaN for what is none or is infinite."""
    return float(value) if isinstance(value, Real) and math.isfinite(value) else math.nan


def class_factors(given: Sequence[float] | Tensor | None) -> Tensor | None:
    """The option ``class_weight`` as a tensor (C,) of its own.

    Args:
        given: One factor a class, finite and at least 0.

    Raises:
        ValueError: for anything else, such as one number or the path of a file.

    Example:
        >>> class_factors([0.5, 2.0])
        tensor([0.5000, 2.0000])
    """
    if given is None:
        return None
    # tensors and arrays
    values = given.tolist() if hasattr(given, "tolist") else given
    fits = isinstance(values, Sequence) and not isinstance(values, str)
    if fits:
        values = [_number(each) for each in values]
    if not fits or not all(_finite(value) >= 0 for value in values):
        raise ValueError(
            f"class_weight must be finite numbers of at least 0, one a class, got {given!r};"
            " read them first where they lie in a file"
        )
    return torch.tensor(values, device=given.device if isinstance(given, Tensor) else None).float()


def _number(value: object) -> object:
    return value.item() if isinstance(value, Tensor) and value.dim() == 0 else value


def require_between(values: Tensor, low: float, high: float, expected: str) -> None:
    """Raise ``ValueError`` for values out of a range or NaN: at once on a CPU.

    Elsewhere the device asserts it, without synchronisation.

    Example:
        >>> require_between(torch.tensor([0, 2]), 0, 1, "labels must be 0 or 1")
        Traceback (most recent call last):
        ValueError: labels must be 0 or 1; got values from 0 to 2
    """
    if not values.numel():
        return
    least, most = values.aminmax()
    if not at_hand(values):
        torch._assert_async((least >= low) & (most <= high), expected)
    elif not low <= least.item() <= most.item() <= high:
        raise ValueError(f"{expected}; got values from {least.item()} to {most.item()}")


def check_weight(weight: Tensor) -> None:
    """Raise ``ValueError`` for weights that are negative, NaN or infinite.

    Example:
        >>> check_weight(torch.tensor([0.0, 2.0]))
    """
    most = torch.finfo(weight.dtype).max
    require_between(weight, 0.0, most, "weight must be finite, at least 0; 0 leaves out")
