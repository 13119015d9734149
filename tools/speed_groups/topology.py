"""Topological losses on a wall of 512 pixels, against CE + Dice and against topolosses."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from speed import Case, peer

from seglosses.losses import (
    BettiMatchingLoss,
    CavityLoss,
    MalisLoss,
    MorseLoss,
    SkeletonToleranceLoss,
    SupervoxelLoss,
    TopographLoss,
    TopologicalPriorLoss,
    TopoLoss,
    TotalPersistenceLoss,
    WarpingLoss,
)
from speed_groups.skeleton import beside_ce_dice, forgetful, predicted_wall


def cases() -> Iterator[Case]:
    """One wall, forward and backward; peers where they can be imported."""
    logits, labels = predicted_wall(512)
    hot = torch.stack([labels == 0, labels == 1], 1).float()
    for name, loss, theirs in (
        ("Topograph", TopographLoss(), "TopographLoss"),
        ("warping", WarpingLoss(), "WarpingLoss"),
        ("TopoLoss", TopoLoss(), None),
        ("TopoLoss, whole image", TopoLoss(window=None, construction="V"), "HutopoLoss"),
        ("Betti matching", BettiMatchingLoss(), None),
        ("topological prior", TopologicalPriorLoss(), None),
        ("total persistence", TotalPersistenceLoss(), None),
        ("supervoxel", SupervoxelLoss(), None),
        ("MALIS", MalisLoss(), None),
        ("cavity", CavityLoss(), None),
        ("Morse", forgetful(MorseLoss()), None),
        ("skeleton tolerance", forgetful(SkeletonToleranceLoss()), None),
    ):
        missing: list[str] = []
        runs = beside_ce_dice(loss, logits, labels)
        if theirs and (make := peer(f"topolosses.losses.{theirs}", missing)):
            other = make(alpha=1.0, softmax=True, use_base_loss=False)
            runs["topolosses"] = lambda other=other: other(logits, hot)
        yield Case(f"{name}, wall of 512", runs, logits, tuple(missing))
