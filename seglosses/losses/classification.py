"""Losses per pixel, from softmax logits and labels."""

from __future__ import annotations

from torch import Tensor
from typing_extensions import Unpack

from seglosses.encoding import at_target
from seglosses.entropy import cross_entropy
from seglosses.losses.base import PixelLoss, PixelOptions


def cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy per pixel.

        loss = -sum_c y_c log softmax(z)_c

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    Example:
        >>> import torch
        >>> cross_entropy_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log 2
        tensor([[0.6931]])
    """
    return cross_entropy(logits, target)


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


def comp_sum_loss(logits: Tensor, target: Tensor, *, tau: float = 1.5) -> Tensor:
    r"""Comp-sum loss: between cross-entropy and mean absolute error.

        loss = (1 - p_y^(tau - 1)) / (tau - 1),  -log p_y at tau = 1

    tau = 2 is the mean absolute error, and 1 + q the generalized cross-entropy with q. Below 1 the
    loss grows exponentially with a confident error and is refused.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        tau: At least 1.

    Returns:
        (N, *S).

    Raises:
        ValueError: for tau below 1.

    References:
        Mao et al., Cross-entropy loss functions: theoretical analysis and applications, ICML 2023,
        arXiv:2304.07288.

    Example:
        >>> import torch
        >>> comp_sum_loss(torch.zeros(1, 4, 1), torch.tensor([[1]]), tau=2.0)  # 1 - 1/4
        tensor([[0.7500]])
    """
    if tau < 1:
        raise ValueError(
            f"tau must be at least 1, got {tau}: below, one confident error outweighs all pixels"
        )
    log_prob = logits.log_softmax(1)
    if tau == 1:
        return -at_target(log_prob, target)
    return -at_target(((tau - 1) * log_prob).expm1(), target) / (tau - 1)


class CrossEntropyLoss(PixelLoss):
    """Registered form of :func:`cross_entropy_loss`.

    Example:
        >>> import torch
        >>> CrossEntropyLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2
        tensor(0.6931)
    """

    formula = "-log p_y"
    paper = "Good 1952"
    use_when = "always: the pixel loss beside which the others stand"

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """-log p of the label."""
        return cross_entropy_loss(logits, target)


class Poly1CrossEntropyLoss(PixelLoss):
    """Registered form of :func:`poly1_cross_entropy_loss`.

    Args:
        epsilon: At least -1.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> import torch
        >>> Poly1CrossEntropyLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2 + 1/2
        tensor(1.1931)
    """

    formula = "-log p_y + e (1 - p_y)"
    paper = "Leng et al. 2022, arXiv:2204.12511"
    use_when = "in place of cross-entropy: one number to tune how much easy pixels pull"

    def __init__(self, epsilon: float = 1.0, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
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

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy and the mean square of the other logits."""
        return squentropy_loss(logits, target)


class CompSumLoss(PixelLoss):
    """Registered form of :func:`comp_sum_loss`.

    Args:
        tau: At least 1.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for ``tau`` below 1, when called.

    Example:
        >>> import torch
        >>> CompSumLoss(tau=2.0)(torch.zeros(1, 4, 1, 1), torch.tensor([[[1]]]))  # 1 - 1/4
        tensor(0.7500)
    """

    formula = "(1 - p_y^(tau-1)) / (tau - 1)"
    paper = "Mao et al. 2023, arXiv:2304.07288"
    use_when = "between cross-entropy (tau 1) and robust mean absolute error (tau 2)"

    def __init__(self, tau: float = 1.5, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        self.tau = tau

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The power gap of the label's probability."""
        return comp_sum_loss(logits, target, tau=self.tau)
