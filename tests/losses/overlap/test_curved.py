"""Bent Dice losses and Boundary DoU: by hand, the authors' program, gradients, borders."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import ndimage
from torch import Tensor

from seglosses.losses import (
    BoundaryDoULoss,
    DiceLoss,
    LogCoshDiceLoss,
    LogDiceLoss,
    boundary_dou_loss,
    dice_loss,
    log_cosh_dice_loss,
    log_dice_loss,
)


def maps(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    prob = torch.rand(shape, generator=generator, dtype=torch.float64)
    return prob, (torch.rand(shape, generator=generator) > 0.5).double()


def test_they_bend_the_same_dice() -> None:
    prob, target = maps(2, 3, 6, 5)
    dice = 1 - dice_loss(prob, target)
    torch.testing.assert_close(log_cosh_dice_loss(prob, target), (1 - dice).cosh().log())
    torch.testing.assert_close(log_dice_loss(prob, target), (-dice.log()).pow(0.3))
    logits, labels = torch.randn(2, 3, 6, 5), torch.randint(0, 3, (2, 6, 5))
    for loss, bent in (
        (LogCoshDiceLoss(reduction="none"), lambda d: d.cosh().log()),
        (LogDiceLoss(reduction="none"), lambda d: (-(1 - d).log()).pow(0.3)),
    ):
        one = {"classes": [1], "average": "image"}
        plain = DiceLoss(reduction="none", **one)(logits, labels)
        given = type(loss)(reduction="none", **one)(logits, labels)
        torch.testing.assert_close(given, bent(plain))


def test_a_missed_class_pulls_hardest_under_the_logarithm() -> None:
    target = torch.zeros(1, 1, 100)
    target[..., :10] = 1
    slopes = []
    for hit in (0.05, 0.9):
        prob = (target * hit).requires_grad_()
        log_dice_loss(prob, target, smooth=0.01).sum().backward()
        slopes.append(float(prob.grad[0, 0, 0].abs()))
    assert slopes[0] > 2 * slopes[1]


# the definition of the authors' _adaptive_size (github.com/sunfan-bvb/BoundaryDoULoss), counted by
# SciPy; any number of axes
def published(prob: Tensor, target: Tensor, largest: float = 0.8) -> float:
    cross = ndimage.generate_binary_structure(target.dim(), 1)
    y = target.numpy() > 0.5
    neighbours = ndimage.convolve(y.astype(int), cross.astype(int), mode="constant")
    boundary = (y & (neighbours < cross.sum())).sum()
    alpha = min(2 * (1 - (boundary + 1e-5) / (y.sum() + 1e-5)) - 1, largest)
    common = float((prob * target).sum())
    both = float(prob.square().sum() + target.square().sum())
    return (both - 2 * common + 1e-5) / (both - (1 + alpha) * common + 1e-5)


@pytest.mark.parametrize("shape", [(6, 5), (12, 12), (5, 6, 7), (9,)])
def test_boundary_dou_is_the_authors(shape: tuple[int, ...]) -> None:
    prob, target = maps(1, 1, *shape)
    for label in (target, torch.ones_like(target), (target.cumsum(-1) > 2).double()):
        expected = published(prob[0, 0], label[0, 0])
        assert boundary_dou_loss(prob, label).item() == pytest.approx(expected, abs=1e-5)


def test_alpha_is_cut_for_large_objects() -> None:
    target = torch.zeros(1, 1, 64, 64)
    target[..., 2:62, 2:62] = 1  # S = 3600, C = 236: alpha = .869
    seen = target.clone()
    seen[..., 61, 2:62] = 0
    both, common = 3600 + 3540, 3540
    assert boundary_dou_loss(seen, target).item() == pytest.approx(60 / (both - 1.8 * common))
    loose = boundary_dou_loss(seen, target, largest=0.99)
    assert loose.item() == pytest.approx(60 / (both - (2 - 2 * 236 / 3600) * common), rel=1e-5)


def test_a_class_absent_from_both_costs_nothing() -> None:
    nothing = torch.zeros(1, 1, 4, 4)
    assert boundary_dou_loss(nothing, nothing).item() == 0
    assert log_dice_loss(nothing, nothing).item() == 0


def test_weights_of_pixels_are_those_of_their_terms() -> None:
    prob, target = maps(1, 1, 8, 8)
    weight = torch.ones(1, 1, 8, 8, dtype=torch.float64)
    weight[..., 6:] = 0
    common = (prob * target * weight).sum()
    both = ((prob.square() + target.square()) * weight).sum()
    inside = target[0, 0].numpy() > 0.5
    interior = ndimage.binary_erosion(inside, ndimage.generate_binary_structure(2, 1))
    alpha = min(1 - 2 * (inside.sum() - interior.sum()) / inside.sum(), 0.8)
    expected = (both - 2 * common) / (both - (1 + alpha) * common)
    assert boundary_dou_loss(prob, target, weight).item() == pytest.approx(
        float(expected), abs=1e-5
    )


@pytest.mark.parametrize("loss", [log_cosh_dice_loss, log_dice_loss, boundary_dou_loss])
def test_gradients_are_those_of_the_value(loss) -> None:
    prob, target = maps(2, 2, 5, 4)
    assert torch.autograd.gradcheck(lambda p: loss(p, target), prob.requires_grad_())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LogDiceLoss(smooth=0.0), "smooth"),
        (lambda: LogDiceLoss(gamma=-1.0), "gamma"),
        (lambda: LogCoshDiceLoss(smooth=-1.0), "smooth"),
        (lambda: BoundaryDoULoss(largest=1.0), "largest"),
        (lambda: BoundaryDoULoss(smooth=math.nan), "smooth"),
    ],
)
def test_options_out_of_range_are_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
