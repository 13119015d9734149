"""Values and gradients of one kernel: as autograd has them, at the edges too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seglosses import losses
from seglosses.losses.rows import BoxLoss
from seglosses.primitives import box_pairs
from seglosses.primitives.box_formulas import Formula, by_kernel

KNOWN: dict[str, Callable[[], BoxLoss]] = {
    "linear": lambda: losses.IoULoss(mode="linear"),
    "square": lambda: losses.IoULoss(mode="square"),
    "log": lambda: losses.IoULoss(eps=0.01),
    "giou": losses.GIoULoss,
    "diou": losses.DIoULoss,
    "frozen": lambda: losses.DIoULoss(freeze_diagonal=True),
    "ciou": losses.CIoULoss,
    "ungated": lambda: losses.CIoULoss(gate_alpha=False, freeze_diagonal=True),
    "siou": losses.SIoULoss,
    "theta": lambda: losses.SIoULoss(theta=1.5),
}


@pytest.fixture
def formulas(monkeypatch: pytest.MonkeyPatch) -> list[Formula]:
    """What the kernel was asked for, call by call."""
    found = []

    def spy(pred: Tensor, target: Tensor, formula: Formula) -> tuple[Tensor, Tensor]:
        found.append(formula)
        return by_kernel(pred, target, formula)

    monkeypatch.setattr(box_pairs, "by_kernel", spy)
    return found


def both_ways(loss: BoxLoss, pred: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Values and gradients by the kernel, and by autograd, which a target with a graph asks for."""
    found = []
    for graph in (False, True):
        leaf = pred.clone().requires_grad_()
        value = loss.compute(leaf, target.clone().requires_grad_(graph))
        (slope,) = torch.autograd.grad(value.sum(), leaf)
        found.append((value.detach(), slope))
    return found


@pytest.mark.at_hand
@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_boxes(name: str, dtype: torch.dtype, formulas: list[Formula]) -> None:
    torch.manual_seed(0)
    target = 100 * torch.rand(500, 4, dtype=torch.float64)
    target[:, 2:] = target[:, :2] + 1 + 50 * torch.rand(500, 2)
    side = target[:, 2:] - target[:, :2]
    pred = target + 0.3 * torch.randn(500, 4) * torch.cat([side, side], 1)
    pred[:20] += 200
    ours, wanted = both_ways(KNOWN[name](), pred.to(dtype), target.to(dtype))
    assert len(formulas) == 1
    exact = dtype == torch.float64
    torch.testing.assert_close(
        ours, wanted, rtol=1e-9 if exact else 1e-4, atol=1e-12 if exact else 1e-5
    )


@pytest.mark.at_hand
@pytest.mark.parametrize("name", KNOWN)
def test_boxes_that_touch_coincide_or_have_no_area(name: str, formulas: list[Formula]) -> None:
    torch.manual_seed(0)
    pred, target = (torch.randint(0, 4, (2000, 4)).double() for _ in range(2))
    pred[:, 2:] += pred[:, :2] - 1
    target[:, 2:] += target[:, :2]
    ours, wanted = both_ways(KNOWN[name](), pred, target)
    assert len(formulas) == 1
    torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.at_hand
@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_boxes_are_at_rest_and_cost_nothing(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    boxes = 100 * torch.rand(500, 4, dtype=dtype)
    boxes[:, 2:] += boxes[:, :2]
    value, slope = both_ways(KNOWN[name](), boxes, boxes)[0]
    assert value.abs().max() < 1e-6
    assert slope.abs().max() < 1e-6


@pytest.mark.at_hand
@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_corners_that_are_no_numbers(name: str, bad: float) -> None:
    target = torch.tensor([[0.0, 0, 2, 2]]).double()
    for place in range(4):
        pred = torch.tensor([[1.0, 1, 3, 3]]).double()
        pred[0, place] = bad
        ours, wanted = both_ways(KNOWN[name](), pred, target)
        torch.testing.assert_close(ours[0], wanted[0], equal_nan=True)


@pytest.mark.at_hand
def test_what_the_kernel_does_not_know_is_left_to_autograd(formulas: list[Formula]) -> None:
    class HalfLoss(losses.GIoULoss):
        def terms(self, pair):  # type: ignore[no-untyped-def]
            return (super().terms(pair)[0] / 2,)

    pred, target = torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[3.0, 0, 4, 1]])
    pred.requires_grad_()
    assert HalfLoss()(pred, target).item() == 1.25
    assert losses.GIoULoss(alpha=2)(pred, target).item() == 1.25
    losses.SIoULoss(theta=0.5)(pred, target)
    losses.EfficientIoULoss()(pred, target)
    space = torch.tensor([[0.0, 0, 0, 1, 1, 1]])
    losses.GIoULoss()(space.clone().requires_grad_(), space)
    assert not formulas
    assert losses.GIoULoss()(pred, target).item() == 1.5
    assert formulas == [Formula(hull=True)]


@pytest.mark.at_hand
def test_few_pairs_have_second_derivatives_and_many_say_so() -> None:
    torch.manual_seed(0)
    pred, target = torch.rand(4, 4).double(), torch.rand(4, 4).double()
    pred[:, 2:] += pred[:, :2]
    target[:, 2:] += target[:, :2]
    pred.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda p: losses.CIoULoss().compute(p, target), (pred,))
    many = torch.rand(box_pairs.FEW + 1, 4, requires_grad=True)
    value = losses.CIoULoss().compute(many, torch.rand_like(many)).sum()
    with pytest.raises(RuntimeError, match="create_graph=True"):
        torch.autograd.grad(value, many, create_graph=True)
