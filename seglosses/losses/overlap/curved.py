"""Overlap losses that reshape 1 - Dice: flat at the optimum, steep far away, or by the boundary."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import CountOptions, MapLoss, MapOptions, OverlapLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.focusing import focal_power
from seglosses.primitives.overlap import (
    Counts,
    Intersection,
    dice_index,
    soft_counts,
)

__all__ = [
    "BoundaryDoULoss",
    "LogCoshDiceLoss",
    "LogDiceLoss",
    "boundary_dou_loss",
    "log_cosh_dice_loss",
    "log_dice_loss",
]


def log_cosh_dice_loss(
    prob: Tensor, target: Tensor, *, smooth: float = 1.0, intersection: Intersection = "min"
) -> Tensor:
    r"""Log-cosh Dice loss: a square near the optimum, a line far from it.

        loss = log(cosh(1 - (2 TP + smooth) / (2 TP + FP + FN + smooth)))

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        smooth: Added above and below, in pixels; a class absent from both costs 0.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image and class, (N, C), in [0, log(cosh 1)] = [0, 0.4338].

    References:
        Jadon, A survey of loss functions for semantic segmentation, CIBCB 2020, arXiv:2006.14822.

    Example:
        >>> prob, target = torch.tensor([[[1.0, 1.0]]]), torch.tensor([[[0.0, 1.0]]])
        >>> log_cosh_dice_loss(prob, target, smooth=0.0)  # log(cosh(1/3))
        tensor([[0.0546]])
    """
    return _log_cosh(soft_counts(prob, target, intersection=intersection), smooth)


def log_dice_loss(
    prob: Tensor,
    target: Tensor,
    *,
    gamma: float = 0.3,
    smooth: float = 1.0,
    intersection: Intersection = "min",
) -> Tensor:
    r"""Dice part of the exponential logarithmic loss.

        loss = (-log((2 TP + smooth) / (2 TP + FP + FN + smooth)))^gamma

    Classes that are nearly missed cost without bound, as far as ``smooth`` allows, and pull
    hardest. The paper adds it, weighed by 0.8, to 0.2 of
    :func:`~seglosses.losses.exponential_logarithmic_cross_entropy_loss`; a list of two losses says
    that in a config.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        gamma: Exponent; the paper's is 0.3.
        smooth: Added above and below, in pixels; above 0, since a missed class would cost infinity.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image and class, (N, C), from 0 upwards; a class absent from both costs 0.

    Raises:
        ValueError: unless ``smooth`` is positive.

    References:
        Wong et al., 3D segmentation with exponential logarithmic loss for highly unbalanced object
        sizes, MICCAI 2018, arXiv:1809.00076.

    Example:
        >>> prob, target = torch.tensor([[[1.0, 1.0]]]), torch.tensor([[[0.0, 1.0]]])
        >>> log_dice_loss(prob, target, gamma=1.0, smooth=1e-6)  # -log(2/3)
        tensor([[0.4055]])
    """
    check_range("(0, inf)", smooth=smooth)
    return _log_dice(soft_counts(prob, target, intersection=intersection), gamma, smooth)


def boundary_dou_loss(
    prob: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    largest: float = 0.8,
    smooth: float = 1e-5,
) -> Tensor:
    r"""Boundary difference over union: what is wrong, against a union that shrinks to the boundary.

        loss = (U - I) / (U - alpha I + smooth),   alpha = 1 - 2 (C + smooth) / (S + smooth)

    I is the soft intersection and U the union with squares, as in the authors' program; S is the
    number of the label's pixels, C of those among them with a face at another class or at the edge
    of the image. alpha is at most ``largest``. For large objects alpha is large, and what is wrong
    is compared with the boundary; thin ones (C = S, alpha -1) are compared whole, as by 1 - Dice.
    The authors' program adds ``smooth`` above too, so that a class absent from both costs 1 there.

    Args:
        prob: Class probabilities, (N, C, *S), one to three axes.
        target: One-hot or soft labels, (N, C, *S), cut at 1/2 for C and S.
        weight: Weights of pixels, broadcastable to (N, 1, *S).
        largest: Largest alpha, in [0, 1).
        smooth: Added below, in pixels.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 for a class absent from both.

    Raises:
        ValueError: for an option out of its range.

    References:
        Sun, Luo and Li, Boundary difference over union loss for medical image segmentation,
        MICCAI 2023, arXiv:2308.00220.

    Example:
        >>> label = torch.zeros(1, 1, 6, 6)
        >>> label[..., 1:5, 1:5] = 1  # S = 16, C = 12: alpha = 1 - 24 / 16
        >>> seen = label.clone()
        >>> seen[..., 4, 1:5] = 0  # four of sixteen are missed: 4 / (16 + 12 / 2)
        >>> boundary_dou_loss(seen, label)
        tensor([[0.1818]])
    """
    check_range("[0, 1)", largest=largest)
    alpha = _share_of_interior(target, smooth).clamp(max=largest)
    if weight is not None:
        prob, target = prob * weight.sqrt(), target * weight.sqrt()
    common = (prob * target).flatten(2).sum(2)
    both = prob.square().flatten(2).sum(2) + target.square().flatten(2).sum(2)
    wrong = both - 2 * common
    # union - alpha I, with the union both - I; nothing labelled or predicted costs nothing
    divisor = both - (1 + alpha) * common
    return wrong / (divisor + smooth).clamp(min=smooth)


def _share_of_interior(target: Tensor, smooth: float) -> Tensor:
    """1 - 2 C / S of each label, (N, C)."""
    inside = (target > 0.5).to(target.dtype)
    padded = F.pad(inside, (1, 1) * (target.dim() - 2))
    kept = inside
    for axis in range(2, target.dim()):
        length = target.shape[axis]
        if length == 1:  # a volume of one slice is an image
            continue
        for start in (0, 2):
            moved = padded.narrow(axis, start, length)
            for other in range(2, target.dim()):
                if other != axis:
                    moved = moved.narrow(other, 1, target.shape[other])
            kept = torch.minimum(kept, moved)
    size, interior = inside.flatten(2).sum(2), kept.flatten(2).sum(2)
    return 1 - 2 * (size - interior + smooth) / (size + smooth)


def _log_cosh(counts: Counts, smooth: float) -> Tensor:
    return (1 - dice_index(counts, smooth=smooth)).cosh().log()


def _log_dice(counts: Counts, gamma: float, smooth: float) -> Tensor:
    return focal_power(-dice_index(counts, smooth=smooth).log(), gamma)


class LogCoshDiceLoss(OverlapLoss):
    """Registered form of :func:`log_cosh_dice_loss`.

    Args:
        smooth: Added above and below, in pixels.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Example:
        >>> logits = torch.tensor([[[[99.0, 99.0]]]])
        >>> LogCoshDiceLoss(smooth=0.0)(logits, torch.tensor([[[0, 1]]]))  # log(cosh(1/3))
        tensor(0.0546)
    """

    formula = "log(cosh(1 - (2 TP + s) / (2 TP + FP + FN + s)))"
    paper = "Jadon 2020, arXiv:2006.14822"
    use_when = (
        "late training, where the gradient of Dice is unsteady: this one is flat at the optimum"
    )
    tags = ("general",)

    def __init__(self, smooth: float = 1.0, **options: Unpack[CountOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        self.smooth = smooth

    def compute(self, counts: Counts) -> Tensor:
        """Logarithm of the hyperbolic cosine."""
        return _log_cosh(counts, self.smooth)


class LogDiceLoss(OverlapLoss):
    """Registered form of :func:`log_dice_loss`.

    Args:
        gamma: Exponent.
        smooth: Added above and below, in pixels; above 0.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Example:
        >>> logits = torch.tensor([[[[99.0, 99.0]]]])
        >>> LogDiceLoss(gamma=1.0, smooth=1e-6)(logits, torch.tensor([[[0, 1]]]))  # -log(2/3)
        tensor(0.4055)
    """

    formula = "(-log((2 TP + s) / (2 TP + FP + FN + s)))^gamma"
    paper = "Wong et al. 2018, arXiv:1809.00076"
    use_when = "object sizes differ widely; classes that are nearly missed get the largest gradient"
    tags = ("lesion", "small", "imbalance")

    def __init__(
        self, gamma: float = 0.3, smooth: float = 1.0, **options: Unpack[CountOptions]
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", gamma=gamma, smooth=smooth)
        self.gamma = gamma
        self.smooth = smooth

    def compute(self, counts: Counts) -> Tensor:
        """Power of minus the logarithm."""
        return _log_dice(counts, self.gamma, self.smooth)


class BoundaryDoULoss(MapLoss):
    """Registered form of :func:`boundary_dou_loss`.

    Args:
        largest: Largest alpha, in [0, 1).
        smooth: Added below, in pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Example:
        >>> labels = torch.tensor([[[0, 1, 1, 0]]])
        >>> BoundaryDoULoss()(torch.tensor([[[[-99.0, 99.0, -99.0, -99.0]]]]), labels)  # 1 - Dice
        tensor(0.3333)
    """

    spatial_dims = (1, 2, 3)
    formula = "(U - I) / (U - alpha I), alpha = 1 - 2 C / S of the label, at most 0.8"
    paper = "Sun et al. 2023, arXiv:2308.00220"
    use_when = "regions are right but their boundaries are not; needs no distance map"
    tags = ("boundary",)

    def __init__(
        self, largest: float = 0.8, smooth: float = 1e-5, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, 1)", largest=largest)
        check_range("(0, inf)", smooth=smooth)
        self.largest = largest
        self.smooth = smooth

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Difference over the union that shrinks to the boundary."""
        return boundary_dou_loss(prob, target, mask, largest=self.largest, smooth=self.smooth)
