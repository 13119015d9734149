"""What a training cost, and how its loss fell."""

from __future__ import annotations

import contextlib
import json
import math
import resource
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

PARTS = 8
"""Parts of a training of which the mean loss is kept."""


def peak_memory() -> float:
    """Largest memory so far, MiB: of the GPU where there is one, otherwise of the process."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    # Linux counts KiB, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def device_name() -> str:
    """The GPU, or ``cpu``."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def loss_curve(losses: Mapping[int, float], length: int) -> list[float | None]:
    """Mean training loss of each eighth of a training.

    Args:
        losses: By step, the first of which is 1; not every step need be there, and steps beyond
            an end count to it.
        length: The last step.

    Returns:
        A mean for each part; None where no loss is known, or one is not finite.

    Example:
        >>> loss_curve({1: 4.0, 2: 2.0, 16: 1.0}, length=16)
        [3.0, None, None, None, None, None, None, 1.0]
    """
    parts: list[list[float]] = [[] for _ in range(PARTS)]
    for step, loss in losses.items():
        parts[(min(max(step, 1), length) - 1) * PARTS // length].append(loss)
    means = [math.fsum(part) / len(part) if part else math.nan for part in parts]
    return [mean if math.isfinite(mean) else None for mean in means]


def whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a log with one a line, without a line that a power cut or a kill cut off.

    Args:
        path: The log.

    Yields:
        The objects, the first first.
    """
    for line in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            yield json.loads(line)
