"""Cross-entropy of groups of classes: both ways to it, and where one exponential is not enough."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from seglosses.primitives import group_entropy as module
from seglosses.primitives.group_entropy import group_entropy

LEVELS = [([0, 1, 1, 0, 2], 0.5), ([0, 1, 1, 0, 0], 0.25)]
GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(2, 5, 4, 3, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.randint(0, 5, (2, 4, 3), generator=GENERATOR)


def test_a_value_by_hand() -> None:
    logits = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25]).log().view(1, 5, 1)
    # of class 1: itself, it with class 2, and the same pair again
    by_hand = -math.log(0.2) - 0.5 * math.log(0.5) - 0.25 * math.log(0.5)
    assert group_entropy(logits, torch.tensor([[1]]), LEVELS).item() == pytest.approx(by_hand)
    # of class 4: itself, itself alone, it with classes 0 and 3
    by_hand = -1.5 * math.log(0.25) - 0.25 * math.log(0.5)
    assert group_entropy(logits, torch.tensor([[4]]), LEVELS).item() == pytest.approx(by_hand)


def test_both_ways_agree_in_values_and_gradients() -> None:
    grad = torch.rand(2, 4, 3, generator=GENERATOR, dtype=torch.float64)
    results = []
    for run in (group_entropy, module._in_steps):
        leaf = LOGITS.clone().requires_grad_()
        loss = run(leaf, LABELS, LEVELS)
        results.append((loss, *torch.autograd.grad(loss, leaf, grad)))
    torch.testing.assert_close(*results)


def test_first_and_second_derivatives() -> None:
    few = LOGITS[:1, :, :2, :2].clone().requires_grad_()
    for check in (gradcheck, gradgradcheck):
        assert check(lambda z: group_entropy(z, LABELS[:1, :2, :2], LEVELS), few)


def test_logits_far_apart_lose_nothing() -> None:
    logits = torch.tensor([0.0, -200.0, -201.0, 0.0, 0.0]).view(1, 5, 1).requires_grad_()
    loss = group_entropy(logits, torch.tensor([[1]]), LEVELS)
    rest = 200 + math.log(3)
    pair = rest - math.log1p(math.exp(-1))
    assert loss.item() == pytest.approx(rest + 0.75 * pair)
    (slope,) = torch.autograd.grad(loss.sum(), logits)
    # of class 2: 3/4 of its share of the pair
    assert slope[0, 2].item() == pytest.approx(-0.75 / (1 + math.e))


@pytest.mark.parametrize("shape", [(0, 5, 3), (1, 5, 0)])
def test_no_pixels(shape: tuple[int, ...]) -> None:
    logits = torch.zeros(shape, requires_grad=True)
    loss = group_entropy(logits, torch.zeros(shape[0], shape[2], dtype=torch.long), LEVELS)
    loss.sum().backward()  # type: ignore[no-untyped-call]
    assert loss.shape == (shape[0], shape[2])
