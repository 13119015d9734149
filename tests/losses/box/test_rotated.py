"""Losses of rotated boxes: published programs, straight boxes, gradients, borders."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    DIoULoss,
    GIoULoss,
    GWDLoss,
    IoULoss,
    KFIoULoss,
    KLDLoss,
    ProbIoULoss,
    RotatedDIoULoss,
    RotatedGIoULoss,
    RotatedIoULoss,
    gwd_loss,
    kfiou_loss,
    kld_loss,
    prob_iou_loss,
    rotated_diou_loss,
    rotated_giou_loss,
    rotated_iou_loss,
)
from seglosses.losses.base import RotatedBoxLoss

FAMILY: list[type[RotatedBoxLoss]] = [
    GWDLoss, KFIoULoss, KLDLoss, ProbIoULoss, RotatedDIoULoss, RotatedGIoULoss, RotatedIoULoss,
]  # fmt: skip
PRED = torch.tensor(
    [[10.0, 12, 8, 4, 0.3], [3, 4, 6, 6, 1.2], [30, 5, 12, 2, -0.7], [0, 0, 5, 9, 2.0]],
    dtype=torch.float64,
)
TARGET = torch.tensor(
    [[11.0, 11, 9, 5, -0.2], [3, 4, 3, 9, 0.4], [27, 8, 10, 3, -0.5], [1, 2, 9, 5, 0.5]],
    dtype=torch.float64,
)


# MMRotate (onedl-mmrotate 1.2.1), models/losses/gaussian_dist_loss.py: gwd_loss and kld_loss with
# their defaults, with tau=0, and the gradient of the first box; kf_iou_loss.py: kfiou_loss with
# the centres of the targets; mmcv 2.3.6: box_iou_rotated
PUBLISHED = {
    gwd_loss: (
        [0.223309463, 0.243584059, 0.384736164, 0.223967295],
        [0.287514078, 0.322023963, 0.625318996, 0.288605484],
        [-0.035798281, 0.035798281, -0.006367381, -0.025300912, 0.114264638],
    ),
    kld_loss: (
        [0.362121185, 0.354842326, 0.409316749, 0.283684212],
        [0.567695896, 0.550008688, 0.692954725, 0.396032332],
        [-0.01989033, 0.043242402, -0.001730031, -0.066326177, 0.190012325],
    ),
}
KFIOU = [0.699866917, 0.729947506, 0.718034673, 0.66709641]
IOU = [0.501362622, 0.498372883, 0.282170773, 0.415351391]


@pytest.mark.parametrize("loss", PUBLISHED, ids=lambda loss: loss.__name__)
def test_published_distances(loss) -> None:
    value, logarithm, slope = (torch.tensor(each, dtype=torch.float64) for each in PUBLISHED[loss])
    pred = PRED.clone().requires_grad_()
    found = loss(pred, TARGET)
    torch.testing.assert_close(found, value, atol=1e-8, rtol=0)
    torch.testing.assert_close(loss(PRED, TARGET, tau=0.0), logarithm, atol=1e-8, rtol=0)
    (grad,) = torch.autograd.grad(found.sum(), pred)
    torch.testing.assert_close(grad[0], slope, atol=1e-8, rtol=0)


def test_published_overlaps() -> None:
    placed = torch.cat([TARGET[:, :2], PRED[:, 2:]], 1)
    # published is 1 - KFIoU, ours 1 - 3 KFIoU; its eps moves the eighth digit
    expected = 3 * torch.tensor(KFIOU).double() - 2
    torch.testing.assert_close(kfiou_loss(placed, TARGET), expected, atol=1e-7, rtol=0)
    iou = 1 - rotated_iou_loss(PRED, TARGET)
    torch.testing.assert_close(iou, torch.tensor(IOU).double(), atol=1e-6, rtol=0)


def hellinger(pred: Tensor, target: Tensor) -> Tensor:
    """The definition: matrices, inverse, determinants."""

    def covariance(box: Tensor) -> Tensor:
        cos, sin = box[4].cos(), box[4].sin()
        turn = torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])])
        return turn @ (box[2:4].square() / 12).diag() @ turn.T

    own, other = covariance(pred), covariance(target)
    mean, move = (own + other) / 2, pred[:2] - target[:2]
    spread = torch.linalg.det(mean) / (torch.linalg.det(own) * torch.linalg.det(other)).sqrt()
    distance = move @ torch.linalg.inv(mean) @ move / 8 + spread.log() / 2
    return (1 - (-distance).exp()).sqrt()


def test_prob_iou_is_the_hellinger_distance() -> None:
    expected = torch.stack([hellinger(p, t) for p, t in zip(PRED, TARGET, strict=True)])
    torch.testing.assert_close(prob_iou_loss(PRED, TARGET), expected)
    distance = prob_iou_loss(PRED, TARGET, mode="l2")
    torch.testing.assert_close(distance, -torch.log(1 - expected.square()))


@pytest.mark.parametrize(
    ("rotated", "straight"),
    [
        (RotatedIoULoss(), IoULoss(mode="linear")),
        (RotatedIoULoss(mode="square"), IoULoss(mode="square")),
        (RotatedIoULoss(mode="log"), IoULoss(mode="log")),
        (RotatedGIoULoss(), GIoULoss()),
        (RotatedDIoULoss(), DIoULoss()),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_at_equal_angles_the_loss_is_that_of_straight_boxes(rotated, straight) -> None:
    pred, target = (torch.cat([each[:, :4], 0 * each[:, 4:]], 1) for each in (PRED, TARGET))
    corners = [torch.cat([b[:, :2] - b[:, 2:4] / 2, b[:, :2] + b[:, 2:4] / 2], 1)
               for b in (pred, target)]  # fmt: skip
    expected = straight(*corners, reduction_override="none")
    torch.testing.assert_close(rotated(pred, target, reduction_override="none"), expected)


@pytest.mark.parametrize(
    "loss",
    [rotated_iou_loss, rotated_giou_loss, rotated_diou_loss, gwd_loss, kld_loss, kfiou_loss,
     prob_iou_loss],
    ids=lambda loss: loss.__name__,
)  # fmt: skip
def test_gradients_are_those_of_the_value(loss) -> None:
    pred = PRED.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: loss(p, TARGET), pred)


def test_the_divergence_sees_a_turn_of_a_long_box_that_the_overlap_hardly_tells() -> None:
    long, square = (torch.tensor([[0.0, 0, 40, w, 0.0]]).double() for w in (1, 40))
    turn = torch.tensor([[0.0, 0, 0, 0, 0.1]]).double()
    for loss in (gwd_loss, kld_loss, kfiou_loss, prob_iou_loss):
        assert loss(long + turn, long) > 0.01
        assert float(loss(square + turn, square)) == 0  # a square has no angle as a Gaussian
    assert rotated_iou_loss(square + turn, square) > 0.05


@pytest.mark.parametrize("loss", FAMILY, ids=lambda loss: loss.__name__)
def test_corners_and_other_shapes_are_refused(loss: type[RotatedBoxLoss]) -> None:
    for shape in ((3, 4), (5,), (3, 8)):
        with pytest.raises(ValueError, match=r"\(n, 5\) as \(x, y, w, h, angle\)"):
            loss()(torch.zeros(shape), torch.zeros(shape))
    weighted = loss()(PRED, TARGET, weight=torch.full((4, 5), 0.5))
    torch.testing.assert_close(weighted, loss()(PRED, TARGET) / 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RotatedIoULoss(mode="cubic"), "mode must be 'linear', 'square' or 'log'"),
        (lambda: ProbIoULoss(mode="l3"), "mode must be 'l1' or 'l2'"),
        (lambda: GWDLoss(alpha=-1), "alpha"),
        (lambda: KLDLoss(alpha=0), "alpha"),
        (lambda: KFIoULoss(beta=0), "beta"),
        (lambda: RotatedIoULoss(eps=0), "eps"),
    ],
)
def test_options_out_of_range_are_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
