"""Inputs on which published implementations were run, for goldens of the topological losses.

`bricks32` (two walls, blurred, with noise) and `empty_target16` (noise, no foreground) are stored
numbers; the others are built here. Logits are (-z, z).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

STORED = Path(__file__).with_suffix(".npz")


def stored(name: str) -> tuple[Tensor, Tensor]:
    with np.load(STORED) as arrays:
        half = torch.from_numpy(arrays[f"{name}_logit"])
        label = torch.from_numpy(np.unpackbits(arrays[f"{name}_label"], axis=-1)).long()
    return torch.stack([-half, half], 1), label


def confident(mask: Tensor, size: float) -> Tensor:
    half = torch.where(mask, size, -size)
    return torch.stack([-half, half], 1)


def break_island24() -> tuple[Tensor, Tensor]:
    """A line of three pixels' width, broken in one column, and an island of 2 x 2."""
    label = torch.zeros(1, 24, 24, dtype=torch.long)
    label[:, 10:13] = 1
    seen = label.bool()
    seen[:, 10:13, 11] = False
    seen[:, 3:5, 3:5] = True
    return confident(seen, 4.0), label


def perfect32() -> tuple[Tensor, Tensor]:
    _, label = stored("bricks32")
    return confident(label[:1].bool(), 10.0), label[:1]


def case(name: str) -> tuple[Tensor, Tensor]:
    if name == "break_island24":
        return break_island24()
    return perfect32() if name == "perfect32" else stored(name)


def bars() -> Tensor:
    """Two bars that touch no border, five and three pixels wide."""
    label = torch.zeros(1, 24, 24, dtype=torch.long)
    label[:, 3:8, 2:22] = 1
    label[:, 15:18, 2:22] = 1
    return label


def spoiled(defect: str) -> Tensor:
    """The mask of :func:`bars` with one error, or none of topology."""
    seen = bars().bool()
    if defect == "break":
        seen[:, 15:18, 11] = False
    elif defect == "bridge":
        seen[:, 8:15, 12:14] = True
    elif defect == "island":
        seen[:, 20:22, 5:7] = True
    elif defect == "hole":
        seen[:, 5, 6] = False
    elif defect == "deformation":
        seen[:, 8, 2:22] = True  # one row wider
        seen[:, 15:18, 20:22] = False  # and one end shorter
    return seen


def graded(defect: str, size: float = 3.0) -> Tensor:
    """Logits of a spoiled mask: sure and untied where right, hesitant where wrong."""
    seen, label = spoiled(defect), bars().bool()
    jitter = torch.rand(seen.shape, generator=torch.Generator().manual_seed(0))
    strength = torch.where(seen == label, size + jitter, 0.2 + jitter / 5)
    half = torch.where(seen, strength, -strength)
    return torch.stack([-half, half], 1) / 2


def grid(defect: str = "") -> tuple[Tensor, Tensor]:
    """Six cells between lines: logits that hesitate at a gap or false line, and the label."""
    label = torch.zeros(1, 32, 32, dtype=torch.long)
    label[:, 9:12] = label[:, 20:23] = 1
    label[:, :, 15:18] = 1
    seen = label.bool()
    if defect == "gap":
        seen[:, 9:12, 6] = False
    elif defect == "false line":
        seen[:, 12:20, 24] = True
    elif defect == "wider":
        seen[:, 12] = True
    jitter = torch.rand(seen.shape, generator=torch.Generator().manual_seed(0))
    strength = torch.where(seen == label.bool(), 9 + jitter, 0.2 + jitter / 5)
    half = torch.where(seen, strength, -strength)
    return torch.stack([-half, half], 1) / 2, label
