"""Losses of rotated boxes (x, y, w, h, angle) by their exact overlap.

Each is a short reading of one :class:`seglosses.primitives.rotated.RotatedComparison`. The angle is
in radians, in any range; boxes at angle 0 cost what the straight box of the same corners costs.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import RotatedBoxLoss
from seglosses.primitives.boxes import positive
from seglosses.primitives.checks import check_range
from seglosses.primitives.rotated import RotatedComparison

__all__ = [
    "RotatedDIoULoss",
    "RotatedGIoULoss",
    "RotatedIoULoss",
    "rotated_diou_loss",
    "rotated_giou_loss",
    "rotated_iou_loss",
]

Mode = Literal["linear", "square", "log"]


def rotated_iou_loss(
    pred: Tensor, target: Tensor, *, mode: Mode = "linear", eps: float = 1e-6
) -> Tensor:
    r"""IoU loss of rotated boxes, with the exact area of the intersection and its gradient.

        linear: 1 - IoU     square: 1 - IoU^2     log: -log(max(IoU, eps))

    Args:
        pred: Boxes (n, 5), in pixels and radians.
        target: Boxes (n, 5).
        mode: Which of the three.
        eps: Smallest IoU that 'log' tells apart; below it there is no gradient.

    Returns:
        (n,). Boxes that do not meet cost the most and get no gradient; boxes without area have an
        IoU of 0 with everything.

    Raises:
        ValueError: for other shapes, an unknown mode, or an ``eps`` outside (0, 1).

    References:
        Zhou et al., IoU Loss for 2D/3D Object Detection, 3DV 2019, arXiv:1908.03851.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0.0, 0, 2, 2, 0]])
        >>> turned = torch.tensor([[0.0, 0, 2, 2, torch.pi / 4]])  # IoU of the octagon: 1 / sqrt(2)
        >>> rotated_iou_loss(turned, square)
        tensor([0.2929])
    """
    _check_mode(mode, eps)
    iou = RotatedComparison(pred, target).iou
    if mode == "log":
        return -iou.clamp(min=eps).log()
    return 1 - (iou if mode == "linear" else iou.square())


def rotated_giou_loss(pred: Tensor, target: Tensor) -> Tensor:
    r"""1 - GIoU of rotated boxes.

        loss = 1 - IoU + (hull - union) / hull

    The hull is the smallest box *along the sides of the target* that holds both, so that the loss
    equals that of straight boxes wherever both angles agree. The smallest box at any angle, which
    mmcv uses, and the convex hull do not: both are smaller for straight boxes on a diagonal.

    Args:
        pred: Boxes (n, 5), in pixels and radians.
        target: Boxes (n, 5).

    Returns:
        (n,) in [0, 2].

    Raises:
        ValueError: for other shapes.

    References:
        Rezatofighi et al., CVPR 2019, arXiv:1902.09630, for straight boxes.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2, 0]]), torch.tensor([[4.0, 0, 2, 2, 0]])
        >>> rotated_giou_loss(pred, target)  # a hull of 6 x 2, of which 8 are filled: 1 + 4 / 12
        tensor([1.3333])
    """
    pair = RotatedComparison(pred, target)
    hull = pair.hull.prod(1)
    return 1 - pair.iou + (hull - pair.union).clamp(min=0) / positive(hull)


def rotated_diou_loss(pred: Tensor, target: Tensor) -> Tensor:
    r"""1 - DIoU of rotated boxes.

        loss = 1 - IoU + rho^2 / c^2

    rho is the distance of the centres, c the diagonal of the hull of
    :func:`rotated_giou_loss`.

    Args:
        pred: Boxes (n, 5), in pixels and radians.
        target: Boxes (n, 5).

    Returns:
        (n,) in [0, 2).

    Raises:
        ValueError: for other shapes.

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287, for straight boxes.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2, 0]]), torch.tensor([[4.0, 0, 2, 2, 0]])
        >>> rotated_diou_loss(pred, target)  # 1 + 16 / (36 + 4)
        tensor([1.4000])
    """
    pair = RotatedComparison(pred, target)
    return 1 - pair.iou + pair.offset.square().sum(1) / positive(pair.hull.square().sum(1))


def _check_mode(mode: str, eps: float) -> None:
    check_range("(0, 1)", eps=eps)
    if mode not in ("linear", "square", "log"):
        raise ValueError(f"mode must be 'linear', 'square' or 'log', got {mode!r}")


class RotatedIoULoss(RotatedBoxLoss):
    """Registered form of :func:`rotated_iou_loss`.

    Args:
        mode: 'linear', 'square' or 'log'.
        eps: Smallest IoU that 'log' tells apart.
        options: See :class:`~seglosses.losses.base.Loss`.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0.0, 0, 2, 2, 0]])
        >>> RotatedIoULoss()(square + torch.tensor([[1.0, 0, 0, 0, 0]]), square)  # 1 - 2 / 6
        tensor(0.6667)
    """

    formula = "1 - IoU, 1 - IoU^2 or -log(max(IoU, eps)) of rotated boxes"
    paper = "Zhou et al. 2019, arXiv:1908.03851"
    use_when = "oriented boxes scored by IoU, most of which overlap their targets"
    tags = ("rotated",)

    def __init__(
        self, mode: Mode = "linear", eps: float = 1e-6, **options: Unpack[LossOptions]
    ) -> None:
        super().__init__(**options)
        _check_mode(mode, eps)
        self.mode = mode
        self.eps = eps

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`rotated_iou_loss`."""
        return rotated_iou_loss(pred, target, mode=self.mode, eps=self.eps)


class RotatedGIoULoss(RotatedBoxLoss):
    """Registered form of :func:`rotated_giou_loss`.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0.0, 0, 2, 2, 0]])
        >>> RotatedGIoULoss()(square + torch.tensor([[4.0, 0, 0, 0, 0]]), square)  # 1 + 4 / 12
        tensor(1.3333)
    """

    formula = "1 - IoU + (hull - union) / hull of rotated boxes"
    paper = "Rezatofighi et al. 2019, arXiv:1902.09630"
    use_when = "oriented boxes that may not overlap their targets, where IoU has no gradient"
    tags = ("rotated",)

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`rotated_giou_loss`."""
        return rotated_giou_loss(pred, target)


class RotatedDIoULoss(RotatedBoxLoss):
    """Registered form of :func:`rotated_diou_loss`.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0.0, 0, 2, 2, 0]])
        >>> RotatedDIoULoss()(square + torch.tensor([[4.0, 0, 0, 0, 0]]), square)  # 1 + 16 / 40
        tensor(1.4000)
    """

    formula = "1 - IoU + rho^2 / c^2 of rotated boxes"
    paper = "Zheng et al. 2020, arXiv:1911.08287"
    use_when = (
        "oriented boxes may start far from their targets; adds the distance of centres to IoU"
    )
    tags = ("rotated",)

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`rotated_diou_loss`."""
        return rotated_diou_loss(pred, target)
