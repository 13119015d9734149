"""What may be done to IoU and to what is added to it, whatever the terms are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

import torch
from torch import Tensor

from seglosses.primitives.boxes import Comparison, positive, volume
from seglosses.primitives.checks import check_range

Terms = Callable[[Comparison], tuple[Tensor, ...]]


class InnerOption(TypedDict, total=False):
    """Scale of the boxes."""

    inner_ratio: float


class IntervalOption(TypedDict, total=False):
    """What of IoU counts."""

    interval: tuple[float, float]


class AlphaOption(TypedDict, total=False):
    """Power of IoU and terms."""

    alpha: float


class FocalOption(TypedDict, total=False):
    """Weight of a pair by its IoU."""

    focal_gamma: float


class ModifierOptions(InnerOption, IntervalOption, AlphaOption, FocalOption, total=False):
    """Options of :class:`Modifiers`."""


@dataclass(frozen=True)
class Modifiers:
    r"""How IoU q and terms p_k become a loss; the defaults give 1 - q + sum_k p_k.

        loss = IoU^focal_gamma (1 - q^alpha + sum_k p_k^alpha)

    Args:
        inner_ratio: q is the IoU of both boxes scaled by this about their centres (Inner-IoU).
            Below 1 the gradient of well placed boxes grows, above 1 that of boxes hardly touching.
        interval: q is stretched linearly so that this interval becomes [0, 1], and clamped
            (Focaler-IoU).
        alpha: Power of Alpha-IoU; above 1 well placed boxes count more.
        focal_gamma: Power of the detached IoU that weighs the loss (Focal-EIoU). Pairs that do not
            overlap get neither loss nor gradient.

    Raises:
        ValueError: for numbers that give no loss.

    References:
        Inner-IoU: Zhang et al. 2023, arXiv:2311.02877. Focaler-IoU: Zhang and Zhang 2024,
        arXiv:2401.10525. Alpha-IoU: He et al., NeurIPS 2021, arXiv:2110.13675. Focal-EIoU: Zhang
        et al. 2022, arXiv:2101.08158.

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]]))
        >>> Modifiers(alpha=2).loss(pair, ())  # 1 - 0.5^2
        tensor([0.7500])
        >>> Modifiers(interval=(0.4, 0.6)).loss(pair, ())  # 1 - (0.5 - 0.4) / 0.2
        tensor([0.5000])
    """

    inner_ratio: float = 1.0
    interval: tuple[float, float] = (0.0, 1.0)
    alpha: float = 1.0
    focal_gamma: float = 0.0
    plain: bool = field(init=False, repr=False, compare=False)  #: nothing is modified

    def __post_init__(self) -> None:
        low, high = self.interval
        check_range("(0, inf)", inner_ratio=self.inner_ratio)
        if not 0 <= low < high <= 1:
            raise ValueError(
                f"interval must be two numbers 0 <= low < high <= 1, got {(low, high)}"
            )
        steep = "below 1 the gradient is infinite at a perfect match"
        check_range("[1, inf)", remedy=steep, alpha=self.alpha)
        check_range("[0, inf)", focal_gamma=self.focal_gamma)
        # number by number, for a compiler may keep these open
        ones, zeros = (self.inner_ratio, self.alpha, high), (low, self.focal_gamma)
        plain = all(one == 1 for one in ones) and all(zero == 0 for zero in zeros)
        object.__setattr__(self, "plain", plain)

    def overlap(self, pair: Comparison) -> Tensor:
        """The IoU q that counts, in [0, 1]."""
        q = pair.iou if self.inner_ratio == 1 else inner_iou(pair, self.inner_ratio)
        low, high = self.interval
        if low != 0 or high != 1:
            q = ((q - low) / (high - low)).clamp(0, 1)
        return q if self.alpha == 1 else q.clamp(0, 1).pow(self.alpha)

    def loss(self, pair: Comparison, terms: tuple[Tensor, ...]) -> Tensor:
        """Loss of a pair with these terms."""
        loss = 1 - self.overlap(pair)
        for term in terms:
            # rounding can leave a term a hair below zero
            loss = loss + (term if self.alpha == 1 else term.clamp(min=0).pow(self.alpha))
        return self.weigh(pair, loss)

    def loss_of(self, terms: Terms, pair: Comparison) -> Tensor:
        """Loss of a pair with the terms that are read off it."""
        return self.loss(pair, terms(pair))

    def weigh(self, pair: Comparison, loss: Tensor) -> Tensor:
        """A loss (n,) times the detached power of IoU."""
        if not self.focal_gamma:
            return loss
        return loss * pair.iou.detach().pow(self.focal_gamma)


def inner_iou(pair: Comparison, ratio: float) -> Tensor:
    """IoU of both boxes scaled by ``ratio`` about their centres.

    Args:
        pair: The boxes that are compared.
        ratio: 1 for IoU itself.

    Returns:
        (n,), in [0, 1].

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 4.0]]), torch.tensor([[1.0, 5.0]]))
        >>> inner_iou(pair, 0.5)  # [1, 3] and [2, 4]
        tensor([0.3333])
    """
    half, target_half = pair.side * (ratio / 2), pair.target_side * (ratio / 2)
    upper = torch.minimum(half, pair.offset + target_half)
    lower = torch.maximum(-half, pair.offset - target_half)
    common = volume((upper - lower).clamp(min=0))
    both = volume(2 * half) + volume(2 * target_half)
    return common / positive(both - common)
