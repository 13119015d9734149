"""Dice and Jaccard losses, computed from the soft counts."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import CountOptions, OverlapLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.few_overlap import Levers, tversky_levers
from seglosses.primitives.overlap import (
    Counts,
    Intersection,
    dice_index,
    soft_counts,
    tversky_index,
)

__all__ = [
    "DiceLoss",
    "JaccardLoss",
    "dice_loss",
    "jaccard_loss",
]


def dice_loss(
    prob: Tensor, target: Tensor, *, smooth: float = 1.0, intersection: Intersection = "min"
) -> Tensor:
    r"""Soft Dice loss, exact for soft labels.

        loss = 1 - (2 TP + smooth) / (2 TP + FP + FN + smooth)

    With ``intersection='norm2'`` it is the V-Net form, with 'product' the one that most libraries
    ship; for hard labels 'min' and 'product' agree.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        smooth: Added above and below, in pixels; a class absent from both costs 0 in any case.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Milletari et al., V-Net, 3DV 2016, arXiv:1606.04797; Drozdzal et al., 2016,
        arXiv:1608.04117; soft labels (DML1): Wang et al., arXiv:2303.16296.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
        >>> target = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
        >>> dice_loss(prob, target, smooth=0.0)  # 1 - 2 / (2 + 1)
        tensor([[0.3333]])
    """
    return _dice(soft_counts(prob, target, intersection=intersection), smooth)


def jaccard_loss(
    prob: Tensor, target: Tensor, *, smooth: float = 1.0, intersection: Intersection = "min"
) -> Tensor:
    r"""Soft Jaccard (IoU) loss, exact for soft labels.

        loss = 1 - (TP + smooth) / (TP + FP + FN + smooth)

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        smooth: Added above and below, in pixels; a class absent from both costs 0 in any case.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Rahman and Wang, ISVC 2016; soft labels: Wang et al., NeurIPS 2023, arXiv:2302.05666.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
        >>> target = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
        >>> jaccard_loss(prob, target, smooth=0.0)
        tensor([[0.5000]])
    """
    return _jaccard(soft_counts(prob, target, intersection=intersection), smooth)


def _dice(counts: Counts, smooth: float) -> Tensor:
    return 1 - dice_index(counts, smooth=smooth)


def _jaccard(counts: Counts, smooth: float) -> Tensor:
    return 1 - tversky_index(counts, alpha=1.0, beta=1.0, smooth=smooth)


class DiceLoss(OverlapLoss):
    """Registered form of :func:`dice_loss`.

    The Dice of bird's-eye-view maps (SeaBird) is the setting ``use_sigmoid=True,
    average='dataset', classes='present'``: independent channels, counts pooled over the batch, and
    classes that no image holds left out instead of costing a constant 1.

    Args:
        smooth: Added above and below, in pixels; a class absent from both costs 0 in any case.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = DiceLoss(smooth=0.0)
        >>> loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # TP, FP and FN 1/2 each
        tensor(0.5000)
    """

    formula = "1 - (2 TP + s) / (2 TP + FP + FN + s)"
    paper = "Milletari et al. 2016, arXiv:1606.04797"
    use_when = "rare foreground, and Dice is the score; beside cross-entropy"
    tags: ClassVar[tuple[str, ...]] = (
        "lesion", "small", "imbalance", "score", "multilabel", "general",
    )  # fmt: skip

    def __init__(self, smooth: float = 1.0, **options: Unpack[CountOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        self.smooth = smooth

    def compute(self, counts: Counts) -> Tensor:
        """One minus Dice."""
        return _dice(counts, self.smooth)

    def _levers(self) -> Levers | None:
        return tversky_levers(0.5, 0.5, self.smooth / 2)


class JaccardLoss(OverlapLoss):
    """Registered form of :func:`jaccard_loss`.

    Args:
        smooth: Added above and below, in pixels; a class absent from both costs 0 in any case.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = JaccardLoss(smooth=0.0)
        >>> loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # 1 - 0.5 / 1.5
        tensor(0.6667)
    """

    formula = "1 - (TP + s) / (TP + FP + FN + s)"
    paper = "Rahman and Wang 2016; Wang et al. 2023, arXiv:2302.05666"
    use_when = "IoU is the score"
    tags = ("score",)

    def __init__(self, smooth: float = 1.0, **options: Unpack[CountOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        self.smooth = smooth

    def compute(self, counts: Counts) -> Tensor:
        """One minus IoU."""
        return _jaccard(counts, self.smooth)

    def _levers(self) -> Levers | None:
        return tversky_levers(1.0, 1.0, self.smooth)
