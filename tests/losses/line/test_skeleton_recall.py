"""Skeleton recall: published values, classes, weights."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from seglosses.losses import (
    SkeletonRecallLoss,
    skeleton_recall_loss,
)
from tests.losses.topology.topology_cases import case


# MIC-DKFZ/Skeleton-Recall as TopoMortar calls it (smooth 1e-5); published is our loss minus 1
@pytest.mark.parametrize(
    ("name", "published", "gradient"),
    [
        ("bricks32", -0.9193820953, 0.1366938949),
        ("empty_target16", -1.0, 0.0),
        ("perfect32", -1.0, 0.0),
        ("break_island24", -0.9574394822, 0.0006704410),
    ],
)
def test_published_skeleton_recall(name: str, published: float, gradient: float) -> None:
    logits, label = case(name)
    logits.requires_grad_()
    loss = SkeletonRecallLoss()(logits, label)
    assert loss.item() - 1 == pytest.approx(published, abs=1e-6)
    loss.backward()
    assert logits.grad.abs().sum().item() == pytest.approx(gradient, abs=1e-6)


def test_skeleton_recall_gives_each_class_its_own_skeleton() -> None:
    """Two touching bars of 5 rows: their own centre lines are rows 2 and 7, not row 4 or 5."""
    label = torch.zeros(1, 10, 30, dtype=torch.long)
    label[:, :5], label[:, 5:] = 1, 2
    logits = torch.zeros(1, 3, 10, 30)
    logits[:, 1, 2] = logits[:, 2, 7] = 40
    logits[:, 0] += 20 * (logits.sum(1) == 0)
    # radius 0: the skeletons are rows 2 and 7, found but for their ends, which thinning bends
    assert SkeletonRecallLoss(radius=0)(logits, label) < 0.2


def test_skeleton_recall_weighs_pixels_and_has_a_linear_gradient() -> None:
    prob = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    tubes = torch.ones(1, 1, 4, 5, dtype=torch.bool)
    weight = torch.rand(1, 1, 4, 5, dtype=torch.float64)
    assert gradcheck(lambda p: skeleton_recall_loss(p, tubes, weight=weight), prob)
    with pytest.raises(ValueError, match="radius must be a whole number"):
        SkeletonRecallLoss(radius=-1)
