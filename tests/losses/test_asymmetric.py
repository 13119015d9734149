"""Asymmetric loss of one label a pixel: published numbers, limits, what fades."""

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

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -0.3], [-1.5, 3.0, 0.0], [12.5, -2.0, 1.0]])
LABELS = torch.tensor([0, 2, 1, 1])


@pytest.mark.parametrize(
    ("smoothing", "expected", "gradient"),
    [
        # ASLSingleLabel of Alibaba-MIIL/ASL; unlike the multi-label form in the same file it does
        # not detach its weights
        (
            0.1,
            3.7853117,
            [
                [-0.0500644, 0.0091247, 0.0409398],
                [0.0841437, 0.0930768, -0.1772204],
                [0.0024433, -0.0133939, 0.0109506],
                [0.2333308, -0.2333332, 0.0000024],
            ],
        ),
        (
            0.0,
            4.0553160,
            [
                [-0.0536007, 0.0097781, 0.0438226],
                [0.0900742, 0.0995473, -0.1896215],
                [0.0026178, -0.0143501, 0.0117323],
                [0.2499973, -0.2499999, 0.0000025],
            ],
        ),
    ],
)
def test_published(smoothing: float, expected: float, gradient: list[list[float]]) -> None:
    leaf = LOGITS.clone().requires_grad_()
    value = SingleLabelAsymmetricLoss(smoothing=smoothing)(leaf, LABELS)
    value.backward()
    assert value.item() == pytest.approx(expected, abs=2e-6)
    torch.testing.assert_close(leaf.grad, torch.tensor(gradient), atol=1e-7, rtol=1e-5)


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
