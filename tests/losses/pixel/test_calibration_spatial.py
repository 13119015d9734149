"""Calibration by neighbours and by bins, against the authors' programs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from seglosses.losses import (
    CrossEntropyLoss,
    L1ACELoss,
    NACLLoss,
    SVLSLoss,
    l1_ace_loss,
    nacl_loss,
    svls_loss,
    svls_targets,
)
from seglosses.primitives import device, layout
from seglosses.primitives.encoding import one_hot
from seglosses.primitives.neighbourhood import neighbourhood_mean

LOGITS = 2 * torch.sin(1.7 * torch.arange(360.0)).view(1, 3, 4, 5, 6)
LABELS = (torch.arange(120).view(1, 4, 5, 6) * 7 // 5) % 3
PLANE = LOGITS.view(1, 3, 10, 12)
RINGED = LABELS.view(1, 10, 12).clone()
RINGED[:, 0], RINGED[:, -1], RINGED[:, :, 0], RINGED[:, :, -1] = 0, 0, 0, 0


def test_svls_of_its_authors() -> None:
    # CELossWithSVLS(classes=3) of mobarakol/SVLS at 77d1fd2, on a CPU
    assert SVLSLoss()(LOGITS, LABELS).item() == pytest.approx(1.8232980, rel=1e-6)


def test_nacl_of_its_authors() -> None:
    # AdaptMarginSVLS(classes=3) of Bala93/MarginLoss at 5466662, which pads labels by class 0
    assert NACLLoss()(PLANE, RINGED).item() == pytest.approx(1.9322432, rel=1e-6)


def test_hard_ace_of_its_authors() -> None:
    # HardL1ACELoss(num_bins=7) of cai4cai/ACE-DLIRIS at 83d163c
    assert L1ACELoss(bins=7)(PLANE, RINGED).item() == pytest.approx(0.2766405, rel=1e-5)


def slow_ace(prob: Tensor, target: Tensor, bins: int, soft: bool) -> float:
    gaps = []
    for b in range(bins):
        if soft:
            share = (1 - (prob * bins - 0.5 - b).abs()).clamp(min=0)
            if b == 0:
                share = torch.where(prob * bins < 0.5, 1.0, share)
            if b == bins - 1:
                share = torch.where(prob * bins > bins - 0.5, 1.0, share)
        else:
            inside = (prob > b / bins) & (prob <= (b + 1) / bins)
            share = (inside | ((b == 0) & (prob == 0))).double()
        if share.sum() > (0.01 if soft else 0):
            gaps.append(float(((share * (prob - target)).sum() / share.sum()).abs()))
    return sum(gaps) / len(gaps)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(1, 9), st.sampled_from(["hard", "soft"]))
def test_ace_agrees_with_a_loop_over_bins(seed: int, bins: int, binning: Any) -> None:
    generator = torch.Generator().manual_seed(seed)
    prob = torch.rand(30, generator=generator, dtype=torch.float64).square()
    target = (torch.rand(30, generator=generator) < 0.4).double()
    found = l1_ace_loss(prob.view(1, 1, 30), target.view(1, 1, 30), bins=bins, binning=binning)
    assert found.item() == pytest.approx(slow_ace(prob, target, bins, binning == "soft"), abs=1e-12)


@pytest.mark.parametrize("binning", ["hard", "soft"])
def test_bins_hold_the_same_on_every_device(binning: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    prob = torch.rand(2, 3, 40, generator=generator)
    prob[0, :, :4] = torch.tensor([0.0, 0.5, 1.0, 0.25])
    target = (torch.rand(2, 3, 40, generator=generator) < prob).float()
    weight = torch.rand(2, 1, 40, generator=generator)
    weight[:, :, ::5] = 0
    found = []
    for hosts in (device.HOSTS, frozenset()):
        monkeypatch.setattr(device, "HOSTS", hosts)
        leaf = prob.clone().requires_grad_()
        value = l1_ace_loss(leaf, target, bins=8, binning=binning, weight=weight)
        value.square().sum().backward()
        found.append((value.detach(), leaf.grad))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("size", [(5, 6), (1, 4), (2, 3, 4)])
def test_means_of_neighbours_agree_with_a_convolution(size: tuple[int, ...]) -> None:
    maps = torch.rand(1, 1, *size, dtype=torch.float64)
    padded = F.pad(maps, (1, 1) * len(size), mode="replicate")
    windows = padded
    for axis in range(len(size)):
        windows = windows.unfold(2 + axis, 3, 1)
    expected = windows.flatten(2 + len(size)).mean(-1)
    torch.testing.assert_close(neighbourhood_mean(maps, [1 / 3] * 3), expected)


def test_ignored_pixels_are_no_neighbours() -> None:
    hot = one_hot(torch.tensor([[[0, 1, 1]]]), 2)
    valid = torch.tensor([[[True, False, True]]])
    smooth = svls_targets(hot, valid)
    # beyond the border is the pixel itself, and nothing else counts
    assert smooth[0, :, 0].T.tolist() == [[1, 0], [0, 0], [0, 1]]
    logits, labels = PLANE[:, :2, :1, :3], torch.tensor([[[0, 255, 1]]])
    for cls in (SVLSLoss, NACLLoss):
        changed = cls()(logits, labels.masked_fill(labels == 255, 254), ignore_index=254)
        torch.testing.assert_close(cls()(logits, labels), changed)


def test_inside_of_regions_nothing_changes() -> None:
    labels = torch.zeros(1, 10, 12, dtype=torch.long)
    torch.testing.assert_close(
        svls_loss(PLANE, labels), F.cross_entropy(PLANE, labels, reduction="none")
    )
    gap = nacl_loss(PLANE, labels, alpha=1.0) - F.cross_entropy(PLANE, labels, reduction="none")
    torch.testing.assert_close(gap, (PLANE - one_hot(labels, 3)).abs().mean(1))


@pytest.mark.parametrize("loss", [SVLSLoss(), NACLLoss(), L1ACELoss(binning="soft"), L1ACELoss()])
@pytest.mark.parametrize("sigmoid", [False, True])
def test_gradients(loss: Any, sigmoid: bool) -> None:
    logits = LOGITS[..., :3, :4].double().requires_grad_()
    labels = LABELS[..., :3, :4].clone()
    labels[0, 0, 0] = 255
    loss.use_sigmoid = sigmoid
    assert torch.autograd.gradcheck(lambda z: loss(z, labels), (logits,))
    loss.use_sigmoid = False


def test_points_have_no_neighbours() -> None:
    logits, labels = torch.randn(4, 7), torch.randint(0, 2, (4, 7))
    plain = CrossEntropyLoss(use_sigmoid=True)(logits, labels)
    torch.testing.assert_close(SVLSLoss(use_sigmoid=True)(logits, labels), plain)


def test_errors() -> None:
    with pytest.raises(ValueError, match="binning must be 'hard' or 'soft'"):
        L1ACELoss(binning="equal")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (3, 1, 1, 6), (1, 4, 2, 3, 4), (0, 3, 4, 4)])
@pytest.mark.parametrize("part", [1, 50])
def test_means_of_maps_in_parts_are_those_of_all(shape, part, monkeypatch) -> None:
    maps = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    whole = neighbourhood_mean(maps, [0.25, 0.5, 0.25])
    monkeypatch.setattr(layout, "BLOCK", part)
    assert torch.equal(neighbourhood_mean(maps, [0.25, 0.5, 0.25]), whole)
