"""IoU, GIoU, DIoU and CIoU: published identities, edges, the base's plumbing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    CIoULoss,
    DIoULoss,
    GIoULoss,
    IoULoss,
    ciou_loss,
    diou_loss,
    giou_loss,
    iou_loss,
)
from seglosses.losses.base import BoxLoss
from tests.goldens.published import values

PRED, TARGET = (torch.tensor(values("box_losses")[f"boxes_{name}"]) for name in ("pred", "target"))
FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": partial(iou_loss, mode="linear"),
    "square": partial(iou_loss, mode="square"),
    "log": iou_loss,
    "giou": giou_loss,
    "diou": diou_loss,
    "ciou": ciou_loss,
    "ungated": partial(ciou_loss, gate_alpha=False),
}
FAMILY: list[type[BoxLoss]] = [IoULoss, GIoULoss, DIoULoss, CIoULoss]


def random_boxes(n: int, scale: float, dim: int = 2) -> Tensor:
    lower = torch.rand(n, dim, dtype=torch.float64) * scale
    side = (torch.rand(n, dim, dtype=torch.float64) + 0.01) * scale
    return torch.cat([lower, lower + side], 1)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("name", ["linear", "square", "log", "giou", "diou"])
def test_gradcheck(name: str, dim: int) -> None:
    torch.manual_seed(dim)
    pred, target = random_boxes(6, 1.0, dim), random_boxes(6, 1.0, dim)
    pred[0], target[0] = target[0] + 1.5, target[0]  # apart
    assert torch.autograd.gradcheck(FUNCTIONS[name], (pred.requires_grad_(), target))


def test_alpha_of_ciou_is_frozen() -> None:
    def frozen(pred: Tensor, target: Tensor, alpha: Tensor) -> Tensor:
        (w, h), (v, u) = (pred[:, 2:] - pred[:, :2]).T, (target[:, 2:] - target[:, :2]).T
        shape = 4 / torch.pi**2 * (torch.atan(v / u) - torch.atan(w / h)) ** 2
        return diou_loss(pred, target) + alpha * shape

    pred, target = PRED[8:9].double(), TARGET[8:9].double()
    v = 4 / torch.pi**2 * (torch.atan(torch.tensor(7.5 / 4.5)) - torch.atan(torch.tensor(2.0))) ** 2
    iou = 1 - iou_loss(pred, target, mode="linear")
    alpha = v / (1 - iou + v)
    a, b = (pred.clone().requires_grad_() for _ in range(2))
    ciou_loss(a, target).sum().backward()
    frozen(b, target, alpha).sum().backward()
    torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("loss", [DIoULoss, CIoULoss])
def test_a_frozen_diagonal_moves_the_centre_only(loss: type[DIoULoss]) -> None:
    pred = torch.tensor([[4.0, 0, 6, 2]], requires_grad=True)
    target = torch.tensor([[0.0, 0, 2, 2]])
    frozen = loss(freeze_diagonal=True)(pred, target)
    torch.testing.assert_close(frozen, loss()(pred, target))
    frozen.backward()
    # rho^2 / c^2 = 16 / 40; a corner moves the centre by half: 2 * 4 / 40 / 2
    assert pred.grad is not None
    torch.testing.assert_close(pred.grad, torch.tensor([[0.1, 0, 0.1, 0]]))


@pytest.mark.parametrize("loss", FAMILY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1, 32, 640, 1e4])
def test_identical_boxes_cost_nothing(
    loss: type[BoxLoss], dtype: torch.dtype, scale: float
) -> None:
    """MMDetection's CIoU is NaN for 98 % of these at scale 32."""
    torch.manual_seed(0)
    target = random_boxes(2000, scale).to(dtype)
    pred = target.clone().requires_grad_()
    value = loss(reduction="none")(pred, target)
    value.sum().backward()
    assert value.max() <= 1e-6
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()


ODD = {
    "point in box": ([1.0, 1, 1, 1], [0.0, 0, 2, 2]),
    "two points": ([1.0, 1, 1, 1], [2.0, 2, 2, 2]),
    "one point": ([0.0, 0, 0, 0], [0.0, 0, 0, 0]),
    "line": ([0.0, 0, 5, 0], [0.0, 0, 5, 0]),
    "inverted": ([3.0, 3, 1, 1], [0.0, 0, 2, 2]),
    "inverted side": ([3.0, 0, 1, 2], [0.0, 0, 2, 2]),
    "huge": ([-1e30, -1e30, 1e30, 1e30], [0.0, 0, 2, 2]),
    "huge apart": ([1e30, 1e30, 3e38, 3e38], [0.0, 0, 2, 2]),
    "tiny": ([0.0, 0, 1e-20, 1e-20], [0.0, 0, 1e-25, 1e-30]),
}


