"""Numbers of COCO files: finite ones, of a size that C code and sums can take."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

FARTHEST = 1e6
"""Pixels from the corner of an image; far beyond, the 32 bits of pycocotools' C code overflow."""


def is_near(given: Any) -> bool:
    """Whether something is a coordinate.

    Args:
        given: What stands in the file.

    Returns:
        True for a number of at most :data:`FARTHEST`.

    Example:
        >>> is_near(-3.5), is_near(True), is_near(float("nan"))
        (True, False, False)
    """
    if isinstance(given, bool) or not isinstance(given, int | float):
        return False
    return abs(given) <= FARTHEST


def box_of(given: Any, place: str) -> list[float]:
    """A box.

    Args:
        given: What stands in the file.
        place: Where, for the message.

    Returns:
        Left, top, width and height.

    Raises:
        ValueError: For anything else.

    Example:
        >>> box_of([1, 2, 3, 4], "annotations[0].bbox of gt.json")
        [1.0, 2.0, 3.0, 4.0]
    """
    numbers = isinstance(given, list) and len(given) == 4 and all(map(is_near, given))
    if not numbers or given[2] < 0 or given[3] < 0:
        raise ValueError(
            f"{place}: expected [x, y, width, height], finite numbers with sides of at least 0 and"
            f" none beyond {FARTHEST:,.0f}, got {given!r}; correct it, or remove the row"
        )
    return [float(x) for x in given]


def number_of(given: Any, place: str, least: float = -math.inf) -> float:
    """A finite number.

    Args:
        given: What stands in the file.
        place: Where, for the message.
        least: The smallest that has a meaning.

    Returns:
        The number.

    Raises:
        ValueError: For anything else.

    Example:
        >>> number_of(-5, "annotations[0].area of gt.json", least=0)
        Traceback (most recent call last):
        ValueError: annotations[0].area of gt.json: expected at least 0, got -5; correct it
    """
    if isinstance(given, bool) or not isinstance(given, Real) or not math.isfinite(given):
        raise ValueError(f"{place}: expected a finite number, got {given!r}; correct it")
    if given < least:
        raise ValueError(f"{place}: expected at least {least}, got {given!r}; correct it")
    return float(given)
