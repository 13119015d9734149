"""Losses per pixel, from softmax logits and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range, class_factors
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned, at_target
from seglosses.primitives.entropy import cross_entropy, summed_entropy
from seglosses.primitives.reduction import Asked
from seglosses.primitives.soft_labels import (
    BoundarySmoothing,
    boundary_smoothing_options,
    soften_boundaries,
)

__all__ = [
    "CompSumLoss",
    "CrossEntropyLoss",
    "Poly1CrossEntropyLoss",
    "SquentropyLoss",
    "comp_sum_loss",
    "cross_entropy_loss",
    "poly1_cross_entropy_loss",
    "squentropy_loss",
]


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


class CrossEntropyLoss(PixelLoss):
    """Registered form of :func:`cross_entropy_loss`.

    With the pixels that have no label ignored it is the partial cross-entropy of scribbles and
    points (Lin et al., ScribbleSup, CVPR 2016): the mean over the labelled ones.

    Args:
        boundary_smoothing: Soften labels at boundaries by this amount, or by the arguments of
            :func:`~seglosses.primitives.soft_labels.smooth_boundary_labels`, ``dict(epsilon=0.5,
            kernel_size=3)``.
        pos_weight: Under ``use_sigmoid`` or one channel, factor of the foreground's term: a number,
            or one per channel, as in ``torch.nn.BCEWithLogitsLoss``.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: with ``boundary_smoothing`` for dense targets, and for points of masks; with
            ``pos_weight`` under softmax, or for another number of channels.

    Example:
        >>> import torch
        >>> CrossEntropyLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2
        tensor(0.6931)
        >>> sure = torch.tensor([[[[3.0, 1.0]], [[1.0, 3.0]]]]).log()  # 3/4 for the label
        >>> loss = CrossEntropyLoss(boundary_smoothing=0.5)  # makes it 3/4, for both are boundary
        >>> loss(sure, torch.tensor([[[0, 1]]]))  # 3/4 log 4/3 + 1/4 log 4
        tensor(0.5623)
        >>> loss = CrossEntropyLoss(pos_weight=3)
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[0, 1]]))  # (log 2 + 3 log 2) / 2
        tensor(1.3863)
    """

    formula = "-log p_y"
    paper = "Good 1952"
    use_when = "always: the pixel loss that stands beside the others"
    tags: ClassVar[tuple[str, ...]] = ("soft", "multilabel", "general", "partial")
    pos_weight: Tensor | None

    def __init__(
        self,
        boundary_smoothing: BoundarySmoothing | None = None,
        pos_weight: float | Sequence[float] | None = None,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        self.boundary_smoothing = boundary_smoothing_options(boundary_smoothing)
        given = [pos_weight] if isinstance(pos_weight, int | float) else pos_weight
        self.register_buffer("pos_weight", class_factors(given, "pos_weight"), persistent=False)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """-log p of the label."""
        return cross_entropy_loss(logits, target)

    def prepare(self, batch: Aligned) -> Aligned:
        """Soften the labels at boundaries."""
        return soften_boundaries(batch, self.boundary_smoothing)

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over pixels, of independent channels where their foreground has a weight."""
        given = None if self.pos_weight is None else len(self.pos_weight)
        if given is not None and (not batch.sigmoid or given not in (1, batch.channels)):
            raise ValueError(
                "pos_weight must be a number or one per channel, of independent channels: expected"
                f" use_sigmoid=True and {batch.channels} numbers, got {given}; weigh the classes of"
                " a softmax by class_weight"
            )
        weighed = not (batch.pixel_weight is batch.row_weight is self.class_weight is None)
        if weighed or given is not None or asked.reduction == "none":
            return super().reduce(batch, asked)
        total = summed_entropy(batch)
        if total is None or type(self).compute is not CrossEntropyLoss.compute:
            return super().reduce(batch, asked)
        return asked.of(total, count=self._count(batch))

    def _of_softmax(self, batch: Aligned, target: Tensor) -> Tensor:
        own = type(self).compute is CrossEntropyLoss.compute and not target.is_floating_point()
        if not own or at_hand(batch.logits):
            return super()._of_softmax(batch, target)
        return cross_entropy(batch.logits, target, batch.valid)

    def _of_margins(self, logits: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            return super()._of_margins(logits, target)
        return F.binary_cross_entropy_with_logits(logits, target.to(logits.dtype), reduction="none")

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        loss = super()._by_channel(logits, batch)
        if self.pos_weight is None:
            return loss
        y = batch.target()
        extra = (self.pos_weight - 1).view(1, -1, *(1,) * (logits.dim() - 2))
        foreground = self._weighed(-extra * y * F.logsigmoid(logits))
        if self.class_weight is not None and logits.shape[1] == 1:
            foreground = foreground * self.class_weight[1]
        return loss + foreground


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
