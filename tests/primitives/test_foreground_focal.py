"""Focal loss with a hand-written gradient, against autograd of the definition."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seglosses.primitives.encoding import one_hot
from seglosses.primitives.foreground_focal import foreground_focal


def by_definition(logits, labels, gamma, alpha, weight) -> torch.Tensor:
    hot = one_hot(labels, logits.shape[1], dtype=logits.dtype)
    signed = (2 * hot - 1) * logits  # logit of what is true
    loss = (1 - signed.sigmoid()) ** gamma * F.softplus(-signed)
    if alpha is not None:
        loss = loss * (alpha * hot + (1 - alpha) * (1 - hot))
    if weight is not None:
        loss = loss * weight.view(1, -1, *(1,) * (logits.dim() - 2))
    return loss.sum(1)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(30, 4), (2, 3, 5, 7), (2, 1, 9)])
def test_equals_the_definition(shape, gamma: float, alpha: float | None, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(shape, generator=generator, dtype=torch.float64)
    top = 2 if shape[1] == 1 else shape[1] + 1  # a label C is background
    labels = torch.randint(0, top, (shape[0], *shape[2:]), generator=generator)
    weight = torch.linspace(0.5, 2, shape[1], dtype=torch.float64) if weighted else None
    leaf, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = foreground_focal(leaf, labels, gamma=gamma, alpha=alpha, class_weight=weight)
    expected = by_definition(other, labels, gamma, alpha, weight)
    torch.testing.assert_close(loss, expected)
    slope = torch.linspace(0, 2, loss.numel(), dtype=loss.dtype).view_as(loss)
    (loss * slope).sum().backward()
    (expected * slope).sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_certain_logits_are_finite(gamma: float) -> None:
    logits = torch.tensor([[1e4, -1e4], [-1e4, 1e4]]).requires_grad_()
    loss = foreground_focal(logits, torch.tensor([0, 0]), gamma=gamma)
    assert loss.tolist() == [0, 2e4]
    loss.sum().backward()
    assert logits.grad.tolist() == [[0, 0], [-1, 1]]


def test_more_rows_than_a_block_holds() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 80, generator=generator)
    labels = torch.randint(0, 81, (4000,), generator=generator)
    torch.testing.assert_close(
        foreground_focal(logits, labels, gamma=2.0, alpha=0.25),
        by_definition(logits, labels, 2.0, 0.25, None),
    )
