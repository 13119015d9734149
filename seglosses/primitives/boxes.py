"""Boxes compared pair by pair: overlap, hull, centres and sides, in any number of dimensions.

A box is (lower corner, upper corner): (x1, x2) is a segment, (x1, y1, x2, y2) a 2-D box, and
(x1, y1, z1, x2, y2, z2) an axis-aligned 3-D box. Every box loss is a short reading of one
:class:`Comparison`; :func:`per_pair` takes it and brings its gradient back to the corners.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.corners import LIMIT as LIMIT
from seglosses.primitives.corners import TINY as TINY
from seglosses.primitives.corners import cofactor, corners_of, dimension
from seglosses.primitives.corners import positive as positive
from seglosses.primitives.corners import square_norm as square_norm
from seglosses.primitives.corners import volume as volume
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.first_order import first_order
from seglosses.primitives.measured import measured

#: Pairs that are treated at once on a CPU: what fits into its cache.
BLOCK = 32768
#: Pairs up to which autograd's own gradient is as quick on a CPU as the one written here.
FEW = 1500


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


Reading = Callable[[Comparison], Tensor]


def per_pair(reading: Reading, pred: Tensor, target: Tensor) -> Tensor:
    """``reading`` of the comparison of every pair, with its gradient computed in the same pass.

    autograd sees only the few quantities that the reading looks at; from there to the corners the
    chain is written out below, once for all readings. Blocks of pairs stay in the cache, and one
    gradient a box, 16 bytes in 2-D and float32, is all that is kept for backward. So a second
    derivative does not exist. Where ``target`` needs a gradient as well, under torch.compile and
    torch.func, and of few pairs on a CPU, which it finishes sooner, autograd records everything.

    Args:
        reading: From a :class:`Comparison` to values (n,); must treat every pair alone.
        pred: (n, 2d).
        target: (n, 2d).

    Returns:
        (n,).

    Example:
        >>> pred = torch.tensor([[1.0, 1, 3, 3]], requires_grad=True)
        >>> value = per_pair(lambda pair: pair.iou, pred, torch.tensor([[0.0, 0, 4, 4]]))
        >>> value.backward()
        >>> value.item(), pred.grad  # 4 / 16; a pixel more at one side adds 2 / 16
        (0.25, tensor([[-0.1250, -0.1250,  0.1250,  0.1250]]))
    """
    recording = torch.is_grad_enabled() and pred.requires_grad
    traced = torch.compiler.is_compiling() or is_transformed()
    few = at_hand(pred) and len(pred) <= FEW
    if not recording or target.requires_grad or traced or few:
        return reading(Comparison(pred, target))
    value: Tensor = _PerPair.apply(pred, target, reading)  # type: ignore[no-untyped-call]
    return value


class _Leaves(Comparison):
    """A comparison whose quantities are leaves of autograd."""

    def __init__(self, pred: Tensor, target: Tensor) -> None:
        super().__init__(pred, target)
        self.leaves: dict[str, Tensor] = {}

    def _measured(self, name: str, value: Tensor) -> Tensor:
        leaf = value.detach().requires_grad_()
        self.leaves[name] = leaf
        return leaf

    def corner_gradient(self, value: Tensor, out: Tensor) -> None:
        """Gradient of ``value`` with respect to the corners, written to ``out`` (2, d, n)."""
        leaves = list(self.leaves.values())
        found = torch.autograd.grad(value, leaves, torch.ones_like(value), allow_unused=True)
        slope = {k: g for k, g in zip(self.leaves, found, strict=True) if g is not None}
        common, union = slope.get("intersection"), slope.get("union")
        if "iou" in slope:
            ratio = slope["iou"] / self._divisor
            common = ratio if common is None else common + ratio
            ratio = ratio * self.leaves["iou"].detach()
            union = -ratio if union is None else union - ratio
        # inner: moves the edge of the intersection, or (negative) that of the hull, whichever
        # this corner is; own: moves the corner wherever it is
        inner = own = None
        if union is not None:
            own = cofactor(self._side) * union
            common = -union if common is None else common - union
        if common is not None:
            # boxes apart share nothing wherever a side moves; a side of no length inside the
            # target, as ReLUs on distances give, shares more as soon as it has one
            inner = (cofactor(self._overlap) * common).masked_fill(self._reach < 0, 0)
        if "hull" in slope:
            inner = _sum(inner, -slope["hull"])
            own = _sum(own, slope["hull"])
        if "side" in slope:
            own = _sum(own, slope["side"])
        own = torch.zeros_like(self.lower) if own is None else own
        if inner is None:
            out[1] = own
            torch.neg(own, out=out[0])
        else:
            self._at_edges(own, inner, out)
        if "offset" in slope:
            out.sub_(slope["offset"], alpha=0.5)

    def _at_edges(self, own: Tensor, inner: Tensor, out: Tensor) -> None:
        # where corners coincide, half of it: equal boxes are at rest
        own = own.add(inner, alpha=0.5)
        ahead = (self.target_upper - self.upper).sign_()
        torch.addcmul(own, ahead, inner, value=0.5, out=out[1])
        ahead = (self.lower - self.target_lower).sign_()
        torch.addcmul(own, ahead, inner, value=0.5, out=out[0]).neg_()


def _sum(given: Tensor | None, more: Tensor) -> Tensor:
    return more if given is None else given + more


class _PerPair(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pred: Tensor, target: Tensor, reading: Reading) -> Tensor:
        n, width = pred.shape
        result, slope = pred.new_empty((n,)), pred.new_empty((width, n))
        corners = slope.view(2, width // 2, n)
        block = BLOCK if at_hand(pred) else max(n, 1)
        for start in range(0, n, block):
            rows = slice(start, start + block)
            pair = _Leaves(pred[rows], target[rows])
            with torch.enable_grad():
                value = reading(pair)
            pair.corner_gradient(value, corners[:, :, rows])
            result[rows] = value.detach()
        ctx.save_for_backward(slope)
        return result

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        rows = slope.new_empty((slope.shape[1], slope.shape[0]))
        return torch.mul(slope.T, grad.unsqueeze(1), out=rows), None, None


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
