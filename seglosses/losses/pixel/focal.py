"""Pixel losses that weigh hard pixels more."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import is_transformed
from seglosses.primitives.encoding import Aligned, at_target
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.focusing import focal_power
from seglosses.primitives.foreground_focal import foreground_focal

__all__ = [
    "FocalLoss",
    "Poly1FocalLoss",
    "SelfAdjustingDiceLoss",
    "focal_loss",
    "poly1_focal_loss",
    "self_adjusting_dice_loss",
]


def _focal(
    logits: Tensor, target: Tensor, gamma: float, alpha: float | None
) -> tuple[Tensor, Tensor]:
    """Focal loss and 1 - p, of each pixel's own label, or of each class were it the label."""
    dense = target.is_floating_point()
    # of the label alone: a class that is masked with -inf has no slope then, instead of NaN
    cost = -logits.log_softmax(1) if dense else cross_entropy(logits, target)
    missed = -(-cost).expm1()
    loss = focal_power(missed, gamma) * cost
    if alpha is not None:
        if dense:
            factor = torch.full_like(loss[:1], alpha)
            factor[:, 0] = 1 - alpha
        else:
            factor = torch.where(target == 0, 1 - alpha, alpha).to(loss.dtype)
        loss = loss * factor
    return loss, missed


def focal_loss(
    logits: Tensor, target: Tensor, *, gamma: float = 2.0, alpha: float | None = None
) -> Tensor:
    r"""Focal loss per pixel.

        loss = a_y (1 - p_y)^gamma (-log p_y)

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        gamma: How strongly easy pixels lose weight; 0 is cross-entropy.
        alpha: Weight a of foreground; class 0, the background, gets 1 - alpha. ``None`` weighs
            none.

    Returns:
        (N, *S).

    References:
        Lin et al., Focal loss for dense object detection, ICCV 2017, arXiv:1708.02002.

    Example:
        >>> import torch
        >>> focal_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]), alpha=0.25)  # log 2 / 16
        tensor([[0.0433]])
    """
    loss, _ = _focal(logits, target, gamma, alpha)
    return at_target(loss, target) if target.is_floating_point() else loss


def poly1_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    epsilon: float = 1.0,
    gamma: float = 2.0,
    alpha: float | None = None,
) -> Tensor:
    r"""Focal loss with its first polynomial coefficient changed.

        loss = a_y (1 - p_y)^gamma (-log p_y) + epsilon (1 - p_y)^(gamma + 1)

    Alpha weighs the focal term only, as in the ports in use.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        epsilon: Added to the first coefficient; the paper's detectors use -1.
        gamma: Exponent of the easiness; 0 for cross-entropy.
        alpha: Weight of the foreground, 1 - alpha that of class 0; None for equal weights.

    Returns:
        (N, *S).

    References:
        Leng et al., PolyLoss, ICLR 2022, arXiv:2204.12511.

    Example:
        >>> import torch
        >>> poly1_focal_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log 2 / 4 + 1 / 8
        tensor([[0.2983]])
    """
    loss, missed = _focal(logits, target, gamma, alpha)
    loss = loss + epsilon * missed ** (gamma + 1)
    return at_target(loss, target) if target.is_floating_point() else loss


def self_adjusting_dice_loss(
    logits: Tensor, target: Tensor, *, alpha: float = 0.01, smooth: float = 1.0
) -> Tensor:
    r"""Dice of every pixel and class by itself, in which easy pixels fade.

        w = (1 - p)^alpha p
        loss = sum_c 1 - (2 w_c y_c + smooth) / (w_c^2 + y_c^2 + smooth)

    The best probability of a label is 1 / (1 + alpha), not 1: a certain pixel has w = 0. At alpha =
    0 it is the Dice of single elements.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        alpha: How fast easy pixels fade; the authors use 0.01 to 0.1.
        smooth: Added above and below.

    Returns:
        (N, *S).

    References:
        Li et al., Dice loss for data-imbalanced NLP tasks, ACL 2020, arXiv:1911.02855; of its code
        the form with squares, which is the one that treats elements alone.

    Example:
        >>> import torch
        >>> self_adjusting_dice_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]), alpha=0.0)
        tensor([[0.3111]])
    """
    prob = logits.softmax(1)
    weight = prob * focal_power((1 - prob).clamp(min=0), alpha) if alpha else prob
    alone = 1 - smooth / (weight.square() + smooth)
    if target.is_floating_point():
        hit, size = 2 * weight * target, target.square()
        return (1 - (hit + smooth) / (weight.square() + size + smooth)).sum(1)
    own = at_target(weight, target)
    labelled = 1 - (2 * own + smooth) / (own.square() + 1 + smooth)
    return alone.sum(1) - at_target(alone, target) + labelled


