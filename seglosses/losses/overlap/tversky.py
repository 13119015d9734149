"""Tversky losses: false positives and false negatives have weights of their own."""

from __future__ import annotations

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import CountOptions, OverlapLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.few_overlap import Levers, tversky_levers
from seglosses.primitives.focusing import focal_power
from seglosses.primitives.overlap import Counts, Intersection, soft_counts, tversky_index

__all__ = [
    "FocalTverskyLoss",
    "TverskyLoss",
    "focal_tversky_loss",
    "tversky_loss",
]


def tversky_loss(
    prob: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 1.0,
    intersection: Intersection = "min",
) -> Tensor:
    r"""Tversky loss, exact for soft labels.

        loss = 1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth)

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        alpha: Price of a false positive.
        beta: Price of a false negative.
        smooth: Added above and below, in pixels; a class absent from both costs 0 in any case.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Salehi et al., Tversky loss function, MLMI 2017, arXiv:1706.05721; soft labels after Wang
        et al., NeurIPS 2023, arXiv:2302.05666.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
        >>> target = torch.tensor([[[1.0, 0.0, 1.0, 1.0]]])
        >>> tversky_loss(prob, target, alpha=0.0, beta=1.0, smooth=0.0)  # 1 - 1 / (1 + 2)
        tensor([[0.6667]])
    """
    return _tversky(soft_counts(prob, target, intersection=intersection), alpha, beta, smooth)


def focal_tversky_loss(
    prob: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 0.75,
    smooth: float = 1.0,
    intersection: Intersection = "min",
) -> Tensor:
    r"""Focal Tversky loss: the power is taken for each class, before any mean.

        loss = (1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth))^gamma

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        alpha: Price of a false positive.
        beta: Price of a false negative.
        gamma: Exponent; the paper's is the inverse, 4/3. Under 1 it raises small losses, so that
            classes that are nearly right still count.
        smooth: Added above and below, in pixels.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Abraham and Khan, A novel focal Tversky loss function, ISBI 2019, arXiv:1810.07842.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
        >>> target = torch.tensor([[[1.0, 0.0, 1.0, 1.0]]])
        >>> focal_tversky_loss(prob, target, alpha=0.0, beta=1.5, gamma=0.5, smooth=0.0)
        tensor([[0.8660]])
    """
    counts = soft_counts(prob, target, intersection=intersection)
    return _focal_tversky(counts, alpha, beta, gamma, smooth)


def _tversky(counts: Counts, alpha: float, beta: float, smooth: float) -> Tensor:
    return 1 - tversky_index(counts, alpha=alpha, beta=beta, smooth=smooth)


def _focal_tversky(
    counts: Counts, alpha: float, beta: float, gamma: float, smooth: float
) -> Tensor:
    return focal_power(_tversky(counts, alpha, beta, smooth), gamma)


class TverskyLoss(OverlapLoss):
    """Registered form of :func:`tversky_loss`; ``alpha`` weighs FP and ``beta`` FN.

    Args:
        alpha: Price of a false positive.
        beta: Price of a false negative.
        smooth: Added above and below, in pixels; a class absent from both costs 0 in any case.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = TverskyLoss(smooth=0.0)
        >>> loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # all counts are 1/2
        tensor(0.5000)
    """

    formula = "1 - (TP + s) / (TP + alpha FP + beta FN + s)"
    paper = "Salehi et al. 2017, arXiv:1706.05721"
    use_when = "small structures: recall matters more than precision, or vice versa"
    tags = ("thin", "lesion", "small", "imbalance")

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        smooth: float = 1.0,
        **options: Unpack[CountOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha, beta=beta, smooth=smooth)
        self.alpha, self.beta, self.smooth = alpha, beta, smooth

    def compute(self, counts: Counts) -> Tensor:
        """One minus the index."""
        return _tversky(counts, self.alpha, self.beta, self.smooth)

    def _levers(self) -> Levers | None:
        return tversky_levers(self.alpha, self.beta, self.smooth)


class FocalTverskyLoss(OverlapLoss):
    """Registered form of :func:`focal_tversky_loss`.

    Args:
        alpha: Price of a false positive.
        beta: Price of a false negative.
        gamma: Exponent; the paper's is the inverse, 4/3. Under 1 it raises small losses, so that
            classes that are nearly right still count.
        smooth: Added above and below, in pixels.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = FocalTverskyLoss(smooth=0.0)
        >>> loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # all counts are 1/2: 0.5^0.75
        tensor(0.5946)
    """

    formula = "(1 - (TP + s) / (TP + alpha FP + beta FN + s))^gamma"
    paper = "Abraham and Khan 2019, arXiv:1810.07842"
    use_when = "small lesions; as TverskyLoss, but nearly right classes keep their gradient"
    tags = ("thin", "lesion", "small", "imbalance")

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        gamma: float = 0.75,
        smooth: float = 1.0,
        **options: Unpack[CountOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha, beta=beta, smooth=smooth)
        check_range("(0, inf)", gamma=gamma)
        self.alpha, self.beta, self.gamma, self.smooth = alpha, beta, gamma, smooth

    def compute(self, counts: Counts) -> Tensor:
        """One minus the index, to the power gamma."""
        return _focal_tversky(counts, self.alpha, self.beta, self.gamma, self.smooth)
