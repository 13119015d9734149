"""Cross-entropy with a penalty of logits that are ahead by more than a margin."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.entropy import cross_entropy

__all__ = [
    "ACLSLoss",
    "MarginSmoothingLoss",
    "acls_loss",
    "margin_smoothing_loss",
]


def margin_smoothing_loss(
    logits: Tensor, target: Tensor, *, margin: float = 10.0, alpha: float = 0.1
) -> Tensor:
    r"""Cross-entropy, and a price for logits that stay behind the largest by more than a margin.

        loss = CE + alpha mean_k max(0, max_j z_j - z_k - margin)

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        margin: Free distance of the logits.
        alpha: Strength.

    Returns:
        (N, *S).

    References:
        Liu et al., The devil is in the margin, CVPR 2022, arXiv:2111.15430.

    Example:
        >>> z = torch.tensor([[[2.0], [0.0]]])
        >>> margin_smoothing_loss(z, torch.tensor([[0]]), margin=1.0)  # log(1 + e^-2) + .1 * 1/2
        tensor([[0.1769]])
    """
    excess = (logits.amax(1, keepdim=True) - logits - margin).clamp(min=0)
    return cross_entropy(logits, target) + alpha * excess.mean(1)


def acls_loss(
    logits: Tensor,
    target: Tensor,
    *,
    margin: float = 10.0,
    alpha: float = 0.1,
    positive: float = 1.0,
    negative: float = 0.1,
) -> Tensor:
    r"""Cross-entropy with adaptive and conditional label smoothing.

        loss = CE + alpha (positive max(0, z_max - margin)^2
                           + negative mean_{k not max} max(0, sg(z_max) - z_k - margin)^2)

    sg stops the gradient. All logits that attain the maximum are positive. The logits themselves
    matter, not only their differences.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        margin: Free size of the largest logit, and of its lead.
        alpha: Strength of both terms.
        positive: Strength of the first.
        negative: Strength of the second.

    Returns:
        (N, *S).

    References:
        Park et al., ACLS: adaptive and conditional label smoothing for network calibration, ICCV
        2023, arXiv:2308.11911.

    Example:
        >>> z = torch.tensor([[[3.0], [0.0]]])
        >>> ce = torch.nn.functional.cross_entropy(z, torch.tensor([[0]]), reduction="none")
        >>> acls_loss(z, torch.tensor([[0]]), margin=1.0) - ce  # .1 * (2^2 + .1 * 2^2)
        tensor([[0.4400]])
    """
    top = logits.amax(1, keepdim=True)
    others = logits < top
    ahead = (top.squeeze(1) - margin).clamp(min=0).square()
    behind = (top.detach() - logits - margin).clamp(min=0).square()
    behind = torch.where(others, behind, 0.0).sum(1) / others.sum(1).clamp(min=1)
    entropy = cross_entropy(logits, target)
    return entropy + alpha * (positive * ahead + negative * behind)


class MarginSmoothingLoss(PixelLoss):
    """Registered form of :func:`margin_smoothing_loss` (MbLS).

    Args:
        margin: Free distance of the logits.
        alpha: Strength.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[2.0]], [[0.0]]]])
        >>> MarginSmoothingLoss(margin=1.0)(logits, torch.tensor([[[0]]]))  # log(1 + e^-2) + .1 / 2
        tensor(0.1769)
    """

    formula = "-log p_y + a mean_k max(0, max z - z_k - m)"
    paper = "Liu et al. 2022, arXiv:2111.15430"
    use_when = "calibration: smooths only logits that exceed a margin"
    tags = ("calibration",)

    def __init__(
        self, margin: float = 10.0, alpha: float = 0.1, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", margin=margin, alpha=alpha)
        self.margin, self.alpha = margin, alpha

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy and the mean excess over the margin."""
        return margin_smoothing_loss(logits, target, margin=self.margin, alpha=self.alpha)


class ACLSLoss(PixelLoss):
    """Registered form of :func:`acls_loss`.

    A foreground logit z is read as the logits (-z/2, z/2).

    Args:
        margin: Free size of the largest logit, and of its lead.
        alpha: Strength of both terms.
        positive: Strength of the first.
        negative: Strength of the second.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[3.0]], [[0.0]]]])
        >>> ACLSLoss(margin=1.0)(logits, torch.tensor([[[0]]]))  # log(1 + e^-3) + .1 (4 + .1 * 4)
        tensor(0.4886)
    """

    formula = "-log p_y + a (l1 max(0, z_max - m)^2 + l2 mean max(0, z_max - z_k - m)^2)"
    paper = "Park et al. 2023, arXiv:2308.11911"
    use_when = "calibration: the penalty grows with the overconfidence"
    tags = ("calibration",)

    def __init__(
        self,
        margin: float = 10.0,
        alpha: float = 0.1,
        positive: float = 1.0,
        negative: float = 0.1,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", margin=margin, alpha=alpha, positive=positive, negative=negative)
        self.margin, self.alpha = margin, alpha
        self.positive, self.negative = positive, negative

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy and both squared excesses."""
        return acls_loss(
            logits,
            target,
            margin=self.margin,
            alpha=self.alpha,
            positive=self.positive,
            negative=self.negative,
        )
