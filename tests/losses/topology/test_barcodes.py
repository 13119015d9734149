"""Barcode losses: against published numbers, by hand, signs, gradients."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from seglosses.losses import (
    TopologicalPriorLoss,
    TopoLoss,
    topo_loss,
    topological_prior_loss,
)
from tests.losses.topology.topology_cases import case


# topolosses 0.2.0, HutopoLoss with alpha 1: whole images, 4-connected, mean of the images
@pytest.mark.parametrize(
    ("name", "published"),
    [("bricks32", 0.1732766330), ("perfect32", 0.0), ("break_island24", 0.9986591339)],
)
def test_published_wasserstein_distance(name: str, published: float) -> None:
    logits, label = case(name)
    loss = TopoLoss(window=None, construction="V")(logits, label)
    assert loss.item() == pytest.approx(published, abs=1e-5)


def test_an_empty_label_wants_no_component() -> None:
    """The published value, 1.450412, grants every label one component; ours prices it too."""
    logits, label = case("empty_target16")
    peak = logits.softmax(1)[0, 1].max().item()
    loss = TopoLoss(window=None, construction="V")(logits, label).item()
    assert loss == pytest.approx(1.4504120350 + peak**2 / 2, abs=1e-5)


def test_peaks_rise_and_saddles_fall() -> None:
    """Two blobs of the label, peaks .9 and .65, joined at .3: the released loss merged them."""
    prob = torch.tensor([[[[0.9, 0.3, 0.65]]]], requires_grad=True)
    label = torch.tensor([[[[1.0, 0.0, 1.0]]]])
    loss = topo_loss(prob, label)
    assert loss.item() == pytest.approx(0.1**2 + 0.35**2 + 0.3**2)
    loss.sum().backward()
    torch.testing.assert_close(prob.grad.flatten(), torch.tensor([-0.2, 0.6, -0.7]))


def test_surplus_peaks_fall_to_their_saddles() -> None:
    prob = torch.tensor([[[[0.9, 0.3, 0.65]]]], requires_grad=True)
    loss = topo_loss(prob, torch.tensor([[[[1.0, 0.0, 0.0]]]]))
    assert loss.item() == pytest.approx(0.1**2 + 0.35**2 / 2)
    loss.sum().backward()
    torch.testing.assert_close(prob.grad.flatten(), torch.tensor([-0.2, -0.35, 0.35]))


def test_constant_windows_have_a_price_and_a_slope() -> None:
    prob = torch.full((1, 1, 4, 4), 0.2, requires_grad=True)
    label = torch.zeros(1, 1, 4, 4)
    label[..., 1] = 1
    loss = topo_loss(prob, label, window=None)
    assert loss.item() == pytest.approx(0.8**2)
    loss.sum().backward()
    assert prob.grad.sum().item() == pytest.approx(-1.6)


def test_loops_and_cavities_count() -> None:
    ring = torch.ones(1, 1, 5, 5)
    ring[..., 2, 2] = 0
    assert topo_loss(torch.ones(1, 1, 5, 5), ring) == 0.5  # a loop without a bar
    ball = torch.ones(1, 1, 3, 3, 3)
    ball[..., 1, 1, 1] = 0.4
    full = torch.ones(1, 1, 3, 3, 3)
    assert topo_loss(ball, full).item() == pytest.approx(0.6**2 / 2)
    assert topological_prior_loss(ball, betti=(1, 0, 1)).item() == pytest.approx(1 - 0.6**2)


@pytest.mark.parametrize("shape", [(5, 6), (3, 3, 4)])
def test_gradcheck(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    size = torch.Size(shape).numel()
    prob = (torch.randperm(size, generator=generator).double() + 1) / (size + 2)
    prob = prob.view(1, 1, *shape).requires_grad_()
    label = (torch.rand(1, 1, *shape, generator=generator) > 0.6).double()
    assert gradcheck(lambda p: topo_loss(p, label, window=3), prob)
    assert gradcheck(lambda p: topological_prior_loss(p, label), prob)


def test_prior_needs_no_label() -> None:
    logits = torch.tensor([[[[4.0, -1.0, 2.0, -4.0]]]], requires_grad=True)
    loss = TopologicalPriorLoss(betti=(1, 0), use_sigmoid=True)
    unlabelled = torch.zeros(1, 1, 4, dtype=torch.long)
    loss(logits, unlabelled).backward()
    # one component only: its peak rises, the other peak falls, the saddle between them rises
    assert (logits.grad.flatten().sign() == torch.tensor([-1, -1, 1, 0])).all()


def test_border() -> None:
    prob = torch.rand(1, 1, 4, 4)
    with pytest.raises(ValueError, match="betti must be 2 numbers"):
        topological_prior_loss(prob, betti=(1, 0, 0))
    with pytest.raises(ValueError, match="either a target or its Betti numbers"):
        topological_prior_loss(prob)
    with pytest.raises(ValueError, match=r"window must be a whole number in \[2"):
        TopoLoss(window=1)
    with pytest.raises(ValueError, match="construction must be"):
        TopoLoss(construction="W")
