"""Losses of features and attributions, and weights from counts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    AttributionEnergyLoss,
    BalancedCrossEntropyLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    InfoNCELoss,
    LovaszSoftmaxLoss,
    RightReasonsLoss,
    SSIMLoss,
    attribution_energy_loss,
    balanced_class_weights,
    right_reasons_loss,
    task_weights,
)
from seglosses.losses.guided.contrast import info_nce_loss


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
    with pytest.raises(ValueError, match=r"samples must be a whole number in \[2"):
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
        pytest.raises(ValueError, match="one map per class"),
    ):
        AttributionEnergyLoss()(torch.zeros(1, 2, 6, 6), labels)


def test_no_attribution_divides_nothing() -> None:
    nothing = torch.zeros(1, 1, 4, 4, requires_grad=True)
    value = attribution_energy_loss(nothing, torch.ones(1, 1, 4, 4))
    value.sum().backward()
    assert value.item() == 1.0
    assert torch.isfinite(nothing.grad).all()


def test_where_nothing_counts_nothing_is_paid() -> None:
    labels = torch.tensor([[[0, 1, 1]]])
    logits = torch.zeros(1, 2, 1, 3, requires_grad=True)
    maps = torch.ones(1, 2, 1, 3, requires_grad=True)
    for cls in (AttributionEnergyLoss, RightReasonsLoss):
        with extra_inputs(attributions=maps):
            loss = cls()(logits, labels, weight=torch.zeros(1, 1, 3))
            assert loss.item() == 0.0
            # and of two images the other one keeps its own
            pair = torch.tensor([[[0.0, 0.0, 0.0]], [[1.0, 1.0, 1.0]]])
        with extra_inputs(attributions=maps.expand(2, -1, -1, -1)):
            both = cls(reduction="none")(
                logits.expand(2, -1, -1, -1), labels.expand(2, -1, -1), pair
            )
        assert both[0].item() == 0.0
        assert both[1].item() > 0.0


@pytest.mark.parametrize("cls", [AttributionEnergyLoss, RightReasonsLoss])
def test_maps_may_be_anything_where_ignored(cls) -> None:
    labels = torch.tensor([[[0, 1, 255]]])
    values = []
    for unknown in (0.0, float("nan"), float("inf")):
        maps = torch.tensor([[[[1.0, 2.0, unknown]], [[3.0, 4.0, unknown]]]], requires_grad=True)
        with extra_inputs(attributions=maps):
            value = cls()(torch.zeros(1, 2, 1, 3), labels)
        value.backward()
        assert torch.isfinite(maps.grad).all()
        values.append(value.item())
    assert values[0] == values[1] == values[2]


def test_features_may_be_anything_where_ignored() -> None:
    features = torch.ones(1, 2, 1, 3)
    features[..., 2] = torch.nan
    for labels in ([[[1, 1, 255]]], [[[1, 0, 255]]]):
        features.requires_grad_().grad = None
        with extra_inputs(features=features):
            value = InfoNCELoss()(torch.zeros(1, 2, 1, 3), torch.tensor(labels))
        value.backward()
        assert value.item() == 0.0


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (AttributionEnergyLoss, "attributions"),
        (RightReasonsLoss, "attributions"),
        (InfoNCELoss, "features"),
    ],
)
def test_a_constant_is_not_trained_on(cls, name) -> None:
    maps, labels = torch.rand(1, 2, 1, 3), torch.tensor([[[0, 1, 1]]])
    logits = torch.zeros(1, 2, 1, 3, requires_grad=True)
    with extra_inputs(**{name: maps}):
        with pytest.raises(ValueError, match=rf"{cls.__name__} trains .* would train nothing"):
            cls()(logits, labels)
        with torch.no_grad():
            held = cls()(logits, labels)
        assert cls()(logits.detach(), labels).item() == held.item()
    with extra_inputs(**{name: maps.requires_grad_()}):
        cls()(logits, labels).backward()
    assert maps.grad.abs().sum() > 0


def test_energy_of_the_logits_by_hand() -> None:
    # logits (x, 2 x): class 0 gets x = 1, 0, 3 (its own pixels hold 1), class 1 gets twice that
    x = torch.tensor([[[[1.0, -2.0, 3.0, 5.0]]]], requires_grad=True)
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    logits = x * weight.view(1, 2, 1, 1)
    labels = torch.tensor([[[0, 1, 1, 255]]])
    with extra_inputs(attribute_to=x):
        loss = AttributionEnergyLoss()(logits, labels)
    assert loss.item() == pytest.approx((3 / 4 + 1 / 4) / 2)
    # ready maps win
    with extra_inputs(attribute_to=x, attributions=torch.ones(1, 2, 1, 4, requires_grad=True)):
        assert AttributionEnergyLoss()(logits, labels).item() == pytest.approx(0.5)


def test_right_reasons_of_the_logits_by_hand() -> None:
    # the class's logit is x_1 - x_0 at pixel 1, so log p = log sigmoid has the slopes -1 / 2, 1 / 2
    x = torch.ones(1, 1, 1, 2, requires_grad=True)
    logits = torch.stack([torch.zeros(1, 1, 1), x[:, 0, :, 1:] - x[:, 0, :, :1]], -1)
    with extra_inputs(attribute_to=x):
        loss = RightReasonsLoss(classes=[0])(logits, torch.tensor([[[0, 1]]]))
    assert loss.item() == pytest.approx(0.25)


@pytest.mark.parametrize("cls", [AttributionEnergyLoss, RightReasonsLoss])
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("channels", [1, 2])
def test_attributions_train_the_network(cls, dims, channels) -> None:
    torch.manual_seed(0)
    conv = (nn.Conv2d, nn.Conv3d)[dims - 2]
    network = nn.Sequential(
        conv(2, 4, 3, padding=1), nn.Softplus(), conv(4, channels, 3, padding=1)
    )
    image = torch.randn(2, 2, *(6,) * dims, requires_grad=True)
    labels = torch.zeros(2, *(6,) * dims, dtype=torch.long)
    labels[:, 1:4, 2:4] = 1
    loss = cls()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    values = []
    for _ in range(15):
        logits = network(image)
        with extra_inputs(attribute_to=image):
            value = loss(logits, labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.98 * values[0]


def test_attributions_beside_losses_without_a_second_derivative() -> None:
    torch.manual_seed(0)
    network = nn.Conv2d(1, 2, 3, padding=1)
    image = torch.randn(1, 1, 8, 8, requires_grad=True)
    labels = (image[:, 0] > 0).long()
    parts = (LovaszSoftmaxLoss(), FocalLoss(), DiceLoss(), SSIMLoss(), AttributionEnergyLoss())
    gradients = []
    for chosen in (parts, parts[:-1], parts[-1:]):
        network.zero_grad()
        with extra_inputs(attribute_to=image):
            logits = network(image)
            sum(loss(logits, labels) for loss in chosen).backward()
        gradients.append(network.weight.grad.clone())
    together, others, alone = gradients
    assert alone.abs().sum() > 0
    torch.testing.assert_close(together, others + alone)


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


def test_lengths_of_features_do_not_matter() -> None:
    query, positive, negative = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = info_nce_loss(query, positive, negative)
    torch.testing.assert_close(info_nce_loss(2 * query, 3 * positive, 5 * negative), expected)
