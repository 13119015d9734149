"""What losses of structure cost beside CE + Dice, from a smooth prediction to an untrained one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case

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
    noise = torch.randn(smooth.shape, generator=torch.Generator().manual_seed(0))
    entropy, dice = CrossEntropyLoss(), DiceLoss()
    for kind, logits in (
        ("smooth", smooth),
        ("noisy", (smooth.detach() + 0.8 * noise).requires_grad_()),
        ("untrained", (0.3 * noise).requires_grad_()),
    ):
        for name, loss in LOSSES.items():
            runs = {
                "seglosses": lambda loss=loss, x=logits: loss(x, labels),
                "CE + Dice": lambda x=logits: entropy(x, labels) + dice(x, labels),
            }
            yield Case(f"{name}, {kind} wall of 512", runs, logits)
