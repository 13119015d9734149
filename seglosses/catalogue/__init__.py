"""The index of losses, and ``seglosses list``."""

from __future__ import annotations

from seglosses.catalogue.entries import Entry, as_markdown, as_text, entries, matching
from seglosses.losses.exported import loss_classes

__all__ = ["Entry", "as_markdown", "as_text", "entries", "loss_classes", "matching"]
