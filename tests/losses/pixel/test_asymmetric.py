"""Asymmetric losses: limits, what fades, and both gradients of the authors."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.losses import (
    AsymmetricLoss,
    CrossEntropyLoss,
    FocalLoss,
    LabelSmoothingLoss,
    SingleLabelAsymmetricLoss,
    asymmetric_loss,
)
from tests.reference.samples import LABELS, LOGITS


def test_by_hand() -> None:
    # p = (1/2, 1/4, 1/4), label 0, a third smoothed: t = (7/9, 1/9, 1/9)
    logits, label = torch.tensor([[0.5, 0.25, 0.25]]).log(), torch.tensor([0])
    loss = SingleLabelAsymmetricLoss(gamma_neg=1.0, gamma_pos=2.0, smoothing=1 / 3)
    log2 = math.log(2)
    expected = 7 / 9 * 0.5**2 * log2 + 2 * (1 / 9 * 0.25 * 2 * log2)
    assert loss(logits, label).item() == pytest.approx(expected)


def test_limits() -> None:
    pairs = [
        (SingleLabelAsymmetricLoss(gamma_neg=0.0), LabelSmoothingLoss(alpha=0.1)),
        (SingleLabelAsymmetricLoss(gamma_neg=2.0, smoothing=0.0), CrossEntropyLoss()),
        (SingleLabelAsymmetricLoss(gamma_pos=2.0, smoothing=0.0), FocalLoss(gamma=2.0)),
    ]
    sure = torch.tensor([[40.0, -40.0, 0.0], [0.0, 40.0, -40.0]])
    for loss, other in pairs:
        for logits, labels in ((LOGITS, LABELS), (sure, LABELS[:2])):
            torch.testing.assert_close(loss(logits, labels), other(logits, labels))


def test_certainty_costs_nothing() -> None:
    # label smoothing asks 2.7 for the same
    sure = torch.tensor([[40.0, -40.0, 0.0]])
    label = torch.tensor([0])
    assert SingleLabelAsymmetricLoss()(sure, label).item() == pytest.approx(0, abs=1e-6)
    assert LabelSmoothingLoss()(sure, label).item() > 2


@pytest.mark.parametrize(
    ("detach", "published"),
    [
        (True, [-0.1425369566, -0.5344466454, 0.2956206377, 0.0, 0.2227466637, -0.1916894164]),
        (False, [-0.2539468077, -0.7926495646, 0.7234899346, 0.0, 0.6164281379, -0.3334477372]),
    ],
)
def test_gradients_of_both_programs(detach: bool, published: list[float]) -> None:
    # Alibaba-MIIL/ASL, AsymmetricLoss and AsymmetricLossOptimized: one value, two gradients
    logits = torch.tensor([0.5, -1.0, 2.0, -3.0, 1.5, 0.25], dtype=torch.float64)
    logits.requires_grad_()
    target = torch.tensor([1.0, 1, 0, 0, 0, 1], dtype=torch.float64)
    value = asymmetric_loss(logits, target, detach=detach).sum()
    assert value.item() == pytest.approx(2.7441446465894357, abs=1e-6)
    value.backward()
    torch.testing.assert_close(logits.grad, torch.tensor(published).double(), atol=1e-6, rtol=0)


def test_class_detaches_too() -> None:
    logits = torch.tensor([[[0.5, -1.0]]], requires_grad=True)
    loss = AsymmetricLoss(detach=True, reduction="sum")
    loss(logits, torch.tensor([[1, 1]])).backward()
    expected = torch.tensor([[[-0.1425369566, -0.5344466454]]])
    torch.testing.assert_close(logits.grad, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_what_lies_below_the_clip_costs_nothing(gamma: float) -> None:
    logits = torch.tensor([0.02, 0.04]).logit()
    loss = asymmetric_loss(logits, torch.zeros(2), gamma_neg=gamma, clip=0.05)
    assert loss.tolist() == [0, 0]
