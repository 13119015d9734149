"""Powerful-IoU, IoU-aware cross-entropy, and the distributions of D-FINE."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional as F

from seglosses.losses import (
    IoUAwareBCELoss,
    PIoULoss,
    PIoUv2Loss,
    decoupled_distillation_focal_loss,
    fine_grained_bins,
    fine_grained_localization_loss,
    giou_loss,
    iou_aware_bce_loss,
    piou_loss,
    piou_v2_loss,
)

PRED = torch.tensor([[1.0, 0, 3, 4], [10, 10, 12, 12]], dtype=torch.float64)
TARGET = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 8]], dtype=torch.float64)


def test_edges_are_measured_in_parts_of_the_true_box() -> None:
    # second: no overlap, (10 + 8) / 4 and (10 + 4) / 8 over two edges and two axes
    far = ((10 + 8) / 4 + (10 + 4) / 8) / 4
    expected = [0.5 + 1 - math.exp(-((1 / 8) ** 2)), 2 - math.exp(-(far**2))]
    assert piou_loss(PRED, TARGET).tolist() == pytest.approx(expected)
    weights = [3 * x * math.exp(-(x**2)) for x in (1.3 * math.exp(-p) for p in (1 / 8, far))]
    assert piou_v2_loss(PRED, TARGET).tolist() == pytest.approx(
        [w * value for w, value in zip(weights, expected, strict=True)]
    )


def test_no_enlarged_box_is_better() -> None:
    target = torch.tensor([[0.0, 0, 2, 2]])
    small, large = torch.tensor([[4.0, 0, 6, 2]]), torch.tensor([[3.0, -1, 7, 3]])
    assert giou_loss(large, target) < giou_loss(small, target)
    assert piou_loss(large, target) > piou_loss(small, target)


def test_gradients_of_powerful_iou() -> None:
    pred = PRED.clone().requires_grad_()
    assert gradcheck(lambda p: piou_loss(p, TARGET), pred)
    assert gradcheck(lambda p: piou_v2_loss(p, TARGET, attention=1.7), pred)
    with pytest.raises(ValueError, match="attention"):
        PIoUv2Loss(attention=0)
    assert PIoULoss(alpha=2)(PRED[:1], PRED[:1]) == 0


def test_the_target_of_an_object_is_score_and_box() -> None:
    logits = torch.tensor([[0.0, 1.0]])
    loss = iou_aware_bce_loss(logits, torch.tensor([[0.81, 0.0]]), alpha=0.5, gamma=1)
    target, p = math.sqrt(0.5 * 0.81), 1 / (1 + math.exp(-1))
    expected = [-target * math.log(0.5) - (1 - target) * math.log(0.5), -p * math.log(1 - p)]
    assert loss[0].tolist() == pytest.approx(expected)
    sharp = torch.tensor([[-8.0]], requires_grad=True)
    (slope,) = torch.autograd.grad(iou_aware_bce_loss(sharp, torch.tensor([[1.0]])).sum(), sharp)
    floor = max(torch.sigmoid(torch.tensor(-8.0)).item() ** 0.25, 0.01)
    assert slope.item() == pytest.approx(torch.sigmoid(torch.tensor(-8.0)).item() - floor)
    with pytest.raises(ValueError, match="alpha"):
        IoUAwareBCELoss(alpha=1.5)


def test_bins_and_their_loss_equal_d_fine() -> None:
    # Peterande/D-FINE 4a1f73a: weighting_function(32, 0.5, 4), translate_gt and the cross-entropies
    bins = fine_grained_bins(33)
    assert bins[[0, 1, 2, 16, 17, 30, 32]].tolist() == pytest.approx(
        [-4, -2, -1.78813, 0, 0.0759896, 1.78813, 4]
    )
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(9, 33, generator=generator)
    offsets = torch.tensor([-5.0, -3.9, -0.3, 0.0, 0.01, 0.7, 1.9, 3.0, 4.5])
    loss = fine_grained_localization_loss(logits, offsets, torch.full((9,), 0.5))
    assert (2 * loss).tolist() == pytest.approx(
        [5.08937, 2.11911, 3.13441, 3.18349, 2.37636, 4.31888, 4.50353, 5.15445, 3.07883], abs=1e-5
    )


def test_distillation_is_decoupled() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, teacher = torch.randn(2, 12, 5, generator=generator)
    weight = torch.rand(12, generator=generator)
    matched = torch.arange(12) < 3
    kl = F.kl_div((logits / 5).log_softmax(1), (teacher / 5).softmax(1), reduction="none").sum(1)
    parts = [25 * (weight * kl)[which].mean() for which in (matched, ~matched)]
    few, many = 3**0.5, 9**0.5
    loss = decoupled_distillation_focal_loss(logits, teacher, weight, matched).sum()
    torch.testing.assert_close(loss, (few * parts[0] + many * parts[1]) / (few + many))
    none = decoupled_distillation_focal_loss(logits, teacher, weight, matched & False).sum()
    torch.testing.assert_close(none, 25 * (weight * kl).mean())
    assert decoupled_distillation_focal_loss(teacher, teacher, weight, matched).sum() == 0


def test_errors() -> None:
    with pytest.raises(ValueError, match="odd number"):
        fine_grained_bins(32)
    with pytest.raises(ValueError, match="one IoU per edge"):
        fine_grained_localization_loss(torch.zeros(2, 5), torch.zeros(2), torch.zeros(3))
    wrong = torch.zeros(2, 5), torch.zeros(2, 4), torch.zeros(2), torch.zeros(2) > 0
    with pytest.raises(ValueError, match="logits and teacher"):
        decoupled_distillation_focal_loss(*wrong)
