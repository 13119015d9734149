"""Pixel losses against numbers of published codes, run on four samples of three classes.

abhuse/polyloss-pytorch, Alibaba-MIIL/ASL, HanxunH/Active-Passive-Losses, Optimization-AI's LDR,
by-liu/MbLS, cvlab-yonsei/ACLS, ZhouYuxuanYX's MaxSup, ShannonAI/dice_loss_for_NLP; squentropy and
comp-sum from their formulas.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seglosses.losses import (
    ACLSLoss,
    ActivePassiveLoss,
    AGCELoss,
    AsymmetricLoss,
    AULLoss,
    CompSumLoss,
    CrossEntropyLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    LabelSmoothingLoss,
    LDRLoss,
    MarginSmoothingLoss,
    MaxSupLoss,
    MeanAbsoluteErrorLoss,
    NormalizedCrossEntropyLoss,
    NormalizedFocalLoss,
    Poly1CrossEntropyLoss,
    Poly1FocalLoss,
    ReverseCrossEntropyLoss,
    SelfAdjustingDiceLoss,
    SquentropyLoss,
)

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -0.3], [-1.5, 3.0, 0.0], [12.5, -2.0, 1.0]])
LABELS = torch.tensor([0, 2, 1, 1])
MULTI_LOGITS = torch.tensor([[1.2, -0.7, 3.0], [-2.0, 0.3, 0.0]])
MULTI_LABELS = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (CrossEntropyLoss(), 4.0553160),
        (GeneralizedCrossEntropyLoss(), 0.6521568),
        (NormalizedCrossEntropyLoss(), 0.2585345),
        (ReverseCrossEntropyLoss(), 4.6749134),
        (MeanAbsoluteErrorLoss(), 0.5075723),
        (NormalizedFocalLoss(gamma=0.5), 0.2573800),
        (NormalizedFocalLoss(gamma=2.0), 0.2703650),
        (FocalLoss(gamma=0.5), 3.9658298),
        (ActivePassiveLoss(), 4.9334478),
        (ActivePassiveLoss(passive="absolute"), 0.7661068),
        (ActivePassiveLoss(active="focal"), 4.9322935),
        (ActivePassiveLoss(active="focal", passive="absolute"), 0.7649523),
        (AGCELoss(), 0.8120741),
        (AULLoss(), 0.5156997),
        (LDRLoss(), 1.5464370),
        (LDRLoss(margin=0.0), 0.1073639),
        (LabelSmoothingLoss(), 4.0019822),
        (MarginSmoothingLoss(), 4.1053162),
        (MarginSmoothingLoss(margin=1.0), 4.3219829),
        (ACLSLoss(), 4.2396898),
        (ACLSLoss(margin=1.0), 7.8778162),
        (MaxSupLoss(), 4.3769827),
        (SquentropyLoss(), 24.1553154),
        (CompSumLoss(tau=1.0), 4.0553160),
        (CompSumLoss(tau=1.7), 0.6521568),
        (CompSumLoss(tau=2.0), 0.5075722),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_means(loss: nn.Module, expected: float) -> None:
    assert loss(LOGITS, LABELS).item() == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (Poly1CrossEntropyLoss(), [0.4557143, 2.1793137, 0.1165145, 15.5000095]),
        (Poly1CrossEntropyLoss(epsilon=-1.0), [0.0269084, 0.6623417, 0.0017133, 13.5000114]),
        (SelfAdjustingDiceLoss(), [0.0509531, 0.5296874, 0.0047877, 0.9429746]),
        # sums over channels of the published elements
        (
            Poly1FocalLoss(alpha=0.25, use_sigmoid=True),
            [
                0.0021447 + 0.0364459 + 0.5242341,
                0.2985545 + 0.3471928 + 0.2600379,
                0.0110981 + 0.0001340 + 0.2549651,
                10.3749218 + 1.0958450 + 0.9171131,
            ],
        ),
        (
            Poly1FocalLoss(epsilon=-1.0, use_sigmoid=True),
            [
                0.0001098 + 0.0032057 + 0.1362363,
                0.0604722 + 0.0750669 + 0.0923668,
                0.0006319 + 0.0000026 + 0.0482868,
                11.4999227 + 0.9667528 + 0.3111565,
            ],
        ),
    ],
)
def test_samples(loss: nn.Module, expected: list[float]) -> None:
    loss.reduction = "none"
    torch.testing.assert_close(loss(LOGITS, LABELS), torch.tensor(expected), atol=2e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (AsymmetricLoss(reduction="sum"), 0.3257622),
        (AsymmetricLoss(0.0, 0.0, 0.0, reduction="sum"), 2.0894864),
    ],
)
def test_multi_label(loss: nn.Module, expected: float) -> None:
    assert loss(MULTI_LOGITS, MULTI_LABELS).item() == pytest.approx(expected, abs=1e-6)


def test_asymmetric_gradient_is_the_one_of_the_value() -> None:
    # the authors' AsymmetricLoss detaches its weights and gives -.0536 at the first logit;
    # AsymmetricLossOptimized does not: -.1004
    leaf = MULTI_LOGITS.clone().requires_grad_()
    AsymmetricLoss(reduction="sum")(leaf, MULTI_LABELS).backward()
    assert leaf.grad[0, 0].item() == pytest.approx(-0.1004, abs=1e-4)


def test_limits() -> None:
    """Identities between the losses, and with torch."""
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


def test_sums_of_published_codes() -> None:
    """What other codes make one class of is a list of two losses."""
    # symmetric cross-entropy, alpha = .1, beta = 1
    symmetric = 0.1 * CrossEntropyLoss()(LOGITS, LABELS) + ReverseCrossEntropyLoss()(LOGITS, LABELS)
    assert symmetric.item() == pytest.approx(5.0804448, abs=2e-6)
    # Poly-1 of abhuse weighs cross-entropy alone by class
    pair = [
        CrossEntropyLoss(class_weight=[1.0, 2.0, 0.5], reduction="none"),
        MeanAbsoluteErrorLoss(reduction="none", loss_weight=2.0),
    ]
    expected = torch.tensor([0.6701173, 2.2273858, 0.2330289, 31.0000191])
    value = pair[0](LOGITS, LABELS) + pair[1](LOGITS, LABELS)
    torch.testing.assert_close(value, expected, atol=2e-6, rtol=1e-6)
    # of the LDR repository: normalised cross-entropy with AGCE, and with AUL
    normalized = NormalizedCrossEntropyLoss()(LOGITS, LABELS)
    for passive, total in ((AGCELoss(a=3, q=1.5), 1.2208432), (AULLoss(a=6, q=1.5), 1.4376462)):
        value = normalized + passive(LOGITS, LABELS)
        assert value.item() == pytest.approx(total, abs=2e-6)
    # normalised MAE is MAE / (2 (K - 1))
    assert MeanAbsoluteErrorLoss(loss_weight=1 / 4)(LOGITS, LABELS).item() == pytest.approx(
        0.1268931, abs=1e-6
    )
