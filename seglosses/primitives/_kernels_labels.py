"""Kernels that look at labels: their extremes, and those that are ignored, in one pass each."""

from __future__ import annotations

from typing import Any

from seglosses.primitives._kernels_compiled import lanes


@lanes
def extremes(labels: Any) -> tuple[Any, Any]:
    """Least and largest of labels (P,), of which there is at least one."""
    least, most = labels[0], labels[0]
    for p in range(labels.size):
        least = min(least, labels[p])
        most = max(most, labels[p])
    return least, most


@lanes
def split_ignored(labels: Any, ignored: int, clean: Any, counts: Any) -> int:
    """Labels (P,) with 0 where ignored, which of them count, and how many do."""
    kept = 0
    for p in range(labels.size):
        counted = labels[p] != ignored
        clean[p] = labels[p] if counted else 0
        counts[p] = counted
        kept += counted
    return kept
