"""The base of losses that compare scores of classes with how well a box fits."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import RowLoss, Target
from seglosses.primitives.checks import require_between

#: overlaps computed in half precision may be rounded to just above 1
_MOST = 1 + 1e-2
_QUALITY = "qualities must lie in [0, 1], as overlaps of boxes do; NaN comes of boxes that are NaN"


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
        ValueError: for labels, scores or dense targets that do not fit the logits, and qualities of
            objects outside [0, 1].

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
        require_between(quality, 0.0, _MOST, _QUALITY)
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
    values = scores.detach().to(logits.dtype)
    objects = (labels >= 0) & (labels < classes)
    require_between(torch.where(objects, values, 0.0), 0.0, _MOST, _QUALITY)
    return torch.where(positive, values.unsqueeze(1), 0.0), positive
