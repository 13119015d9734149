"""Losses of boxes that measure side by side, or in pixels, instead of the overlap."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import BoxLoss
from seglosses.primitives.box_pairs import per_pair
from seglosses.primitives.boxes import Comparison, positive
from seglosses.primitives.checks import check_range

__all__ = [
    "BoundedIoULoss",
    "NormalizedWassersteinLoss",
    "bounded_iou_loss",
    "normalized_wasserstein_loss",
]

WassersteinMode = Literal["exp", "log"]


def normalized_wasserstein_loss(
    pred: Tensor, target: Tensor, *, constant: float = 12.8, mode: WassersteinMode = "exp"
) -> Tensor:
    r"""Normalised Gaussian Wasserstein distance, for boxes of a few pixels.

        exp: 1 - exp(-W / C)     log: log(1 + W^2),     W^2 = rho^2 + sum_i (s_i - t_i)^2 / 4

    W is the Wasserstein distance of Gaussians with the centres of the boxes and half their sides
    as deviations. It is measured in pixels, so it does not ignore the scale as IoU does.

    Args:
        pred: Boxes (n, 2d) in pixels.
        target: Boxes (n, 2d) in pixels.
        constant: C, the mean size of an object in pixels; 12.8 for AI-TOD. Of 'exp' alone.
        mode: 'exp', whose pull fades with the distance as its value saturates, or 'log', which
            knows no C and pulls boxes that are far apart too.

    Returns:
        (n,) in [0, 1) for 'exp', from 0 upwards for 'log'.

    Raises:
        ValueError: unless ``constant`` is positive, for an unknown mode, or boxes of other shapes.

    References:
        Wang et al. 2021, arXiv:2110.13389.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[3.0, 4, 5, 6]])
        >>> normalized_wasserstein_loss(pred, target, constant=5)  # 1 - exp(-5 / 5)
        tensor([0.6321])
        >>> normalized_wasserstein_loss(pred, target, mode="log")  # log(1 + 25)
        tensor([3.2581])
    """
    _check_wasserstein(constant, mode)

    def read(pair: Comparison) -> Tensor:
        change = (pair.target_side - pair.side) * 0.5
        move = torch.cat([pair.offset, change])
        if mode == "log":
            return move.square().sum(0).log1p()
        # vector_norm is at rest at zero, where a square root would have an infinite slope
        distance = torch.linalg.vector_norm(move, dim=0)
        return -torch.expm1(-distance / constant)

    return per_pair(read, pred, target)


def bounded_iou_loss(pred: Tensor, target: Tensor, *, beta: float = 0.2) -> Tensor:
    r"""Bounded IoU: for every coordinate, the best IoU that the others could still reach.

        position: x_i = 1 - max(0, (t_i - 2 o_i) / (t_i + 2 o_i))
        side:     y_i = 1 - min(s_i / t_i, t_i / s_i)
        loss = sum_i h(x_i) + h(y_i),   h(x) = x^2 / (2 beta) below beta, x - beta / 2 above

    o_i is the distance of the centres along axis i, s_i and t_i are the sides. A centre beyond
    half a target has no gradient in that axis.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        beta: Where the square ends; above 0.

    Returns:
        (n,) in [0, 2d (1 - beta / 2)] for beta up to 1.

    Raises:
        ValueError: unless ``beta`` is positive, or for boxes of other shapes.

    References:
        Tychsen-Smith and Petersson, CVPR 2018, arXiv:1711.00164.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 4]])
        >>> bounded_iou_loss(pred, target)  # position 1 and 1 - 2 / 6, side 0 and 1 / 2
        tensor([1.8667])
    """
    check_range("(0, inf)", beta=beta)

    def read(pair: Comparison) -> Tensor:
        offset = 2 * pair.offset.abs()
        target_side, side = pair.target_side, pair.side
        # 4 o / (t + 2 o) is the position's cost, and 0 for two points at one place
        position = (2 * offset / positive(target_side + offset)).clamp(max=1)
        size = (side - target_side).abs() / positive(torch.maximum(side, target_side))
        cost = torch.cat([position, size])
        return F.smooth_l1_loss(cost, torch.zeros_like(cost), reduction="none", beta=beta).sum(0)

    return per_pair(read, pred, target)


def _check_wasserstein(constant: float, mode: str) -> None:
    check_range("(0, inf)", remedy="it is a size in pixels", constant=constant)
    if mode not in ("exp", "log"):
        raise ValueError(f"mode must be 'exp' or 'log', got {mode!r}")


class NormalizedWassersteinLoss(BoxLoss):
    """Distance of boxes as Gaussians, in pixels.

    Args:
        constant: Mean size of an object in pixels.
        mode: 'exp' or 'log'.
        options: See :class:`~seglosses.losses.base.Loss`.

    Raises:
        ValueError: for a ``constant`` that is not positive, or an unknown mode.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[3.0, 4, 5, 6]])
        >>> NormalizedWassersteinLoss(constant=5)(pred, target)  # centres 5 apart: 1 - exp(-5 / 5)
        tensor(0.6321)
    """

    formula = "1 - exp(-W / C) or log(1 + W^2), W^2 = rho^2 + sum_i (s_i - t_i)^2 / 4"
    paper = "Wang et al. 2021, arXiv:2110.13389"
    use_when = "tiny objects, where a shift by one pixel can leave no overlap"
    tags = ("small", "detection")

    def __init__(
        self,
        constant: float = 12.8,
        mode: WassersteinMode = "exp",
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        _check_wasserstein(constant, mode)
        self.constant = constant
        self.mode = mode

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`normalized_wasserstein_loss`."""
        return normalized_wasserstein_loss(pred, target, constant=self.constant, mode=self.mode)


class BoundedIoULoss(BoxLoss):
    """Every coordinate by itself, as the best overlap that it allows.

    Args:
        beta: Cost below which it counts squared.
        options: See :class:`~seglosses.losses.base.Loss`.

    Raises:
        ValueError: for a ``beta`` that is not positive.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 4]])
        >>> BoundedIoULoss()(pred, target)  # (1 - .1) + (2 / 3 - .1) + 0 + (1 / 2 - .1)
        tensor(1.8667)
    """

    formula = (
        "sum_i h(1 - max(0, (t_i - 2 o_i) / (t_i + 2 o_i))) + h(1 - min(s_i / t_i, t_i / s_i))"
    )
    paper = "Tychsen-Smith and Petersson 2018, arXiv:1711.00164"
    use_when = "each coordinate should have a loss of its own, in units of overlap"
    tags = ("detection",)

    def __init__(self, beta: float = 0.2, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", beta=beta)
        self.beta = beta

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`bounded_iou_loss`."""
        return bounded_iou_loss(pred, target, beta=self.beta)
