"""Cross-entropy with another term, or bent towards other losses."""

from __future__ import annotations

import math

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.losses.pixel.classification import cross_entropy_loss
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import at_target

__all__ = [
    "CompSumLoss",
    "Poly1CrossEntropyLoss",
    "SquentropyLoss",
    "comp_sum_loss",
    "poly1_cross_entropy_loss",
    "squentropy_loss",
]


def poly1_cross_entropy_loss(logits: Tensor, target: Tensor, *, epsilon: float = 1.0) -> Tensor:
    r"""Cross-entropy with its first polynomial coefficient changed.

        loss = CE + epsilon (1 - p_y)

    The series of CE is sum_j (1 - p_y)^j / j; epsilon is added to its first term. -1 drops it, 0 is
    cross-entropy. A class weight scales both terms, unlike in some ports.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        epsilon: At least -1.

    Returns:
        (N, *S).

    References:
        Leng et al., PolyLoss, ICLR 2022, arXiv:2204.12511.

    Example:
        >>> import torch
        >>> poly1_cross_entropy_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log 2 + 1/2
        tensor([[1.1931]])
    """
    missed = at_target(-logits.log_softmax(1).expm1(), target)
    return cross_entropy_loss(logits, target) + epsilon * missed


def squentropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy, and squares that draw the logits of the other classes to zero.

        loss = CE + 1 / (C - 1) sum_{k != y} z_k^2

    The logits themselves matter, not only their differences.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    References:
        Hui et al., Cut your losses with squentropy, ICML 2023, arXiv:2302.03952.

    Example:
        >>> import torch
        >>> z = torch.tensor([[[0.0], [2.0], [0.0]]])
        >>> squentropy_loss(z, torch.tensor([[0]])) - cross_entropy_loss(z, torch.tensor([[0]]))
        tensor([[2.]])
    """
    if target.is_floating_point():
        others = (1 - target) * logits.square()
    else:
        others = logits.scatter(1, target.unsqueeze(1), 0.0).square()
    return cross_entropy_loss(logits, target) + others.sum(1) / (logits.shape[1] - 1)


def comp_sum_loss(
    logits: Tensor, target: Tensor, *, tau: float = 1.5, max_slope: float = 1e7
) -> Tensor:
    r"""Comp-sum loss: from the exponential loss over cross-entropy to mean absolute error.

        loss = (p_y^(tau - 1) - 1) / (1 - tau),  -log p_y at tau = 1

    tau = 2 is the mean absolute error, 1 + q the generalized cross-entropy with q, and 0 the sum
    of exponentials, sum_{k != y} exp(z_k - z_y). Below 1 the loss grows exponentially with a
    confident error: at tau = 0 a label of probability 5e-7 costs two million, and outweighs all
    other pixels. So that it stays finite, it goes on as a line from where its slope in -log p_y
    reaches max_slope, which is at -log p_y = log(max_slope) / (1 - tau), 16.1 at tau = 0.

    A single pixel then pulls its logits with up to max_slope over the number of pixels. Where the
    logits are float16, so are their gradients, which end at 65 504: keep max_slope below that times
    the pixels of a batch.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        tau: At least 0.
        max_slope: Above 1; without effect from tau = 1, where no slope is above 1.

    Returns:
        (N, *S).

    Raises:
        ValueError: for tau below 0, and for max_slope up to 1.

    References:
        Mao et al., Cross-entropy loss functions: theoretical analysis and applications, ICML 2023,
        arXiv:2304.07288; the line is ours.

    Example:
        >>> import torch
        >>> z, label = torch.zeros(1, 4, 1), torch.tensor([[1]])
        >>> comp_sum_loss(z, label, tau=2.0)  # 1 - 1/4
        tensor([[0.7500]])
        >>> comp_sum_loss(z, label, tau=0.0)  # 3 e^0
        tensor([[3.]])
    """
    _check_slopes(tau, max_slope)
    log_prob = logits.log_softmax(1)
    if tau == 1:
        return -at_target(log_prob, target)
    power = (tau - 1) * log_prob
    if tau > 1:
        return -at_target(power.expm1(), target) / (tau - 1)
    bend = math.log(max_slope)
    beyond = max_slope * (power - bend).clamp(min=0)
    return at_target(power.clamp(max=bend).expm1() + beyond, target) / (1 - tau)


def _check_slopes(tau: float, max_slope: float) -> None:
    known = "0 is exponential, 1 cross-entropy, 2 mean absolute error"
    check_range("[0, inf)", remedy=known, tau=tau)
    check_range("(1, inf)", remedy="1 is the slope of cross-entropy", max_slope=max_slope)


class Poly1CrossEntropyLoss(PixelLoss):
    """Registered form of :func:`poly1_cross_entropy_loss`.

    Args:
        epsilon: At least -1.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> Poly1CrossEntropyLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2 + 1/2
        tensor(1.1931)
    """

    formula = "-log p_y + e (1 - p_y)"
    paper = "Leng et al. 2022, arXiv:2204.12511"
    use_when = "in place of cross-entropy: one parameter sets how much easy pixels count"
    tags = ("general",)

    def __init__(self, epsilon: float = 1.0, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[-1, inf)", epsilon=epsilon)
        self.epsilon = epsilon

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy and the extra first term."""
        return poly1_cross_entropy_loss(logits, target, epsilon=self.epsilon)


class SquentropyLoss(PixelLoss):
    """Registered form of :func:`squentropy_loss`.

    A foreground logit z is read as the logits (-z/2, z/2).

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[2.0]], [[0.0]]]])
        >>> SquentropyLoss()(logits, torch.tensor([[[1]]]))  # log(1 + e^2) + 2^2
        tensor(6.1269)
    """

    formula = "-log p_y + 1/(C-1) sum_{k != y} z_k^2"
    paper = "Hui et al. 2023, arXiv:2302.03952"
    use_when = "calibrated probabilities, without a parameter to tune"
    tags = ("calibration",)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy and the mean square of the other logits."""
        return squentropy_loss(logits, target)


class CompSumLoss(PixelLoss):
    """Registered form of :func:`comp_sum_loss`.

    Args:
        tau: At least 0. Below 1 one confident error outweighs all other pixels: for clean labels
            only, with clipped gradients.
        max_slope: Where the loss goes on as a line, if tau is below 1.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for ``tau`` below 0 or ``max_slope`` up to 1.

    Example:
        >>> import torch
        >>> CompSumLoss(tau=2.0)(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # 1 - 1/4
        tensor(0.7500)
    """

    formula = "(1 - p_y^(tau-1)) / (tau - 1)"
    paper = "Mao et al. 2023, arXiv:2304.07288"
    use_when = "between cross-entropy (tau 1) and the robust mean absolute error (tau 2)"
    tags = ("noise",)

    def __init__(
        self, tau: float = 1.5, max_slope: float = 1e7, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        _check_slopes(tau, max_slope)
        self.tau, self.max_slope = tau, max_slope

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The power gap of the label's probability."""
        return comp_sum_loss(logits, target, tau=self.tau, max_slope=self.max_slope)
