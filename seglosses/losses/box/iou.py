"""Losses of box regression: 1 - IoU, and what is added where IoU says nothing.

Each is a short reading of one :class:`seglosses.primitives.boxes.Comparison`. All take corners,
work for segments, 2-D and 3-D boxes unless said otherwise, cost nothing for equal boxes, and stay
finite for boxes without volume.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.family import FamilyOptions, IoUFamilyLoss, family_loss
from seglosses.losses.box.terms import (
    ModifierOptions,
    Modifiers,
    aspect_term,
    centre_term,
    hull_term,
)
from seglosses.primitives.boxes import Comparison, per_pair
from seglosses.primitives.checks import check_range

__all__ = [
    "CIoULoss",
    "DIoULoss",
    "GIoULoss",
    "IoULoss",
    "ciou_loss",
    "diou_loss",
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
        modifiers: See :class:`~seglosses.losses.box.terms.Modifiers`.

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
        modifiers: See :class:`~seglosses.losses.box.terms.Modifiers`.

    Returns:
        (n,) in [0, 2].

    References:
        Rezatofighi et al., CVPR 2019, arXiv:1902.09630.

    Example:
        >>> import torch
        >>> giou_loss(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([[3.0, 0, 4, 1]]))  # 1 + 2 / 4
        tensor([1.5000])
    """
    return family_loss(pred, target, _giou_terms, Modifiers(**modifiers))


def diou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    freeze_diagonal: bool = False,
    **modifiers: Unpack[ModifierOptions],
) -> Tensor:
    r"""Distance IoU loss: the distance of the centres counts as well.

        loss = 1 - IoU + rho^2 / c^2

    with rho the distance of the centres and c the diagonal of the hull.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        freeze_diagonal: c carries no gradient. The gradient of c makes boxes grow while they are
            apart; without it they arrive sooner (see ``seglosses converge``).
        modifiers: See :class:`~seglosses.losses.box.terms.Modifiers`.

    Returns:
        (n,) in [0, 2].

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287.

    Example:
        >>> import torch
        >>> diou_loss(torch.tensor([[0.0, 0, 3, 1]]), torch.tensor([[0.0, 3, 3, 4]]))  # 1 + 9 / 25
        tensor([1.3600])
    """
    terms = partial(_diou_terms, freeze=freeze_diagonal)
    return family_loss(pred, target, terms, Modifiers(**modifiers))


def ciou_loss(
    pred: Tensor,
    target: Tensor,
    *,
    gate_alpha: bool = True,
    freeze_diagonal: bool = False,
    **modifiers: Unpack[ModifierOptions],
) -> Tensor:
    r"""Complete IoU loss: distance of the centres and difference of the aspect ratios.

        loss = 1 - IoU + rho^2 / c^2 + a v
        v = (2 / pi)^2 (atan(w' / h') - atan(w / h))^2,   a = v / (1 - IoU + v)

    The weight a (alpha in the paper) carries no gradient.

    Args:
        pred: Boxes (n, 4).
        target: Boxes (n, 4).
        gate_alpha: Shapes count only where IoU > 0.5, as in the CIoU paper and MMDetection.
        freeze_diagonal: See :func:`diou_loss`.
        modifiers: See :class:`~seglosses.losses.box.terms.Modifiers`.

    Returns:
        (n,), in [0, 2] when gated.

    Raises:
        ValueError: for segments and 3-D boxes, which have no one aspect ratio.

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287; gate: IEEE T. Cybernetics 2022,
        arXiv:2005.03572.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> ciou_loss(pred, target)  # same centre, same aspect: 1 - 4 / 16
        tensor([0.7500])
    """
    terms = partial(_ciou_terms, gate=gate_alpha, freeze=freeze_diagonal)
    return family_loss(pred, target, terms, Modifiers(**modifiers))


def _iou_loss(pred: Tensor, target: Tensor, mode: Mode, eps: float, modifiers: Modifiers) -> Tensor:
    if mode == "linear":
        return family_loss(pred, target, lambda pair: (), modifiers)

    def read(pair: Comparison) -> Tensor:
        iou = modifiers.overlap(pair)
        if mode == "square":
            return modifiers.weigh(pair, 1 - iou.square())
        # threshold and relu: their gradients cost a quarter of clamp's
        return modifiers.weigh(pair, torch.threshold(iou, eps, eps).log().neg().relu())

    return per_pair(read, pred, target)


def _check_mode(mode: str, eps: float) -> None:
    if mode not in ("linear", "square", "log"):
        raise ValueError(f"mode must be 'linear', 'square' or 'log', got {mode!r}")
    check_range("(0, inf)", eps=eps)


def _giou_terms(pair: Comparison) -> tuple[Tensor, ...]:
    return (hull_term(pair),)


def _diou_terms(pair: Comparison, *, freeze: bool) -> tuple[Tensor, ...]:
    return (centre_term(pair, freeze=freeze),)


def _ciou_terms(pair: Comparison, *, gate: bool, freeze: bool) -> tuple[Tensor, ...]:
    return centre_term(pair, freeze=freeze), aspect_term(pair, gate=gate)


class IoULoss(IoUFamilyLoss):
    """Overlap alone: no gradient for boxes that do not touch.

    Args:
        mode: 'linear', 'square' or 'log'.
        eps: Smallest IoU that 'log' tells apart.
        options: See :class:`IoUFamilyLoss`.

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
    use_when = "boxes may start apart; the box loss of the DETR family"
    tags = ("detection",)

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`giou_loss`."""
        return _giou_terms(pair)


class DIoULoss(IoUFamilyLoss):
    """Overlap, and the distance of the centres.

    Args:
        freeze_diagonal: c carries no gradient.
        options: See :class:`IoUFamilyLoss`.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 3, 1]]), torch.tensor([[0.0, 3, 3, 4]])
        >>> DIoULoss()(pred, target)  # centres 3 apart in a hull of diagonal 5: 1 + 9 / 25
        tensor(1.3600)
    """

    formula = "1 - IoU + rho^2 / c^2"
    paper = "Zheng et al. 2020, arXiv:1911.08287"
    use_when = "boxes may start apart and should arrive in few steps"
    tags = ("detection",)

    def __init__(self, freeze_diagonal: bool = False, **options: Unpack[FamilyOptions]) -> None:
        super().__init__(**options)
        self.freeze_diagonal = freeze_diagonal

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`diou_loss`."""
        return _diou_terms(pair, freeze=self.freeze_diagonal)


class CIoULoss(IoUFamilyLoss):
    """Overlap, distance of the centres and difference of the aspect ratios.

    Args:
        gate_alpha: Shapes count only where IoU > 0.5.
        freeze_diagonal: c carries no gradient.
        options: See :class:`IoUFamilyLoss`.

    Raises:
        ValueError: for boxes that are not (n, 4).

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> CIoULoss()(pred, target)  # same centre, same aspect: 1 - 4 / 16
        tensor(0.7500)
    """

    formula = "1 - IoU + rho^2 / c^2 + a v"
    paper = "Zheng et al. 2020, arXiv:1911.08287"
    use_when = "the first choice for 2-D boxes"
    tags = ("detection",)

    def __init__(
        self,
        gate_alpha: bool = True,
        freeze_diagonal: bool = False,
        **options: Unpack[FamilyOptions],
    ) -> None:
        super().__init__(**options)
        self.gate_alpha = gate_alpha
        self.freeze_diagonal = freeze_diagonal

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`ciou_loss`."""
        return _ciou_terms(pair, gate=self.gate_alpha, freeze=self.freeze_diagonal)
