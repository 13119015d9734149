"""Cross-entropy for classes of very different frequency."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range, class_factors
from seglosses.primitives.encoding import at_target
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.focusing import focal_power

__all__ = [
    "ExponentialLogarithmicCrossEntropyLoss",
    "LogitAdjustmentLoss",
    "effective_number_weights",
    "exponential_logarithmic_cross_entropy_loss",
    "logit_adjustment_loss",
]


def effective_number_weights(counts: Sequence[float], *, beta: float = 0.9999) -> Tensor:
    r"""Weights of classes by their effective number of samples, for ``class_weight``.

        w_c = (1 - beta) / (1 - beta^n_c),   scaled so that their mean is 1

    Args:
        counts: How many samples (pixels, objects, images) each class has; a class without any gets
            the weight 0, for nothing can be learnt of it.
        beta: In [0, 1): 0 weighs all classes alike, towards 1 by their inverse frequency.

    Returns:
        One weight per class, (C,) float32.

    Raises:
        ValueError: for ``beta`` outside [0, 1), and counts that are negative or all 0.

    References:
        Cui et al., Class-balanced loss based on effective number of samples, CVPR 2019,
        arXiv:1901.05555.

    Example:
        >>> effective_number_weights([1, 2], beta=0.5)  # 1/2 / 1/2 and 1/2 / 3/4: 1 and 2/3
        tensor([1.2000, 0.8000])
    """
    check_range("[0, 1)", beta=beta)
    number = torch.tensor(counts, dtype=torch.float64)
    if number.dim() != 1 or bool((number < 0).any()) or not bool((number > 0).any()):
        raise ValueError(f"counts must be numbers of samples per class, at least one, got {counts}")
    effective = -torch.expm1(number * torch.log(torch.tensor(beta, dtype=torch.float64)))
    weights = torch.where(number > 0, (1 - beta) / effective, 0.0)
    return (weights * len(number) / weights.sum()).float()


def logit_adjustment_loss(
    logits: Tensor,
    target: Tensor,
    *,
    prior: Sequence[float] | Tensor | None = None,
    tau: float = 1.0,
) -> Tensor:
    r"""Cross-entropy of logits raised by what is known of the classes' frequency.

        loss = -log softmax(z + tau log prior)_y

    Predict with z alone: it then maximises the mean recall of the classes.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        prior: Frequency of each class in training, above 0; need not sum to 1; a tensor (C,) on
            the device of the logits spares a copy, for which the host waits. Without it classes
            count as equally frequent, which is cross-entropy.
        tau: Strength, at least 0.

    Returns:
        (N, *S).

    Raises:
        ValueError: for another number of frequencies.

    References:
        Menon et al., Long-tail learning via logit adjustment, ICLR 2021, arXiv:2007.07314.

    Example:
        >>> logit_adjustment_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]), prior=[0.75, 0.25])
        tensor([[1.3863]])
    """
    check_range("[0, inf)", tau=tau)
    if prior is None:
        return cross_entropy(logits, target)
    if len(prior) != logits.shape[1]:
        raise ValueError(
            f"prior must have a frequency for each of {logits.shape[1]} classes (two for one"
            f" channel: background, foreground), got {len(prior)}"
        )
    shape = (1, -1, *(1,) * (logits.dim() - 2))
    shares = torch.as_tensor(prior, dtype=logits.dtype, device=logits.device)
    return cross_entropy(logits + tau * shares.log().view(shape), target)


def exponential_logarithmic_cross_entropy_loss(
    logits: Tensor, target: Tensor, *, gamma: float = 0.3
) -> Tensor:
    r"""Pixel part of the exponential logarithmic loss.

        loss = (-log p_y)^gamma

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S), for which it is their mean.
        gamma: Exponent, above 0; the paper's is 0.3. The paper weighs classes by
            sqrt(pixels / pixels of the class), which is ``class_weight`` here.

    Returns:
        (N, *S).

    References:
        Wong et al., MICCAI 2018, arXiv:1809.00076.

    Example:
        >>> exponential_logarithmic_cross_entropy_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))
        tensor([[0.8959]])
    """
    check_range("(0, inf)", gamma=gamma)
    log_prob = logits.log_softmax(1)
    if target.is_floating_point():
        return at_target(focal_power(-log_prob, gamma), target)
    # the label's alone: an impossible class beside it has no power with a slope
    return focal_power(-at_target(log_prob, target), gamma)


class LogitAdjustmentLoss(PixelLoss):
    """Registered form of :func:`logit_adjustment_loss`.

    Args:
        prior: Frequency of each class in training; for one channel, and under ``use_sigmoid``,
            background and foreground.
        tau: Strength.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for frequencies that are not positive, or not one per class.

    Example:
        >>> loss = LogitAdjustmentLoss(prior=[0.75, 0.25])
        >>> loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log 4
        tensor(1.3863)
    """

    formula = "-log softmax(z + tau log prior)_y"
    paper = "Menon et al. 2021, arXiv:2007.07314"
    use_when = "rare classes, and the mean recall over classes is the goal"
    tags = ("imbalance",)
    prior: Tensor | None

    def __init__(
        self,
        prior: Sequence[float] | None = None,
        tau: float = 1.0,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", tau=tau)
        if prior is not None and not all(0 < share < float("inf") for share in prior):
            raise ValueError(
                f"prior must hold a positive frequency of each class, got {list(prior)}; leave a"
                " class that never occurs out of the head"
            )
        self.register_buffer("prior", class_factors(prior, "prior"), persistent=False)
        self.tau = tau

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of adjusted logits."""
        return logit_adjustment_loss(logits, target, prior=self.prior, tau=self.tau)


class ExponentialLogarithmicCrossEntropyLoss(PixelLoss):
    """Registered form of :func:`exponential_logarithmic_cross_entropy_loss`.

    Args:
        gamma: Exponent, above 0.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> loss = ExponentialLogarithmicCrossEntropyLoss(gamma=2.0)
        >>> loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log(2)^2
        tensor(0.4805)
    """

    formula = "(-log p_y)^gamma"
    paper = "Wong et al. 2018, arXiv:1809.00076"
    use_when = "beside LogDiceLoss, where object sizes differ widely"
    tags = ("imbalance", "small")

    def __init__(self, gamma: float = 0.3, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", gamma=gamma)
        self.gamma = gamma

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Power of cross-entropy."""
        return exponential_logarithmic_cross_entropy_loss(logits, target, gamma=self.gamma)
