"""Pixel losses whose gradient weakens where the label looks wrong."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import at_target

__all__ = [
    "AGCELoss",
    "AULLoss",
    "GeneralizedCrossEntropyLoss",
    "JensenShannonLoss",
    "agce_loss",
    "aul_loss",
    "generalized_cross_entropy_loss",
    "jensen_shannon_loss",
]


def generalized_cross_entropy_loss(logits: Tensor, target: Tensor, *, q: float = 0.7) -> Tensor:
    r"""Generalized cross-entropy: from cross-entropy (q = 0) to mean absolute error (q = 1).

        loss = (1 - p_y^q) / q

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        q: In [0, 1].

    Returns:
        (N, *S).

    Raises:
        ValueError: for q outside [0, 1].

    References:
        Zhang and Sabuncu, Generalized cross entropy loss, NeurIPS 2018, arXiv:1805.07836.

    Example:
        >>> import torch
        >>> generalized_cross_entropy_loss(torch.zeros(1, 4, 1), torch.tensor([[1]]), q=0.5)
        tensor([[1.]])
    """
    check_range("[0, 1]", q=q)
    log_prob = logits.log_softmax(1)
    if q == 0:
        return -at_target(log_prob, target)
    return -at_target((q * log_prob).expm1(), target) / q


def agce_loss(logits: Tensor, target: Tensor, *, a: float = 1.0, q: float = 2.0) -> Tensor:
    r"""Asymmetric generalized cross-entropy.

        loss = ((a + 1)^q - (a + p_y)^q) / q

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        a: At least 0.
        q: Above 0.

    Returns:
        (N, *S).

    References:
        Zhou et al., Asymmetric loss functions for learning with noisy labels, ICML 2021,
        arXiv:2106.03110.

    Example:
        >>> import torch
        >>> agce_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # (2^2 - 1.5^2) / 2
        tensor([[0.8750]])
    """
    return at_target(((a + 1) ** q - (a + logits.softmax(1)) ** q) / q, target)


def aul_loss(logits: Tensor, target: Tensor, *, a: float = 1.5, q: float = 0.9) -> Tensor:
    r"""Asymmetric unhinged loss.

        loss = ((a - p_y)^q - (a - 1)^q) / q

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        a: Above 1.
        q: Above 0.

    Returns:
        (N, *S).

    References:
        Zhou et al., ICML 2021, arXiv:2106.03110.

    Example:
        >>> import torch
        >>> aul_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]), a=2.0, q=2.0)  # (1.5^2 - 1) / 2
        tensor([[0.6250]])
    """
    return at_target(((a - logits.softmax(1)) ** q - (a - 1) ** q) / q, target)


def jensen_shannon_loss(logits: Tensor, target: Tensor, *, pi: float = 0.5) -> Tensor:
    r"""Jensen-Shannon divergence of prediction and label, scaled as by its authors.

        m = pi y + (1 - pi) p
        loss = (pi KL(y || m) + (1 - pi) KL(p || m)) / Z,  Z = -(1 - pi) log(1 - pi)

    Towards pi = 0 it is cross-entropy (of soft labels the divergence, which is 0 where p = y),
    towards 1 the mean absolute error (1 - p_y). For a label it reads p_y alone:

        m_y = 1 - (1 - pi) (1 - p_y)
        loss = 1 - p_y + ((1 - pi) p_y log(p_y / m_y) - pi log m_y) / Z

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), without gradient.
        pi: Weight of the label, above 0 and below 1.

    Returns:
        (N, *S), from 0 to the entropy of (pi, 1 - pi) over Z, which is 2 at pi = 1/2.

    Raises:
        ValueError: for pi outside (0, 1).

    References:
        Englesson and Azizpour, Generalized Jensen-Shannon divergence loss for learning with noisy
        labels, NeurIPS 2021, arXiv:2105.04522.

    Example:
        >>> import torch
        >>> far = torch.tensor([[[-99.0], [99.0]]])
        >>> jensen_shannon_loss(far, torch.tensor([[0]]))  # log 2 / (log(2) / 2)
        tensor([[2.]])
    """
    _check_pi(pi)
    log_prob, log_rest = logits.log_softmax(1), math.log1p(-pi)
    scale = -(1 - pi) * log_rest
    if target.is_floating_point():
        log_mean = (pi * target).log().logaddexp(log_rest + log_prob)
        label = F.kl_div(log_mean, target, reduction="none")
        pred = F.kl_div(log_mean, log_prob, reduction="none", log_target=True)
        return (pi * label + (1 - pi) * pred).sum(1) / scale
    own = at_target(log_prob, target)
    missed = own.expm1()
    log_mean = ((1 - pi) * missed).log1p()
    return ((1 - pi) * own.exp() * (own - log_mean) - pi * log_mean) / scale - missed


def _check_pi(pi: float) -> None:
    remedy = "the limits are CrossEntropyLoss and MeanAbsoluteErrorLoss"
    check_range("(0, 1)", remedy=remedy, pi=pi)


class GeneralizedCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`generalized_cross_entropy_loss`.

    Args:
        q: In [0, 1].
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for ``q`` outside [0, 1].

    Example:
        >>> import torch
        >>> loss = GeneralizedCrossEntropyLoss(q=0.5)
        >>> loss(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # (1 - 1/2) / 0.5
        tensor(1.)
    """

    formula = "(1 - p_y^q) / q"
    paper = "Zhang and Sabuncu 2018, arXiv:1805.07836"
    use_when = "noisy annotations: between cross-entropy and mean absolute error"
    tags = ("noise",)

    def __init__(self, q: float = 0.7, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, 1]", q=q)
        self.q = q

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The power gap of the label's probability."""
        return generalized_cross_entropy_loss(logits, target, q=self.q)