@pytest.mark.parametrize("loss", FAMILY)
@pytest.mark.parametrize("case", ODD)
def test_odd_boxes_stay_finite(loss: type[BoxLoss], case: str) -> None:
    pred, target = (torch.tensor([box]) for box in ODD[case])
    pred.requires_grad_()
    value = loss()(pred, target)
    value.backward()
    assert torch.isfinite(value)
    assert value >= 0
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()
    assert value > 0.5


def test_an_inverted_box_is_no_match() -> None:
    """MMDetection multiplies two negative sides to an area and returns 0 here."""
    pred, target = torch.tensor([[3.0, 3, 1, 1]]), torch.tensor([[0.0, 0, 2, 2]])
    # union 4, hull 9
    torch.testing.assert_close(giou_loss(pred, target), torch.tensor([1 + 5 / 9]))


@pytest.mark.parametrize("loss", [GIoULoss, DIoULoss, CIoULoss])
def test_loss_grows_with_the_gap(loss: type[BoxLoss]) -> None:
    shift = torch.arange(21.0).unsqueeze(1)
    pred = torch.tensor([[0.0, 0, 2, 2]]).expand(21, 4)
    value = loss(reduction="none")(pred, pred + shift)
    assert (value.diff() > 0).all()


def test_giou_is_below_iou_and_above_minus_one() -> None:
    torch.manual_seed(0)
    pred, target = random_boxes(500, 5), random_boxes(500, 5)
    giou = 1 - giou_loss(pred, target)
    assert (giou > -1).all()
    assert (giou <= 1 - iou_loss(pred, target, mode="linear") + 1e-12).all()


def test_segments_agree_with_temporal_detection() -> None:
    """Distances to the ends (left, right) of TriDet are segments (-left, right) around zero."""
    pred = torch.tensor([[2.0, 3], [1, 1], [0.5, 4], [0, 0]])
    target = torch.tensor([[2.0, 3], [3, 1], [2, 2], [1, 1]])
    sign = torch.tensor([-1.0, 1])
    torch.testing.assert_close(
        diou_loss(pred * sign, target * sign),
        torch.tensor([0, 0.5625, 0.668403, 1]),
        atol=1e-6,
        rtol=0,
    )
    torch.testing.assert_close(
        giou_loss(pred * sign, target * sign),
        torch.tensor([0, 0.5, 0.583333, 1]),
        atol=1e-6,
        rtol=0,
    )


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (giou_loss, [[0, 0], [-0.25, -0.0625], [-0.1666667, 0.0694444], [-0.5, -0.5]]),
        (diou_loss, [[0, 0], [-0.3125, -0.015625], [-0.2152778, 0.0896991], [-0.5, -0.5]]),
    ],
)
def test_gradients_of_segments_agree_with_temporal_detection(loss, expected) -> None:
    """TriDet; the last segment has no length yet and must grow into the target around it."""
    pred = torch.tensor([[2.0, 3], [1, 1], [0.5, 4], [0, 0]]).requires_grad_()
    target = torch.tensor([[2.0, 3], [3, 1], [2, 2], [1, 1]])
    sign = torch.tensor([-1.0, 1])
    loss(pred * sign, target * sign).sum().backward()
    torch.testing.assert_close(pred.grad, torch.tensor(expected), atol=1e-6, rtol=0)


def test_aspect_needs_two_dimensions() -> None:
    with pytest.raises(ValueError, match="aspect ratios need boxes"):
        ciou_loss(torch.rand(1, 6), torch.rand(1, 6))


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match="mode must be"):
        iou_loss(PRED, TARGET, mode="cubic")  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", FAMILY)
def test_no_boxes_give_zero_with_a_graph(loss: type[BoxLoss]) -> None:
    pred = torch.zeros(0, 4, requires_grad=True)
    value = loss()(pred, torch.zeros(0, 4), torch.zeros(0, 4), avg_factor=0.0)
    value.backward()
    assert value == 0
    assert pred.grad is not None


@pytest.mark.parametrize("loss", FAMILY)
def test_rows_of_weight_zero_may_hold_anything(loss: type[BoxLoss]) -> None:
    pred = torch.cat([PRED[:1], torch.full((2, 4), torch.nan)]).requires_grad_()
    target = torch.cat([TARGET[:1], torch.tensor([[0.0] * 4, [torch.inf] * 4])])
    weight = torch.tensor([[1.0] * 4, [0.0] * 4, [0.0] * 4])
    value = loss()(pred, target, weight, avg_factor=1.0)
    value.backward()
    torch.testing.assert_close(value, loss()(PRED[:1], TARGET[:1]))
    assert pred.grad is not None
    assert not pred.grad[1:].any()


def test_squares_are_weighed_too() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])  # IoU 1/2
    loss = iou_loss(*boxes, mode="square", focal_gamma=1.0)
    torch.testing.assert_close(loss, torch.tensor([0.5 * 0.75]))
