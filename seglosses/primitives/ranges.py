"""Numbers in an interval; needs neither torch nor NumPy."""

from __future__ import annotations

import math
from numbers import Integral, Real


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
        number = finite(value)
        fits = low <= number <= high
        fits = fits and not (number == low and interval[0] == "(")
        fits = fits and not (number == high and interval[-1] == ")")
        if not fits or (whole and not isinstance(value, Integral)):
            kind = "be a whole number" if whole else "lie"
            tail = f"; {remedy}" if remedy else ""
            raise ValueError(f"{name} must {kind} in {interval}, got {value!r}{tail}")


def finite(value: object) -> float:
    """The number, NaN for what is none or is infinite."""
    if not isinstance(value, Real):
        return math.nan
    # not math.isfinite, which has no symbolic form where torch.compile keeps a number open
    number = float(value)
    return number if -math.inf < number < math.inf else math.nan
