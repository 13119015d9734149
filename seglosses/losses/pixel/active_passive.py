"""Normalized (active) and symmetric (passive) pixel losses for noisy labels, and their sum."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.losses.pixel.normalized import (
    normalized_cross_entropy_loss,
    normalized_focal_loss,
    normalized_generalized_cross_entropy_loss,
)
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import at_target

__all__ = [
    "ActivePassiveLoss",
    "MeanAbsoluteErrorLoss",
    "ReverseCrossEntropyLoss",
    "mean_absolute_error_loss",
    "reverse_cross_entropy_loss",
]


def mean_absolute_error_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""One minus the probability of the label: half the absolute error of all classes.

        loss = 1 - p_y = 1/2 sum_k |y_k - p_k|

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), of which the first form is taken.

    Returns:
        (N, *S).

    References:
        Ghosh et al., Robust loss functions under label noise, AAAI 2017, arXiv:1712.09482.

    Example:
        >>> import torch
        >>> mean_absolute_error_loss(torch.zeros(1, 4, 1), torch.tensor([[1]]))
        tensor([[0.7500]])
    """
    return -at_target(logits.log_softmax(1).expm1(), target)


def reverse_cross_entropy_loss(logits: Tensor, target: Tensor, *, floor: float = 1e-4) -> Tensor:
    r"""Cross-entropy with label and prediction exchanged.

        loss = -sum_k p_k log max(y_k, floor),  for labels -log(floor) (1 - p_y)

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        floor: What stands for log 0; the loss is proportional to its logarithm.

    Returns:
        (N, *S).

    References:
        Wang et al., Symmetric cross entropy, ICCV 2019, arXiv:1908.06112.

    Example:
        >>> import torch
        >>> reverse_cross_entropy_loss(torch.zeros(1, 4, 1), torch.tensor([[1]]))  # .75 * 9.2103
        tensor([[6.9078]])
    """
    if target.is_floating_point():
        return -(logits.softmax(1) * target.clamp(min=floor).log()).sum(1)
    return -math.log(floor) * mean_absolute_error_loss(logits, target)


class MeanAbsoluteErrorLoss(PixelLoss):
    """Registered form of :func:`mean_absolute_error_loss`.

    Example:
        >>> import torch
        >>> MeanAbsoluteErrorLoss()(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # 1 - 1/4
        tensor(0.7500)
    """

    formula = "1 - p_y"
    paper = "Ghosh et al. 2017, arXiv:1712.09482"
    use_when = "noisy annotations: the most robust and slowest; beside an active loss"
    tags = ("noise",)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """What the label's probability lacks."""
        return mean_absolute_error_loss(logits, target)


class ReverseCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`reverse_cross_entropy_loss`.

    Args:
        floor: What stands for log 0; the loss is proportional to its logarithm.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> ReverseCrossEntropyLoss()(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # 3/4 log 1e4
        tensor(6.9078)
    """

    formula = "-sum_k p_k log max(y_k, floor)"
    paper = "Wang et al. 2019, arXiv:1908.06112"
    use_when = "noisy annotations, beside cross-entropy or an active loss"
    tags = ("noise",)

    def __init__(self, floor: float = 1e-4, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("(0, 1)", floor=floor)
        self.floor = floor

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy the other way round."""
        return reverse_cross_entropy_loss(logits, target, floor=self.floor)


class ActivePassiveLoss(PixelLoss):
    """A normalized loss and a symmetric one as one, for heads that take a single loss.

        loss = alpha active + beta passive

    Segmentation heads may list the two instead.

    Args:
        alpha: Weight of the active loss, which raises the label.
        beta: Weight of the passive loss, which lowers the others.
        active: 'cross_entropy' (:func:`normalized_cross_entropy_loss`), 'focal' or 'generalized'
            (:func:`normalized_generalized_cross_entropy_loss`), with their defaults.
        passive: 'reverse' (:func:`reverse_cross_entropy_loss`) or 'absolute'
            (:func:`mean_absolute_error_loss`).
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an ``active`` or ``passive`` that does not exist.

    Example:
        >>> import torch
        >>> loss = ActivePassiveLoss(passive="absolute")
        >>> loss(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # 1/4 + 3/4
        tensor(1.)
    """

    formula = "a NCE + b RCE, or NFL, NGCE and MAE in their places"
    paper = "Ma et al. 2020, arXiv:2006.13554"
    use_when = "noisy annotations: robust, and trains as fast as cross-entropy"
    tags = ("noise",)

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 1.0,
        active: Literal["cross_entropy", "focal", "generalized"] = "cross_entropy",
        passive: Literal["reverse", "absolute"] = "reverse",
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha, beta=beta)
        if active not in _ACTIVE or passive not in _PASSIVE:
            raise ValueError(
                f"active must be one of {sorted(_ACTIVE)} and passive one of {sorted(_PASSIVE)},"
                f" got {active!r} and {passive!r}"
            )
        self.alpha, self.beta, self.active, self.passive = alpha, beta, active, passive

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The weighted sum of both."""
        active = _ACTIVE[self.active](logits, target)
        return self.alpha * active + self.beta * _PASSIVE[self.passive](logits, target)


_ACTIVE = {
    "cross_entropy": normalized_cross_entropy_loss,
    "focal": normalized_focal_loss,
    "generalized": normalized_generalized_cross_entropy_loss,
}
_PASSIVE = {"reverse": reverse_cross_entropy_loss, "absolute": mean_absolute_error_loss}
