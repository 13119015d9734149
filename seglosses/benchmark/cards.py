"""How runs were made: a card, a JSON file, beside the scores of each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PUBLISHED_SIZE = (512, 512)
"""Image size of runs that do not say theirs."""


_REMEDY = "delete it and the scores beside it, and run again"


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _text(value: object) -> bool:
    return isinstance(value, str)


def _list_of(value: object, fits: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and value != [] and all(map(fits, value))


_FIELDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    **dict.fromkeys(("stamp", "recipe", "engine", "engine_version", "leaf"), ("a text", _text)),
    **dict.fromkeys(("iters", "image_sizes"), ("a whole number above 0", _whole)),
    **dict.fromkeys(("seconds_per_iteration", "peak_memory_mib"), ("a number", _number)),
    "image_size": ("pixels of each axis", lambda value: _list_of(value, _whole)),
    "loss_curve": (
        "a list of numbers or null",
        lambda value: _list_of(value, lambda one: one is None or _number(one)),
    ),
}
"""What is read of a card: what to expect, and whether a value is that."""


def read_card(path: Path) -> dict[str, Any]:
    """How a run was made; empty where nothing is written.

    Args:
        path: The JSON beside the scores.

    Returns:
        What is known.

    Raises:
        ValueError: It is damaged.

    Example:
        >>> read_card(Path("nothing.json"))
        {}
    """
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        card = json.loads(text)
    except ValueError:
        card = None
    if not isinstance(card, dict):
        got = repr(text[:40]) if text else "an empty file"
        raise ValueError(f"{path}: expected a JSON object, got {got}; {_REMEDY}")
    for name, (expected, fits) in _FIELDS.items():
        if name in card and not fits(card[name]):
            raise ValueError(
                f"{path}: expected {expected} as {name}, got {card[name]!r}; {_REMEDY}"
            )
    if "seconds_per_iteration" in card and "peak_memory_mib" not in card:
        raise ValueError(
            f"{path}: expected peak_memory_mib beside seconds_per_iteration, got none; {_REMEDY}"
        )
    return card


def write_at_once(path: Path, text: str) -> None:
    """Write a file at once: whoever looks finds the old one, none, or all of the new one.

    Args:
        path: Where.
        text: All of it.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def image_size_of(card: Mapping[str, Any]) -> tuple[int, ...]:
    """Size of the scored images, :data:`PUBLISHED_SIZE` where the card does not say.

    Where they differ (``image_sizes`` of the card), the largest height and the largest width.

    Args:
        card: Of a run.

    Returns:
        Pixels of each axis.

    Example:
        >>> image_size_of({"image_size": [128, 128]}), image_size_of({})
        ((128, 128), (512, 512))
    """
    return tuple(card.get("image_size", PUBLISHED_SIZE))


def engine_of(card: Mapping[str, Any]) -> str:
    """What trained a run, ``mmseg`` where the card does not say.

    Args:
        card: Of a run.

    Returns:
        A name, with the version where runs depend on it.

    Example:
        >>> engine_of({"engine": "nnunet", "engine_version": "2.8.1"}), engine_of({})
        ('nnunet 2.8.1', 'mmseg')
    """
    return f"{card.get('engine', 'mmseg')} {card.get('engine_version', '')}".strip()
