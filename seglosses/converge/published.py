"""The gradients that the simulation of the DIoU paper follows, to reproduce its figure.

The authors' code writes gradients out by hand, and three of them are not those of the losses:

* sides move by the difference of the gradients of their two edges, twice the derivative;
* GIoU's union subtracts the product of the overlaps also where they are negative, so that boxes
  beside each other look as if they filled their hull, and nothing pulls them together;
* in DIoU and CIoU the gradient of the diagonal c has the wrong sign for the centre, counts both
  sides of the hull for each axis, and the wrong sign for a side that sticks out at both ends.

The second slows GIoU down and the third speeds DIoU and CIoU up. All functions take centre and
sides (n, 4) and return what is descended, (n, 4).

References:
    Zheng et al., AAAI 2020, arXiv:1911.08287; github.com/Zzh-tju/DIoU, folder
    "simulation experiment".
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from seglosses import losses
from seglosses.converge.descent import Loss, Slope, corners, overlap


def published_iou(box: Tensor, target: Tensor) -> Tensor:
    """IoU, the sides twice.

    Args:
        box: Centre and sides (n, 4).
        target: Centre and sides (n, 4).

    Returns:
        (n, 4).

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 4, 4]])
        >>> published_iou(box, goal)  # the derivatives of 1 - w h / 16 are -0.125
        tensor([[ 0.0000,  0.0000, -0.2500, -0.2500]])
    """
    return _by_edges(partial(losses.iou_loss, mode="linear"), box, target)


def published_giou(box: Tensor, target: Tensor) -> Tensor:
    """GIoU, the sides twice, with overlaps that may be negative.

    Args:
        box: Centre and sides (n, 4).
        target: Centre and sides (n, 4).

    Returns:
        (n, 4).

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[9.0, 0, 2, 2]])
        >>> published_giou(box, goal)[0, 0].abs() < 1e-6  # beside each other: no pull
        tensor(True)
    """

    def loss(pred: Tensor, goal: Tensor) -> Tensor:
        lower, upper = pred.T.view(2, 2, -1)
        other, above = goal.T.view(2, 2, -1)
        common = torch.minimum(upper, above) - torch.maximum(lower, other)
        hull = torch.maximum(upper, above) - torch.minimum(lower, other)
        union = _area(upper - lower) + _area(above - other) - _area(common)
        return losses.iou_loss(pred, goal, mode="linear") - union / _area(hull)

    return _by_edges(loss, box, target)


def published_diou(box: Tensor, target: Tensor) -> Tensor:
    """DIoU, with another gradient of the diagonal.

    Args:
        box: Centre and sides (n, 4).
        target: Centre and sides (n, 4).

    Returns:
        (n, 4).

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[3.0, 0, 2, 2]])
        >>> published_diou(box, goal)[0, :2]  # -2 * 3 / 29 - 2 * (5 + 2) * 9 / 29^2, not + 2 * 5
        tensor([-0.3567,  0.0000])
    """
    lower, upper = corners(box).chunk(2, 1)
    other, above = corners(target).chunk(2, 1)
    hull = torch.maximum(upper, above) - torch.minimum(lower, other)
    before, behind = (lower < other).to(box), (upper > above).to(box)
    offset = target[:, :2] - box[:, :2]
    square = hull.square().sum(1, keepdim=True)
    part = 2 * offset.square().sum(1, keepdim=True) / square.square()
    centre = -2 * offset / square + part * hull.sum(1, keepdim=True) * (behind - before)
    grows = (behind + before) / 2
    own = torch.where(grows == 1, -1.0, grows)
    sides = -part * (hull * own + hull.flip(1) * grows)
    return published_iou(box, target) + torch.cat([centre, sides], 1)


def published_ciou(box: Tensor, target: Tensor) -> Tensor:
    """CIoU, not gated, and without 1 / (w^2 + h^2) in the gradient of the angle.

    Args:
        box: Centre and sides (n, 4).
        target: Centre and sides (n, 4).

    Returns:
        (n, 4).

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 1]]), torch.tensor([[0.0, 0, 1, 2]])
        >>> turn = published_ciou(box, goal) - published_diou(box, goal)
        >>> turn[0, 2] / turn[0, 3]  # -h / w
        tensor(-0.5000)
    """
    angle = torch.atan(target[:, 2] / target[:, 3]) - torch.atan(box[:, 2] / box[:, 3])
    v = 4 / math.pi**2 * angle.square()
    alpha = v / (1 - overlap(corners(box), corners(target)) + v + 1e-7)
    slope = 8 / math.pi**2 * alpha * angle
    turn = slope.unsqueeze(1) * torch.stack([-box[:, 3], box[:, 2]], 1)
    return published_diou(box, target) + torch.cat([torch.zeros_like(turn), turn], 1)


PUBLISHED: dict[str, Slope] = {
    "IoU, published": published_iou,
    "GIoU, published": published_giou,
    "DIoU, published": published_diou,
    "CIoU, published": published_ciou,
}


def _area(sides: Tensor) -> Tensor:
    return sides[0] * sides[1]


def _by_edges(loss: Loss, box: Tensor, target: Tensor) -> Tensor:
    leaf = corners(box).detach().requires_grad_()
    (found,) = torch.autograd.grad(loss(leaf, corners(target)).sum(), leaf)
    lower, upper = found.chunk(2, 1)
    return torch.cat([lower + upper, upper - lower], 1)
