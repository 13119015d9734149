"""Warnings of an evaluation, on the terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Show what an evaluation warns of, each once, wherever else it is logged."""
    logger, handler = logging.getLogger("seglosses"), logging.StreamHandler(sys.stderr)
    said: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        new = text not in said
        said.add(text)
        return new

    handler.addFilter(is_new)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
