"""Powerful-IoU: distances of edges in parts of the true box, which no enlarged box can lower."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.family import FamilyOptions, IoUFamilyLoss, family_loss
from seglosses.losses.box.modifiers import ModifierOptions, Modifiers
from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import BoxLoss
from seglosses.primitives.box_pairs import per_pair
from seglosses.primitives.boxes import Comparison, positive
from seglosses.primitives.checks import check_range

__all__ = ["PIoULoss", "PIoUv2Loss", "piou_loss", "piou_v2_loss"]


def _edges(pair: Comparison) -> Tensor:
    """Mean distance of edges over the true side, (n,)."""
    wider = (pair.side - pair.target_side) / 2
    apart = (pair.offset + wider).abs() + (pair.offset - wider).abs()
    return (apart / positive(pair.target_side)).mean(0) / 2


def _edge_term(pair: Comparison) -> Tensor:
    return -torch.expm1(-_edges(pair).square())


def piou_loss(pred: Tensor, target: Tensor, **modifiers: Unpack[ModifierOptions]) -> Tensor:
    r"""Powerful-IoU loss: overlap, and distances of the edges in parts of the true box.

        loss = 1 - IoU + 1 - exp(-P^2),   P = mean over edges of |edge - true edge| / true side

    The penalty of GIoU, DIoU and CIoU falls when the predicted box grows, for they divide by the
    hull; this one divides by the true box.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        modifiers: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Returns:
        (n,) in [0, 2) without modifiers.

    Raises:
        ValueError: for boxes of other shapes.

    References:
        Liu et al., Powerful-IoU, Neural Networks 2024, doi:10.1016/j.neunet.2023.11.041.

    Example:
        >>> pred, target = torch.tensor([[1.0, 0, 3, 4]]), torch.tensor([[0.0, 0, 4, 4]])
        >>> piou_loss(pred, target)  # 1 - 8 / 16, and P = (1/4 + 1/4) / 4
        tensor([0.5155])
    """
    return family_loss(pred, target, lambda pair: (_edge_term(pair),), Modifiers(**modifiers))


def piou_v2_loss(pred: Tensor, target: Tensor, *, attention: float = 1.3) -> Tensor:
    r"""Powerful-IoU v2: boxes of middling quality count most.

        loss = 3 x exp(-x^2) (1 - IoU + 1 - exp(-P^2)),   x = attention * exp(-P)

    The weight is part of the loss, and carries a gradient, as in the authors' formula: a box far
    away (x near 0) costs little, so its loss *falls* with the distance there.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        attention: Lambda; the weight is largest where exp(-P) = 1 / (lambda sqrt 2).

    Returns:
        (n,) from 0 on.

    Raises:
        ValueError: for boxes of other shapes.

    References:
        Liu et al., Powerful-IoU, Neural Networks 2024, doi:10.1016/j.neunet.2023.11.041.

    Example:
        >>> pred, target = torch.tensor([[1.0, 0, 3, 4]]), torch.tensor([[0.0, 0, 4, 4]])
        >>> piou_v2_loss(pred, target)  # x = 1.3 exp(-1/8): 0.5155 * 3.4418 * 0.2682
        tensor([0.4758])
    """

    def read(pair: Comparison) -> Tensor:
        x = attention * (-_edges(pair)).exp()
        return 3 * x * (-x.square()).exp() * (1 - pair.iou + _edge_term(pair))

    return per_pair(read, pred, target)


class PIoULoss(IoUFamilyLoss):
    """Overlap, and distances of the edges in parts of the true box.

    Args:
        options: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[1.0, 0, 3, 4]]), torch.tensor([[0.0, 0, 4, 4]])
        >>> PIoULoss()(pred, target)  # 1 - 8 / 16, and P = (1/4 + 1/4) / 4
        tensor(0.5155)
    """

    formula = "1 - IoU + 1 - exp(-P^2), P = mean |edge - true edge| / true side"
    paper = "Liu et al. 2024, doi:10.1016/j.neunet.2023.11.041"
    use_when = "boxes grow before they fit, as with losses that divide by the hull"
    tags = ("detection",)

    def __init__(self, **options: Unpack[FamilyOptions]) -> None:
        super().__init__(**options)

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`piou_loss`."""
        return (_edge_term(pair),)


class PIoUv2Loss(BoxLoss):
    """Powerful-IoU with a weight that is largest for boxes of middling quality.

    Args:
        attention: Lambda of the weight.
        options: See :class:`~seglosses.losses.base.Loss`.

    Raises:
        ValueError: unless ``attention`` is positive.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[1.0, 0, 3, 4]]), torch.tensor([[0.0, 0, 4, 4]])
        >>> PIoUv2Loss()(pred, target)  # x = 1.3 exp(-1/8): 0.5155 * 3.4418 * 0.2682
        tensor(0.4758)
    """

    formula = "3 x exp(-x^2) (1 - IoU + 1 - exp(-P^2)), x = lambda exp(-P)"
    paper = "Liu et al. 2024, doi:10.1016/j.neunet.2023.11.041"
    use_when = "anchors of medium quality should be learnt first"
    tags = ("detection",)

    def __init__(self, attention: float = 1.3, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", attention=attention)
        self.attention = attention

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`piou_v2_loss`."""
        return piou_v2_loss(pred, target, attention=self.attention)
