"""From the gradient at a few measures of pairs of boxes to that at the corners.

The chain is written out once for all readings: in kernels for few pairs on a CPU, where calls cost
more than numbers, and in PyTorch for others.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives import _kernels_boxes as kernels
from seglosses.primitives.boxes import Comparison
from seglosses.primitives.corners import LIMIT, TINY, cofactor, dimension
from seglosses.primitives.first_order import first_order
from seglosses.primitives.measured import measured


class Leaves(Comparison):
    """A comparison whose quantities are leaves of autograd."""

    def __init__(self, pred: Tensor, target: Tensor) -> None:
        super().__init__(pred, target)
        self.leaves: dict[str, Tensor] = {}

    def _measured(self, name: str, value: Tensor) -> Tensor:
        leaf = value.detach().requires_grad_()
        self.leaves[name] = leaf
        return leaf

    def slopes(self, value: Tensor) -> dict[str, Tensor]:
        """Gradient of ``value`` with respect to what it looked at."""
        leaves = list(self.leaves.values())
        found = torch.autograd.grad(value, leaves, torch.ones_like(value), allow_unused=True)
        return {k: g for k, g in zip(self.leaves, found, strict=True) if g is not None}

    def corner_gradient(self, value: Tensor, rows: Tensor) -> None:
        """Gradient of ``value`` with respect to the corners, written to ``rows`` (n, 2 d)."""
        slope = self.slopes(value)
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
        out = rows.T.view(2, self.dim, -1)
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


class HostLeaves(Leaves):
    """Few pairs on a CPU: measured, and brought back to the corners, by a kernel each."""

    def __init__(self, pred: Tensor, target: Tensor) -> None:
        self.dim = dimension(pred, target)
        self.leaves = {}
        self.boxes = (pred.contiguous().numpy(), target.contiguous().numpy())
        kind = self.boxes[0].dtype.type
        self.limits = (kind(LIMIT), kind(TINY))
        self.table = pred.new_empty((4 * self.dim + 3, len(pred)))
        kernels.measure(*self.boxes, *self.limits, self.table.numpy())

    def _rows(self, number: int) -> Tensor:
        return self.table[number * self.dim : (number + 1) * self.dim]

    @measured
    def _side(self) -> Tensor:
        return self._rows(0)

    @measured
    def target_side(self) -> Tensor:
        """Sides of the target."""
        return self._rows(1)

    @measured
    def offset(self) -> Tensor:
        """From the centre of the prediction to that of the target."""
        return self._measured("offset", self._rows(2))

    @measured
    def hull(self) -> Tensor:
        """Sides of the smallest box that holds both."""
        return self._measured("hull", self._rows(3))

    @measured
    def _common(self) -> Tensor:
        return self.table[-3]

    @measured
    def _both(self) -> Tensor:
        return self.table[-2]

    @measured
    def iou(self) -> Tensor:
        """Intersection over union, up to rounding in [0, 1]; 0 where neither box has a volume."""
        return self._measured("iou", self.table[-1])

    def corner_gradient(self, value: Tensor, rows: Tensor) -> None:
        """Gradient of ``value`` with respect to the corners, written to ``rows`` (n, 2 d)."""
        slope = self.slopes(value)
        table = torch.empty_like(self.table)
        places: dict[str, int | slice] = {
            "side": slice(0, self.dim),
            "offset": slice(2 * self.dim, 3 * self.dim),
            "hull": slice(3 * self.dim, 4 * self.dim),
            "intersection": -3,
            "union": -2,
            "iou": -1,
        }
        for name, gradient in slope.items():
            table[places[name]] = gradient
        kernels.chain(
            *self.boxes,
            *self.limits,
            self.table.numpy(),
            table.numpy(),
            np.array([name in slope for name in places]),
            np.empty((2, self.dim), self.boxes[0].dtype),
            rows.numpy(),
        )


@first_order
def scaled(slope: Tensor, grad: Tensor) -> Tensor:
    """Gradients of boxes (n, 2 d), each times the number that comes from above (n,).

    Example:
        >>> with torch.no_grad():  # as in a backward pass
        ...     scaled(torch.tensor([[1.0, 2.0]]), torch.tensor([3.0]))
        tensor([[3., 6.]])
    """
    rows = slope.new_empty(slope.shape)
    return torch.mul(slope, grad.unsqueeze(1), out=rows)