class FocalLoss(PixelLoss):
    """Registered form of :func:`focal_loss`.

    With ``use_sigmoid`` every channel is one of foreground and background, as in detectors, whose
    usual alpha is 0.25.

    Args:
        gamma: How strongly easy pixels lose weight; 0 is cross-entropy.
        alpha: Weight a of foreground; class 0, the background, gets 1 - alpha. ``None`` weighs
            none.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> FocalLoss(gamma=2.0)(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2 / 4
        tensor(0.1733)
    """

    formula = "-a_y (1 - p_y)^g log p_y"
    paper = "Lin et al. 2017, arXiv:1708.02002"
    use_when = "most pixels are easy: dense detection, rare foreground"
    tags = ("lesion", "small", "imbalance", "multilabel", "detection")

    def __init__(
        self, gamma: float = 2.0, alpha: float | None = None, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", gamma=gamma)
        if alpha is not None:
            check_range("[0, 1]", alpha=alpha)
        self.gamma, self.alpha = gamma, alpha

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy times the power of what is missing."""
        return focal_loss(logits, target, gamma=self.gamma, alpha=self.alpha)

    def _binary(self, logits: Tensor, batch: Aligned) -> Tensor:
        if batch.labels is None or is_transformed():
            return super()._binary(logits, batch)
        one, weight = logits.shape[1] == 1, self.class_weight
        loss = foreground_focal(
            logits,
            batch.labels,
            gamma=self.gamma,
            alpha=self.alpha,
            class_weight=None if one or weight is None else weight.to(logits.dtype),
        )
        return loss * self._class_factor(batch.labels) if one else loss


class Poly1FocalLoss(PixelLoss):
    """Registered form of :func:`poly1_focal_loss`.

    Args:
        epsilon: Added to the first coefficient; the paper's detectors use -1.
        gamma: Exponent of the easiness; 0 for cross-entropy.
        alpha: Weight of the foreground, 1 - alpha that of class 0; None for equal weights.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> Poly1FocalLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2 / 4 + 1 / 8
        tensor(0.2983)
    """

    formula = "-a_y (1 - p_y)^g log p_y + e (1 - p_y)^(g+1)"
    paper = "Leng et al. 2022, arXiv:2204.12511"
    use_when = "in place of focal loss: one more parameter to tune"
    tags = ("lesion", "imbalance")

    def __init__(
        self,
        epsilon: float = 1.0,
        gamma: float = 2.0,
        alpha: float | None = None,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[-1, inf)", epsilon=epsilon)
        check_range("[0, inf)", gamma=gamma)
        if alpha is not None:
            check_range("[0, 1]", alpha=alpha)
        self.epsilon, self.gamma, self.alpha = epsilon, gamma, alpha

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Focal loss and the extra first term."""
        return poly1_focal_loss(
            logits, target, epsilon=self.epsilon, gamma=self.gamma, alpha=self.alpha
        )


class SelfAdjustingDiceLoss(PixelLoss):
    """Registered form of :func:`self_adjusting_dice_loss`.

    Args:
        alpha: How fast easy pixels fade; the authors use 0.01 to 0.1.
        smooth: Added above and below.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = SelfAdjustingDiceLoss(alpha=0.0)
        >>> loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # 1 - 2 / 2.25 + 1 - 1 / 1.25
        tensor(0.3111)
    """

    formula = "sum_c 1 - (2 w y + s) / (w^2 + y^2 + s), w = (1 - p)^a p"
    paper = "Li et al. 2020, arXiv:1911.02855"
    use_when = "the F score is the goal, and easy pixels dominate"
    tags = ("lesion", "imbalance", "score")

    def __init__(
        self, alpha: float = 0.01, smooth: float = 1.0, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha)
        check_range("(0, inf)", smooth=smooth)
        self.alpha, self.smooth = alpha, smooth

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Dice of elements, summed over classes."""
        return self_adjusting_dice_loss(logits, target, alpha=self.alpha, smooth=self.smooth)
