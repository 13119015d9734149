"""What each loss that `seglosses advise` can propose costs beside CE + Dice, images and volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from speed import Case

from seglosses import losses
from seglosses.losses import CrossEntropyLoss, DiceLoss
from speed_groups.betti import volumes
from speed_groups.costs import beside, outputs
from speed_groups.skeleton import forgetful, predicted_wall

LOSSES: dict[str, Callable[..., Any]] = {
    "cross-entropy": CrossEntropyLoss(),
    "cross-entropy, smooth boundaries": CrossEntropyLoss(boundary_smoothing=0.5),
    "Dice": DiceLoss(),
    "Tversky": losses.TverskyLoss(alpha=0.3, beta=0.7),
    "soft clDice, 3 erosions": losses.SoftClDiceLoss(3),
    "soft clDice, 10 erosions": losses.SoftClDiceLoss(10),
    "skeleton recall": forgetful(losses.SkeletonRecallLoss()),
    "log Hausdorff DT": losses.LogHausdorffDTLoss(),
    "topological prior": losses.TopologicalPriorLoss(),
    "Betti matching": losses.BettiMatchingLoss(),
}


def cases() -> Iterator[Case]:
    """A wall of 512 pixels, and blobs in 48³ and 64³ voxels: smooth, noisy and untrained output."""
    for size, (smooth, labels) in {
        "wall of 512": predicted_wall(512),
        "48³": predicted_blobs(48),
        "64³": predicted_blobs(64),
    }.items():
        for kind, logits in outputs(smooth):
            for name, loss in LOSSES.items():
                yield beside(f"{name}, {size}, {kind}", loss, logits, labels)


def predicted_blobs(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (1, 2, side, side, side) as of a trained network, and labels."""
    soft, label = volumes(side, "smooth")
    half = torch.from_numpy(soft).clamp(1e-3, 1 - 1e-3).logit() / 2
    logits = torch.stack([-half, half]).unsqueeze(0).requires_grad_()
    return logits, torch.from_numpy(label).long().unsqueeze(0)
