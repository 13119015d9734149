"""Soft counts of softmax logits and integer labels, block by block and with little kept.

On a CPU forward makes no tensor of the size of the logits, and everywhere it keeps nothing but
these and the labels; backward makes one, which is the gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand, widest
from seglosses.primitives.few_classes import as_factor, few_counts, takes_few
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import blocks, in_bytes


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
    if takes_few(logits):
        return few_counts(logits, labels, weight)
    if not at_hand(logits):
        return _counts_elsewhere(logits, labels, weight)
    counts: tuple[Tensor, Tensor, Tensor] = _SoftmaxCounts.apply(  # type: ignore[no-untyped-call]
        logits, labels, weight
    )
    return counts


class _SoftmaxCounts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.masked = False
        counts = _count(logits, labels, weight, masked=False)
        # zero times NaN is NaN; to look costs less than to mask
        if weight is not None and not bool(counts[1].isfinite().all()):
            ctx.masked = True
            counts = _count(logits, labels, weight, masked=True)
        small = in_bytes(labels, logits.shape[1])
        kept = () if weight is None else (weight,)
        ctx.save_for_backward(logits, small, *kept)
        tp, mass, target = (count.to(logits.dtype) for count in counts)
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        logits, small, *kept = ctx.saved_tensors
        weight = kept[0] if kept else None
        grad = torch.empty_like(logits)
        for rows, columns in blocks(logits):
            part, share = block_of(logits, weight, rows, columns, ctx.masked)
            prob, known = part.softmax(1), small[rows, columns].long().unsqueeze(1)
            # d/d prob is grad_mass everywhere, and grad_tp once more at the pixel's own class
            lever = grad_mass[rows]
            own = prob.gather(1, known).mul_(grad_tp[rows].gather(1, known.squeeze(1)).unsqueeze(1))
            mean = torch.bmm(lever.unsqueeze(1), prob).add_(own)
            slope = lever.unsqueeze(2) - mean
            if share is not None:
                slope.mul_(share)
                own.mul_(share)
            torch.mul(prob, slope, out=grad[rows, :, columns]).scatter_add_(1, known, own)
        return grad, None, None


def block_of(
    logits: Tensor, weight: Tensor | None, rows: slice, columns: slice, masked: bool
) -> tuple[Tensor, Tensor | None]:
    """Logits (N, C, P) and weights (N, 1, P) of a block of the batch.

    Args:
        logits: (N, C, P).
        weight: (N, P), boolean or floating point.
        rows: Images of the block.
        columns: Pixels of the block.
        masked: Whether logits become 0 where the weight is.

    Example:
        >>> logits, weight = torch.tensor([[[1.0, torch.nan]]]), torch.tensor([[True, False]])
        >>> block_of(logits, weight, slice(None), slice(None), True)
        (tensor([[[1., 0.]]]), tensor([[[1., 0.]]]))
    """
    part = logits[rows, :, columns]
    if weight is None:
        return part, None
    share = as_factor(weight[rows, columns], logits.dtype).unsqueeze(1)
    return part.masked_fill(share == 0, 0.0) if masked else part, share


def _count(
    logits: Tensor, labels: Tensor, weight: Tensor | None, masked: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The counts, in float64 where the device has it."""
    zeros = logits.new_zeros(logits.shape[:2], dtype=widest(logits))
    tp, mass, target = zeros, zeros.clone(), zeros.clone()
    for rows, columns in blocks(logits):
        part, share = block_of(logits, weight, rows, columns, masked)
        prob, known = part.softmax(1), labels[rows, columns]
        own = prob.gather(1, known.unsqueeze(1))
        if share is None:
            mass[rows] += prob.sum(2)
            ones = torch.ones_like(own)
        else:
            mass[rows] += torch.bmm(prob, share.transpose(1, 2)).squeeze(2)
            own, ones = own.mul_(share), share
        tp[rows] = tp[rows].scatter_add(1, known, own.squeeze(1).to(zeros.dtype))
        target[rows] = target[rows].scatter_add(1, known, ones.squeeze(1).to(zeros.dtype))
    return tp, mass, target


def _counts_elsewhere(
    logits: Tensor, labels: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    share = None if weight is None else weight.to(logits.dtype)
    counts: tuple[Tensor, Tensor, Tensor] = _DeviceCounts.apply(  # type: ignore[no-untyped-call]
        logits, labels, share
    )
    return counts


class _DeviceCounts(torch.autograd.Function):
    """In few launches over the whole batch; keeps the probabilities in place of the logits.

    These are masked already, so that backward need not do so again.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, share: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        if share is not None:
            logits = logits.masked_fill((share == 0).unsqueeze(1), 0.0)
        prob = logits.softmax(1)
        own = prob.gather(1, labels.unsqueeze(1)).squeeze(1)
        if share is None:
            mass, ones = prob.sum(2), torch.ones_like(own)
        else:
            mass, ones = torch.bmm(prob, share.unsqueeze(2)).squeeze(2), share
            own = own * share
        # tp and target in one pass, added up in float64 where the device has it
        both = torch.stack([own, ones], 1).to(widest(prob))
        zeros = torch.zeros((prob.shape[0], 2, prob.shape[1]), dtype=both.dtype, device=prob.device)
        counts = zeros.scatter_add(2, labels.unsqueeze(1).expand_as(both), both).to(prob.dtype)
        small = in_bytes(labels, prob.shape[1])
        ctx.save_for_backward(prob, small, *(() if share is None else (share,)))
        tp, target = counts.unbind(1)
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        prob, small, *kept = ctx.saved_tensors
        labels = small.long()
        # d/d prob is grad_mass everywhere, and grad_tp once more at the pixel's own class
        own = prob.gather(1, labels.unsqueeze(1)) * grad_tp.gather(1, labels).unsqueeze(1)
        lever = grad_mass.unsqueeze(1)
        mean = torch.baddbmm(own, lever, prob)
        ones = kept[0].unsqueeze(1) if kept else torch.ones_like(mean)
        if kept:
            mean, own = mean * ones, own * ones
        slope = torch.baddbmm(mean, grad_mass.unsqueeze(2), ones, beta=-1)
        return (prob * slope).scatter_add_(1, labels.unsqueeze(1), own), None, None
