"""Soft counts and cross-entropy of few classes on a CPU, by indicators in place of indices.

To gather and scatter takes a CPU ten times as long as to multiply, and so does to choose by a mask
of bools: up to some eight classes it is quicker to multiply by the indicator of each class. Two
classes are one sigmoid. What is kept for backward is no larger than the logits, and half as large
for two classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives.device import at_hand
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import blocks

#: Up to so many classes indicators are quicker than gather and scatter.
FEW = 8


def takes_few(logits: Tensor) -> bool:
    """Whether logits (N, C, *S) have few classes and lie on a CPU.

    Example:
        >>> takes_few(torch.zeros(1, 8, 1)), takes_few(torch.zeros(1, 9, 1))
        (True, False)
    """
    return logits.shape[1] <= FEW and at_hand(logits)


def as_factor(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Yes or no as 1 or 0; four times as fast as ``mask.to(dtype)``, which takes bits one by one.

    Example:
        >>> as_factor(torch.tensor([True, False]), torch.float32)
        tensor([1., 0.])
    """
    if mask.dtype == torch.bool:
        mask = mask.contiguous().view(torch.uint8)
    return mask.to(dtype)


def few_counts(
    logits: Tensor, labels: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """What :func:`seglosses.primitives.softmax_counts.softmax_counts` gives, for few classes.

    Example:
        >>> counts = few_counts(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 1, 1]]), None)
        >>> [count.tolist() for count in counts]
        [[[1.0, 1.0]], [[2.0, 2.0]], [[2.0, 2.0]]]
    """
    function = _TwoCounts if logits.shape[1] == 2 else _FewCounts
    counts: tuple[Tensor, Tensor, Tensor] = function.apply(  # type: ignore[no-untyped-call]
        logits, labels, weight
    )
    return counts


def indicators(labels: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
    """One-hot (N, C, P) of labels (N, P) of type uint8 on a CPU, zero for C and above.

    Example:
        >>> indicators(torch.tensor([[1, 2]], dtype=torch.uint8), 2, torch.float32)
        tensor([[[0., 0.],
                 [1., 0.]]])
    """
    # NumPy compares bytes ten times as fast as PyTorch
    numbers = np.arange(channels, dtype=np.uint8)[:, None]
    return as_factor(torch.from_numpy(labels.numpy()[:, None] == numbers), dtype)


def has_to_mask(mass: Tensor, weight: Tensor | None) -> bool:
    """Whether a weighted mass shows that what has weight zero is no number, and has to be masked.

    Zero times NaN is NaN; to look costs less than to mask.
    """
    return weight is not None and not bool(mass.isfinite().all())


class _FewCounts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        small, prob = labels.to(torch.uint8), logits.softmax(1)
        counts = _count_few(prob, small, weight)
        if weight is not None and has_to_mask(counts[1], weight):
            prob = logits.masked_fill((weight == 0).unsqueeze(1), 0.0).softmax(1)
            counts = _count_few(prob, small, weight)
        ctx.save_for_backward(prob, small, *(() if weight is None else (weight,)))
        tp, mass, target = counts.to(logits.dtype).unbind()
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        prob, small, *kept = ctx.saved_tensors
        grad = torch.empty_like(prob)
        for rows, columns in blocks(prob):
            part = prob[rows, :, columns]
            # d/d prob is grad_mass everywhere, and grad_tp once more at the pixel's own class
            slope = indicators(small[rows, columns], prob.shape[1], prob.dtype)
            slope.mul_(grad_tp[rows].unsqueeze(2)).add_(grad_mass[rows].unsqueeze(2)).mul_(part)
            mean = slope.sum(1, keepdim=True)
            if kept:
                share = as_factor(kept[0][rows, columns], prob.dtype).unsqueeze(1)
                slope.mul_(share)
                mean.mul_(share)
            torch.addcmul(slope, part, mean, value=-1, out=grad[rows, :, columns])
        return grad, None, None


def _count_few(prob: Tensor, labels: Tensor, weight: Tensor | None) -> Tensor:
    """(3, N, C), added up in float64."""
    counts = prob.new_zeros((3, *prob.shape[:2]), dtype=torch.float64)
    for rows, columns in blocks(prob):
        part = prob[rows, :, columns]
        hot = indicators(labels[rows, columns], prob.shape[1], prob.dtype)
        if weight is not None:
            share = as_factor(weight[rows, columns], prob.dtype).unsqueeze(1)
            part = part * share
        counts[1, rows] += part.sum(2)
        counts[0, rows] += (part * hot).sum(2)
        counts[2, rows] += (hot if weight is None else hot.mul_(share)).sum(2)
    return counts


class _TwoCounts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        small = labels.to(torch.uint8)
        counts, spread = _count_two(logits, small, weight)
        if weight is not None and has_to_mask(counts[1], weight):
            clean = logits.masked_fill((weight == 0).unsqueeze(1), 0.0)
            counts, spread = _count_two(clean, small, weight)
        ctx.save_for_backward(spread, small)
        tp, mass, target = counts.to(logits.dtype).unbind()
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    @first_order
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None]:
        spread, small = ctx.saved_tensors
        grad = spread.new_empty((len(spread), 2, spread.shape[1]))
        # of class 1 beyond that of class 0, where the label is 1 and where it is 0
        step = grad_tp.sum(1, keepdim=True)
        least = grad_mass[:, 1:] - grad_mass[:, :1] - grad_tp[:, :1]
        for rows, columns in blocks(grad):
            slope = as_factor(small[rows, columns], spread.dtype)
            slope.mul_(step[rows]).add_(least[rows])
            torch.mul(slope, spread[rows, columns], out=grad[rows, 1, columns])
            torch.neg(grad[rows, 1, columns], out=grad[rows, 0, columns])
        return grad, None, None


def _count_two(logits: Tensor, labels: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor]:
    """Counts (3, N, 2), added up in float64, and the weighted product of both classes (N, P)."""
    counts = logits.new_zeros((3, len(logits), 2), dtype=torch.float64)
    spread = torch.empty_like(logits[:, 0], memory_format=torch.contiguous_format)
    for rows, columns in blocks(logits):
        apart = logits[rows, 1, columns] - logits[rows, 0, columns]
        one = apart.sigmoid()
        # not 1 - one, which has no digits left where the other class is certain
        zero = apart.neg_().sigmoid_()
        product = torch.mul(zero, one, out=spread[rows, columns])
        share = None
        if weight is not None:
            share = as_factor(weight[rows, columns], logits.dtype)
            product.mul_(share)
        hot = as_factor(labels[rows, columns], logits.dtype)
        for c, (own, mine) in enumerate(((zero, 1 - hot), (one, hot))):
            if share is not None:
                own.mul_(share)
            counts[1, rows, c] += own.sum(1)
            counts[0, rows, c] += own.mul_(mine).sum(1)
            counts[2, rows, c] += (mine if share is None else mine.mul_(share)).sum(1)
    return counts, spread


def entropy_of_two(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy per pixel of two classes.

    Args:
        logits: (N, 2, *S).
        labels: (N, *S), 0 or 1.

    Example:
        >>> entropy_of_two(torch.zeros(1, 2, 2), torch.tensor([[0, 1]]))  # log 2
        tensor([[0.6931, 0.6931]])
    """
    loss: Tensor = _TwoEntropy.apply(logits, labels)  # type: ignore[no-untyped-call]
    return loss


class _TwoEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        sign = as_factor(labels.to(torch.uint8), logits.dtype).mul_(2).sub_(1)
        towards = (logits[:, 1] - logits[:, 0]).mul_(sign)
        # the gradient of class 1 per unit of the incoming one
        ctx.save_for_backward((-towards).sigmoid_().mul_(sign.neg_()))
        return torch.nn.functional.logsigmoid(towards).neg_()

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        both = slope.new_empty((len(slope), 2, *slope.shape[1:]))
        torch.mul(slope, grad, out=both[:, 1])
        torch.neg(both[:, 1], out=both[:, 0])
        return both, None
