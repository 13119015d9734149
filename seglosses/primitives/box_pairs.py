"""Readings of pairs of boxes, and their gradients at the corners.

A reading looks at a few measures of each pair; from there to the corners the chain is written out
here once for all readings: in kernels for few pairs on a CPU, where calls cost more than numbers,
and in PyTorch for others. What detectors train most has a kernel from corners to corners, ten times
as quick on a CPU whatever the number of pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives import _kernels_box_losses as loss_kernels
from seglosses.primitives import _kernels_boxes as kernels
from seglosses.primitives.boxes import Comparison
from seglosses.primitives.corners import LIMIT, TINY, cofactor, dimension
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.first_order import first_order
from seglosses.primitives.measured import measured

#: Pairs that are treated at once on a CPU: what fits into its cache.
BLOCK = 32768
#: Pairs up to which kernels are quicker, and boxes are kept for a second derivative.
FEW = 1500

Reading = Callable[[Comparison], Tensor]

#: In the order of the kernel's numbers.
_MODES = ("linear", "square", "log")


class Formula(NamedTuple):
    """A reading that a kernel knows: a loss of the overlap, and what is added to it.

    Args:
        mode: 'linear' is 1 - IoU, 'square' 1 - IoU^2 and 'log' -log IoU.
        eps: Smallest IoU that 'log' tells apart.
        hull: Plus the part of the hull that neither box covers.
        centre: Plus the squared distance of the centres over that of the hull's corners.
        frozen: The hull of ``centre`` carries no gradient.
        aspect: Plus CIoU's term.
        gated: ``aspect`` counts only where IoU > 0.5.
        angle: Plus SIoU's two terms.
        theta: Power of the second one, at least 1.

    Example:
        >>> Formula(hull=True).runs_on(torch.zeros(2, 4), torch.zeros(2, 4))
        True
    """

    mode: str = "linear"
    eps: float = 1e-6
    hull: bool = False
    centre: bool = False
    frozen: bool = False
    aspect: bool = False
    gated: bool = False
    angle: bool = False
    theta: float = 4.0

    def runs_on(self, pred: Tensor, target: Tensor) -> bool:
        """Whether the kernel takes these boxes: in the plane, on a CPU.

        Example:
            >>> Formula().runs_on(torch.zeros(2, 6), torch.zeros(2, 6))
            False
        """
        aligned = pred.dim() == 2 and pred.shape[1] == 4 and pred.shape == target.shape
        known = pred.dtype in (torch.float32, torch.float64) and pred.dtype == target.dtype
        return aligned and known and at_hand(pred) and at_hand(target)


def per_pair(
    reading: Reading, pred: Tensor, target: Tensor, formula: Formula | None = None
) -> Tensor:
    """``reading`` of the comparison of every pair, with its gradient computed in the same pass.

    autograd sees only the few measures that the reading looks at. Blocks of pairs stay in the
    cache, and of many pairs one gradient per box, 16 bytes in 2-D and float32, is all that is kept
    for backward, so that a second derivative does not exist. Where ``target`` needs a gradient as
    well, and under torch.compile and torch.func, autograd records everything.

    Args:
        reading: From a :class:`Comparison` to values (n,); must treat every pair alone.
        pred: (n, 2d).
        target: (n, 2d).
        formula: What ``reading`` computes, where that is one of the kernel's formulas.

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
    if not recording or target.requires_grad or traced:
        return reading(Comparison(pred, target))
    value: Tensor = _PerPair.apply(pred, target, reading, formula)  # type: ignore[no-untyped-call]
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


class _HostLeaves(_Leaves):
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


class _PerPair(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pred: Tensor, target: Tensor, reading: Reading, formula: Formula | None
    ) -> Tensor:
        n, host = len(pred), at_hand(pred)
        ctx.reading = reading
        if formula is not None and formula.runs_on(pred, target):
            value, slope = _by_kernel(pred, target, formula)
            ctx.save_for_backward(slope, *((pred, target) if n <= FEW else ()))
            return value
        few = host and n <= FEW
        make, block = _HostLeaves if few else _Leaves, BLOCK if host else max(n, 1)
        # where PyTorch writes the chain, it writes whole columns
        slope = pred.new_empty(pred.shape) if few else pred.new_empty(pred.T.shape).T
        parts = []
        for own, other, rows in zip(
            *(torch.split(x, block) for x in (pred, target, slope)), strict=True
        ):
            pair = make(own, other)
            with torch.enable_grad():
                value = reading(pair)
            pair.corner_gradient(value, rows)
            parts.append(value.detach())
        result = parts[0] if len(parts) == 1 else torch.cat(parts)
        ctx.save_for_backward(slope, *((pred, target) if few else ()))
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        slope, *boxes = ctx.saved_tensors
        if boxes and torch.is_grad_enabled():
            pred, target = boxes
            value = ctx.reading(Comparison(pred, target))
            (slope,) = torch.autograd.grad(value, pred, grad, create_graph=True)
            return slope, None, None, None
        return _scaled(slope, grad), None, None, None


def _by_kernel(pred: Tensor, target: Tensor, formula: Formula) -> tuple[Tensor, Tensor]:
    """Values (n,) and gradients (n, 4)."""
    pred = pred.contiguous()
    value, slope = pred.new_empty(len(pred)), torch.empty_like(pred)
    loss_kernels.family(
        pred.numpy(),
        target.contiguous().numpy(),
        LIMIT,
        TINY,
        _MODES.index(formula.mode),
        (
            formula.hull,
            formula.centre,
            formula.frozen,
            formula.aspect,
            formula.gated,
            formula.angle,
        ),
        (formula.eps, formula.theta),
        value.numpy(),
        slope.numpy(),
    )
    return value, slope


@first_order
def _scaled(slope: Tensor, grad: Tensor) -> Tensor:
    rows = slope.new_empty(slope.shape)
    return torch.mul(slope, grad.unsqueeze(1), out=rows)
