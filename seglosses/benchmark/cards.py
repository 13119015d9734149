"""How runs were made: a card, a JSON file, beside the scores of each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PUBLISHED_SIZE = (512, 512)
"""Image size of runs that do not say theirs."""


def read_card(path: Path) -> dict[str, Any]:
    """How a run was made; empty where nothing is written.

    Args:
        path: The JSON beside the scores.

    Returns:
        What is known.

    Example:
        >>> read_card(Path("nothing.json"))
        {}
    """
    if not path.is_file():
        return {}
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
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
