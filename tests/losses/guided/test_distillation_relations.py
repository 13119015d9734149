"""Distillation of relations, against the authors' programs and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    ChannelWiseDistillationLoss,
    CrossImageDistillationLoss,
    DISTLoss,
    PixelAffinityDistillationLoss,
    channel_wise_distillation_loss,
    cross_image_distillation_loss,
    dist_loss,
    pixel_affinity_distillation_loss,
)

WAVE = torch.arange(120.0).view(2, 3, 4, 5)
STUDENT, TEACHER = 2 * torch.sin(1.7 * WAVE), 2 * torch.cos(0.9 * WAVE)
LABELS = torch.zeros(2, 4, 5, dtype=torch.long)
ALL: list[Any] = [
    ChannelWiseDistillationLoss,
    PixelAffinityDistillationLoss,
    CrossImageDistillationLoss,
    DISTLoss,
]


@pytest.mark.parametrize(
    ("function", "published"),
    [
        # of winycg/CIRKD at dab64db: CriterionCWD(3, 3, 'channel', 'kl', 4.0),
        (channel_wise_distillation_loss, 1.9153391),
        # CriterionMiniBatchCrossImagePair(0.1),
        (cross_image_distillation_loss, 3.6091559),
        # and CriterionStructuralKD of maps twice as large, which it pools
        (pixel_affinity_distillation_loss, 1.0469890),
    ],
)
def test_numbers_of_the_authors(function: Any, published: float) -> None:
    assert function(STUDENT, TEACHER).mean().item() == pytest.approx(published, rel=1e-5)


def test_dist_agrees_with_numpy() -> None:
    p, q = STUDENT[:1].softmax(1), TEACHER[:1].softmax(1)
    a, b = p[0].flatten(1).double().numpy(), q[0].flatten(1).double().numpy()
    inter = np.mean([1 - np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(20)])
    intra = np.mean([1 - np.corrcoef(a[c], b[c])[0, 1] for c in range(3)])
    found = dist_loss(p, q, inter=0.7, intra=1.9)
    assert found.item() == pytest.approx(0.7 * inter + 1.9 * intra, rel=1e-5)


def test_dist_sees_no_shift_and_no_scale() -> None:
    p = STUDENT.softmax(1)
    assert dist_loss(p, 0.3 * p + 0.2).abs().max() < 1e-6
    # a constant says as much as another, and nothing of what varies
    flat = torch.full_like(p, 0.4)
    assert dist_loss(flat, flat / 2).tolist() == [0, 0]
    assert dist_loss(p, flat).tolist() == pytest.approx([2, 2])


@pytest.mark.parametrize("cls", ALL)
def test_ignored_pixels_are_not_there(cls: Any) -> None:
    labels = LABELS.clone()
    labels[:, 2:] = 255
    weight = (labels != 255).float()
    with extra_inputs(teacher=TEACHER):
        value = cls()(STUDENT, labels)
        torch.testing.assert_close(cls()(STUDENT, LABELS, weight=weight), value)
        with pytest.raises(ValueError, match="must be 0 or 1"):
            cls()(STUDENT, LABELS, weight=weight / 2)
    if cls in (ChannelWiseDistillationLoss, DISTLoss):
        with extra_inputs(teacher=TEACHER[:, :, :2]):
            torch.testing.assert_close(cls()(STUDENT[:, :, :2], LABELS[:, :2]), value)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("sigmoid", [False, True])
@pytest.mark.parametrize("size", [(3, 4), (2, 2, 3)])
def test_gradients(cls: Any, sigmoid: bool, size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, *size, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.zeros(2, *size, dtype=torch.long)
    labels[0, 0, 0] = 255
    with extra_inputs(teacher=torch.randn(2, 3, *size, generator=generator)):
        assert torch.autograd.gradcheck(
            lambda z: cls(use_sigmoid=sigmoid)(z, labels), (logits,), atol=1e-4
        )


def test_large_maps_are_pooled() -> None:
    large = torch.randn(1, 3, 300, 300)
    with extra_inputs(teacher=large.flip(2)):
        labels = torch.zeros(1, 300, 300, dtype=torch.long)
        for cls in (PixelAffinityDistillationLoss, CrossImageDistillationLoss):
            assert cls(grid=8)(large, labels) > 0


def test_classes_of_relations_have_no_weights() -> None:
    for cls in (PixelAffinityDistillationLoss, CrossImageDistillationLoss, DISTLoss):
        with pytest.raises(ValueError, match="cannot weigh classes"):
            cls(class_weight=[1.0, 2.0])
    with extra_inputs(teacher=TEACHER):
        first = ChannelWiseDistillationLoss(class_weight=[3.0, 0.0, 0.0])(STUDENT, LABELS)
    expected = channel_wise_distillation_loss(STUDENT, TEACHER)[:, 0].mean()
    torch.testing.assert_close(first, expected)
