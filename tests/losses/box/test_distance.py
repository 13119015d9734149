"""Wasserstein distance and bounded IoU of boxes: by hand, scales, gradients, borders."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import (
    BoundedIoULoss,
    NormalizedWassersteinLoss,
    bounded_iou_loss,
    normalized_wasserstein_loss,
)

PRED, TARGET = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2]])


def test_nwd_knows_the_scale() -> None:
    small = normalized_wasserstein_loss(PRED, TARGET, constant=4)
    assert torch.equal(small, normalized_wasserstein_loss(10 * PRED, 10 * TARGET, constant=40))
    assert normalized_wasserstein_loss(10 * PRED, 10 * TARGET, constant=4) > 2 * small


def test_logarithm_still_pulls_where_the_exponential_has_given_up() -> None:
    far = torch.tensor([[0.0, 0, 2, 2]], requires_grad=True)
    target = torch.tensor([[2000.0, 0, 2002, 2]])
    pull = {}
    for mode in ("exp", "log"):
        loss = NormalizedWassersteinLoss(mode=mode)
        (grad,) = torch.autograd.grad(loss(far, target), far)
        pull[mode] = float(grad.abs().max())
    assert pull["exp"] < 1e-30
    # d log(1 + d^2) = 2 d / (1 + d^2), half of it on each corner
    assert pull["log"] == pytest.approx(1 / 2000, rel=1e-3)


def test_bounded_iou_is_the_best_overlap_that_a_coordinate_leaves() -> None:
    """Each cost is 1 - IoU of the target with itself, shifted or stretched in one coordinate."""
    pred, target = torch.tensor([[0.5, 0.0, 4.5, 3.0]]), torch.tensor([[1.0, 0.2, 6.0, 2.2]])
    side, wanted = pred[0, 2:] - pred[0, :2], target[0, 2:] - target[0, :2]
    offset = ((pred[0, 2:] + pred[0, :2] - target[0, 2:] - target[0, :2]) / 2).abs()
    costs = []
    for o, s, t in zip(offset.tolist(), side.tolist(), wanted.tolist(), strict=True):
        # the published bound measures the shift with both its ends: 2 o
        costs += [1 - max(0, t - 2 * o) / (t + 2 * o), 1 - min(s, t) / max(s, t)]
    expected = F.smooth_l1_loss(torch.tensor(costs), torch.zeros(4), reduction="sum", beta=0.2)
    assert bounded_iou_loss(pred, target).item() == pytest.approx(expected.item(), abs=1e-6)


def test_bounded_iou_does_not_grow_beyond_half_a_side() -> None:
    shift = torch.tensor([[0.0], [0.5], [1.0], [5.0]])
    value = BoundedIoULoss(reduction="none")(PRED + shift, PRED.expand(4, 4))
    # 4 / 6 - .1 twice, then 1 - .1 twice
    torch.testing.assert_close(value, torch.tensor([0.0, 2 * (2 / 3 - 0.1), 1.8, 1.8]))


@pytest.mark.parametrize(
    "loss", [bounded_iou_loss, partial(normalized_wasserstein_loss, mode="log")]
)
def test_gradcheck(loss) -> None:
    torch.manual_seed(0)
    target = torch.rand(6, 4, dtype=torch.float64)
    target[:, 2:] += target[:, :2] + 0.5
    pred = (target + 0.1 * torch.randn(6, 4, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(loss, (pred, target))


def test_segments_and_cuboids() -> None:
    one, three = torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, 0, 0, 2, 2, 2]])
    assert bounded_iou_loss(one, one + 0.5).item() == pytest.approx(2 / 3 - 0.1)
    assert bounded_iou_loss(three, three + 0.5).item() == pytest.approx(3 * (2 / 3 - 0.1))
    far = normalized_wasserstein_loss(three, three + 1, mode="log").item()
    assert far == pytest.approx(math.log(4))


def test_border() -> None:
    with pytest.raises(ValueError, match="constant must lie in"):
        normalized_wasserstein_loss(PRED, TARGET, constant=0)
    with pytest.raises(ValueError, match="mode must be"):
        normalized_wasserstein_loss(PRED, TARGET, mode="sqrt")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="beta must lie in"):
        bounded_iou_loss(PRED, TARGET, beta=0)


def test_sides_count_half_in_the_wasserstein_distance() -> None:
    # one centre, widths of 2 and 4: W^2 = (4 - 2)^2 / 4
    boxes = torch.tensor([[1.0, 0, 3, 2]]), torch.tensor([[0.0, 0, 4, 2]])
    loss = normalized_wasserstein_loss(*boxes, constant=2.0)
    torch.testing.assert_close(loss, 1 - torch.tensor([-0.5]).exp())
