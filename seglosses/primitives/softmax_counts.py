"""Soft counts of softmax logits and integer labels, block by block and with little kept.

Forward makes no tensor of the size of the logits and keeps these and the logarithm of each pixel's
sum; backward makes one, which is the gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import blocks


def softmax_counts(
    logits: Tensor, labels: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Intersection, mass of the prediction and mass of the label.

    Args:
        logits: (N, C, P) with C > 1.
        labels: (N, P) in [0, C).
        weight: (N, P), boolean or floating point; pixels of weight zero may hold anything.

    Returns:
        Three tensors (N, C); the last one carries no graph.

    Example:
        >>> counts = softmax_counts(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 1, 1]]), None)
        >>> [count.tolist() for count in counts]
        [[[1.0, 1.0]], [[2.0, 2.0]], [[2.0, 2.0]]]
    """
    counts: tuple[Tensor, Tensor, Tensor] = _SoftmaxCounts.apply(  # type: ignore[no-untyped-call]
        logits, labels, weight
    )
    return counts


class _SoftmaxCounts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        # zero times NaN is NaN; to look costs little on a CPU, elsewhere to mask costs less
        ctx.masked = weight is not None and not at_hand(logits)
        counts, log_total = _count(logits, labels, weight, ctx.masked)
        if weight is not None and not ctx.masked and not bool(counts[1].isfinite().all()):
            ctx.masked = True
            counts, log_total = _count(logits, labels, weight, masked=True)
        small = labels.to(torch.uint8) if logits.shape[1] <= 256 else labels
        kept = () if weight is None else (weight,)
        ctx.save_for_backward(logits, small, log_total, *kept)
        tp, mass, target = (count.to(logits.dtype) for count in counts)
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        logits, small, log_total, *kept = ctx.saved_tensors
        weight = kept[0] if kept else None
        grad = torch.empty_like(logits)
        for rows, columns in blocks(logits):
            part, known = logits[rows, :, columns], small[rows, columns].long()
            share = _share(weight, rows, columns, part)
            if ctx.masked and share is not None:
                part = part.masked_fill(share == 0, 0.0)
            prob = torch.sub(part, log_total[rows, :, columns], out=grad[rows, :, columns]).exp_()
            # d/d prob is grad_mass everywhere, and grad_tp once more at the pixel's own class
            lever = grad_mass[rows]
            extra = grad_tp[rows].gather(1, known).unsqueeze(1)
            own = prob.gather(1, known.unsqueeze(1)).mul_(extra)
            mean = torch.bmm(lever.unsqueeze(1), prob).add_(own)
            slope = lever.unsqueeze(2) - mean
            if share is not None:
                slope.mul_(share)
                own.mul_(share)
            prob.mul_(slope).scatter_add_(1, known.unsqueeze(1), own)
        return grad, None, None


def _share(weight: Tensor | None, rows: slice, columns: slice, like: Tensor) -> Tensor | None:
    return None if weight is None else weight[rows, columns].unsqueeze(1).to(like.dtype)


def _count(
    logits: Tensor, labels: Tensor, weight: Tensor | None, masked: bool
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """The counts in float64, and the logarithm of each pixel's sum of exponentials (N, 1, P)."""
    images, channels, pixels = logits.shape
    zeros = logits.new_zeros((images, channels), dtype=torch.float64)
    tp, mass, target = zeros, zeros.clone(), zeros.clone()
    log_total = logits.new_empty((images, 1, pixels))
    for rows, columns in blocks(logits):
        part, known = logits[rows, :, columns], labels[rows, columns]
        share = _share(weight, rows, columns, part)
        if masked and share is not None:
            part = part.masked_fill(share == 0, 0.0)
        peak = part.amax(1, keepdim=True)
        prob = (part - peak).exp_()
        total = prob.sum(1, keepdim=True)
        ones = torch.ones_like(total) if share is None else share
        prob.mul_(ones / total)
        torch.add(peak, total.log_(), out=log_total[rows, :, columns])
        mass[rows] += prob.sum(2)
        own = prob.gather(1, known.unsqueeze(1)).squeeze(1)
        tp[rows] = tp[rows].scatter_add(1, known, own.double())
        target[rows] = target[rows].scatter_add(1, known, ones.squeeze(1).double())
    return (tp, mass, target), log_total
