"""Losses of box regression: 1 - IoU, and what is added where IoU says nothing.

Each is a short reading of one :class:`seglosses.primitives.boxes.Comparison`. All take corners,
work for segments, 2-D and 3-D boxes unless said otherwise, cost nothing for equal boxes, and stay
finite for boxes without volume.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.family import FamilyOptions, IoUFamilyLoss, family_loss, written
from seglosses.losses.box.modifiers import ModifierOptions, Modifiers
from seglosses.losses.box.terms import (
    hull_term,
)
from seglosses.primitives.box_formulas import Formula
from seglosses.primitives.box_pairs import per_pair
from seglosses.primitives.boxes import Comparison
from seglosses.primitives.checks import check_range

__all__ = [
    "GIoULoss",
    "IoULoss",
    "giou_loss",
    "iou_loss",
]

Mode = Literal["linear", "square", "log"]


def iou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    mode: Mode = "log",
    eps: float = 1e-6,
    **modifiers: Unpack[ModifierOptions],
) -> Tensor:
    r"""IoU loss.

        linear: 1 - IoU     square: 1 - IoU^2     log: -log(max(IoU, eps))

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        mode: Which of the three.
        eps: Smallest IoU that 'log' tells apart; below it there is no gradient.
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,).

    Raises:
        ValueError: for an unknown mode, or boxes of other shapes.

    References:
        Yu et al., UnitBox, ACM MM 2016, arXiv:1608.01471 ('log').

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])
        >>> iou_loss(pred, target), iou_loss(pred, target, mode="linear")  # IoU = 4 / 8
        (tensor([0.6931]), tensor([0.5000]))
    """
    _check_mode(mode, eps)
    return _iou_loss(pred, target, mode, eps, Modifiers(**modifiers))


def giou_loss(pred: Tensor, target: Tensor, **modifiers: Unpack[ModifierOptions]) -> Tensor:
    r"""Generalised IoU loss: the empty part of the hull counts as well.

        loss = 1 - IoU + (|hull| - |union|) / |hull|

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,) in [0, 2].

    References:
        Rezatofighi et al., CVPR 2019, arXiv:1902.09630.

    Example:
        >>> import torch
        >>> giou_loss(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[3.0, 0, 4, 1]]))  # 1 + 2 / 4
        tensor([1.5000])
    """
    return family_loss(pred, target, _giou_terms, Modifiers(**modifiers), Formula(hull=True))


def _iou_loss(pred: Tensor, target: Tensor, mode: Mode, eps: float, modifiers: Modifiers) -> Tensor:
    if mode == "linear":
        return family_loss(pred, target, lambda pair: (), modifiers, Formula())

    def read(pair: Comparison) -> Tensor:
        iou = modifiers.overlap(pair)
        if mode == "square":
            return modifiers.weigh(pair, 1 - iou.square())
        # threshold and relu: their gradients cost a quarter of clamp's
        return modifiers.weigh(pair, torch.threshold(iou, eps, eps).log().neg().relu())

    formula = Formula(mode, eps) if modifiers.plain else None
    return per_pair(read, pred, target, formula)


def _check_mode(mode: str, eps: float) -> None:
    if mode not in ("linear", "square", "log"):
        raise ValueError(f"mode must be 'linear', 'square' or 'log', got {mode!r}")
    check_range("(0, inf)", eps=eps)


def _giou_terms(pair: Comparison) -> tuple[Tensor, ...]:
    return (hull_term(pair),)


class IoULoss(IoUFamilyLoss):
    """Overlap alone: no gradient for boxes that do not touch.

    Args:
        mode: 'linear', 'square' or 'log'.
        eps: Smallest IoU that 'log' tells apart.
        options: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Raises:
        ValueError: for a ``mode`` that does not exist, and modifiers that give no loss.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[0.0, 0, 2, 4]])
        >>> IoULoss()(pred, target)  # IoU = 4 / 8: log 2
        tensor(0.6931)
    """

    formula = "-log IoU (or 1 - IoU, 1 - IoU^2)"
    paper = "Yu et al. 2016, arXiv:1608.01471"
    use_when = "predictions start on their targets, as with dense anchors"
    tags = ("detection",)

    def __init__(
        self, mode: Mode = "log", eps: float = 1e-6, **options: Unpack[FamilyOptions]
    ) -> None:
        super().__init__(**options)
        _check_mode(mode, eps)
        self.mode: Mode = mode
        self.eps = eps

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`iou_loss`."""
        return _iou_loss(pred, target, self.mode, self.eps, self.modifiers)


class GIoULoss(IoUFamilyLoss):
    """Overlap, and the empty part of the hull.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[3.0, 0, 4, 1]])
        >>> GIoULoss()(pred, target)  # a hull of 4, half of it empty: 1 + 2 / 4
        tensor(1.5000)
    """

    formula = "1 - IoU + (|hull| - |union|) / |hull|"
    paper = "Rezatofighi et al. 2019, arXiv:1902.09630"
    use_when = "boxes may start far from their targets; the box loss of the DETR family"
    tags = ("detection",)

    @written(lambda loss: Formula(hull=True))
    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`giou_loss`."""
        return _giou_terms(pair)
