"""Losses of box regression: 1 - IoU, and what is added where IoU says nothing.

Each is a short reading of one :class:`seglosses.boxes.Comparison`. All take corners, work for
segments, 2-D and 3-D boxes unless said otherwise, cost nothing for equal boxes, and stay finite
for boxes without volume.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.boxes import TINY, Comparison, compare
from seglosses.losses.base import BoxLoss, LossOptions

Mode = Literal["linear", "square", "log"]


def iou_loss(pred: Tensor, target: Tensor, *, mode: Mode = "log", eps: float = 1e-6) -> Tensor:
    r"""IoU loss.

        linear: 1 - IoU     square: 1 - IoU^2     log: -log(max(IoU, eps))

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        mode: Which of the three.
        eps: Smallest IoU that 'log' tells apart; below it there is no gradient.

    Returns:
        (n,).

    Raises:
        ValueError: for an unknown mode, or boxes of other shapes.

    References:
        Yu et al., UnitBox, ACM MM 2016, arXiv:1608.01471 ('log').

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])
        >>> iou_loss(pred, target), iou_loss(pred, target, mode="linear")  # IoU = 4 / 8
        (tensor([0.6931]), tensor([0.5000]))
    """
    if mode not in ("linear", "square", "log"):
        raise ValueError(f"mode must be 'linear', 'square' or 'log', got {mode!r}")
    iou = compare(pred, target).iou
    if mode == "log":
        return -iou.clamp(min=eps).log()
    return 1 - (iou if mode == "linear" else iou.square())


def giou_loss(pred: Tensor, target: Tensor) -> Tensor:
    r"""Generalised IoU loss: the empty part of the hull counts as well.

        loss = 1 - IoU + (|hull| - |union|) / |hull|

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).

    Returns:
        (n,) in [0, 2].

    References:
        Rezatofighi et al., CVPR 2019, arXiv:1902.09630.

    Example:
        >>> giou_loss(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[3.0, 0, 4, 1]]))  # 1 + 2 / 4
        tensor([1.5000])
    """
    pair = compare(pred, target)
    return 1 - pair.iou + hull_penalty(pair)


def diou_loss(pred: Tensor, target: Tensor) -> Tensor:
    r"""Distance IoU loss: the distance of the centres counts as well.

        loss = 1 - IoU + rho^2 / c^2

    with rho the distance of the centres and c the diagonal of the hull.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).

    Returns:
        (n,) in [0, 2].

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287.

    Example:
        >>> diou_loss(torch.tensor([[0.0, 0, 3, 1]]), torch.tensor([[0.0, 3, 3, 4]]))  # 1 + 9 / 25
        tensor([1.3600])
    """
    pair = compare(pred, target)
    return 1 - pair.iou + centre_penalty(pair)


def ciou_loss(pred: Tensor, target: Tensor, *, gate_alpha: bool = True) -> Tensor:
    r"""Complete IoU loss: distance of the centres and difference of the aspect ratios.

        loss = 1 - IoU + rho^2 / c^2 + alpha v
        v = (2 / pi)^2 (atan(w' / h') - atan(w / h))^2,   alpha = v / (1 - IoU + v)

    alpha carries no gradient.

    Args:
        pred: Boxes (n, 4).
        target: Boxes (n, 4).
        gate_alpha: Shapes count only where IoU > 0.5, as in the CIoU paper and MMDetection.

    Returns:
        (n,), in [0, 2] when gated.

    Raises:
        ValueError: for segments and 3-D boxes, which have no one aspect ratio.

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287; gate: IEEE T. Cybernetics 2022,
        arXiv:2005.03572.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> ciou_loss(pred, target)  # same centre, same aspect: 1 - 4 / 16
        tensor([0.7500])
    """
    pair = compare(pred, target)
    return 1 - pair.iou + centre_penalty(pair) + aspect_penalty(pair, gate=gate_alpha)


def hull_penalty(pair: Comparison) -> Tensor:
    """Part of the hull that neither box covers, in [0, 1].

    Example:
        >>> pair = compare(torch.tensor([[0.0, 1.0]]), torch.tensor([[3.0, 4.0]]))
        >>> hull_penalty(pair)  # 2 of 4
        tensor([0.5000])
    """
    empty = pair.same | (pair.hull_volume.detach() <= TINY)
    part = (pair.hull_volume - pair.union) / torch.where(empty, 1.0, pair.hull_volume)
    return torch.where(empty, 0.0, part.clamp(min=0))


def centre_penalty(pair: Comparison) -> Tensor:
    """Squared distance of the centres over the squared diagonal of the hull, in [0, 1].

    Example:
        >>> pair = compare(torch.tensor([[0.0, 1.0]]), torch.tensor([[3.0, 4.0]]))
        >>> centre_penalty(pair)  # 9 / 16
        tensor([0.5625])
    """
    return pair.offset_square / pair.hull_square


def aspect_penalty(pair: Comparison, *, gate: bool = True) -> Tensor:
    """Alpha v of CIoU, in [0, 1); zero where a box has a side of length zero.

    Example:
        >>> tall, wide = torch.tensor([[0.0, 0, 2, 4]]), torch.tensor([[0.0, 0, 4, 2]])
        >>> aspect_penalty(compare(tall, wide)), aspect_penalty(compare(tall, wide), gate=False)
        (tensor([0.]), tensor([0.0338]))
    """
    if pair.dim != 2:
        raise ValueError(
            f"aspect ratios need boxes (n, 4), got (n, {2 * pair.dim});"
            " use DIoULoss or EfficientIoULoss"
        )
    angle, known = _aspect(pair.side)
    target_angle, target_known = _aspect(pair.target_side)
    v = (4 / math.pi**2) * (target_angle - angle).square()
    v = torch.where(known & target_known, v, 0.0)
    with torch.no_grad():
        alpha = v / (1 - pair.iou + v).clamp(min=TINY)
        if gate:
            alpha = torch.where(pair.iou > 0.5, alpha, 0.0)
    return alpha * v


def _aspect(side: Tensor) -> tuple[Tensor, Tensor]:
    # the gradient divides by squared sides
    known = (side.detach() > math.sqrt(TINY)).all(0)
    width, height = torch.where(known, side, 1.0).unbind(0)
    return torch.atan2(width, height), known


class IoULoss(BoxLoss):
    """Overlap alone: no gradient for boxes that do not touch.

    Args:
        mode: 'linear', 'square' or 'log'.
        eps: Smallest IoU that 'log' tells apart.
        options: See :class:`~seglosses.losses.base.Loss`.
    """

    formula = "-log IoU (or 1 - IoU, 1 - IoU^2)"
    paper = "Yu et al. 2016, arXiv:1608.01471"
    use_when = "predictions start on their targets, as with dense anchors"

    def __init__(
        self, mode: Mode = "log", eps: float = 1e-6, **options: Unpack[LossOptions]
    ) -> None:
        super().__init__(**options)
        self.mode: Mode = mode
        self.eps = eps

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`iou_loss`."""
        return iou_loss(pred, target, mode=self.mode, eps=self.eps)


