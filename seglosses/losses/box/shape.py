"""Box losses that compare sides: EfficientIoU, SIoU, ShapeIoU, and that of corners.

MMDetection's ``EIoULoss`` is another loss ("Extended IoU"); its ``SIoULoss`` has by default the
wrong sign in the distance, so that boxes far apart cost nothing.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.family import FamilyOptions, IoUFamilyLoss, family_loss, written
from seglosses.losses.box.modifiers import ModifierOptions, Modifiers
from seglosses.losses.box.terms import (
    angle_distance_term,
    centre_term,
    needs_two_dimensions,
    proportion_term,
    side_term,
)
from seglosses.primitives.box_formulas import Formula
from seglosses.primitives.boxes import Comparison, positive, square_norm
from seglosses.primitives.checks import check_range

__all__ = [
    "EfficientIoULoss",
    "SIoULoss",
    "ShapeIoULoss",
    "efficient_iou_loss",
    "shape_iou_loss",
    "siou_loss",
]


def efficient_iou_loss(
    pred: Tensor, target: Tensor, **modifiers: Unpack[ModifierOptions]
) -> Tensor:
    r"""Efficient IoU loss: distance of the centres, and the difference of every side.

        loss = 1 - IoU + rho^2 / c^2 + (w - w')^2 / c_w^2 + (h - h')^2 / c_h^2

    with the sides c_w, c_h of the hull. ``focal_gamma=0.5`` is Focal-EIoU.

    Args:
        pred: Boxes (n, 2d).
        target: Boxes (n, 2d).
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,) in [0, 2 + d].

    References:
        Zhang et al., Neurocomputing 2022, arXiv:2101.08158.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> efficient_iou_loss(pred, target)  # 0.75 + 0 + (2 / 4)^2 + (2 / 4)^2
        tensor([1.2500])
    """
    return family_loss(pred, target, _side_terms, Modifiers(**modifiers))


def siou_loss(
    pred: Tensor, target: Tensor, *, theta: float = 4.0, **modifiers: Unpack[ModifierOptions]
) -> Tensor:
    r"""SCYLLA IoU loss: distance by angle, and shape.

        loss = 1 - IoU + (Delta + Omega) / 2
        Delta = sum_i (1 - exp(-(2 - Lambda) o_i^2 / h_i^2))
        Omega = sum_i (1 - exp(-|s_i - t_i| / max(s_i, t_i)))^theta

    with offset o of the centres, sides s and t, hull h, and Lambda = sin(2 angle) of the offset.

    Args:
        pred: Boxes (n, 4).
        target: Boxes (n, 4).
        theta: Power of the shape cost, 2 to 6 in the paper.
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,) in [0, 3].

    Raises:
        ValueError: for other dimensions.

    References:
        Gevorgyan 2022, arXiv:2205.12740.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]])
        >>> siou_loss(pred, target)  # 1 + (1 - exp(-2 / 4)) / 2
        tensor([1.1967])
    """
    terms = partial(_siou_terms, theta=theta)
    return family_loss(pred, target, terms, Modifiers(**modifiers), _siou_formula(theta))


def shape_iou_loss(
    pred: Tensor, target: Tensor, *, scale: float = 0.0, **modifiers: Unpack[ModifierOptions]
) -> Tensor:
    r"""Shape-IoU loss: an offset along the short side of the target costs more.

        loss = 1 - IoU + sum_i f_i o_i^2 / c^2 + 1/2 sum_i (1 - exp(-f_i |s_i - t_i| / max))^4
        f_x = 2 h'^scale / (w'^scale + h'^scale),   f_y = 2 w'^scale / (w'^scale + h'^scale)

    Args:
        pred: Boxes (n, 4).
        target: Boxes (n, 4), with sides w', h'.
        scale: 0 for equal factors, larger the smaller the objects of the data set are.
        modifiers: See :class:`~seglosses.losses.box.modifiers.Modifiers`.

    Returns:
        (n,).

    Raises:
        ValueError: for other dimensions.

    References:
        Zhang and Zhang 2023, arXiv:2312.17663.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]])
        >>> shape_iou_loss(pred, target)  # 1 + 4 / 20
        tensor([1.2000])
    """
    return family_loss(pred, target, partial(_shape_terms, scale=scale), Modifiers(**modifiers))


def _side_terms(pair: Comparison) -> tuple[Tensor, ...]:
    return centre_term(pair), side_term(pair)


def _siou_terms(pair: Comparison, *, theta: float) -> tuple[Tensor, ...]:
    return angle_distance_term(pair), proportion_term(pair, theta=theta)


def _siou_formula(theta: float) -> Formula | None:
    # a power below 1 has an infinite slope at equal sides
    return Formula(angle=True, theta=theta) if theta >= 1 else None


def _shape_terms(pair: Comparison, *, scale: float) -> tuple[Tensor, ...]:
    needs_two_dimensions(pair, "Shape-IoU's factors")
    power = pair.target_side.pow(scale)
    factor = 2 * power.flip(0) / positive(power.sum(0))
    away = (factor * pair.offset.square()).sum(0) / positive(square_norm(pair.hull))
    return away, proportion_term(pair, factor=factor)


class EfficientIoULoss(IoUFamilyLoss):
    """Overlap, distance of the centres and difference of every side.

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[1.0, 1, 3, 3]])
        >>> EfficientIoULoss()(pred, target)  # 1 - 4 / 16 + 0 + (2 / 4)^2 + (2 / 4)^2
        tensor(1.2500)
    """

    formula = "1 - IoU + rho^2 / c^2 + sum_i (s_i - t_i)^2 / h_i^2"
    paper = "Zhang et al. 2022, arXiv:2101.08158"
    use_when = "width and height should be fitted separately; focal_gamma=0.5 for its focal form"
    tags = ("detection",)

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`efficient_iou_loss`."""
        return _side_terms(pair)


