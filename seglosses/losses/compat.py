"""Definitions of published programs that a loss can follow instead of its paper.

Losses whose released code differs take ``compat='topomortar'``; it changes the definition only.
"""

from __future__ import annotations

from typing import Literal

Compat = Literal["topomortar"]


def check_compat(compat: str | None) -> None:
    """Refuse names of programs that are not reproduced.

    Raises:
        ValueError: For another name.

    Example:
        >>> check_compat("topomortar")
    """
    if compat not in (None, "topomortar"):
        raise ValueError(f"compat must be None or 'topomortar', got {compat!r}")
