"""Comp-sum losses below tau = 1: by hand, the line that keeps them finite, laws."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.laws import Subject, laws_of
from seglosses.losses import CompSumLoss, CrossEntropyLoss, comp_sum_loss
from tests.reference.samples import LABELS, LOGITS


def test_by_hand() -> None:
    # exp(2 - 1) + exp(0 - 1), and the root of 1 more than that, twice the excess over 1
    logits, label = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([0])
    others = math.e + 1 / math.e
    assert CompSumLoss(tau=0.0)(logits, label).item() == pytest.approx(others)
    root = 2 * (math.sqrt(1 + others) - 1)
    assert CompSumLoss(tau=0.5)(logits, label).item() == pytest.approx(root)
    near = CompSumLoss(tau=1 - 1e-6)(logits.double(), label)
    torch.testing.assert_close(near, CrossEntropyLoss()(logits.double(), label), atol=1e-5, rtol=0)


@pytest.mark.parametrize("tau", [0.0, 0.5, 0.9])
def test_it_goes_on_as_a_line(tau: float) -> None:
    # cross-entropy of one pixel, above and below the bend
    bend = math.log(100.0) / (1 - tau)
    cost, slope = [], []
    for entropy in (bend - 1e-4, bend + 1e-4, bend + 1, bend + 2):
        leaf = torch.tensor([[0.0, math.log(math.expm1(entropy))]], dtype=torch.float64)
        leaf.requires_grad_()
        value = CompSumLoss(tau=tau, max_slope=100.0)(leaf, torch.tensor([0]))
        value.backward()
        cost.append(value.item())
        slope.append(leaf.grad[0, 1].item() / -math.expm1(-entropy))
    assert slope == pytest.approx([100.0] * 4, rel=1e-4)
    assert cost[0] == pytest.approx((100 - 1) / (1 - tau), rel=1e-3)
    assert cost[3] - cost[2] == pytest.approx(100.0)


@pytest.mark.parametrize("tau", [0.0, 0.5])
def test_no_logits_of_half_precision_overflow(tau: float) -> None:
    largest = torch.finfo(torch.float16).max
    logits = torch.zeros(1, 3, 64, 64, dtype=torch.float16)
    logits[:, 0], logits[:, 1] = largest, -largest
    leaf = logits.requires_grad_()
    value = CompSumLoss(tau=tau)(leaf, torch.ones(1, 64, 64, dtype=torch.long))
    value.backward()
    assert torch.isfinite(value)
    assert value > 1e12
    # 1e7 over 4096 pixels
    assert leaf.grad.abs().max().item() == pytest.approx(1e7 / 4096, rel=1e-3)
    # without the line it overflows: float32 ends at exp(88)
    assert torch.isinf((logits.float().log_softmax(1) * (tau - 1)).exp()).any()


def test_gradients_below_one() -> None:
    leaf = LOGITS.double().requires_grad_()
    soft = LOGITS.flip(0).double().softmax(1)
    for tau in (0.0, 0.5):
        for target in (LABELS, soft):
            assert torch.autograd.gradcheck(
                lambda z, y=target, t=tau: comp_sum_loss(z, y, tau=t, max_slope=50.0), leaf
            )


SUBJECT = Subject("CompSumLoss(tau=0)", "segmentation", CompSumLoss(tau=0.0), soft=True)


@pytest.mark.parametrize("law", laws_of(SUBJECT))
def test_laws_hold_below_one(law: str) -> None:
    laws_of(SUBJECT)[law](SUBJECT)
