"""EfficientIoU, SIoU, ShapeIoU, MPDIoU and NWD: gradients, laws of their own, edges."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    BoundedIoULoss,
    EfficientIoULoss,
    MPDIoULoss,
    NormalizedWassersteinLoss,
    ShapeIoULoss,
    SIoULoss,
    diou_loss,
    efficient_iou_loss,
    mpdiou_loss,
    normalized_wasserstein_loss,
    shape_iou_loss,
    siou_loss,
)
from seglosses.losses.base import BoxLoss
from tests.goldens.published import values

PRED, TARGET = (torch.tensor(values("box_losses")[f"boxes_{name}"]) for name in ("pred", "target"))

FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "efficient": efficient_iou_loss,
    "focal efficient": partial(efficient_iou_loss, focal_gamma=0.5),
    "siou": siou_loss,
    "inner siou": partial(siou_loss, inner_ratio=0.7),
    "shape 0": shape_iou_loss,
    "shape 1": partial(shape_iou_loss, scale=1.0),
    "mpdiou": partial(mpdiou_loss, image_size=(48, 64)),
    "nwd": normalized_wasserstein_loss,
}
FAMILY: list[type[BoxLoss]] = [
    EfficientIoULoss,
    SIoULoss,
    ShapeIoULoss,
    MPDIoULoss,
    NormalizedWassersteinLoss,
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradcheck(name: str) -> None:
    torch.manual_seed(0)
    pred, target = (torch.rand(8, 4, dtype=torch.float64) for _ in range(2))
    for boxes in (pred, target):
        boxes[:, 2:] += boxes[:, :2] + 0.2
    pred[0] += 3
    function = FUNCTIONS[name]
    if name == "focal efficient":  # its weight is frozen: d(q^.5 L) = q^.5 dL
        plain = pred.clone().requires_grad_()
        iou = 1 - diou_loss(pred, target) + _centre(pred, target)
        (efficient_iou_loss(plain, target) * iou.sqrt()).sum().backward()
        pred.requires_grad_()
        function(pred, target).sum().backward()
        torch.testing.assert_close(pred.grad, plain.grad)
    else:
        assert torch.autograd.gradcheck(function, (pred.requires_grad_(), target))


def _centre(pred: Tensor, target: Tensor) -> Tensor:
    offset = (pred[:, :2] + pred[:, 2:] - target[:, :2] - target[:, 2:]) / 2
    hull = torch.maximum(pred, target)[:, 2:] - torch.minimum(pred, target)[:, :2]
    return offset.square().sum(1) / hull.square().sum(1)


@pytest.mark.parametrize("loss", FAMILY)
def test_loss_grows_with_the_gap(loss: type[BoxLoss]) -> None:
    """MMDetection's SIoU falls to 0 here."""
    shift = torch.tensor([0.0, 1, 2, 4, 8, 20]).unsqueeze(1)
    pred = torch.tensor([[0.0, 0, 2, 2]]).expand(6, 4)
    for direction in ([1.0, 1, 1, 1], [1.0, 0, 1, 0], [0.0, -1, 0, -1]):
        value = loss(reduction="none")(pred, pred + shift * torch.tensor(direction))
        assert (value.diff() > 0).all()


@pytest.mark.parametrize("loss", [*FAMILY, BoundedIoULoss])
@pytest.mark.parametrize("scale", [1, 32, 640, 1e4])
def test_identical_boxes_cost_nothing(loss: type[BoxLoss], scale: float) -> None:
    torch.manual_seed(0)
    target = torch.rand(500, 4) * scale
    target[:, 2:] += target[:, :2] + 0.01 * scale
    pred = target.clone().requires_grad_()
    value = loss(reduction="none")(pred, target)
    value.sum().backward()
    assert value.max() <= 1e-6
    assert pred.grad is not None
    assert pred.grad.abs().max() * scale < 1


ODD = {
    "point in box": ([1.0, 1, 1, 1], [0.0, 0, 2, 2]),
    "box at point": ([0.0, 0, 2, 2], [1.0, 1, 1, 1]),
    "two points": ([1.0, 1, 1, 1], [2.0, 2, 2, 2]),
    "one point": ([0.0, 0, 0, 0], [0.0, 0, 0, 0]),
    "inverted": ([3.0, 3, 1, 1], [0.0, 0, 2, 2]),
    "huge": ([-1e30, -1e30, 1e30, 1e30], [0.0, 0, 2, 2]),
    "tiny": ([0.0, 0, 1e-20, 1e-20], [0.0, 0, 1e-25, 1e-30]),
}


@pytest.mark.parametrize("loss", [*FAMILY, BoundedIoULoss])
@pytest.mark.parametrize("case", ODD)
def test_odd_boxes_stay_finite(loss: type[BoxLoss], case: str) -> None:
    pred, target = (torch.tensor([box]) for box in ODD[case])
    pred.requires_grad_()
    value = loss()(pred, target)
    value.backward()
    assert torch.isfinite(value)
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()


def test_efficient_iou_of_cuboids() -> None:
    pred, target = torch.tensor([[0.0, 0, 0, 2, 2, 2]]), torch.tensor([[0.0, 0, 0, 2, 2, 4]])
    # IoU 8 / 16, centres 1 apart in a hull of diagonal^2 24, one side 2 of 4 too short
    expected = torch.tensor([0.5 + 1 / 24 + 0.25])
    torch.testing.assert_close(efficient_iou_loss(pred, target), expected)


def test_siou_prefers_the_axis() -> None:
    """On a diagonal the angle cost is at its largest, and softens the distance."""
    pred = torch.tensor([[0.0, 0, 2, 2]])
    axis = siou_loss(pred, pred + torch.tensor([[4.0, 0, 4, 0]]))
    # gamma = 2: 1 + (1 - exp(-2 * (4 / 6)^2)) / 2
    torch.testing.assert_close(axis, 1 - 0.5 * torch.expm1(torch.tensor([-2 * (4 / 6) ** 2])))
    both = siou_loss(pred, pred + 4)
    # gamma = 1 on both axes
    torch.testing.assert_close(both, 1 - torch.expm1(torch.tensor([-((4 / 6) ** 2)])))


@pytest.mark.parametrize("function", [siou_loss, shape_iou_loss])
def test_planar_losses_refuse_cuboids(function: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(ValueError, match=r"need boxes \(n, 4\)"):
        function(torch.rand(1, 6), torch.rand(1, 6))


def test_border() -> None:
    with pytest.raises(ValueError, match="image_size must be 2 positive"):
        mpdiou_loss(PRED, TARGET, image_size=(640,))
    with pytest.raises(ValueError, match="image_size must be 2 positive"):
        MPDIoULoss(image_size=(0, 640))(PRED, TARGET)