class SIoULoss(IoUFamilyLoss):
    """Overlap, distance by angle and shape.

    Args:
        theta: Power of the shape cost.
        options: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Raises:
        ValueError: for boxes that are not (n, 4).

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]])
        >>> SIoULoss()(pred, target)  # an offset of half the hull: 1 + (1 - exp(-2 / 4)) / 2
        tensor(1.1967)
    """

    formula = "1 - IoU + (Delta + Omega) / 2"
    paper = "Gevorgyan 2022, arXiv:2205.12740"
    use_when = "boxes should first align with an axis, then approach"
    tags = ("detection",)

    def __init__(self, theta: float = 4.0, **options: Unpack[FamilyOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", theta=theta)
        self.theta = theta

    @written(lambda loss: _siou_formula(loss.theta))
    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`siou_loss`."""
        return _siou_terms(pair, theta=self.theta)


class ShapeIoULoss(IoUFamilyLoss):
    """Overlap, with offsets weighed by the target's shape.

    Args:
        scale: Power of the target's sides in the factors.
        options: See :class:`~seglosses.losses.box.family.IoUFamilyLoss`.

    Raises:
        ValueError: for boxes that are not (n, 4).

    Example:
        >>> import torch
        >>> pred, target = torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]])
        >>> ShapeIoULoss()(pred, target)  # centres 2 apart in a hull of diagonal^2 20: 1 + 4 / 20
        tensor(1.2000)
    """

    formula = "1 - IoU + sum_i f_i o_i^2 / c^2 + Omega_f / 2"
    paper = "Zhang and Zhang 2023, arXiv:2312.17663"
    use_when = "targets are long and thin"
    tags = ("detection",)

    def __init__(self, scale: float = 0.0, **options: Unpack[FamilyOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", scale=scale)
        self.scale = scale

    def terms(self, pair: Comparison) -> tuple[Tensor, ...]:
        """See :func:`shape_iou_loss`."""
        return _shape_terms(pair, scale=self.scale)
