"""Multi-class hinges: PyTorch's, the robust loss between them and CE."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import CrammerSingerLoss, CrossEntropyLoss, LDRLoss, WestonWatkinsLoss
from tests.reference.seg_inputs import LABELS as MAP_LABELS
from tests.reference.seg_inputs import LOGITS as MAP_LOGITS
from tests.reference.seg_inputs import SOFT


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
