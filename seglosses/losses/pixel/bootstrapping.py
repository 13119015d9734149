"""Pixel losses that mix a label that may be wrong with the network's own prediction."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.losses.pixel.active_passive import reverse_cross_entropy_loss
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import at_target
from seglosses.primitives.entropy import cross_entropy

__all__ = [
    "HardBootstrappingLoss",
    "SoftBootstrappingLoss",
    "SymmetricCrossEntropyLoss",
    "hard_bootstrapping_loss",
    "soft_bootstrapping_loss",
    "symmetric_cross_entropy_loss",
]


def soft_bootstrapping_loss(logits: Tensor, target: Tensor, *, beta: float = 0.95) -> Tensor:
    r"""Cross-entropy against a mixture of the label and the prediction.

        loss = -sum_c (beta y_c + (1 - beta) p_c) log p_c

    The gradient flows through both places of p, so the second term is the entropy, which sharpens
    what the network believes.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        beta: Trust in the label, in [0, 1]; 1 is cross-entropy.

    Returns:
        (N, *S).

    Raises:
        ValueError: for ``beta`` outside [0, 1].

    References:
        Reed et al., Training deep neural networks on noisy labels with bootstrapping, ICLR 2015
        workshop, arXiv:1412.6596, equation 6.

    Example:
        >>> import torch
        >>> soft_bootstrapping_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log 2 in any case
        tensor([[0.6931]])
    """
    check_range("[0, 1]", beta=beta)
    log_prob = logits.log_softmax(1)
    entropy = -(log_prob.exp() * log_prob).sum(1)
    return (1 - beta) * entropy - beta * at_target(log_prob, target)


def hard_bootstrapping_loss(logits: Tensor, target: Tensor, *, beta: float = 0.8) -> Tensor:
    r"""Cross-entropy against a mixture of the label and the class that the network prefers.

        loss = -beta log p_y - (1 - beta) log max_c p_c

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        beta: Trust in the label, in [0, 1]; 1 is cross-entropy.

    Returns:
        (N, *S).

    Raises:
        ValueError: for ``beta`` outside [0, 1].

    References:
        Reed et al., ICLR 2015 workshop, arXiv:1412.6596, equation 7.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.25], [0.75]]]).log()
        >>> hard_bootstrapping_loss(logits, torch.tensor([[0]]), beta=0.5)  # (log 4 + log 4/3) / 2
        tensor([[0.8370]])
    """
    check_range("[0, 1]", beta=beta)
    log_prob = logits.log_softmax(1)
    return (beta - 1) * log_prob.amax(1) - beta * at_target(log_prob, target)


def symmetric_cross_entropy_loss(
    logits: Tensor, target: Tensor, *, alpha: float = 0.1, beta: float = 1.0, floor: float = 1e-4
) -> Tensor:
    r"""Cross-entropy and its reverse, in which label and prediction change places.

        loss = -alpha sum_c y_c log p_c - beta sum_c p_c log max(y_c, floor)

    For a hard label the second term is -log(floor) (1 - p_y): bounded, so that a wrong label cannot
    pull for ever.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        alpha: Weight of cross-entropy, at least 0.
        beta: Weight of the reverse, at least 0.
        floor: See :func:`~seglosses.losses.reverse_cross_entropy_loss`; the default is that of the
            authors' program, the paper's logarithm of zero, -4, is ``exp(-4)``.

    Returns:
        (N, *S).

    Raises:
        ValueError: for an option out of its range.

    References:
        Wang et al., Symmetric cross entropy for robust learning with noisy labels, ICCV 2019,
        arXiv:1908.06112.

    Example:
        >>> import torch
        >>> # log 2 and 9.2103 (1 - 1/2)
        >>> symmetric_cross_entropy_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]), alpha=1.0)
        tensor([[5.2983]])
    """
    _check_symmetric(alpha, beta, floor)
    entropy = cross_entropy(logits, target)
    if target.is_floating_point():
        reverse = reverse_cross_entropy_loss(logits, target, floor=floor)
    else:
        # 1 - p_y, without another softmax
        reverse = torch.expm1(-entropy) * math.log(floor)
    return alpha * entropy + beta * reverse


def _check_symmetric(alpha: float, beta: float, floor: float) -> None:
    check_range("[0, inf)", alpha=alpha, beta=beta)
    check_range("(0, 1)", floor=floor)


class SoftBootstrappingLoss(PixelLoss):
    """Registered form of :func:`soft_bootstrapping_loss`.

    Args:
        beta: Trust in the label, in [0, 1].
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> import torch
        >>> SoftBootstrappingLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2
        tensor(0.6931)
    """

    formula = "-sum_c (beta y_c + (1 - beta) p_c) log p_c"
    paper = "Reed et al. 2015, arXiv:1412.6596"
    use_when = "some annotations are wrong at random, and the network predicts many of them right"
    tags = ("noise",)

    def __init__(self, beta: float = 0.95, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, 1]", beta=beta)
        self.beta = beta

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Against the label and the prediction."""
        return soft_bootstrapping_loss(logits, target, beta=self.beta)


class HardBootstrappingLoss(PixelLoss):
    """Registered form of :func:`hard_bootstrapping_loss`.

    Args:
        beta: Trust in the label, in [0, 1].
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> import torch
        >>> HardBootstrappingLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2
        tensor(0.6931)
    """

    formula = "-beta log p_y - (1 - beta) log max_c p_c"
    paper = "Reed et al. 2015, arXiv:1412.6596"
    use_when = (
        "some annotations are wrong at random, and the network's decisions should correct them"
    )
    tags = ("noise",)

    def __init__(self, beta: float = 0.8, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, 1]", beta=beta)
        self.beta = beta

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Against the label and the preferred class."""
        return hard_bootstrapping_loss(logits, target, beta=self.beta)


class SymmetricCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`symmetric_cross_entropy_loss`.

    Args:
        alpha: Weight of cross-entropy.
        beta: Weight of the reverse.
        floor: What stands for probabilities of zero.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> import torch
        >>> loss = SymmetricCrossEntropyLoss(alpha=1.0)
        >>> loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2 + 9.2103 / 2
        tensor(5.2983)
    """

    formula = "-alpha log p_y - beta sum_k p_k log max(y_k, floor)"
    paper = "Wang et al. 2019, arXiv:1908.06112"
    use_when = "noisy annotations, which cross-entropy alone would memorise"
    tags = ("noise",)

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 1.0,
        floor: float = 1e-4,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        _check_symmetric(alpha, beta, floor)
        self.alpha = alpha
        self.beta = beta
        self.floor = floor

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Both cross-entropies."""
        return symmetric_cross_entropy_loss(
            logits, target, alpha=self.alpha, beta=self.beta, floor=self.floor
        )
