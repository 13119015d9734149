"""Cross-entropy of centrelines: published values, gradients, saturation."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from seglosses.losses import (
    CenterlineCrossEntropyLoss,
    centerline_cross_entropy_loss,
)
from tests.losses.topology.topology_cases import case


# cesaracebes/centerline_CE, 3 iterations; the mean of two images is that of the batch
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("bricks32", 0.0159162059),
        ("empty_target16", 0.0337439664),
        ("perfect32", 0.0),
        ("break_island24", 0.0694357082),
    ],
)
def test_published_centerline_cross_entropy(name: str, published: float) -> None:
    logits, label = case(name)
    assert CenterlineCrossEntropyLoss()(logits, label).item() == pytest.approx(published, abs=2e-7)


def test_centerline_cross_entropy_gradcheck() -> None:
    generator = torch.Generator().manual_seed(0)
    margin = (torch.randperm(30, generator=generator).double() / 10 - 1.4).view(1, 1, 5, 6)
    target = (torch.rand(1, 1, 5, 6, generator=generator) > 0.5).double()
    weight = torch.rand(1, 1, 5, 6, generator=generator, dtype=torch.float64) + 0.1
    assert gradcheck(
        lambda z: centerline_cross_entropy_loss(z, target, iterations=1, weight=weight),
        margin.requires_grad_(),
    )


def test_centerline_cross_entropy_keeps_its_slope_at_saturation() -> None:
    line = torch.zeros(1, 5, 6, dtype=torch.long)
    line[:, 2] = 1
    logits = torch.zeros(1, 2, 5, 6)
    logits[:, 0] = 2e4
    logits.requires_grad_()
    CenterlineCrossEntropyLoss()(logits, line).backward()
    assert torch.allclose(logits.grad[0, 1, 2], torch.tensor(-1 / 30))
