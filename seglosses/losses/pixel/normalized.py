"""Pixel losses over the sum of those of all classes, for noisy labels."""

from __future__ import annotations

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import at_target
from seglosses.primitives.focusing import focal_power

__all__ = [
    "NormalizedCrossEntropyLoss",
    "NormalizedFocalLoss",
    "NormalizedGeneralizedCrossEntropyLoss",
    "normalized_cross_entropy_loss",
    "normalized_focal_loss",
    "normalized_generalized_cross_entropy_loss",
]


def normalized_cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy over the sum of the cross-entropies of all classes.

        loss = log p_y / sum_k log p_k

    The losses of all labels of a pixel sum to one.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S), in [0, 1].

    References:
        Ma et al., Normalized loss functions for deep learning with noisy labels, ICML 2020,
        arXiv:2006.13554.

    Example:
        >>> import torch
        >>> normalized_cross_entropy_loss(torch.zeros(1, 4, 1), torch.tensor([[1]]))
        tensor([[0.2500]])
    """
    return normalized_focal_loss(logits, target, gamma=0.0)


def normalized_focal_loss(logits: Tensor, target: Tensor, *, gamma: float = 0.5) -> Tensor:
    r"""Focal loss over the sum of the focal losses of all classes.

        loss = w_y log p_y / sum_k w_k log p_k,  w_k = (1 - p_k)^gamma without gradient

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        gamma: 0 is the normalized cross-entropy.

    Returns:
        (N, *S), in [0, 1].

    References:
        Ma et al., ICML 2020, arXiv:2006.13554; its code detaches the weights.

    Example:
        >>> import torch
        >>> normalized_focal_loss(torch.zeros(1, 4, 1), torch.tensor([[1]]))
        tensor([[0.2500]])
    """
    loss = -logits.log_softmax(1)
    if gamma:
        loss = loss * focal_power(-(-loss.detach()).expm1(), gamma)
    return at_target(loss, target) / loss.sum(1)


def normalized_generalized_cross_entropy_loss(
    logits: Tensor, target: Tensor, *, q: float = 0.7
) -> Tensor:
    r"""Generalized cross-entropy over the sum of those of all classes.

        loss = (1 - p_y^q) / sum_k (1 - p_k^q)

    q = 0, in the limit, is the normalized cross-entropy; q = 1 the mean absolute error by C - 1.
    Certain errors pull weakly, so that a passive loss belongs beside it.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        q: In [0, 1].

    Returns:
        (N, *S), in [0, 1 / (C - 1)].

    Raises:
        ValueError: for q outside [0, 1].

    References:
        Ma et al., ICML 2020, arXiv:2006.13554; its code clamps p from below at 1e-7.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.64], [0.36]]]).log()
        >>> normalized_generalized_cross_entropy_loss(logits, torch.tensor([[0]]), q=0.5)  # .2 / .6
        tensor([[0.3333]])
    """
    check_range("[0, 1]", q=q)
    if q == 0:
        return normalized_cross_entropy_loss(logits, target)
    gap = -(q * logits.log_softmax(1)).expm1()
    return at_target(gap, target) / gap.sum(1)


class NormalizedCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`normalized_cross_entropy_loss`.

    Example:
        >>> import torch
        >>> NormalizedCrossEntropyLoss()(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # 1 of 4
        tensor(0.2500)
    """

    formula = "log p_y / sum_k log p_k"
    paper = "Ma et al. 2020, arXiv:2006.13554"
    use_when = "noisy annotations, beside a passive loss"
    tags = ("noise",)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The label's share of all cross-entropies."""
        return normalized_cross_entropy_loss(logits, target)


class NormalizedFocalLoss(PixelLoss):
    """Registered form of :func:`normalized_focal_loss`.

    Args:
        gamma: 0 is the normalized cross-entropy.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> NormalizedFocalLoss()(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # 1 of 4
        tensor(0.2500)
    """

    formula = "w_y log p_y / sum_k w_k log p_k, w = (1-p)^g"
    paper = "Ma et al. 2020, arXiv:2006.13554"
    use_when = "noisy annotations, beside a passive loss"
    tags = ("noise",)

    def __init__(self, gamma: float = 0.5, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", gamma=gamma)
        self.gamma = gamma

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The label's share of all focal losses."""
        return normalized_focal_loss(logits, target, gamma=self.gamma)


class NormalizedGeneralizedCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`normalized_generalized_cross_entropy_loss` (NGCE).

    Args:
        q: In [0, 1]; 0 is the normalized cross-entropy.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for ``q`` outside [0, 1].

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[0.64]], [[0.36]]]]).log()
        >>> loss = NormalizedGeneralizedCrossEntropyLoss(q=0.5)
        >>> loss(logits, torch.tensor([[[0]]]))  # (1 - 0.8) / (1 - 0.8 + 1 - 0.6)
        tensor(0.3333)
    """

    formula = "(1 - p_y^q) / sum_k (1 - p_k^q)"
    paper = "Ma et al. 2020, arXiv:2006.13554"
    use_when = "noisy annotations, beside a passive loss: between normalized CE and MAE"
    tags = ("noise",)

    def __init__(self, q: float = 0.7, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, 1]", q=q)
        self.q = q

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The label's share of all power gaps."""
        return normalized_generalized_cross_entropy_loss(logits, target, q=self.q)
