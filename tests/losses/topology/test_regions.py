"""Losses of critical regions: the numbers and gradients of their authors' codes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from seglosses.losses import SupervoxelLoss, TopographLoss, supervoxel_loss
from tests.losses.topology.topology_cases import case

# value and sum of the absolute gradients of both logits
PUBLISHED = [
    # topolosses 0.2.0, alpha 1: its C++ is that of AlexanderHBerger/Topograph
    (TopographLoss(), "bricks32", 0.0, 0.0),
    (TopographLoss(), "empty_target16", 4.0866413116, 3.3125615120),
    (TopographLoss(), "perfect32", 0.0, 0.0),
    (TopographLoss(), "break_island24", 1.9993293285, 0.0013409518),
    # AllenNeuralDynamics/supervoxel-loss e92db8d, alpha = beta = 1/2
    (SupervoxelLoss(), "bricks32", 0.0345794223, 0.0631720796),
    (SupervoxelLoss(), "empty_target16", 0.0905237719, 0.1509701610),
    (SupervoxelLoss(), "perfect32", 5.0723708566e-10, 1.0466795208e-09),
    (SupervoxelLoss(), "break_island24", 0.0730855241, 0.0185543261),
]


@pytest.mark.parametrize(
    ("loss", "name", "value", "slope"),
    PUBLISHED,
    ids=[f"{type(row[0]).__name__}-{row[1]}" for row in PUBLISHED],
)
def test_published(loss: nn.Module, name: str, value: float, slope: float) -> None:
    logits, label = case(name)
    logits.requires_grad_()
    cost = loss(logits, label)
    cost.backward()
    assert cost.item() == pytest.approx(value, rel=1e-6, abs=1e-14)
    # of probabilities of .9997 the gradient is p (1 - p), a difference in float32
    assert logits.grad.abs().sum().item() == pytest.approx(slope, rel=1e-4, abs=1e-14)


def test_topograph_counts_confident_regions() -> None:
    """A broken line and an island: two regions, each at its mean wrong probability."""
    logits, label = case("break_island24")
    expected = 2 * torch.tensor(8.0).sigmoid().item()
    assert TopographLoss()(logits, label).item() == pytest.approx(expected, abs=1e-6)


def test_beta_is_the_price_of_splits_and_its_rest_that_of_merges() -> None:
    line, broken = torch.ones(1, 1, 1, 5), torch.tensor([[[[2.0, 2, -2, 2, 2]]]])
    split = supervoxel_loss(broken, line, alpha=1.0, beta=1.0)
    assert split.item() == pytest.approx(math.log1p(math.exp(2)) / 5)
    assert supervoxel_loss(broken, line, alpha=1.0, beta=0.0).item() == 0
    parts, joined = (broken > 0).float(), torch.full((1, 1, 1, 5), 2.0)
    merge = supervoxel_loss(joined, parts, alpha=1.0, beta=0.0)
    assert merge.item() == pytest.approx(math.log1p(math.exp(2)) / 5)
    assert supervoxel_loss(joined, parts, alpha=1.0, beta=1.0).item() == 0
