"""Overlap of rotated boxes as Gaussians: the Kalman fusion, and the Hellinger distance."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.box.gaussian import root_at_rest
from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import RotatedBoxLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.rotated import GaussianPair

__all__ = [
    "KFIoULoss",
    "ProbIoULoss",
    "kfiou_loss",
    "prob_iou_loss",
]


ProbIoUMode = Literal["l1", "l2"]


def kfiou_loss(pred: Tensor, target: Tensor, *, beta: float = 1 / 9) -> Tensor:
    r"""1 - 3 KFIoU of rotated boxes, and a smooth L1 of their centres.

        V = |P|^1/2,  W = |T|^1/2,  O = (|P| |T| / |P + T|)^1/2,  KFIoU = O / (V + W - O)
        loss = h(dx / w) + h(dy / h) + 1 - 3 KFIoU,   h = smooth L1 with ``beta``

    O is the volume of the Kalman fusion of both Gaussians, taken at one place: it knows sides and
    angle only, and the centres come by the smooth L1, in sides of the target and along them. KFIoU
    is at most 1/3, so the published 1 - KFIoU, which costs 2/3 for equal boxes, is
    (2 + 1 - 3 KFIoU) / 3.

    Args:
        pred: Boxes (n, 5), in pixels and radians.
        target: Boxes (n, 5).
        beta: Where the square ends; above 0.

    Returns:
        (n,) from 0 upwards.

    Raises:
        ValueError: for other shapes, or a ``beta`` that is not positive.

    References:
        Yang et al., ICLR 2023, arXiv:2201.12558.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 4, 2, 0]]), torch.tensor([[0.0, 0, 2, 2, 0]])
        >>> # V = 2, W = 1, |P + T| = (4 + 1) (1 + 1): O = sqrt(4 / 10), 1 - 3 O / (3 - O)
        >>> kfiou_loss(pred, target)
        tensor([0.1986])
    """
    check_range("(0, inf)", beta=beta)
    pair = GaussianPair(pred, target)
    fused = pair.volume * (pair.target_volume / pair.joint_det.sqrt())
    overlap = fused / (pair.volume + pair.target_volume - fused)
    move = pair.offset / (2 * pair.target_deviation)
    centre = F.smooth_l1_loss(move, torch.zeros_like(move), reduction="none", beta=beta).sum(1)
    return centre + (1 - 3 * overlap).clamp(min=0)


def prob_iou_loss(pred: Tensor, target: Tensor, *, mode: ProbIoUMode = "l1") -> Tensor:
    r"""1 - ProbIoU: the Hellinger distance of rotated boxes as Gaussians.

        B = 1/4 dm' (P + T)^-1 dm + 1/2 log(|P + T| / (4 (|P| |T|)^1/2))
        l1: sqrt(1 - exp(-B)) = 1 - ProbIoU     l2: B

    P and T are the covariances of uniform distributions over the boxes, side^2 / 12. The authors
    begin with l2, whose pull does not fade with the distance, and end with l1.

    Args:
        pred: Boxes (n, 5), in pixels and radians.
        target: Boxes (n, 5).
        mode: 'l1' or 'l2'.

    Returns:
        (n,): for 'l1' in [0, 1], for 'l2' from 0 upwards.

    Raises:
        ValueError: for other shapes, or an unknown mode.

    References:
        Llerena et al. 2021, arXiv:2106.06072.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 6, 6, 0]]), torch.tensor([[6.0, 0, 6, 6, 0]])
        >>> # variances of 3: B = 36 / (4 * 6) = 1.5
        >>> prob_iou_loss(pred, target, mode="l2"), prob_iou_loss(pred, target)
        (tensor([1.5000]), tensor([0.8814]))
    """
    _check_prob_iou(mode)
    pair = GaussianPair(pred, target, scale=1 / math.sqrt(12))
    # (a^2 + c^2) / 2 a c = 1 + (a - c)^2 / 2 a c, so the logarithm is one of 1 + something small
    more = pair.change.square() / (2 * pair.deviation * pair.target_deviation)
    tilt = pair.tilt / pair.volume / pair.target_volume / 4
    excess = more.sum(1) + more.prod(1) + tilt
    distance = pair.joint_distance / 4 + excess.clamp(min=0).log1p() / 2
    return distance if mode == "l2" else root_at_rest(-torch.expm1(-distance))


def _check_prob_iou(mode: str) -> None:
    if mode not in ("l1", "l2"):
        raise ValueError(f"mode must be 'l1' or 'l2', got {mode!r}")


class KFIoULoss(RotatedBoxLoss):
    """Registered form of :func:`kfiou_loss`.

    Args:
        beta: Where the square of the smooth L1 ends.
        options: See :class:`~seglosses.losses.base.Loss`.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 4, 2, 0]]), torch.tensor([[4.0, 0, 4, 2, 0]])
        >>> KFIoULoss()(pred, target)  # one side off: 1 - 1 / 18
        tensor(0.9444)
    """

    formula = "h(dx / w) + h(dy / h) + 1 - 3 O / (V + W - O), O^2 = |P| |T| / |P + T|"
    paper = "Yang et al. 2023, arXiv:2201.12558"
    use_when = "oriented boxes: a smooth approximation of the overlap, without its flat regions"
    tags = ("rotated",)

    def __init__(self, beta: float = 1 / 9, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", beta=beta)
        self.beta = beta

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`kfiou_loss`."""
        return kfiou_loss(pred, target, beta=self.beta)


class ProbIoULoss(RotatedBoxLoss):
    """Registered form of :func:`prob_iou_loss`.

    Args:
        mode: 'l1' or 'l2'.
        options: See :class:`~seglosses.losses.base.Loss`.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 6, 6, 0]]), torch.tensor([[6.0, 0, 6, 6, 0]])
        >>> ProbIoULoss()(pred, target)  # sqrt(1 - exp(-1.5))
        tensor(0.8814)
    """

    formula = (
        "sqrt(1 - exp(-B)) or B, B = 1/4 dm' (P + T)^-1 dm + 1/2 log(|P + T| / 4 (|P| |T|)^1/2)"
    )
    paper = "Llerena et al. 2021, arXiv:2106.06072"
    use_when = "objects fill their oriented boxes loosely, as ellipses do"
    tags = ("rotated",)

    def __init__(self, mode: ProbIoUMode = "l1", **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        _check_prob_iou(mode)
        self.mode = mode

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`prob_iou_loss`."""
        return prob_iou_loss(pred, target, mode=self.mode)
