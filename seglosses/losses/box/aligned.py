"""Quality losses of the DETR family: scores of queries that say how well their boxes fit."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.box.scores import QualityLoss
from seglosses.losses.loss import LossOptions
from seglosses.primitives.checks import check_range

__all__ = ["IoUAwareBCELoss", "iou_aware_bce_loss"]


def iou_aware_bce_loss(
    logits: Tensor, quality: Tensor, *, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    r"""IoU-aware binary cross-entropy: the target of an object is its score and its box together.

        loss = BCE(p, t),  t = max(p^alpha q^(1 - alpha), 0.01)     at objects, t without gradient
        loss = -p^gamma log(1 - p)                                  elsewhere, p^gamma without

    Args:
        logits: (n, C), p = sigmoid(logits).
        quality: (n, C) in [0, 1], zero for other classes and background.
        alpha: Share of the score in the target.
        gamma: Power of the score of background.

    Returns:
        (n, C).

    References:
        Cai et al., Align-DETR, BMVC 2024, arXiv:2304.07527, Eqs. 2 and 3.

    Example:
        >>> import torch
        >>> iou_aware_bce_loss(torch.zeros(1, 2), torch.tensor([[0.5, 0]]))  # log 2, and 1/4 of it
        tensor([[0.6931, 0.1733]])
    """
    p = logits.detach().sigmoid()
    objects = quality > 0
    both = (p.pow(alpha) * quality.clamp(min=0).pow(1 - alpha)).clamp(min=0.01)
    target = both.where(objects, both.new_zeros(()))
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return entropy.where(objects, p.pow(gamma) * entropy)


class IoUAwareBCELoss(QualityLoss):
    """Cross-entropy with the score and the box of an object together.

    Args:
        alpha: Share of the score in the target.
        gamma: Power of the score of background.
        options: See :class:`~seglosses.losses.box.scores.QualityLoss`.

    Raises:
        ValueError: for ``use_sigmoid=False``, and targets that do not fit the logits.

    Example:
        >>> import torch
        >>> IoUAwareBCELoss()(torch.zeros(1, 1), torch.tensor([1]))  # background: 1/4 log 2
        tensor(0.1733)
    """

    formula = "BCE(p, p^alpha q^(1 - alpha)) at objects, -p^gamma log(1 - p) elsewhere"
    paper = "Cai et al. 2024, arXiv:2304.07527"
    use_when = "scores of queries do not say how well their boxes fit: the DETR family"
    tags = ("detection", "quality")

    def __init__(
        self,
        use_sigmoid: bool = True,
        alpha: float = 0.25,
        gamma: float = 2.0,
        activated: bool = False,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(use_sigmoid, activated, **options)
        check_range("[0, 1]", alpha=alpha)
        check_range("[0, inf)", gamma=gamma)
        self.alpha = alpha
        self.gamma = gamma

    def compute(self, logits: Tensor, quality: Tensor, positive: Tensor) -> Tensor:
        """See :func:`iou_aware_bce_loss`."""
        return iou_aware_bce_loss(logits, quality, alpha=self.alpha, gamma=self.gamma)
