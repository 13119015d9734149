"""Normalized losses: limits of NGCE, its place among the pairs."""

from __future__ import annotations

import pytest
import torch

from seglosses.losses import (
    ActivePassiveLoss,
    MeanAbsoluteErrorLoss,
    NormalizedCrossEntropyLoss,
    NormalizedGeneralizedCrossEntropyLoss,
    normalized_generalized_cross_entropy_loss,
)
from tests.reference.samples import LABELS, LOGITS


def test_ngce_by_hand() -> None:
    # square roots of .64, .36 and 0: gaps .2, .4 and 1
    logits = torch.tensor([[0.64, 0.36, 1e-30]]).log()
    loss = NormalizedGeneralizedCrossEntropyLoss(q=0.5)
    for label, gap in enumerate((0.2, 0.4, 1.0)):
        assert loss(logits, torch.tensor([label])).item() == pytest.approx(gap / 1.6, abs=1e-6)
    # normalized cross-entropy: log .64 over the logarithms of all three
    assert NormalizedCrossEntropyLoss()(logits, torch.tensor([0])).item() < 0.01


def test_limits_of_ngce() -> None:
    none = NormalizedGeneralizedCrossEntropyLoss(q=0.0)
    torch.testing.assert_close(none(LOGITS, LABELS), NormalizedCrossEntropyLoss()(LOGITS, LABELS))
    near = NormalizedGeneralizedCrossEntropyLoss(q=1e-4)
    torch.testing.assert_close(near(LOGITS, LABELS), none(LOGITS, LABELS), atol=1e-4, rtol=0)
    # q = 1: all gaps sum to C - 1
    half = MeanAbsoluteErrorLoss(loss_weight=0.5)
    torch.testing.assert_close(
        NormalizedGeneralizedCrossEntropyLoss(q=1.0)(LOGITS, LABELS), half(LOGITS, LABELS)
    )
    total = sum(
        normalized_generalized_cross_entropy_loss(LOGITS, torch.full((4,), c)) for c in range(3)
    )
    torch.testing.assert_close(total, torch.ones(4))
    with pytest.raises(ValueError, match=r"q must lie in \[0, 1\]"):
        NormalizedGeneralizedCrossEntropyLoss(q=1.5)(LOGITS, LABELS)


def test_ngce_is_an_active_loss() -> None:
    pair = ActivePassiveLoss(alpha=2.0, beta=0.5, active="generalized", passive="absolute")
    active = NormalizedGeneralizedCrossEntropyLoss(loss_weight=2.0)(LOGITS, LABELS)
    passive = MeanAbsoluteErrorLoss(loss_weight=0.5)(LOGITS, LABELS)
    torch.testing.assert_close(pair(LOGITS, LABELS), active + passive)
