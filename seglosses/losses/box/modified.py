"""Box losses whose point is what they do to IoU, and WiseIoU, which weighs pairs by the batch.

AlphaIoU, InnerIoU and FocalerIoU are modifiers, and every member of the family takes all of them,
as in ``GIoULoss(alpha=3, inner_ratio=0.8)``; the classes here have the defaults of their papers.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, distributed
from typing_extensions import Unpack

from seglosses.losses.box.centre import CIoULoss
from seglosses.losses.box.iou import IoULoss
from seglosses.losses.box.modifiers import AlphaOption, FocalOption, InnerOption, IntervalOption
from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import BoxLoss, Target
from seglosses.primitives.box_pairs import per_pair
from seglosses.primitives.boxes import Comparison, positive, square_norm
from seglosses.primitives.checks import check_range

__all__ = [
    "AlphaIoULoss",
    "FocalerIoULoss",
    "InnerIoULoss",
    "WiseIoULoss",
    "wise_iou_loss",
]

Version = Literal[1, 2, 3]


def wise_iou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    version: Version = 3,
    mean: float | Tensor = 1.0,
    gamma: float = 0.5,
    alpha: float = 1.7,
    delta: float = 2.7,
) -> Tensor:
    r"""Wise-IoU loss: the weight of a pair depends on how it compares with the average pair.

        v1: exp(rho^2 / c^2) (1 - IoU)
        v2: v1 * beta^gamma
        v3: v1 * beta / (delta * alpha^(beta - delta))

    where beta = (1 - IoU) / mean and c carry no gradient. v2 prefers pairs that are bad, v3 those
    that are neither good nor hopeless.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        version: 1, 2 or 3.
        mean: Average of 1 - IoU so far.
        gamma: Power of v2.
        alpha: Base of v3; 1.7 in the authors' code, 1.9 in the paper.
        delta: The beta of weight 1 in v3; 2.7 in the authors' code, 3 in the paper.

    Returns:
        (n,).

    Raises:
        ValueError: for an unknown version.

    References:
        Tong et al. 2023, arXiv:2301.10051.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])
        >>> wise_iou_loss(pred, target, version=1)  # exp(1 / 20) / 2
        tensor([0.5256])
    """
    if version not in (1, 2, 3):
        raise ValueError(f"version must be 1, 2 or 3, got {version!r}")

    def read(pair: Comparison) -> Tensor:
        # rounding can leave IoU a hair above one, and the power of a negative number is NaN
        miss = (1 - pair.iou).clamp(min=0)
        hull = square_norm(pair.hull.detach())
        loss = (square_norm(pair.offset) / positive(hull)).exp() * miss
        if version == 1:
            return loss
        beta = miss.detach() / mean
        if version == 2:
            return loss * beta.pow(gamma)
        return loss * (beta / (delta * alpha ** (beta - delta)))

    return per_pair(read, pred, target)


class AlphaIoUOptions(LossOptions, InnerOption, IntervalOption, FocalOption, total=False):
    """Options of CIoU but the power."""

    freeze_diagonal: bool


class InnerIoUOptions(LossOptions, IntervalOption, AlphaOption, FocalOption, total=False):
    """Options of CIoU but the scale."""

    freeze_diagonal: bool


class FocalerIoUOptions(LossOptions, InnerOption, AlphaOption, FocalOption, total=False):
    """Options of IoU but the interval and the mode."""

    eps: float


class AlphaIoULoss(CIoULoss):
    """CIoU whose parts are raised to a power, so that well placed boxes count more.

    Args:
        alpha: The power.
        gate_alpha: Shapes count only where IoU > 0.5.
        options: See :class:`~seglosses.losses.box.centre.CIoULoss`.

    Raises:
        ValueError: for an ``alpha`` below 1.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> AlphaIoULoss(alpha=2.0)(pred, target)  # same centre, same aspect: 1 - (4 / 16)^2
        tensor(0.9375)
    """

    formula = "1 - IoU^alpha + (rho^2 / c^2)^alpha + (a v)^alpha"
    paper = "He et al. 2021, arXiv:2110.13675"
    use_when = "boxes must be tight (AP75 and above), or some boxes are labelled wrongly"
    tags = ("detection",)

    def __init__(
        self, alpha: float = 3.0, gate_alpha: bool = True, **options: Unpack[AlphaIoUOptions]
    ) -> None:
        super().__init__(gate_alpha=gate_alpha, alpha=alpha, **options)


class InnerIoULoss(CIoULoss):
    """CIoU with the IoU of smaller, or larger, boxes about the same centres.

    Args:
        inner_ratio: Below 1 for boxes that are well placed already, above for those that are not.
        gate_alpha: Shapes count only where IoU > 0.5.
        options: See :class:`~seglosses.losses.box.centre.CIoULoss`.

    Raises:
        ValueError: for an ``inner_ratio`` that is not positive.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 0, 5, 4]])
        >>> InnerIoULoss(inner_ratio=0.5)(pred, target)  # inner IoU 2 / 6, rho^2 / c^2 = 1 / 41
        tensor(0.6911)
    """

    formula = "1 - IoU(boxes scaled by r) + rho^2 / c^2 + a v"
    paper = "Zhang et al. 2023, arXiv:2311.02877"
    use_when = "the gradient of IoU is too flat for the boxes at hand"
    tags = ("detection",)

    def __init__(
        self, inner_ratio: float = 0.7, gate_alpha: bool = True, **options: Unpack[InnerIoUOptions]
    ) -> None:
        super().__init__(gate_alpha=gate_alpha, inner_ratio=inner_ratio, **options)


class FocalerIoULoss(IoULoss):
    """IoU stretched between two values, so that pairs outside of them stop counting.

    Args:
        interval: IoU at which the loss is 1, and at which it is 0.
        options: See :class:`~seglosses.losses.box.centre.CIoULoss`.

    Raises:
        ValueError: for an ``interval`` that is empty or leaves [0, 1].

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])
        >>> FocalerIoULoss(interval=(0.3, 0.8))(pred, target)  # IoU = 1/2: 1 - 0.2 / 0.5
        tensor(0.6000)
    """

    formula = "1 - clamp((IoU - d) / (u - d), 0, 1)"
    paper = "Zhang and Zhang 2024, arXiv:2401.10525"
    use_when = "training should focus on hard boxes (low interval) or easy ones (high interval)"
    tags = ("detection",)

    def __init__(
        self, interval: tuple[float, float] = (0.0, 0.95), **options: Unpack[FocalerIoUOptions]
    ) -> None:
        super().__init__(mode="linear", interval=interval, **options)


class WiseIoULoss(BoxLoss):
    """Overlap weighed by the distance of the centres and by the average pair so far.

    The average is saved in checkpoints. It moves in training mode only, after each call. Over
    several ranks :meth:`sync` makes it one; ``seglosses.RunningMeanHook`` calls that after every
    iteration, because a head that finds no positives on a rank does not call the loss there.

    Args:
        version: 1, 2 or 3.
        gamma: Power of v2.
        alpha: Base of v3.
        delta: The beta of weight 1 in v3.
        momentum: Share of a batch in the running mean.
        options: See :class:`~seglosses.losses.base.Loss`.

    Raises:
        ValueError: for a ``version`` that does not exist, and a ``momentum`` outside (0, 1].

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])
        >>> WiseIoULoss(version=1)(pred, target)  # rho^2 / c^2 = 1 / 20: exp(1 / 20) / 2
        tensor(0.5256)
    """

    formula = "exp(rho^2 / c^2) (1 - IoU) r(beta), beta = (1 - IoU) / mean(1 - IoU)"
    paper = "Tong et al. 2023, arXiv:2301.10051"
    use_when = "some boxes are labelled badly and should not dominate"
    tags = ("detection",)

    running_mean: Tensor

    def __init__(
        self,
        version: Version = 3,
        gamma: float = 0.5,
        alpha: float = 1.7,
        delta: float = 2.7,
        momentum: float = 0.01,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", gamma=gamma)
        check_range("(0, inf)", alpha=alpha, delta=delta)
        if version not in (1, 2, 3):
            raise ValueError(f"version must be 1, 2 or 3, got {version!r}")
        check_range("(0, 1]", momentum=momentum)
        self.version: Version = version
        self.gamma = gamma
        self.alpha = alpha
        self.delta = delta
        self.momentum = momentum
        self.register_buffer("running_mean", torch.ones(()))

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`wise_iou_loss`."""
        return wise_iou_loss(
            pred,
            target,
            version=self.version,
            mean=self.running_mean.to(pred.dtype, copy=True).clamp(min=1e-6),
            gamma=self.gamma,
            alpha=self.alpha,
            delta=self.delta,
        )

    @torch.no_grad()
    def learn(self, pred: Tensor, target: Target, seen: Tensor | None) -> None:
        """Move the running mean towards the mean of 1 - IoU of the pairs that count."""
        assert isinstance(target, Tensor)
        if not len(pred):
            return
        miss = per_pair(lambda pair: 1 - pair.iou, pred, target.to(pred.dtype))
        if seen is None:
            mean = miss.mean()
        else:
            count = seen.sum()
            mean = torch.where(seen, miss, 0.0).sum() / count.clamp(min=1)
            mean = torch.where(count > 0, mean, self.running_mean.to(mean.dtype))
        moved = self.running_mean.lerp(mean.to(self.running_mean.dtype), self.momentum)
        # a tensor of its own: a graph computes its backward pass from the mean that was read
        self.running_mean = moved

    @torch.no_grad()
    def sync(self) -> None:
        """Replace the running mean by its average over all ranks; every rank must call this."""
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(self.running_mean)
            self.running_mean /= distributed.get_world_size()
