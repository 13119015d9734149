"""Losses of features and attributions, and weights from counts."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    AttributionEnergyLoss,
    BalancedCrossEntropyLoss,
    CrossEntropyLoss,
    InfoNCELoss,
    attribution_energy_loss,
    balanced_class_weights,
    right_reasons_loss,
    task_weights,
)


def test_info_nce_of_a_label() -> None:
    labels = torch.tensor([[[1, 1, 0, 0]]])
    logits = torch.zeros(1, 2, 1, 4, requires_grad=True)
    features = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]).view(1, 2, 1, 4).requires_grad_()
    loss = InfoNCELoss(temperature=1.0)
    with extra_inputs(features=features):
        value = loss(logits, labels)
        # two queries, each with one positive and two orthogonal negatives
        assert value.item() == pytest.approx(math.log(1 + 2 / math.e))
        value.backward()
        ignored = torch.where(torch.tensor([[[False, False, False, True]]]), 255, labels)
        assert loss(logits, ignored).item() == pytest.approx(math.log(1 + 1 / math.e))
        for nothing in (torch.zeros_like(labels), torch.full_like(labels, 255)):
            assert loss(logits, nothing).item() == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_info_nce_takes_samples() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (2, 16, 16), generator=generator)
    logits = torch.zeros(2, 3, 16, 16)
    features = torch.randn(2, 4, 8, 8, generator=generator, requires_grad=True)
    with extra_inputs(features=features):
        value = InfoNCELoss(samples=8)(logits, labels)
    value.backward()
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()
    with pytest.raises(ValueError, match="at least 2"):
        InfoNCELoss(samples=1)


def test_energy_of_a_label() -> None:
    attributions = torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    inside = torch.zeros(1, 1, 6, 6)
    inside[..., 1:3, 1:4] = 1
    value = attribution_energy_loss(attributions, inside)
    labels = inside[:, 0].long()
    with extra_inputs(attributions=attributions):
        loss = AttributionEnergyLoss(classes=[1])
        assert loss(torch.zeros(1, 2, 6, 6), labels).item() == pytest.approx(value.item())
    with extra_inputs(attributions=torch.ones(1, 2, 6, 6)):
        # uniform: each class gets its share, and the rest is outside
        both = AttributionEnergyLoss()(torch.zeros(1, 2, 6, 6), labels)
        assert both.item() == pytest.approx(0.5)
    with (
        extra_inputs(attributions=torch.ones(1, 3, 6, 6)),
        pytest.raises(ValueError, match="one map a class"),
    ):
        AttributionEnergyLoss()(torch.zeros(1, 2, 6, 6), labels)


def test_no_attribution_divides_nothing() -> None:
    nothing = torch.zeros(1, 1, 4, 4, requires_grad=True)
    value = attribution_energy_loss(nothing, torch.ones(1, 1, 4, 4))
    value.sum().backward()
    assert value.item() == 1.0
    assert torch.isfinite(nothing.grad).all()


def test_right_reasons_by_hand() -> None:
    maps = torch.tensor([[[1.0, -3.0, 2.0, -1.0]]])
    inside = torch.tensor([[[1.0, 0.0, 0.5, 0.0]]])
    # (-3)^2 + (2 / 2)^2 + (-1)^2, where the share of the positive outside is 1/3
    assert right_reasons_loss(maps, inside).item() == 11
    assert attribution_energy_loss(maps, inside).item() == pytest.approx(1 / 3)
    weight = torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])
    assert right_reasons_loss(maps, inside, weight=weight).item() == 10
    assert right_reasons_loss(3 * maps, inside).item() == 99
    assert torch.autograd.gradcheck(
        lambda a: right_reasons_loss(a, inside, weight=weight), maps.double().requires_grad_()
    )


def test_weights_by_hand() -> None:
    labels = torch.tensor([[[0, 0, 0, 1, 255]]])
    logits = torch.tensor([0.0, 0.0, 0.0, 2.0, 9.0]).view(1, 1, 1, 5)
    # background 3 of 4 weighs 1/4, foreground 3/4
    expected = (0.25 * 3 * math.log(2) + 0.75 * math.log(1 + math.exp(-2))) / 4
    assert BalancedCrossEntropyLoss()(logits, labels).item() == pytest.approx(expected)
    pair = torch.cat([torch.zeros_like(logits), logits], 1)
    assert BalancedCrossEntropyLoss()(pair, labels).item() == pytest.approx(expected)
    equal = torch.tensor([[[0, 1, 0, 1, 255]]])
    torch.testing.assert_close(
        BalancedCrossEntropyLoss()(pair, equal), CrossEntropyLoss()(pair, equal) / 2
    )
    assert balanced_class_weights(torch.zeros(2)).tolist() == [0, 0]


def test_task_weights() -> None:
    assert task_weights([1, 3]) == [0.75, 0.25]
    assert sum(task_weights([1, 2, 3])) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="two or more tasks"):
        task_weights([1])
