"""Readings of pairs of boxes, and their gradients at the corners.

A reading looks at a few measures of each pair. Most that detectors train are formulas of one kernel
(:mod:`seglosses.primitives.box_formulas`); of others, :mod:`seglosses.primitives.box_slopes` brings
the gradient back from the measures to the corners.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.box_formulas import Formula, by_kernel
from seglosses.primitives.box_slopes import HostLeaves, Leaves, scaled
from seglosses.primitives.boxes import Comparison
from seglosses.primitives.device import at_hand, is_transformed

#: Pairs that are treated at once on a CPU: what fits into its cache.
BLOCK = 32768
#: Pairs up to which kernels are quicker, and boxes are kept for a second derivative.
FEW = 1500

Reading = Callable[[Comparison], Tensor]


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


class _PerPair(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, pred: Tensor, target: Tensor, reading: Reading, formula: Formula | None
    ) -> Tensor:
        n, host = len(pred), at_hand(pred)
        ctx.reading = reading
        if formula is not None and formula.runs_on(pred, target):
            value, slope = by_kernel(pred, target, formula)
            ctx.save_for_backward(slope, *((pred, target) if n <= FEW else ()))
            return value
        few = host and n <= FEW
        make, block = HostLeaves if few else Leaves, BLOCK if host else max(n, 1)
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
        return scaled(slope, grad), None, None, None
