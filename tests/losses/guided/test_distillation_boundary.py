"""Boundary distillation: which pixels and which classes count, and by how much."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import BoundaryDistillationLoss, boundary_distillation_loss

SPATIAL = [(8, 10), (3, 8, 10)]


def _problem(spatial: tuple[int, ...], channels: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pred, teacher = torch.randn(2, 2, channels, *spatial, generator=generator).unbind()
    labels = torch.zeros(2, *spatial, dtype=torch.long)
    labels[..., 2:5, 3:7] = 1
    return pred, labels, teacher


def _call(loss: BoundaryDistillationLoss, pred: Tensor, labels: Tensor, teacher: Tensor, **more):
    with extra_inputs(teacher=teacher):
        return loss(pred, labels, **more)


@pytest.mark.parametrize("spatial", SPATIAL)
@pytest.mark.parametrize("channels", [1, 3])
def test_weight_zero_is_ignored(channels: int, spatial: tuple[int, ...]) -> None:
    pred, labels, teacher = _problem(spatial, channels)
    loss = BoundaryDistillationLoss(radius=1)
    weight = (torch.rand(labels.shape, generator=torch.Generator().manual_seed(1)) > 0.3).float()
    ignored = labels.masked_fill(weight == 0, 255)
    leaf = pred.clone().requires_grad_()
    value = _call(loss, leaf, labels, teacher, weight=weight)
    torch.testing.assert_close(value, _call(loss, pred, ignored, teacher))
    assert abs(value - _call(loss, pred, labels, teacher)) > 1e-3
    (grad,) = torch.autograd.grad(value, leaf)
    assert grad.movedim(1, -1)[weight == 0].abs().max() == 0
    nothing = _call(loss, leaf, labels, teacher, weight=weight * 0)
    (grad,) = torch.autograd.grad(nothing, leaf)
    assert nothing.item() == 0.0
    assert grad.abs().max() == 0


@pytest.mark.parametrize("spatial", SPATIAL)
def test_a_frame_of_ignored_pixels_costs_nothing(spatial: tuple[int, ...]) -> None:
    pred, labels, teacher = _problem(spatial)
    loss = BoundaryDistillationLoss(radius=1)
    frame = (2, 1, 0, 3)
    framed = (F.pad(pred, frame, value=5.0), F.pad(labels, frame, value=255))
    value = _call(loss, *framed, F.pad(teacher, frame, value=-3.0))
    torch.testing.assert_close(value, _call(loss, pred, labels, teacher))


def test_a_pixel_of_weight_two_counts_as_two() -> None:
    generator = torch.Generator().manual_seed(2)
    z, teacher = torch.randn(2, 2, 3, 7, dtype=torch.float64, generator=generator).unbind()
    edges = torch.rand(2, 3, 7, generator=generator) > 0.6
    counts = torch.tensor([1, 2, 0, 3, 1, 1, 2])
    weight = counts.double().expand(2, 1, 7)
    value = boundary_distillation_loss(z, teacher, edges, weight=weight)
    each = (x.repeat_interleave(counts, 2) for x in (z, teacher, edges))
    torch.testing.assert_close(value, boundary_distillation_loss(*each))
    same = boundary_distillation_loss(z, teacher, edges, weight=torch.full((2, 1, 7), 0.3).double())
    torch.testing.assert_close(same, boundary_distillation_loss(z, teacher, edges))


def test_classes_are_chosen() -> None:
    pred, labels, teacher = _problem((8, 10))
    none = BoundaryDistillationLoss(reduction="none")
    each = torch.stack(
        [
            _call(BoundaryDistillationLoss(reduction="none", classes=[c]), pred, labels, teacher)
            for c in range(3)
        ],
        1,
    )
    torch.testing.assert_close(each.mean(1), _call(none, pred, labels, teacher))
    for classes, chosen in (("foreground", [1, 2]), ("present", [0, 1]), ([2, 0], [2, 0])):
        loss = BoundaryDistillationLoss(reduction="none", classes=classes)
        torch.testing.assert_close(_call(loss, pred, labels, teacher), each[:, chosen].mean(1))
    weighed = BoundaryDistillationLoss(
        reduction="none", classes=[1, 2], class_weight=[9.0, 1.0, 3.0]
    )
    expected = (each[:, 1] + 3 * each[:, 2]) / 2
    torch.testing.assert_close(_call(weighed, pred, labels, teacher), expected)


def test_classes_of_a_head_with_one_channel() -> None:
    pred, labels, teacher = _problem((8, 10), channels=1)
    pair, taught = (torch.cat([torch.zeros_like(z), z], 1) for z in (pred, teacher))
    loss = BoundaryDistillationLoss(radius=1, classes=[1])
    value = _call(loss, pred, labels, teacher)
    torch.testing.assert_close(value, _call(loss, pair, labels, taught))
    assert value != _call(BoundaryDistillationLoss(radius=1), pred, labels, teacher)


def test_gradient_with_weights() -> None:
    pred, labels, teacher = _problem((4, 5))
    weight = torch.rand(labels.shape, generator=torch.Generator().manual_seed(3))
    weight[0, 0], weight[1] = 0.0, 0.0
    assert torch.autograd.gradcheck(
        lambda p: _call(
            BoundaryDistillationLoss(radius=1), p, labels, teacher.double(), weight=weight
        ),
        pred.double().requires_grad_(),
    )