class GIoULoss(BoxLoss):
    """Overlap, and the empty part of the hull."""

    formula = "1 - IoU + (|hull| - |union|) / |hull|"
    paper = "Rezatofighi et al. 2019, arXiv:1902.09630"
    use_when = "boxes may start apart; the box loss of the DETR family"

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`giou_loss`."""
        return giou_loss(pred, target)


class DIoULoss(BoxLoss):
    """Overlap, and the distance of the centres."""

    formula = "1 - IoU + rho^2 / c^2"
    paper = "Zheng et al. 2020, arXiv:1911.08287"
    use_when = "boxes may start apart and should arrive in few steps"

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`diou_loss`."""
        return diou_loss(pred, target)


class CIoULoss(BoxLoss):
    """Overlap, distance of the centres and difference of the aspect ratios.

    Args:
        gate_alpha: Shapes count only where IoU > 0.5.
        options: See :class:`~seglosses.losses.base.Loss`.
    """

    formula = "1 - IoU + rho^2 / c^2 + alpha v"
    paper = "Zheng et al. 2020, arXiv:1911.08287"
    use_when = "the first choice for 2-D boxes"

    def __init__(self, gate_alpha: bool = True, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        self.gate_alpha = gate_alpha

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`ciou_loss`."""
        return ciou_loss(pred, target, gate_alpha=self.gate_alpha)
