"""Losses that soften labels at boundaries: the same as of labels softened before."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.laws import Subject, examine
from seglosses.losses import CrossEntropyLoss, JaccardMetricLoss, smooth_boundary_labels
from seglosses.losses.base import SegmentationLoss

LOSSES = [CrossEntropyLoss, JaccardMetricLoss]
SMOOTHED = {"boundary_smoothing": {"epsilon": 0.4, "kernel_size": 3}}
every_loss = pytest.mark.parametrize("cls", LOSSES, ids=lambda cls: cls.__name__)


def case(*spatial: int, classes: int = 3, channels: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, channels, *spatial, generator=generator, dtype=torch.float64)
    labels = torch.zeros(2, *spatial, dtype=torch.long)
    labels[..., 2:5, 1:4] = 1
    labels[..., 5:, :] = classes - 1
    labels[..., 0, 0] = 255
    return logits, labels


def soften(labels: Tensor, classes: int) -> Tensor:
    return smooth_boundary_labels(labels, classes, epsilon=0.4, dtype=torch.float64)


def value_and_gradient(loss: SegmentationLoss, logits: Tensor, target: Tensor) -> list[Tensor]:
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, target)
    return [value.detach(), *torch.autograd.grad(value, leaf)]


@every_loss
# the same losses are called with an ignored label of their own, and with another at the call
@pytest.mark.filterwarnings("ignore:ignore_index")
@pytest.mark.parametrize("spatial", [(8, 7), (3, 8, 7)], ids=["2D", "3D"])
def test_as_of_labels_softened_before(cls: type, spatial: tuple[int, ...]) -> None:
    logits, labels = case(*spatial)
    ours = value_and_gradient(cls(**SMOOTHED), logits, labels)
    torch.testing.assert_close(ours, value_and_gradient(cls(), logits, soften(labels, 3)))
    assert abs(ours[0] - cls()(logits, labels)) > 1e-3
    assert not ours[1][..., 0, 0].any()
    elsewhere = labels.masked_fill(labels == 255, 7)
    again = cls(ignore_index=0, **SMOOTHED)(logits, elsewhere, ignore_index=7)
    torch.testing.assert_close(again, ours[0])


def test_a_foreground_logit_is_two_classes() -> None:
    one, labels = case(8, 7, classes=2, channels=1)
    two = torch.cat([torch.zeros_like(one), one], 1)
    pixel = CrossEntropyLoss(**SMOOTHED)
    torch.testing.assert_close(pixel(one, labels), pixel(two, labels))
    region = JaccardMetricLoss(classes=[1], **SMOOTHED)
    alone = JaccardMetricLoss(**SMOOTHED)(one, labels)
    torch.testing.assert_close(alone, region(two, labels))
    masks = JaccardMetricLoss(use_sigmoid=True, **SMOOTHED)(one.squeeze(1), labels)
    torch.testing.assert_close(alone, masks)


@every_loss
def test_independent_channels_have_their_own_boundaries(cls: type) -> None:
    logits, labels = case(8, 7)
    together = cls(use_sigmoid=True, **SMOOTHED)(logits, labels)
    unknown = labels == 255
    each = [
        cls(**SMOOTHED)(logits[:, [c]], (labels == c).long().masked_fill(unknown, 255))
        for c in range(3)
    ]
    torch.testing.assert_close(together, sum(each) / 3)


@every_loss
def test_weights_and_samplers(cls: type) -> None:
    logits, labels = case(8, 7)
    weight = torch.rand(labels.shape, generator=torch.Generator().manual_seed(1)).double()
    ours = cls(**SMOOTHED)(logits, labels, weight)
    torch.testing.assert_close(ours, cls()(logits, soften(labels, 3), weight))
    if cls is CrossEntropyLoss:
        each = cls(**SMOOTHED)(logits, labels, reduction_override="none")
        assert each.shape == labels.shape


@every_loss
def test_border(cls: type) -> None:
    logits, labels = case(8, 7)
    loss = cls(**SMOOTHED)
    with pytest.raises(ValueError, match=r"integer labels .* got a dense target \(2, 3, 8, 7\)"):
        loss(logits, soften(labels, 3))
    for points, target in (
        (logits.flatten(2), labels.flatten(1)),
        (torch.zeros(4, 3), torch.zeros(4).long()),
    ):
        with pytest.raises(ValueError, match="only images and volumes have boundaries"):
            loss(points, target)
    with pytest.raises(ValueError, match="boundary_smoothing must be an amount"):
        cls(boundary_smoothing={"eps": 0.5})


@every_loss
def test_shows_what_can_be_given_again(cls: type) -> None:
    shown = "boundary_smoothing={'epsilon': 0.5, 'kernel_size': 3}"
    assert shown in repr(cls(boundary_smoothing=0.5))
    assert shown in repr(cls(boundary_smoothing={"epsilon": 0.5}))
    assert "boundary_smoothing=None" in repr(cls())


@every_loss
@pytest.mark.parametrize(("channels", "sigmoid"), [(3, False), (1, True), (3, True)])
def test_laws(cls: type, channels: int, sigmoid: bool) -> None:
    loss = cls(use_sigmoid=sigmoid, boundary_smoothing=0.5)
    overlap = cls is JaccardMetricLoss
    subject = Subject(cls.__name__, "segmentation", loss, channels, dims=(2, 3), overlap=overlap)
    broken = {finding.law: finding.words for finding in examine(subject) if not finding.holds}
    # certainty is what any label smoothing prices
    expected = {"perfect_prediction_costs_zero"}
    if overlap and channels > 1:
        # all classes count, as for any soft label
        expected.add("absent_class_does_not_matter")
    assert set(broken) == expected, broken
