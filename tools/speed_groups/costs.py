"""What losses of structure cost beside CE + Dice, from a smooth prediction to an untrained one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case
from torch import Tensor

from seglosses import losses
from seglosses.losses import CrossEntropyLoss, DiceLoss
from speed_groups.skeleton import forgetful, predicted_wall

LOSSES: dict[str, Callable[..., Any]] = {
    "soft clDice, 3 erosions": losses.SoftClDiceLoss(3),
    "soft clDice, 10 erosions": losses.SoftClDiceLoss(10),
    "skeleton recall": forgetful(losses.SkeletonRecallLoss()),
    "centre-line CE": losses.CenterlineCrossEntropyLoss(),
    "cbDice": forgetful(losses.CenterlineBoundaryDiceLoss()),
    "Topograph": losses.TopographLoss(),
    "warping": losses.WarpingLoss(),
    "TopoLoss, windows": losses.TopoLoss(),
    "TopoLoss, whole image": losses.TopoLoss(window=None),
    "Betti matching": losses.BettiMatchingLoss(),
    "topological prior": losses.TopologicalPriorLoss(),
    "supervoxel": losses.SupervoxelLoss(),
    "MALIS": losses.MalisLoss(),
    "skeleton aware": forgetful(losses.SkeletonAwareLoss()),
    "skeleton tolerance": forgetful(losses.SkeletonToleranceLoss()),
    "Morse": forgetful(losses.MorseLoss()),
    "cavity": losses.CavityLoss(),
}


def cases() -> Iterator[Case]:
    """One wall under three predictions: smooth, noisy, and of an untrained network."""
    smooth, labels = predicted_wall(512)
    for kind, logits in outputs(smooth):
        for name, loss in LOSSES.items():
            yield beside(f"{name}, {kind} wall of 512", loss, logits, labels)


def outputs(smooth: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Logits as of a trained network, these with noise at each pixel, and of an untrained one."""
    noise = torch.randn(smooth.shape, generator=torch.Generator().manual_seed(0))
    yield "smooth", smooth
    yield "noisy", (smooth.detach() + 0.8 * noise).requires_grad_()
    yield "untrained", (0.3 * noise).requires_grad_()


def beside(name: str, loss: Callable[..., Any], logits: Tensor, labels: Tensor) -> Case:
    """A loss against cross-entropy and Dice."""
    entropy, dice = CrossEntropyLoss(), DiceLoss()
    runs = {
        "seglosses": lambda: loss(logits, labels),
        "CE + Dice": lambda: entropy(logits, labels) + dice(logits, labels),
    }
    return Case(name, runs, logits)
