"""Asymmetric loss of one label a pixel: limits, what fades."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.losses import (
    CrossEntropyLoss,
    FocalLoss,
    LabelSmoothingLoss,
    SingleLabelAsymmetricLoss,
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
