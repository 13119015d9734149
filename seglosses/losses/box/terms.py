"""What is added to 1 - IoU.

A term reads a :class:`~seglosses.primitives.boxes.Comparison` and returns one non-negative value
per pair that vanishes for equal boxes. What may be done to IoU and terms, whatever these are, is
in :mod:`seglosses.losses.box.modifiers`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seglosses.losses.box.modifiers import Modifiers as Modifiers
from seglosses.losses.box.modifiers import Terms as Terms
from seglosses.losses.box.modifiers import inner_iou as inner_iou
from seglosses.primitives.boxes import Comparison, positive, square_norm, volume


def hull_term(pair: Comparison) -> Tensor:
    """Part of the hull that neither box covers, in [0, 1].

    Args:
        pair: The boxes that are compared.

    Returns:
        (n,).

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 1.0]]), torch.tensor([[3.0, 4.0]]))
        >>> hull_term(pair)  # 2 of 4
        tensor([0.5000])
    """
    hull = volume(pair.hull)
    return (hull - pair.union) / positive(hull)


def centre_term(pair: Comparison, *, freeze: bool = False) -> Tensor:
    """Squared distance of the centres over the squared diagonal of the hull, in [0, 1].

    With ``freeze`` the diagonal carries no gradient, so that only the centres move.

    Args:
        pair: The boxes that are compared.
        freeze: The diagonal carries no gradient.

    Returns:
        (n,).

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 1.0]]), torch.tensor([[3.0, 4.0]]))
        >>> centre_term(pair)  # 9 / 16
        tensor([0.5625])
    """
    hull = pair.hull.detach() if freeze else pair.hull
    return square_norm(pair.offset) / positive(square_norm(hull))


def aspect_term(pair: Comparison, *, gate: bool = True) -> Tensor:
    """Alpha v of CIoU, in [0, 1); alpha is detached, and with ``gate`` zero unless IoU > 0.5.

    Args:
        pair: The boxes that are compared.
        gate: Shapes count only where IoU > 0.5.

    Returns:
        (n,).

    Raises:
        ValueError: for segments and 3-D boxes.

    Example:
        >>> tall, wide = torch.tensor([[0.0, 0, 2, 4]]), torch.tensor([[0.0, 0, 4, 2]])
        >>> pair = Comparison(tall, wide)
        >>> aspect_term(pair), aspect_term(pair, gate=False)
        (tensor([0.]), tensor([0.0338]))
    """
    needs_two_dimensions(pair, "aspect ratios")
    angle = _aspect(pair.target_side) - _aspect(pair.side)
    v = (4 / math.pi**2) * angle.square()
    iou, seen = pair.iou.detach(), v.detach()
    # IoU = 1 and v = 0 is 0 / 0, which MMDetection turns into NaN
    alpha = seen / positive((1 - iou).clamp(min=0) + seen)
    if gate:
        alpha = torch.where(iou > 0.5, alpha, 0.0)
    return alpha * v


def side_term(pair: Comparison) -> Tensor:
    """Squared differences of the sides over the squared sides of the hull, in [0, d].

    Args:
        pair: The boxes that are compared.

    Returns:
        (n,).

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[0.0, 0, 4, 2]]))
        >>> side_term(pair)  # 0 / 4 and 2 / 4, squared
        tensor([0.2500])
    """
    change = (pair.target_side - pair.side).square()
    return (change / positive(pair.hull.square())).sum(0)


def angle_distance_term(pair: Comparison) -> Tensor:
    r"""Half of SIoU's distance cost, in [0, 1].

        Delta / 2 = 1/2 sum_i (1 - exp(-(2 - Lambda) o_i^2 / h_i^2)),  Lambda = 2 |o_x o_y| / |o|^2

    with the offset o of the centres and the sides h of the hull. Lambda = sin(2 angle) of the
    offset is written without angles, whose derivatives are infinite on the axes.

    Args:
        pair: The boxes that are compared.

    Returns:
        (n,).

    Raises:
        ValueError: for segments and 3-D boxes.

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[2.0, 0, 4, 2]]))
        >>> angle_distance_term(pair)  # on an axis: (1 - exp(-2 / 4)) / 2
        tensor([0.1967])
    """
    needs_two_dimensions(pair, "SIoU's angle")
    square = pair.offset.square()
    x, y = pair.offset.unbind(0)
    angle = 2 * (x * y).abs() / positive(square.sum(0))
    rho = square / positive(pair.hull.square())
    return 0.5 * -torch.expm1((angle - 2) * rho).sum(0)


def proportion_term(
    pair: Comparison, *, theta: float = 4.0, factor: Tensor | float = 1.0
) -> Tensor:
    r"""Half of SIoU's shape cost, in [0, 1].

        Omega / 2 = 1/2 sum_i (1 - exp(-f_i |s_i - t_i| / max(s_i, t_i)))^theta

    with the sides s of the prediction, t of the target, and a factor f, which is 1 for SIoU.

    Args:
        pair: The boxes that are compared.
        theta: The power.
        factor: f, a number or (d, n).

    Returns:
        (n,).

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[0.0, 0, 4, 2]]))
        >>> proportion_term(pair, theta=1)  # (1 - exp(-2 / 4)) / 2
        tensor([0.1967])
    """
    longest = torch.maximum(pair.side, pair.target_side)
    omega = (pair.target_side - pair.side).abs() / positive(longest)
    return 0.5 * (-torch.expm1(-factor * omega)).pow(theta).sum(0)


def needs_two_dimensions(pair: Comparison, what: str) -> None:
    """Raise ``ValueError`` for segments and 3-D boxes.

    Args:
        pair: The boxes that are compared.
        what: What needs them, for the message.

    Raises:
        ValueError: if the boxes are not (n, 4).

    Example:
        >>> needs_two_dimensions(Comparison(torch.zeros(1, 4), torch.zeros(1, 4)), "areas")
    """
    if pair.dim != 2:
        raise ValueError(
            f"{what} need boxes (n, 4), got (n, {2 * pair.dim}); use IoULoss, GIoULoss, DIoULoss"
            " or EfficientIoULoss for other dimensions"
        )


def _aspect(side: Tensor) -> Tensor:
    width, height = side.unbind(0)
    return torch.atan(width / positive(height))