class AGCELoss(PixelLoss):
    """Registered form of :func:`agce_loss`.

    Args:
        a: At least 0.
        q: Above 0.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> AGCELoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # (2^2 - 1.5^2) / 2
        tensor(0.8750)
    """

    formula = "((a+1)^q - (a+p_y)^q) / q"
    paper = "Zhou et al. 2021, arXiv:2106.03110"
    use_when = "noisy annotations in which the right label stays the most frequent"
    tags = ("noise",)

    def __init__(self, a: float = 1.0, q: float = 2.0, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", a=a)
        check_range("(0, inf)", q=q)
        self.a = a
        self.q = q

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The asymmetric power gap."""
        return agce_loss(logits, target, a=self.a, q=self.q)


class AULLoss(PixelLoss):
    """Registered form of :func:`aul_loss`.

    Args:
        a: Above 1.
        q: Above 0.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> loss = AULLoss(a=2.0, q=2.0)
        >>> loss(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # (1.5^2 - 1) / 2
        tensor(0.6250)
    """

    formula = "((a-p_y)^q - (a-1)^q) / q"
    paper = "Zhou et al. 2021, arXiv:2106.03110"
    use_when = "noisy annotations in which the right label stays the most frequent"
    tags = ("noise",)

    def __init__(self, a: float = 1.5, q: float = 0.9, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("(1, inf)", a=a)
        check_range("(0, inf)", q=q)
        self.a = a
        self.q = q

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The asymmetric unhinged gap."""
        return aul_loss(logits, target, a=self.a, q=self.q)


class JensenShannonLoss(PixelLoss):
    """Registered form of :func:`jensen_shannon_loss`.

    Args:
        pi: Weight of the label, above 0 and below 1.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for ``pi`` outside (0, 1).

    Example:
        >>> import torch
        >>> far = torch.tensor([[[[-99.0]], [[99.0]]]])
        >>> JensenShannonLoss()(far, torch.tensor([[[0]]]))  # log 2 / (log(2) / 2)
        tensor(2.)
    """

    formula = "(pi KL(y||m) + (1-pi) KL(p||m)) / -((1-pi) log(1-pi)), m = pi y + (1-pi) p"
    paper = "Englesson and Azizpour 2021, arXiv:2105.04522"
    use_when = "noisy or soft labels: bounded, between cross-entropy and MAE"
    tags = ("noise", "soft")

    def __init__(self, pi: float = 0.5, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        _check_pi(pi)
        self.pi = pi

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The scaled divergence."""
        return jensen_shannon_loss(logits, target, pi=self.pi)
