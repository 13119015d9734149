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

from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import RowLoss, Target
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


class QualityLoss(RowLoss):
    """Base of losses of logits (n, C) and a quality.

    The target may be

    * ``(labels, scores)``, both (n,), as the GFL, TOOD, RTMDet and DETR heads of MMDetection give;
      labels outside [0, C) are background;
    * a dense quality (n, C), as VFNet gives;
    * labels (n,) alone: then objects have quality 1.

    Weights are (n,) or (n, C). 'mean' divides by ``avg_factor``, the number of objects, or else by
    the rows, for :class:`VarifocalLoss` by rows times classes, as in MMDetection. 'none' gives
    (n, C), which heads such as PAA sum themselves.

    Args:
        use_sigmoid: Must be true; heads read it.
        activated: ``pred`` is a probability already, as in TOOD.
        options: See :class:`~seglosses.losses.base.Loss`.

    Example:
        >>> class DistanceLoss(QualityLoss):
        ...     def compute(self, logits, quality, positive):
        ...         return (logits.sigmoid() - quality).abs()
        >>> labels, scores = torch.tensor([1, 2]), torch.tensor([0.75, 0.0])  # 2 is background
        >>> DistanceLoss(reduction="none")(torch.zeros(2, 2), (labels, scores))
        tensor([[0.5000, 0.2500],
                [0.5000, 0.5000]])
    """

    weighs_entries = True
    keeps_entries = True

    def __init__(
        self, use_sigmoid: bool = True, activated: bool = False, **options: Unpack[LossOptions]
    ) -> None:
        super().__init__(**options)
        if not use_sigmoid:
            raise ValueError(
                f"{type(self).__name__} scores every class by itself: set use_sigmoid=True"
            )
        self.use_sigmoid = use_sigmoid
        self.activated = activated

    def compute(self, logits: Tensor, quality: Tensor, positive: Tensor) -> Tensor:
        """Loss per row and class (n, C)."""
        raise NotImplementedError

    def check(self, pred: Tensor, target: Target) -> None:
        """Refuse what is no row of classes."""
        if pred.dim() != 2:
            raise ValueError(f"pred must be logits (n, C), got {tuple(pred.shape)}")
        self._head.look_for_background(pred, target)
        if not self.activated:
            self._look_for_logits(pred)

    def compare(self, pred: Tensor, target: Target) -> Tensor:
        """Compare raw scores with qualities."""
        logits = torch.logit(pred, eps=1e-6) if self.activated else pred
        return self.compute(logits, *dense_quality(logits, target))


def dense_quality(logits: Tensor, target: Target) -> tuple[Tensor, Tensor]:
    """Quality (n, C) and where the objects are, from any target of :class:`QualityLoss`.

    Args:
        logits: (n, C).
        target: Labels, labels with scores, or dense qualities.

    Returns:
        Quality (n, C), and the objects, boolean (n, C).

    Raises:
        ValueError: for labels, scores or dense targets that do not fit the logits.

    Example:
        >>> target = torch.tensor([1, 2]), torch.tensor([0.5, 0.0])
        >>> dense_quality(torch.zeros(2, 2), target)[0]
        tensor([[0.0000, 0.5000],
                [0.0000, 0.0000]])
    """
    n, classes = logits.shape
    if isinstance(target, Tensor) and target.is_floating_point():
        if target.shape != logits.shape:
            raise ValueError(f"dense quality must be {(n, classes)}, got {tuple(target.shape)}")
        quality = target.to(logits.dtype)
        return quality, quality > 0
    labels, scores = (target, None) if isinstance(target, Tensor) else target
    if labels.shape != (n,) or (scores is not None and scores.shape != (n,)):
        raise ValueError(
            f"labels and scores must be ({n},), got {tuple(labels.shape)}"
            + ("" if scores is None else f" and {tuple(scores.shape)}")
        )
    positive = labels.unsqueeze(1) == torch.arange(classes, device=labels.device)
    if scores is None:
        return positive.to(logits.dtype), positive
    # where, not a product: the score of what is no object may be anything
    values = scores.detach().to(logits.dtype).unsqueeze(1)
    return torch.where(positive, values, 0.0), positive


class QualityFocalLoss(QualityLoss):
    """Focal loss towards the quality instead of 1.

    Args:
        beta: Power of the distance from the quality.
        options: See :class:`QualityLoss`: ``use_sigmoid``, ``activated``, and those of every loss.

    Raises:
        ValueError: for ``use_sigmoid=False``, and targets that do not fit the logits.

    Example:
        >>> import torch
        >>> QualityFocalLoss()(torch.zeros(1, 1), torch.tensor([0]))  # an object: (1 - 1/2)^2 log 2
        tensor(0.1733)
    """

    formula = "|q - p|^beta BCE(p, q)"
    paper = "Li et al. 2020, arXiv:2006.04388"
    use_when = "scores rank boxes: dense detectors such as GFL and RTMDet"
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
        options: See :class:`QualityLoss`: ``use_sigmoid``, ``activated``, and those of every loss.

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
    use_when = "scores rank boxes and good boxes should lead: VFNet, RT-DETR"
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
        options: See :class:`QualityLoss`: ``use_sigmoid``, ``activated``, and those of every loss.

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
    use_when = "queries are matched one to one or densely: the DETR family"
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
