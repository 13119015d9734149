"""Pixel losses of the margin of the label: the multi-class hinges, and their soft maximum."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import at_target

__all__ = [
    "CrammerSingerLoss",
    "LDRLoss",
    "WestonWatkinsLoss",
    "crammer_singer_loss",
    "ldr_loss",
    "weston_watkins_loss",
]


def _missing_lead(score: Tensor, target: Tensor, margin: float) -> Tensor:
    """How far each class is from staying a margin behind the label, 0 for the label, (N, C, *S)."""
    own = at_target(score, target).unsqueeze(1)
    if target.is_floating_point():
        lead = margin * (1 - target)
    else:
        lead = torch.full_like(score, margin).scatter(1, target.unsqueeze(1), 0.0)
    return lead + score - own


def crammer_singer_loss(logits: Tensor, target: Tensor, *, margin: float = 1.0) -> Tensor:
    r"""Multi-class hinge of Crammer and Singer: the worst class alone counts.

        loss = max_k (margin [k != y] + z_k - z_y)

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), by which margin and z_y are
            averaged.
        margin: By how much the label should lead; beyond it nothing pulls.

    Returns:
        (N, *S), at least 0.

    References:
        Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector
        machines, JMLR 2, 2001.

    Example:
        >>> import torch
        >>> z = torch.tensor([[[1.0], [0.5], [2.0]]])
        >>> crammer_singer_loss(z, torch.tensor([[0]]))  # 1 + 2 - 1
        tensor([[2.]])
    """
    return _missing_lead(logits, target, margin).amax(1)


def weston_watkins_loss(logits: Tensor, target: Tensor, *, margin: float = 1.0) -> Tensor:
    r"""Multi-class hinge of Weston and Watkins: every class within the margin counts.

        loss = 1/C sum_{k != y} max(0, margin + z_k - z_y)

    The paper sums; C divides in PyTorch's MultiMarginLoss, which is the same, and in the published
    comparisons.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), by which margin and z_y are
            averaged.
        margin: By how much the label should lead; beyond it nothing pulls.

    Returns:
        (N, *S), at least 0.

    References:
        Weston and Watkins, Support vector machines for multi-class pattern recognition, ESANN 1999.

    Example:
        >>> import torch
        >>> z = torch.tensor([[[1.0], [0.5], [2.0]]])
        >>> weston_watkins_loss(z, torch.tensor([[0]]))  # (0.5 + 2) / 3
        tensor([[0.8333]])
    """
    return _missing_lead(logits, target, margin).clamp(min=0).mean(1)


def ldr_loss(
    logits: Tensor,
    target: Tensor,
    *,
    margin: float = 2.0,
    lam: float = 1.0,
    normalize: bool = True,
) -> Tensor:
    r"""Label-distributionally robust loss, with the Kullback-Leibler regulariser.

        f = softplus(z) / mean_k softplus(z_k)
        loss = lam log(1/C sum_k exp((margin [k != y] + f_k - f_y) / lam))

    It is negative where the label leads by more than the margin, down to ``-lam log C``. Of the
    logits themselves, f = z, it is cross-entropy less log C at margin = 0 and lam = 1, and towards
    lam = 0 the hinge of :func:`crammer_singer_loss`.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), by which margin and f_y are
            averaged.
        margin: By how much the label should lead.
        lam: Strength of the regulariser: towards 0 the worst class counts alone.
        normalize: Bound the scores as above; else f = z.

    Returns:
        (N, *S).

    References:
        Zhu et al., Label distributionally robust losses for multi-class classification, ICML 2023,
        arXiv:2112.14869.

    Example:
        >>> import torch
        >>> ldr_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log((1 + e^2) / 2)
        tensor([[1.4338]])
    """
    score = logits
    if normalize:
        score = F.softplus(logits)
        score = score / score.mean(1, keepdim=True).clamp(min=1e-8)
    classes = math.log(logits.shape[1])
    return lam * ((_missing_lead(score, target, margin) / lam).logsumexp(1) - classes)


class _HingeLoss(PixelLoss):
    def __init__(self, margin: float = 1.0, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", margin=margin)
        self.margin = margin


class CrammerSingerLoss(_HingeLoss):
    """Registered form of :func:`crammer_singer_loss`; with one channel the binary hinge.

    Args:
        margin: By how much the label should lead; beyond it nothing pulls.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[1.0]], [[0.5]], [[2.0]]]])
        >>> CrammerSingerLoss()(logits, torch.tensor([[[0]]]))  # 1 + 2 - 1
        tensor(2.)
    """

    formula = "max_k (m [k != y] + z_k - z_y)"
    paper = "Crammer and Singer 2001, JMLR 2"
    use_when = "only the strongest wrong class of a pixel should count, up to the margin"
    tags = ("general",)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The largest lead that is missing."""
        return crammer_singer_loss(logits, target, margin=self.margin)


class WestonWatkinsLoss(_HingeLoss):
    """Registered form of :func:`weston_watkins_loss`.

    Args:
        margin: By how much the label should lead; beyond it nothing pulls.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[1.0]], [[0.5]], [[2.0]]]])
        >>> WestonWatkinsLoss()(logits, torch.tensor([[[0]]]))  # (0.5 + 2) / 3
        tensor(0.8333)
    """

    formula = "1/C sum_{k != y} max(0, m + z_k - z_y)"
    paper = "Weston and Watkins 1999, ESANN"
    use_when = "every wrong class within the margin should count, and none beyond it"
    tags = ("general",)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The mean of the leads that are missing."""
        return weston_watkins_loss(logits, target, margin=self.margin)


class LDRLoss(PixelLoss):
    """Registered form of :func:`ldr_loss`.

    Args:
        margin: By how much the label should lead.
        lam: Strength of the regulariser: towards 0 the worst class counts alone.
        normalize: Bound the scores; else the logits themselves are compared.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> LDRLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log((1 + e^2) / 2)
        tensor(1.4338)
    """

    formula = "l log(1/C sum_k exp((m [k != y] + f_k - f_y) / l)), f = softplus z / mean"
    paper = "Zhu et al. 2023, arXiv:2112.14869"
    use_when = "label noise; robust to it, and still consistent for the top class"
    tags = ("noise",)

    def __init__(
        self,
        margin: float = 2.0,
        lam: float = 1.0,
        normalize: bool = True,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", margin=margin)
        check_range("(0, inf)", lam=lam)
        self.margin, self.lam, self.normalize = margin, lam, normalize

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Soft maximum of the leads that are missing."""
        return ldr_loss(logits, target, margin=self.margin, lam=self.lam, normalize=self.normalize)
