"""Kinds of features: their colours and words."""

from __future__ import annotations

from seglosses.report.features import Kind
from seglosses.report.overlay import MISSING, SPURIOUS

MATCHED = (88, 196, 106)
FAINT = (242, 201, 76)
COLOURS: dict[Kind, tuple[int, int, int]] = {
    "matched": MATCHED,
    "faint": FAINT,
    "missing": MISSING,
    "spurious": SPURIOUS,
}
NAMES = ("component", "loop", "cavity")


def plural(name: str, count: int) -> str:
    """A word in the number that is needed.

    Args:
        name: One of :data:`NAMES`.
        count: How many.

    Returns:
        A word.

    Example:
        >>> plural("loop", 2), plural("cavity", 2), plural("loop", 1)
        ('loops', 'cavities', 'loop')
    """
    return name if count == 1 else {"cavity": "cavities"}.get(name, name + "s")
