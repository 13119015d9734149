"""Boxes compared pair by pair: overlap, hull, centres and sides, in any number of dimensions.

A box is (lower corner, upper corner): (x1, x2) is a segment, (x1, y1, x2, y2) a 2-D box, and
(x1, y1, z1, x2, y2, z2) an axis-aligned 3-D box. Every box loss is a short reading of one
:class:`Comparison`; :mod:`seglosses.primitives.box_pairs` brings its gradient back to the corners.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.primitives.corners import LIMIT as LIMIT
from seglosses.primitives.corners import TINY as TINY
from seglosses.primitives.corners import corners_of, dimension
from seglosses.primitives.corners import positive as positive
from seglosses.primitives.corners import square_norm as square_norm
from seglosses.primitives.corners import volume as volume
from seglosses.primitives.measured import measured


class Comparison:
    """What there is to know about pairs of boxes; each quantity is measured once, when first read.

    Coordinates come first: sides and offsets are (d, n), volumes and ratios are (n,). An inverted
    side (upper below lower) is empty and sits at its lower corner; it gets the gradient of that
    empty side, which pushes the corners apart again.

    Args:
        pred: Boxes (..., 2d).
        target: Boxes (..., 2d) that broadcast with ``pred``.

    Raises:
        ValueError: if the last dimensions differ or are odd.

    Example:
        >>> pair = Comparison(torch.tensor([[0.0, 0, 4, 2]]), torch.tensor([[2.0, 0, 6, 2]]))
        >>> pair.intersection, pair.union, pair.iou  # 2 x 2, 8 + 8 - 4, 4 / 12
        (tensor([4.]), tensor([12.]), tensor([0.3333]))
        >>> pair.hull.T, pair.offset.T
        (tensor([[6., 2.]]), tensor([[2., 0.]]))
    """

    def __init__(self, pred: Tensor, target: Tensor) -> None:
        self.dim = dimension(pred, target)
        self.lower, self.upper = corners_of(pred, self.dim)
        self.target_lower, self.target_upper = corners_of(target, self.dim)

    def _measured(self, name: str, value: Tensor) -> Tensor:
        """Hook through which every quantity that depends on ``pred`` passes."""
        return value

    @measured
    def side(self) -> Tensor:
        """Sides of the prediction."""
        return self._measured("side", self._side)

    @measured
    def target_side(self) -> Tensor:
        """Sides of the target."""
        return self.target_upper - self.target_lower

    @measured
    def offset(self) -> Tensor:
        """From the centre of the prediction to that of the target."""
        gap = (self.target_lower - self.lower) + (self.target_upper - self.upper)
        return self._measured("offset", gap * 0.5)

    @measured
    def hull(self) -> Tensor:
        """Sides of the smallest box that holds both."""
        upper = torch.maximum(self.upper, self.target_upper)
        return self._measured("hull", upper - torch.minimum(self.lower, self.target_lower))

    @measured
    def intersection(self) -> Tensor:
        """Common volume."""
        return self._measured("intersection", self._common)

    @measured
    def union(self) -> Tensor:
        """Volume of either."""
        return self._measured("union", self._both)

    @measured
    def iou(self) -> Tensor:
        """Intersection over union, up to rounding in [0, 1]; 0 where neither box has a volume."""
        return self._measured("iou", self._common / self._divisor)

    @measured
    def _side(self) -> Tensor:
        return self.upper - self.lower

    @measured
    def _reach(self) -> Tensor:
        upper = torch.minimum(self.upper, self.target_upper)
        return upper - torch.maximum(self.lower, self.target_lower)

    @measured
    def _overlap(self) -> Tensor:
        return self._reach.clamp(min=0)

    @measured
    def _common(self) -> Tensor:
        return volume(self._overlap)

    @measured
    def _both(self) -> Tensor:
        return volume(self._side) + volume(self.target_side) - self._common

    @measured
    def _divisor(self) -> Tensor:
        return positive(self._both)


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
    return Comparison(boxes.unsqueeze(-2), others.unsqueeze(-3)).iou
