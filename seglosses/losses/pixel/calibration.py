"""Cross-entropy with a term against overconfidence."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.entropy import cross_entropy

__all__ = [
    "LabelSmoothingLoss",
    "MaxSupLoss",
    "label_smoothing_loss",
    "max_suppression_loss",
]


def label_smoothing_loss(logits: Tensor, target: Tensor, *, alpha: float = 0.1) -> Tensor:
    r"""Cross-entropy of labels smoothed towards the uniform distribution.

        loss = CE + alpha (z_y - mean_k z_k) = CE of (1 - alpha) y + alpha / C

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        alpha: Amount of smoothing, in [0, 1].

    Returns:
        (N, *S).

    References:
        Szegedy et al., Rethinking the inception architecture, CVPR 2016, arXiv:1512.00567.

    Example:
        >>> import torch
        >>> z = torch.tensor([[[2.0], [0.0]]])
        >>> label_smoothing_loss(z, torch.tensor([[0]]), alpha=0.1)  # log(1 + e^-2) + .1
        tensor([[0.2269]])
    """
    return F.cross_entropy(logits, target, reduction="none", label_smoothing=alpha)


def max_suppression_loss(logits: Tensor, target: Tensor, *, alpha: float = 0.1) -> Tensor:
    r"""Cross-entropy, and the largest logit in place of the label's drawn to the mean.

        loss = CE + alpha (max_k z_k - mean_k z_k)

    Where the prediction is right it is label smoothing; where it is wrong, label smoothing would
    support the wrong class. The authors raise ``alpha`` from 0.1 to 0.2 over a training.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        alpha: Strength.

    Returns:
        (N, *S).

    References:
        Zhou et al., MaxSup: overcoming representation collapse in label smoothing, NeurIPS 2025,
        arXiv:2502.15798.

    Example:
        >>> import torch
        >>> z = torch.tensor([[[2.0], [0.0]]])
        >>> max_suppression_loss(z, torch.tensor([[1]]), alpha=0.1)  # log(1 + e^2) + .1
        tensor([[2.2269]])
    """
    entropy = cross_entropy(logits, target)
    return entropy + alpha * (logits.amax(1) - logits.mean(1))


class LabelSmoothingLoss(PixelLoss):
    """Registered form of :func:`label_smoothing_loss`.

    Args:
        alpha: Amount of smoothing, in [0, 1].
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[2.0]], [[0.0]]]])
        >>> LabelSmoothingLoss()(logits, torch.tensor([[[0]]]))  # log(1 + e^-2) + 0.1 (2 - 1)
        tensor(0.2269)
    """

    formula = "-log p_y + a (z_y - mean z)"
    paper = "Szegedy et al. 2016, arXiv:1512.00567"
    use_when = "calibration: the plain baseline"
    tags = ("calibration",)

    def __init__(self, alpha: float = 0.1, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, 1]", alpha=alpha)
        self.alpha = alpha

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of smoothed labels."""
        return label_smoothing_loss(logits, target, alpha=self.alpha)


class MaxSupLoss(PixelLoss):
    """Registered form of :func:`max_suppression_loss`.

    Args:
        alpha: Strength.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[2.0]], [[0.0]]]])
        >>> MaxSupLoss()(logits, torch.tensor([[[1]]]))  # log(1 + e^2) + 0.1 (2 - 1)
        tensor(2.2269)
    """

    formula = "-log p_y + a (max z - mean z)"
    paper = "Zhou et al. 2025, arXiv:2502.15798"
    use_when = "calibration, where label smoothing would blur the classes"
    tags = ("calibration",)

    def __init__(self, alpha: float = 0.1, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha)
        self.alpha = alpha

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy and the lead of the largest logit."""
        return max_suppression_loss(logits, target, alpha=self.alpha)
