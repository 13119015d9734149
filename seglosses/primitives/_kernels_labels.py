"""Kernels of one pass over labels: their extremes, those that are ignored, sums by label."""

from __future__ import annotations

from typing import Any

from seglosses.primitives._kernels_compiled import kernel, lanes


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


@kernel
def add_up(numbers: Any, values: Any, totals: Any) -> None:
    """Add values (R, P) to the totals (R, M) of their numbers in [0, M), in float64."""
    for r in range(len(numbers)):
        last, run = 0, 0.0
        for p in range(numbers.shape[1]):
            # neighbours mostly have one number: their sum stays in a register
            if numbers[r, p] != last:
                totals[r, last] += run
                last, run = numbers[r, p], 0.0
            run += values[r, p]
        totals[r, last] += run


@kernel
def count_up(numbers: Any, sizes: Any) -> None:
    """Count how often each number in [0, M) is in a row: (R, P) to (R, M)."""
    for r in range(len(numbers)):
        last, first = 0, 0
        for p in range(numbers.shape[1]):
            if numbers[r, p] != last:
                sizes[r, last] += p - first
                last, first = numbers[r, p], p
        sizes[r, last] += numbers.shape[1] - first


@kernel
def hand_out(numbers: Any, levers: Any, grad: Any) -> None:
    """The gradient (R, P) of :func:`add_up`, given that of the totals (R, M)."""
    for r in range(len(numbers)):
        for p in range(numbers.shape[1]):
            grad[r, p] = levers[r, numbers[r, p]]
