"""Anchors that follow the gradient of a box loss to their targets, after the DIoU paper.

Anchors of seven scales and seven aspect ratios start all around seven targets of area 1 and follow
the gradient of the loss with respect to centre and sides. The error is the L1 distance of centre
and sides from those of the target.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses import losses

Loss = Callable[[Tensor, Tensor], Tensor]
Slope = Callable[[Tensor, Tensor], Tensor]

SCALES = (0.5, 0.67, 0.75, 1.0, 1.33, 1.5, 2.0)
ASPECTS = (0.25, 1 / 3, 0.5, 1.0, 2.0, 3.0, 4.0)
CENTRE = 10.0
RADIUS = 3.0
STEPS = 200
SMALLEST = 0.01
"""Sides do not fall below this; a step of a large gradient could turn a box inside out."""

CASES: dict[str, Loss] = {
    "IoU": partial(losses.iou_loss, mode="linear"),
    "GIoU": losses.giou_loss,
    "DIoU": losses.diou_loss,
    "CIoU": losses.ciou_loss,
    "DIoU, c frozen": partial(losses.diou_loss, freeze_diagonal=True),
    "CIoU, c frozen": partial(losses.ciou_loss, freeze_diagonal=True),
    "CIoU ungated": partial(losses.ciou_loss, gate_alpha=False),
    "EfficientIoU": losses.efficient_iou_loss,
    "SIoU": losses.siou_loss,
    "ShapeIoU": losses.shape_iou_loss,
    "MPDIoU": partial(losses.mpdiou_loss, image_size=(20, 20)),
    "AlphaIoU": partial(losses.ciou_loss, alpha=3.0),
    "InnerIoU": partial(losses.ciou_loss, inner_ratio=0.7),
    "WiseIoU v1": partial(losses.wise_iou_loss, version=1),
    "NWD": partial(losses.normalized_wasserstein_loss, constant=1.0),
}


def cases(points: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Anchors and targets, (343 points, 4) each, as centre and sides.

    Args:
        points: Places of anchors, uniform in a disc of radius 3 about the targets' centre.
        seed: Of the places.

    Example:
        >>> anchors, targets = cases(2)
        >>> anchors.shape, bool((targets[:, 2] * targets[:, 3]).allclose(torch.ones(686)))
        (torch.Size([686, 4]), True)
    """
    random = torch.Generator().manual_seed(seed)
    radius = RADIUS * torch.rand(points, generator=random).sqrt()
    angle = 2 * math.pi * torch.rand(points, generator=random)
    place = CENTRE + torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    aspects, scales = torch.tensor(ASPECTS), torch.tensor(SCALES)
    shape = torch.stack([aspects.sqrt(), 1 / aspects.sqrt()], 1)
    sides = (scales.sqrt()[:, None, None] * shape).reshape(-1, 2)
    anchors = torch.cat(
        [place.repeat_interleave(len(sides), 0), sides.repeat(points, 1)], 1
    ).repeat(len(ASPECTS), 1)
    goal = torch.cat([torch.full((len(ASPECTS), 2), CENTRE), shape], 1)
    return anchors, goal.repeat_interleave(points * len(sides), 0)


def descend(
    loss: Loss, anchors: Tensor, targets: Tensor, steps: int = STEPS
) -> NDArray[np.float64]:
    """:func:`follow` the exact gradient of a loss.

    Args:
        loss: Of corners.
        anchors: Centre and sides (n, 4).
        targets: Centre and sides (n, 4).
        steps: How many.

    Returns:
        The errors, (steps + 1,).

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.5, 0, 2, 2]])
        >>> errors = descend(losses.diou_loss, box, goal, steps=200)
        >>> float(errors[0]), bool(errors[-1] < 0.05)
        (0.5, True)
    """
    return follow(exact(loss), anchors, targets, steps)


def exact(loss: Loss) -> Slope:
    """Gradient of a loss of corners with respect to centre and sides.

    Args:
        loss: Of corners, a value per pair.

    Returns:
        From boxes and targets (n, 4) as centre and sides to the gradient (n, 4).

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 4, 4]])
        >>> exact(partial(losses.iou_loss, mode="linear"))(box, goal)  # of 1 - w h / 16
        tensor([[ 0.0000,  0.0000, -0.1250, -0.1250]])
    """

    def slope(box: Tensor, target: Tensor) -> Tensor:
        leaf = box.detach().requires_grad_()
        (found,) = torch.autograd.grad(loss(corners(leaf), corners(target)).sum(), leaf)
        return found

    return slope


def follow(
    slope: Slope, anchors: Tensor, targets: Tensor, steps: int = STEPS
) -> NDArray[np.float64]:
    """Mean L1 error before the first step and after each one.

    The step is the paper's: (2 - IoU) times the gradient, times 0.1, for the last fifth 0.01 and
    for the last tenth 0.001.

    Args:
        slope: From boxes and targets to what is descended.
        anchors: Centre and sides (n, 4).
        targets: Centre and sides (n, 4).
        steps: How many.

    Returns:
        The errors, (steps + 1,).

    Example:
        >>> box, goal = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[5.0, 0, 2, 2]])
        >>> follow(lambda box, target: box - target, box, goal, steps=1)  # 0.1 times 2 of the way
        array([5., 4.])
    """
    box, goal = anchors.clone(), corners(targets)
    errors = [_error(box, targets)]
    for step in range(steps):
        rate = 0.1 if step < 0.8 * steps else 0.01 if step < 0.9 * steps else 0.001
        iou = overlap(corners(box), goal).unsqueeze(1)
        box = box - rate * (2 - iou) * slope(box, targets)
        box[:, 2:].clamp_(min=SMALLEST)
        errors.append(_error(box, targets))
    return np.array(errors)


def corners(boxes: Tensor) -> Tensor:
    """Corners of boxes given as centre and sides.

    Example:
        >>> corners(torch.tensor([[1.0, 1, 2, 2]])).tolist()
        [[0.0, 0.0, 2.0, 2.0]]
    """
    half = boxes[:, 2:] / 2
    return torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], 1)


def overlap(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU of corners pair by pair, (n,), as the losses compute it.

    Example:
        >>> overlap(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[0.0, 0, 4, 2]]))
        tensor([0.5000])
    """
    return 1 - losses.iou_loss(boxes, others, mode="linear")


def _error(box: Tensor, target: Tensor) -> float:
    return float((box - target).abs().sum(1).mean())


def half_time(errors: NDArray[np.float64]) -> int | None:
    """First step after which the error is at most half of what it was; None if never.

    Example:
        >>> half_time(np.array([4.0, 3.0, 2.0, 1.0])), half_time(np.array([4.0, 3.0]))
        (2, None)
    """
    found = np.flatnonzero(errors <= errors[0] / 2)
    return int(found[0]) if len(found) else None
