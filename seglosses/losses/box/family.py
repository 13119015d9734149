"""The IoU family: 1 - IoU plus terms, and what may be done to both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.modifiers import ModifierOptions, Modifiers, Terms
from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import BoxLoss
from seglosses.primitives.box_formulas import Formula
from seglosses.primitives.box_pairs import per_pair
from seglosses.primitives.boxes import Comparison

_Method = TypeVar("_Method", bound=Callable[..., Any])


def written(formula: Callable[[Any], Formula | None]) -> Callable[[_Method], _Method]:
    """Say which formula of the kernel a loss's ``terms`` are, so that a CPU runs it.

    A class that overrides ``terms`` loses the mark with them.

    Args:
        formula: From the loss to the formula, ``None`` where its options have none.

    Example:
        >>> from seglosses.losses.box.iou import GIoULoss
        >>> GIoULoss.terms.formula(GIoULoss()).hull
        True
    """

    def mark(terms: _Method) -> _Method:
        terms.formula = formula  # type: ignore[attr-defined]
        return terms

    return mark


class FamilyOptions(LossOptions, ModifierOptions, total=False):
    """Options of every loss of the IoU family, see :class:`IoUFamilyLoss`."""


class IoUFamilyLoss(BoxLoss):
    """Base of 1 - IoU plus terms, with the modifiers of the family.

    Args:
        inner_ratio: IoU is that of both boxes scaled by this about their centres (Inner-IoU). Below
            1 the gradient of well placed boxes grows, above 1 that of boxes hardly touching.
        interval: IoU is stretched linearly so that this interval becomes [0, 1], and clamped
            (Focaler-IoU).
        alpha: Power of IoU and of each term (Alpha-IoU); above 1 well placed boxes count more.
        focal_gamma: Power of the detached IoU that weighs the loss (Focal-EIoU). Pairs that do not
            overlap get neither loss nor gradient.
        options: See :class:`~seglosses.losses.base.Loss`.

    Attributes:
        modifiers: The first four as one record, :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Example:
        >>> from seglosses.losses.box.terms import hull_term
        >>> class HalfLoss(IoUFamilyLoss):  # IoU and half of the part of the hull that is empty
        ...     def terms(self, pair):
        ...         return (hull_term(pair) / 2,)
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[1.0, 0, 4, 1]])
        >>> # side by side, and apart: then 4 of the 8 that the hull has are empty
        >>> HalfLoss()(pred, target), HalfLoss()(pred, target + torch.tensor([4.0, 0, 4, 0]))
        (tensor(1.), tensor(1.2500))
    """

    record = "modifiers"

    def __init__(
        self,
        inner_ratio: float = 1.0,
        interval: tuple[float, float] = (0.0, 1.0),
        alpha: float = 1.0,
        focal_gamma: float = 0.0,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        self.modifiers = Modifiers(inner_ratio, (interval[0], interval[1]), alpha, focal_gamma)

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """What is added to 1 - IoU, each (n,)."""
        raise NotImplementedError

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """1 - IoU and the terms, modified."""
        formula = getattr(self.terms, "formula", None)
        return family_loss(
            pred, target, self.terms, self.modifiers, formula(self) if formula else None
        )


def family_loss(
    pred: Tensor,
    target: Tensor,
    terms: Terms,
    modifiers: Modifiers,
    formula: Formula | None = None,
) -> Tensor:
    """Loss of 1 - IoU and these terms, (n,).

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        terms: From a comparison to what is added to 1 - IoU.
        modifiers: How they become a loss.
        formula: The same without modifiers, where a kernel knows it.

    Returns:
        (n,).

    Raises:
        ValueError: for boxes of other shapes.

    Example:
        >>> import torch
        >>> boxes = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])
        >>> family_loss(*boxes, lambda pair: (), Modifiers(alpha=2))
        tensor([0.7500])
    """
    if not modifiers.plain:
        formula = None
    return per_pair(partial(modifiers.loss_of, terms), pred, target, formula)
