"""Multi-class hinges: published numbers, PyTorch's, the robust loss between them and CE."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seglosses.losses import CrammerSingerLoss, CrossEntropyLoss, LDRLoss, WestonWatkinsLoss
from tests.reference.seg_inputs import LABELS as MAP_LABELS
from tests.reference.seg_inputs import LOGITS as MAP_LOGITS
from tests.reference.seg_inputs import SOFT

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -0.3], [-1.5, 3.0, 0.0], [12.5, -2.0, 1.0]])
LABELS = torch.tensor([0, 2, 1, 1])
# fmt: off
CE_GRADIENT = [
    [-0.0536007, 0.0097781, 0.0438226], [0.0900742, 0.0995473, -0.1896215],
    [0.0026178, -0.0143501, 0.0117323], [0.2499973, -0.2499999, 0.0000025],
]
# fmt: on


@pytest.mark.parametrize(
    ("loss", "expected", "gradient"),
    [
        (
            CrammerSingerLoss(),
            4.25,
            [[0.0, 0.0, 0.0], [0.0, 0.25, -0.25], [0.0, 0.0, 0.0], [0.25, -0.25, 0.0]],
        ),
        (
            WestonWatkinsLoss(),
            1.8666667,
            [
                [0.0, 0.0, 0.0],
                [0.0833333, 0.0833333, -0.1666667],
                [0.0, 0.0, 0.0],
                [0.0833333, -0.1666667, 0.0833333],
            ],
        ),
        # its CELoss_v1: cross-entropy less log 3
        (LDRLoss(margin=0.0, normalize=False), 2.9567037, CE_GRADIENT),
    ],
    ids=["CS", "WW", "CEv1"],
)
def test_published(loss: nn.Module, expected: float, gradient: list[list[float]]) -> None:
    # Optimization-AI/ICML2023_LDR
    leaf = LOGITS.clone().requires_grad_()
    value = loss(leaf, LABELS)
    value.backward()
    assert value.item() == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(leaf.grad, torch.tensor(gradient), atol=1e-7, rtol=1e-5)


def test_by_hand() -> None:
    # at margin 2 the others lack 2 + 1 - 1.5 and 2 - 1 - 1.5
    logits, label = torch.tensor([[1.5, 1.0, -1.0]]), torch.tensor([0])
    assert CrammerSingerLoss(margin=2.0)(logits, label).item() == 1.5
    assert WestonWatkinsLoss(margin=2.0)(logits, label).item() == pytest.approx(1.5 / 3)
    assert CrammerSingerLoss(margin=0.5)(logits, label).item() == 0
    # a target of (3/4, 1/4, 0): margins 1/2, 3/2, 2, own score 1.375
    soft = torch.tensor([[0.75, 0.25, 0.0]])
    assert CrammerSingerLoss(margin=2.0)(logits, soft).item() == pytest.approx(1.125)
    assert WestonWatkinsLoss(margin=2.0)(logits, soft).item() == pytest.approx(1.75 / 3)


def test_weston_watkins_is_torchs() -> None:
    flat, labels = MAP_LOGITS.movedim(1, -1).reshape(-1, 3), MAP_LABELS.flatten()
    for margin in (0.5, 1.0, 3.0):
        value = WestonWatkinsLoss(margin=margin)(MAP_LOGITS, MAP_LABELS)
        torch.testing.assert_close(value, F.multi_margin_loss(flat, labels, margin=margin))


def test_one_channel_is_the_binary_hinge() -> None:
    logits, labels = MAP_LOGITS[:, :1], (MAP_LABELS == 1).long()
    signed = (2 * labels - 1) * logits[:, 0]
    expected = (1 - signed).clamp(min=0).mean()
    torch.testing.assert_close(CrammerSingerLoss()(logits, labels), expected)
    # half of it: the label counts among the two classes
    torch.testing.assert_close(WestonWatkinsLoss()(logits, labels), expected / 2)


@pytest.mark.parametrize(
    "target", [MAP_LABELS, SOFT / SOFT.sum(1, keepdim=True)], ids=["labels", "soft"]
)
def test_the_robust_loss_of_logits_has_both_as_limits(target: torch.Tensor) -> None:
    entropy = LDRLoss(margin=0.0, normalize=False)(MAP_LOGITS, target)
    torch.testing.assert_close(entropy, CrossEntropyLoss()(MAP_LOGITS, target) - math.log(3))
    hard = LDRLoss(margin=1.0, lam=1e-4, normalize=False)(MAP_LOGITS, target)
    worst = CrammerSingerLoss()(MAP_LOGITS, target)
    torch.testing.assert_close(hard, worst, atol=1e-3, rtol=0)
