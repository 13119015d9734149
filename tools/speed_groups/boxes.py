"""Box losses against MMDetection's: weighted pairs, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case, peer

from seglosses import losses

#: ours -> theirs, with options under which both compute the same
PAIRS = {
    "IoULoss": ("IoULoss", {}),
    "GIoULoss": ("GIoULoss", {}),
    "DIoULoss": ("DIoULoss", {}),
    "CIoULoss": ("CIoULoss", {}),
    "SIoULoss": ("SIoULoss", {"neg_gamma": True}),
}
#: members of the family that MMDetection does not have
ALONE = (
    "EfficientIoULoss",
    "ShapeIoULoss",
    "MPDIoULoss",
    "InnerIoULoss",
    "WiseIoULoss",
    "PIoULoss",
    "PIoUv2Loss",
)


def cases() -> Iterator[Case]:
    """The family at growing numbers of pairs, and members that have no peer."""
    yield from pairs((100, 1000, 10_000, 100_000))
    pred, target, weight = _pairs(100_000)
    for ours in ALONE:
        run = _run(getattr(losses, ours)(), pred, target, weight)
        yield Case(f"{ours} 100000", {"seglosses": run}, torch.empty(100_000))
    yield from pairs((1_000_000,))


def pairs(counts: tuple[int, ...]) -> Iterator[Case]:
    """Ours beside MMDetection's; the unit of kept bytes is 4 per box."""
    for count in counts:
        pred, target, weight = _pairs(count)
        unit = torch.empty(count)
        for ours, (theirs, options) in PAIRS.items():
            missing: list[str] = []
            runs = {"seglosses": _run(getattr(losses, ours)(), pred, target, weight)}
            if make := peer(f"mmdet.models.losses.{theirs}", missing):
                runs["mmdet"] = _run(make(**options), pred, target, weight)
            yield Case(f"{ours} {count}", runs, unit, tuple(missing))


def _run(
    loss: torch.nn.Module, pred: torch.Tensor, target: torch.Tensor, weight: torch.Tensor
) -> Callable[[], Any]:
    return lambda: loss(pred, target, weight, avg_factor=float(len(pred)))


def _pairs(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    corner, side = 640 * torch.rand(count, 2), 4 + 160 * torch.rand(count, 2)
    target = torch.cat([corner, corner + side], 1)
    shift = 0.2 * torch.randn(count, 2) * side
    pred = torch.cat(
        [corner + shift, corner + shift + side * (0.7 + 0.6 * torch.rand(count, 2))], 1
    )
    return pred.requires_grad_(), target, 0.1 + torch.rand(count)
