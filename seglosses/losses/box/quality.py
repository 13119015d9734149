"""Classification losses of detectors whose score should say how well the box fits.

They compare logits (n, C) with a quality in [0, 1], usually the IoU of the predicted box, at the
class of the object, and with zero everywhere else. Sigmoid only: each class is a problem of its
own, and background is the absence of all.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.box.scores import QualityLoss as QualityLoss
from seglosses.losses.box.scores import dense_quality as dense_quality
from seglosses.losses.loss import LossOptions
from seglosses.primitives.checks import check_range

__all__ = [
    "MatchabilityAwareLoss",
    "QualityFocalLoss",
    "VarifocalLoss",
    "matchability_aware_loss",
    "quality_focal_loss",
    "varifocal_loss",
]


def quality_focal_loss(logits: Tensor, quality: Tensor, *, beta: float = 2.0) -> Tensor:
    r"""Quality focal loss.

        loss = |q - p|^beta BCE(p, q)

    Args:
        logits: (n, C), p = sigmoid(logits).
        quality: (n, C) in [0, 1], zero for other classes and background.
        beta: Power of the distance.

    Returns:
        (n, C).

    References:
        Li et al., Generalized Focal Loss, NeurIPS 2020, arXiv:2006.04388.

    Example:
        >>> quality_focal_loss(torch.tensor([[0.0]]), torch.tensor([[1.0]]))  # 0.5^2 log 2
        tensor([[0.1733]])
    """
    entropy = F.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    return (quality - logits.sigmoid()).abs().pow(beta) * entropy


def varifocal_loss(
    logits: Tensor, quality: Tensor, *, alpha: float = 0.75, gamma: float = 2.0
) -> Tensor:
    r"""Varifocal loss: objects count by their quality, background by its score.

        loss = q BCE(p, q)                  where q > 0
        loss = -alpha p^gamma log(1 - p)    elsewhere

    Args:
        logits: (n, C), p = sigmoid(logits).
        quality: (n, C) in [0, 1], zero for other classes and background.
        alpha: Weight of background.
        gamma: Power of the score of background.

    Returns:
        (n, C).

    References:
        Zhang et al., VarifocalNet, CVPR 2021, arXiv:2008.13367.

    Example:
        >>> varifocal_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
        tensor([[0.6931, 0.1300]])
    """
    entropy = F.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    weight = torch.where(quality > 0, quality, alpha * logits.sigmoid().pow(gamma))
    return weight * entropy


def matchability_aware_loss(
    logits: Tensor,
    quality: Tensor,
    positive: Tensor | None = None,
    *,
    gamma: float = 1.5,
    alpha: float = 1.0,
) -> Tensor:
    r"""Matchability-aware loss: badly matched objects keep their full weight.

        loss = BCE(p, q^gamma)                           at objects
        loss = -alpha sg(p)^gamma log(1 - p)             elsewhere

    sg carries no gradient. VFL weighs an object by its quality, so that a query matched to an
    object that it hardly touches learns nothing; here it learns that its score is low.

    Args:
        logits: (n, C), p = sigmoid(logits).
        quality: (n, C) in [0, 1].
        positive: Where the objects are, boolean (n, C); by default where the quality is positive.
        gamma: Power of quality and of the score of background.
        alpha: Weight of background.

    Returns:
        (n, C).

    References:
        Huang et al., DEIM, CVPR 2025, arXiv:2412.04234.

    Example:
        >>> matchability_aware_loss(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
        tensor([[0.6931, 0.2451]])
    """
    target = quality.pow(gamma)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    positive = quality > 0 if positive is None else positive
    weight = torch.where(positive, 1.0, alpha * logits.detach().sigmoid().pow(gamma))
    return weight * entropy


class QualityFocalLoss(QualityLoss):
    """Focal loss towards the quality instead of 1.

    Args:
        beta: Power of the distance from the quality.
        options: See :class:`~seglosses.losses.box.scores.QualityLoss`.

    Raises:
        ValueError: for ``use_sigmoid=False``, and targets that do not fit the logits.

    Example:
        >>> import torch
        >>> QualityFocalLoss()(torch.zeros(1, 1), torch.tensor([0]))  # an object: (1 - 1/2)^2 log 2
        tensor(0.1733)
    """

    formula = "|q - p|^beta BCE(p, q)"
    paper = "Li et al. 2020, arXiv:2006.04388"
    use_when = "scores rank boxes, in dense detectors such as GFL and RTMDet"
    tags = ("detection", "quality")

    def __init__(
        self,
        use_sigmoid: bool = True,
        beta: float = 2.0,
        activated: bool = False,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(use_sigmoid, activated, **options)
        check_range("[0, inf)", beta=beta)
        self.beta = beta

    def compute(self, logits: Tensor, quality: Tensor, positive: Tensor) -> Tensor:
        """See :func:`quality_focal_loss`."""
        return quality_focal_loss(logits, quality, beta=self.beta)


class VarifocalLoss(QualityLoss):
    """Objects count by their quality, background by its score.

    Args:
        alpha: Weight of background.
        gamma: Power of the score of background.
        options: See :class:`~seglosses.losses.box.scores.QualityLoss`.

    Raises:
        ValueError: for ``use_sigmoid=False``, and targets that do not fit the logits.

    Example:
        >>> import torch
        >>> background = torch.tensor([1])  # class 0 is the only one
        >>> VarifocalLoss()(torch.zeros(1, 1), background)  # 3/4 * 1/4 log 2
        tensor(0.1300)
    """

    formula = "q BCE(p, q) at objects, -alpha p^gamma log(1 - p) elsewhere"
    paper = "Zhang et al. 2021, arXiv:2008.13367"
    use_when = (
        "scores rank boxes, and boxes that fit well should count most, as in VFNet and RT-DETR"
    )
    tags = ("detection", "quality")
    mean_of_entries = True

    def __init__(
        self,
        use_sigmoid: bool = True,
        alpha: float = 0.75,
        gamma: float = 2.0,
        activated: bool = False,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(use_sigmoid, activated, **options)
        check_range("[0, inf)", alpha=alpha, gamma=gamma)
        self.alpha = alpha
        self.gamma = gamma

    def compute(self, logits: Tensor, quality: Tensor, positive: Tensor) -> Tensor:
        """See :func:`varifocal_loss`."""
        return varifocal_loss(logits, quality, alpha=self.alpha, gamma=self.gamma)


class MatchabilityAwareLoss(QualityLoss):
    """Quality loss in which badly matched objects keep their full weight.

    Args:
        gamma: Power of quality and of the score of background.
        alpha: Weight of background.
        options: See :class:`~seglosses.losses.box.scores.QualityLoss`.

    Raises:
        ValueError: for ``use_sigmoid=False``, and targets that do not fit the logits.

    Example:
        >>> import torch
        >>> background = torch.tensor([1])  # class 0 is the only one
        >>> MatchabilityAwareLoss()(torch.zeros(1, 1), background)  # 0.5^1.5 log 2
        tensor(0.2451)
    """

    formula = "BCE(p, q^gamma) at objects, -alpha sg(p)^gamma log(1 - p) elsewhere"
    paper = "Huang et al. 2025, arXiv:2412.04234"
    use_when = "queries are matched one to one, or densely: the DETR family"
    tags = ("detection", "quality")

    def __init__(
        self,
        use_sigmoid: bool = True,
        gamma: float = 1.5,
        alpha: float = 1.0,
        activated: bool = False,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(use_sigmoid, activated, **options)
        check_range("[0, inf)", alpha=alpha, gamma=gamma)
        self.gamma = gamma
        self.alpha = alpha

    def compute(self, logits: Tensor, quality: Tensor, positive: Tensor) -> Tensor:
        """See :func:`matchability_aware_loss`."""
        return matchability_aware_loss(
            logits, quality, positive, gamma=self.gamma, alpha=self.alpha
        )
