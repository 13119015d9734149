"""Modifiers of the family and WiseIoU: composition, state of the running mean."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from seglosses.losses import (
    AlphaIoULoss,
    CIoULoss,
    DIoULoss,
    FocalerIoULoss,
    GIoULoss,
    InnerIoULoss,
    IoULoss,
    WiseIoULoss,
    ciou_loss,
    diou_loss,
    giou_loss,
    iou_loss,
    wise_iou_loss,
)
from seglosses.losses.box.modifiers import Modifiers, inner_iou
from seglosses.primitives.boxes import Comparison
from tests.goldens.published import values

PRED, TARGET = (torch.tensor(values("box_losses")[f"boxes_{name}"]) for name in ("pred", "target"))

ungated = partial(ciou_loss, gate_alpha=False)
CASES = {
    # malagoutou/Inner-IoU
    "inner 0.7": partial(ungated, inner_ratio=0.7),
    "inner 1.2": partial(ungated, inner_ratio=1.2),
    # malagoutou/Focaler-IoU
    "focaler": partial(iou_loss, mode="linear", interval=(0, 0.95)),
    # Jacobi93/Alpha-IoU, whose CIoU is NaN on the second, identical pair
    "alpha iou": partial(iou_loss, mode="linear", alpha=3),
    "alpha giou": partial(giou_loss, alpha=3),
    "alpha diou": partial(diou_loss, alpha=3),
    "alpha ciou": partial(ungated, alpha=3),
    # Instinct323/Wise-IoU
    "wise 1": partial(wise_iou_loss, version=1),
    "wise 2": partial(wise_iou_loss, version=2, mean=0.5),
    "wise 3": partial(wise_iou_loss, version=3, mean=0.5),
}


@pytest.mark.parametrize("name", ["inner 0.7", "inner 1.2", "alpha iou", "alpha giou"])
def test_gradcheck(name: str) -> None:
    torch.manual_seed(0)
    pred, target = (torch.rand(8, 4, dtype=torch.float64) for _ in range(2))
    for boxes in (pred, target):
        boxes[:, 2:] += boxes[:, :2] + 0.2
    pred[0] += 3
    # with equal shapes the frozen factor of the aspect term does not matter
    pred[:, 2:] = pred[:, :2] + (target[:, 2:] - target[:, :2])
    if name.startswith("inner"):
        ratio = CASES[name].keywords["inner_ratio"]
        function = partial(diou_loss, inner_ratio=ratio)
    else:
        function = CASES[name]
    assert torch.autograd.gradcheck(function, (pred.requires_grad_(), target))


def test_modifiers_compose() -> None:
    """Inner IoU of [1, 3] and [2, 4] is 1/3, stretched from [1/6, 1/2] to 1/2, and squared."""
    pred, target = torch.tensor([[0.0, 4.0]]), torch.tensor([[1.0, 5.0]])
    loss = diou_loss(pred, target, inner_ratio=0.5, interval=(1 / 6, 1 / 2), alpha=2, focal_gamma=2)
    # IoU 3/5, centres 1 apart in a hull of 5
    expected = (3 / 5) ** 2 * (1 - 0.5**2 + (1 / 25) ** 2)
    torch.testing.assert_close(loss, torch.tensor([expected]))


def test_the_frozen_weight_of_focal_has_no_gradient() -> None:
    pred = PRED[7:8].clone().requires_grad_()
    plain = PRED[7:8].clone().requires_grad_()
    giou_loss(pred, TARGET[7:8], focal_gamma=0.5).backward()
    giou_loss(plain, TARGET[7:8]).backward()
    assert pred.grad is not None
    assert plain.grad is not None
    torch.testing.assert_close(pred.grad, plain.grad * math.sqrt(9 / 19))


def test_inner_iou_of_ratio_one_is_iou() -> None:
    pair = Comparison(PRED, TARGET)
    torch.testing.assert_close(inner_iou(pair, 1.0), pair.iou)


def test_classes_have_the_defaults_of_their_papers() -> None:
    for loss, function in (
        (AlphaIoULoss(reduction="none"), partial(ciou_loss, alpha=3)),
        (InnerIoULoss(reduction="none"), partial(ciou_loss, inner_ratio=0.7)),
        (FocalerIoULoss(reduction="none"), CASES["focaler"]),
    ):
        torch.testing.assert_close(loss(PRED, TARGET), function(PRED, TARGET))
    one = InnerIoULoss(reduction="none", inner_ratio=1.0, gate_alpha=False)
    torch.testing.assert_close(one(PRED, TARGET), ungated(PRED, TARGET))


@pytest.mark.parametrize("loss", [IoULoss, GIoULoss, DIoULoss, CIoULoss])
def test_every_member_takes_every_modifier(loss: type[IoULoss]) -> None:
    options = {"inner_ratio": 0.8, "interval": (0.1, 0.9), "alpha": 2.0, "focal_gamma": 0.5}
    modified = loss(reduction="none", **options)
    text = repr(modified)
    assert "inner_ratio=0.8" in text
    assert "interval=(0.1, 0.9)" in text
    value = modified(PRED, TARGET)
    assert value[1] == 0
    assert not torch.allclose(value, loss(reduction="none")(PRED, TARGET))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inner_ratio": 0}, "inner_ratio must lie in"),
        ({"interval": (0.5, 0.5)}, "interval must be"),
        ({"alpha": 0.5}, r"alpha must lie in \[1, inf\).*perfect match"),
        ({"focal_gamma": -1}, "focal_gamma must lie in"),
    ],
)
def test_modifiers_are_checked_at_construction(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GIoULoss(**options)
    with pytest.raises(ValueError, match=message):
        Modifiers(**options)


def test_hull_of_wise_iou_is_frozen() -> None:
    pred = torch.tensor([[0.0, 0, 2, 2]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[0.0, 0, 2, 4]], dtype=torch.float64)
    wise_iou_loss(pred, target, version=1).backward()
    # exp(o^2 / 20) (1 - h / 4) at h = 2, o = 2 - h / 2; half-way between the two branches of the
    # edges that coincide the other three corners only shift the centre
    e = math.exp(1 / 20)
    slope = e * (2 * 1 / 20 * -0.5) * 0.5 - e / 4
    assert pred.grad is not None
    assert pred.grad[0, 3].item() == pytest.approx(slope)


def test_running_mean_moves_in_training_only() -> None:
    loss = WiseIoULoss(momentum=0.5)
    pred = torch.tensor([[0.0, 0, 2, 2], [9, 9, 9, 9]], requires_grad=True)
    target = torch.tensor([[0.0, 0, 2, 8], [0, 0, 0, 0]])
    weight = torch.tensor([1.0, 0.0])
    loss.eval()
    before = loss(pred, target, weight)
    assert loss.running_mean == 1
    loss.train()
    # a call is judged by the mean of those before it
    torch.testing.assert_close(loss(pred, target, weight), before)
    # 1 - IoU is 0.75; the row without weight does not count
    torch.testing.assert_close(loss.running_mean, torch.tensor(0.875))
    loss(pred[:0], target[:0], weight[:0])
    torch.testing.assert_close(loss.running_mean, torch.tensor(0.875))
    assert loss(pred, target, weight) != before


def test_running_mean_is_in_the_checkpoint() -> None:
    loss, other = WiseIoULoss(), WiseIoULoss()
    loss(PRED, TARGET)
    other.load_state_dict(loss.state_dict())
    assert other.running_mean == loss.running_mean < 1


def test_wise_iou_of_a_perfect_run_stays_finite() -> None:
    loss = WiseIoULoss(momentum=1.0)
    for _ in range(3):
        value = loss(TARGET.clone().requires_grad_(), TARGET)
    assert value == 0
    worse = loss(PRED.clone().requires_grad_(), TARGET)
    assert torch.isfinite(worse)


def test_sync_alone_changes_nothing() -> None:
    loss = WiseIoULoss()
    loss(PRED, TARGET)
    before = loss.running_mean.clone()
    loss.sync()
    assert loss.running_mean == before


def test_wise_border() -> None:
    with pytest.raises(ValueError, match="version must be"):
        wise_iou_loss(PRED, TARGET, version=4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="version must be"):
        WiseIoULoss(version=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="momentum must lie in"):
        WiseIoULoss(momentum=0)
