"""The Jensen-Shannon loss: by hand, its limits, soft labels."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.losses import (
    CrossEntropyLoss,
    GeneralizedCrossEntropyLoss,
    JensenShannonLoss,
    MeanAbsoluteErrorLoss,
    jensen_shannon_loss,
)
from tests.reference.samples import LABELS, LOGITS
from tests.reference.seg_inputs import LOGITS as MAP_LOGITS
from tests.reference.seg_inputs import SOFT


def test_by_hand() -> None:
    # y = (1, 0), p = (1/3, 2/3), pi = 1/4: m = (1/2, 1/2)
    logits, label = torch.tensor([[1.0, 2.0]]).log(), torch.tensor([0])
    log2 = math.log(2)
    divergence = 0.25 * log2 + 0.75 * (math.log(2 / 3) / 3 + 2 * math.log(4 / 3) / 3)
    expected = divergence / (-0.75 * math.log(0.75))
    assert JensenShannonLoss(pi=0.25)(logits, label).item() == pytest.approx(expected, rel=1e-6)
    # the nearest siblings
    assert abs(GeneralizedCrossEntropyLoss()(logits, label).item() - expected) > 0.01
    assert abs(JensenShannonLoss(pi=0.75)(logits, label).item() - expected) > 0.01


def test_limits() -> None:
    # without the last sample, at whose p = 5e-7 a pi of 1e-6 is not small
    logits, labels = LOGITS[:3].double(), LABELS[:3]
    entropy, absolute = (cls()(logits, labels) for cls in (CrossEntropyLoss, MeanAbsoluteErrorLoss))
    near_zero, near_one = (JensenShannonLoss(pi=pi)(logits, labels) for pi in (1e-6, 1 - 1e-12))
    torch.testing.assert_close(near_zero, entropy, atol=1e-4, rtol=0)
    # as slowly as 1 / log(1 - pi)
    torch.testing.assert_close(near_one, absolute, atol=0.05, rtol=0)


def test_soft_labels_are_met_by_themselves() -> None:
    prob = MAP_LOGITS.softmax(1)
    leaf = MAP_LOGITS.clone().requires_grad_()
    value = JensenShannonLoss()(leaf, prob)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert leaf.grad.abs().max() < 1e-6
    assert JensenShannonLoss()(MAP_LOGITS, SOFT).item() > 0.1
    # at pi = 1/2 the divergence is symmetric
    swapped = jensen_shannon_loss(SOFT.log(), prob)
    total = SOFT / SOFT.sum(1, keepdim=True)
    torch.testing.assert_close(jensen_shannon_loss(MAP_LOGITS, total), swapped)


@pytest.mark.parametrize("pi", [0.1, 0.5, 0.9])
def test_it_is_bounded(pi: float) -> None:
    far, label = torch.tensor([[-200.0, 200.0, 0.0]]), torch.tensor([0])
    entropy = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    expected = entropy / (-(1 - pi) * math.log(1 - pi))
    loss = JensenShannonLoss(pi=pi)
    assert loss(far, label).item() == pytest.approx(expected)
    assert loss(-far, label).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("pi", [0.0, 1.0, -1.0])
def test_border(pi: float) -> None:
    with pytest.raises(ValueError, match=r"pi must lie in \(0, 1\).*the limits are"):
        JensenShannonLoss(pi=pi)(LOGITS, LABELS)
