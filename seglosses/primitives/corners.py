"""Corners, sides and volumes of boxes; coordinates come first, (d, n)."""

from __future__ import annotations

import functools
import operator

import torch
from torch import Tensor

from seglosses.primitives.device import is_transformed

#: Volumes and squared lengths up to here count as nothing; nothing is divided by them.
TINY = 1e-12


#: Coordinates up to here have 3-D volumes that float32 can hold.
LIMIT = 1e12


def positive(size: Tensor) -> Tensor:
    """A size to divide by: 1, without gradient, where there is none.

    Args:
        size: Volumes or squared lengths, any shape.

    Returns:
        The shape of ``size``.

    Example:
        >>> positive(torch.tensor([0.0, 0.5]))
        tensor([1.0000, 0.5000])
    """
    return torch.threshold(size, TINY, 1.0)


def volume(side: Tensor) -> Tensor:
    """Product of sides (d, ...).

    Args:
        side: (d, ...).

    Returns:
        (...).

    Example:
        >>> volume(torch.tensor([[2.0], [3.0]]))
        tensor([6.])
    """
    return functools.reduce(operator.mul, side.unbind(0))


def square_norm(vector: Tensor) -> Tensor:
    """Squared length of vectors (d, ...).

    Args:
        vector: (d, ...).

    Returns:
        (...).

    Example:
        >>> square_norm(torch.tensor([[3.0], [4.0]]))
        tensor([25.])
    """
    return functools.reduce(operator.add, vector.square().unbind(0))


def cofactor(side: Tensor) -> Tensor:
    """Derivative of the volume by each side."""
    if len(side) == 2:
        return side.flip(0)
    others = [[s for j, s in enumerate(side) if j != i] for i in range(len(side))]
    return torch.stack(
        [functools.reduce(operator.mul, other, torch.ones_like(side[0])) for other in others]
    )


def dimension(pred: Tensor, target: Tensor) -> int:
    """Number of dimensions of boxes (..., 2d).

    Raises:
        ValueError: if the last dimensions differ or are odd.
    """
    width = pred.shape[-1] if pred.dim() else 0
    if width == 0 or width % 2 or target.dim() == 0 or target.shape[-1] != width:
        raise ValueError(
            "boxes must be (..., 2d): all lower coordinates, then all upper ones, for example"
            f" (x1, y1, x2, y2); got {tuple(pred.shape)} and {tuple(target.shape)}"
        )
    return width // 2


def corners_of(boxes: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Lower and upper corners (d, ...); an inverted side is empty and sits at its lower corner."""
    columns = boxes.movedim(-1, 0)
    # torch.func says of no tensor that it needs a gradient
    followed = is_transformed()
    if followed or (columns.requires_grad and torch.is_grad_enabled()):
        columns = columns.clamp(-LIMIT, LIMIT).contiguous()
    else:
        # the one copy that lets every later operation run over contiguous memory
        columns = torch.clamp(columns, -LIMIT, LIMIT, out=columns.new_empty(columns.shape))
    lower, upper = columns.view(2, dim, *columns.shape[1:]).unbind(0)
    if followed or upper.requires_grad:
        return lower, upper + (lower - upper).clamp(min=0).detach()
    return lower, torch.maximum(upper, lower)
