"""Identities between pixel losses, and with PyTorch, on the four samples of published codes."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import (
    ACLSLoss,
    AsymmetricLoss,
    CompSumLoss,
    CrossEntropyLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    LabelSmoothingLoss,
    MarginSmoothingLoss,
    MaxSupLoss,
    MeanAbsoluteErrorLoss,
    NormalizedCrossEntropyLoss,
    NormalizedFocalLoss,
    Poly1CrossEntropyLoss,
    focal_loss,
)
from tests.reference.samples import LABELS, LOGITS


def test_limits() -> None:
    ce = F.cross_entropy(LOGITS, LABELS)
    hot = F.one_hot(LABELS, 3).float()
    bce = F.binary_cross_entropy_with_logits(LOGITS, hot, reduction="sum")
    pairs = [
        (CrossEntropyLoss(), ce),
        (Poly1CrossEntropyLoss(epsilon=0.0), ce),
        (FocalLoss(gamma=0.0), ce),
        (GeneralizedCrossEntropyLoss(q=0.0), ce),
        (GeneralizedCrossEntropyLoss(q=1.0), MeanAbsoluteErrorLoss()(LOGITS, LABELS)),
        (CompSumLoss(tau=1.7), GeneralizedCrossEntropyLoss(q=0.7)(LOGITS, LABELS)),
        (LabelSmoothingLoss(alpha=0.3), F.cross_entropy(LOGITS, LABELS, label_smoothing=0.3)),
        (MarginSmoothingLoss(margin=100.0), ce),
        (ACLSLoss(margin=100.0), ce),
        (AsymmetricLoss(0.0, 0.0, 0.0, reduction="sum"), bce),
        (CrossEntropyLoss(use_sigmoid=True, reduction="sum"), bce),
        (NormalizedFocalLoss(gamma=0.0), NormalizedCrossEntropyLoss()(LOGITS, LABELS)),
    ]
    for loss, expected in pairs:
        torch.testing.assert_close(loss(LOGITS, LABELS), expected, atol=1e-5, rtol=1e-5)


def test_normalized_losses_of_all_labels_sum_to_one() -> None:
    for loss in (NormalizedCrossEntropyLoss(), NormalizedFocalLoss()):
        total = sum(loss(LOGITS, torch.full((4,), c)) for c in range(3))
        assert total.item() == pytest.approx(1, abs=1e-6)


def test_max_suppression_is_label_smoothing_where_right() -> None:
    right = LOGITS.argmax(1)
    smooth, suppressed = LabelSmoothingLoss()(LOGITS, right), MaxSupLoss()(LOGITS, right)
    torch.testing.assert_close(smooth, suppressed)
    assert LabelSmoothingLoss()(LOGITS, LABELS) < MaxSupLoss()(LOGITS, LABELS)


def test_symmetric_loss_is_blind_to_uniform_noise() -> None:
    # sum over labels of MAE is C - 1, whatever the prediction: why it is robust
    loss = MeanAbsoluteErrorLoss(reduction="none")
    total = sum(loss(LOGITS, torch.full((4,), c)) for c in range(3))
    torch.testing.assert_close(total, torch.full((4,), 2.0))


def test_alpha_weighs_dense_targets_as_labels() -> None:
    logits = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [0.5, 0.0]]])
    labels = torch.tensor([[0, 2]])
    dense = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    torch.testing.assert_close(
        focal_loss(logits, dense, alpha=0.1), focal_loss(logits, labels, alpha=0.1)
    )
