"""Boxes compared pair by pair: overlap, hull, centres and sides, in any number of dimensions.

A box is (lower corner, upper corner): (x1, x2) is a segment, (x1, y1, x2, y2) a 2-D box, and
(x1, y1, z1, x2, y2, z2) an axis-aligned 3-D box. Every box loss is a short reading of one
:class:`Comparison`.
"""

from __future__ import annotations

import functools
import operator

import torch
from torch import Tensor

#: Volumes below this count as nothing; its inverse is still a float32, with room to add.
TINY = 1e-30
#: Coordinates up to here have 3-D volumes that float32 can hold.
LIMIT = 1e12


class Comparison:
    """What there is to know about pairs of boxes; each quantity is measured once, when first read.

    Coordinates come first: sides and offsets are (d, n), volumes and ratios are (n,). An inverted
    side (upper below lower) has length zero where volume counts.

    Args:
        pred: Boxes (..., 2d).
        target: Boxes (..., 2d) that broadcast with ``pred``.

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 0, 4, 2]]), torch.tensor([[2.0, 0, 6, 2]]))
        >>> pair.intersection, pair.union, pair.iou  # 2 x 2, 8 + 8 - 4, 4 / 12
        (tensor([4.]), tensor([12.]), tensor([0.3333]))
        >>> pair.hull.T, pair.offset.T
        (tensor([[6., 2.]]), tensor([[2., 0.]]))
    """

    def __init__(self, pred: Tensor, target: Tensor) -> None:
        self.dim = _dimension(pred, target)
        # one copy that makes every later operation run over contiguous memory
        self.lower, self.upper = _corners(pred, self.dim)
        self.target_lower, self.target_upper = _corners(target, self.dim)

    @functools.cached_property
    def side(self) -> Tensor:
        """Sides of the prediction, negative where inverted."""
        return self.upper - self.lower

    @functools.cached_property
    def target_side(self) -> Tensor:
        """Sides of the target, negative where inverted."""
        return self.target_upper - self.target_lower

    @functools.cached_property
    def offset(self) -> Tensor:
        """From the centre of the prediction to that of the target."""
        gap = (self.target_lower - self.lower) + (self.target_upper - self.upper)
        return gap * 0.5

    @functools.cached_property
    def hull(self) -> Tensor:
        """Sides of the smallest box that holds all corners of both."""
        # all four: an inverted box must not stick out of its hull
        upper = torch.maximum(torch.maximum(self.upper, self.target_upper), self.lower)
        lower = torch.minimum(torch.minimum(self.lower, self.target_lower), self.upper)
        return upper - lower

    @functools.cached_property
    def same(self) -> Tensor:
        """Whether both boxes have the same corners."""
        return (
            (self.lower.detach() == self.target_lower) & (self.upper.detach() == self.target_upper)
        ).all(0)

    @functools.cached_property
    def intersection(self) -> Tensor:
        """Common volume."""
        upper = torch.minimum(self.upper, self.target_upper)
        lower = torch.maximum(self.lower, self.target_lower)
        return volume((upper - lower).clamp(min=0))

    @functools.cached_property
    def union(self) -> Tensor:
        """Volume of either."""
        own = volume(self.side.clamp(min=0)) + volume(self.target_side.clamp(min=0))
        return own - self.intersection

    @functools.cached_property
    def iou(self) -> Tensor:
        """Intersection over union; for two boxes without volume 1 if they are the same, else 0."""
        return overlap_ratio(self.intersection, self.union, self.same)

    @functools.cached_property
    def hull_volume(self) -> Tensor:
        """Volume of the hull."""
        return volume(self.hull)

    @functools.cached_property
    def hull_square(self) -> Tensor:
        """Squared diagonal of the hull, positive."""
        return square_norm(self.hull).clamp(min=TINY)

    @functools.cached_property
    def offset_square(self) -> Tensor:
        """Squared distance of the centres."""
        return square_norm(self.offset)


def compare(pred: Tensor, target: Tensor) -> Comparison:
    """:class:`Comparison` of boxes (..., 2d).

    Raises:
        ValueError: if the last dimensions differ or are odd.

    Example:
        >>> compare(torch.tensor([[0.0, 4.0]]), torch.tensor([[1.0, 5.0]])).iou  # segments: 3 / 5
        tensor([0.6000])
    """
    return Comparison(pred, target)


def pairwise_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of all pairs.

    Args:
        boxes: (n, 2d).
        others: (m, 2d).

    Returns:
        (n, m).

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2]])
        >>> pairwise_iou(boxes[:1], boxes)
        tensor([[1.0000, 0.3333]])
    """
    return compare(boxes.unsqueeze(-2), others.unsqueeze(-3)).iou


def overlap_ratio(intersection: Tensor, union: Tensor, same: Tensor) -> Tensor:
    """Intersection over union, exactly 1 without gradient for the ``same`` boxes.

    The best value is a maximum, so its gradient is zero there, whatever the ties of min and max
    make of it; and rounding cannot leave it a hair above one.

    Example:
        >>> zero, no = torch.zeros(1), torch.tensor([False])
        >>> overlap_ratio(zero, zero, no), overlap_ratio(zero, zero, ~no)
        (tensor([0.]), tensor([1.]))
    """
    fixed = same | (union.detach() <= TINY)
    ratio = intersection / torch.where(fixed, 1.0, union)
    return torch.where(fixed, same.to(ratio.dtype), ratio.clamp(max=1))


def volume(side: Tensor) -> Tensor:
    """Product of sides (d, ...).

    Example:
        >>> volume(torch.tensor([[2.0], [3.0]]))
        tensor([6.])
    """
    return functools.reduce(operator.mul, side.unbind(0))


def square_norm(vector: Tensor) -> Tensor:
    """Squared length of vectors (d, ...).

    Example:
        >>> square_norm(torch.tensor([[3.0], [4.0]]))
        tensor([25.])
    """
    return functools.reduce(operator.add, vector.square().unbind(0))


def _dimension(pred: Tensor, target: Tensor) -> int:
    width = pred.shape[-1] if pred.dim() else 0
    if width == 0 or width % 2 or target.dim() == 0 or target.shape[-1] != width:
        raise ValueError(
            "boxes must be (..., 2d): all lower coordinates, then all upper ones, for example"
            f" (x1, y1, x2, y2); got {tuple(pred.shape)} and {tuple(target.shape)}"
        )
    return width // 2


def _corners(boxes: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    columns = boxes.movedim(-1, 0).contiguous()
    lower, upper = columns.view(2, dim, *columns.shape[1:]).unbind(0)
    return lower, upper
