"""Cross-entropy that keeps nothing but the logits, which losses of one head then share."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.few_classes import FEW, as_factor, few_entropy, takes_few
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import flat_labels, flat_maps, in_bytes


def cross_entropy(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Cross-entropy per pixel, of labels or of class probabilities.

    For labels on a CPU the softmax is taken again in backward, in place of being kept: the logits
    are kept by others anyway, and one fresh tensor less is faster there. That way has no second
    derivative; elsewhere, and under ``torch.func``, all is PyTorch's.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        valid: Pixels of labels that count (N, *S). The others may hold anything.

    Returns:
        (N, *S), zero where ``valid`` is false.

    Example:
        >>> cross_entropy(torch.zeros(1, 4, 1), torch.tensor([[1]]))  # log 4
        tensor([[1.3863]])
    """
    if takes_few(logits) and logits.shape[1] > 1 and not target.is_floating_point():
        mask = None if valid is None else flat_labels(valid)
        few = few_entropy(flat_maps(logits), flat_labels(target), mask)
        return few.view_as(target)
    if target.is_floating_point() or not at_hand(logits) or logits.shape[1] <= FEW:
        # elsewhere fewer launches and bytes count, not allocations
        if valid is None:
            return F.cross_entropy(logits, target, reduction="none")
        if not (target.is_floating_point() or torch.compiler.is_compiling() or is_transformed()):
            shown: Tensor = _ValidEntropy.apply(logits, target, valid)[0]  # type: ignore[no-untyped-call]
            return shown
        logits = logits.masked_fill(~valid.unsqueeze(1), 0.0)
        return torch.where(valid, F.cross_entropy(logits, target, reduction="none"), 0.0)
    loss: Tensor = _LabelEntropy.apply(logits, target, valid)  # type: ignore[no-untyped-call]
    return loss if valid is None else loss * as_factor(valid, loss.dtype)


def binary_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of independent logits, whose label is 1 or 0.

    Args:
        logits: (M, *S).
        labels: (M, *S).

    Returns:
        (M, *S).

    Example:
        >>> binary_entropy(torch.zeros(1, 2), torch.tensor([[0, 1]]))  # log 2
        tensor([[0.6931, 0.6931]])
    """
    maps = logits.unsqueeze(1)
    if not takes_few(maps):
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none")
    loss = few_entropy(flat_maps(maps), flat_labels(labels), None)
    return loss.view_as(logits)


def summed_entropy(batch: Aligned, over: float | Tensor = 1.0) -> Tensor | None:
    """Sum of the cross-entropy of pixels by their weights, where it takes few passes.

    That is on a CPU for one channel and for up to eight classes.

    Args:
        batch: Logits and labels.
        over: A number to divide the sum by, unless it is 0. Done at once, for PyTorch takes as long
            to divide a scalar as the kernel for a small image.

    Returns:
        A scalar, or ``None`` elsewhere, for dense targets, and for weights that are trained.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> summed_entropy(align(torch.zeros(1, 4, 3), torch.tensor([[1, 0, 255]])))  # 2 log 4
        tensor(2.7726)
    """
    maps = batch.logits.dim() > 2 and not batch.masks
    one = batch.channels == 1 and batch.sigmoid and maps
    few = batch.channels > 1 and not batch.sigmoid
    if batch.labels is None or not (one or few) or not takes_few(batch.logits):
        return None
    if batch.pixel_weight is not None and batch.pixel_weight.requires_grad:
        return None
    labels = flat_labels(batch.labels)
    return few_entropy(flat_maps(batch.logits), labels, batch.shares(), over=float(over) or 1.0)


class _ValidEntropy(torch.autograd.Function):
    """Zero where pixels do not count, where logits may be NaN, without a copy of the logits.

    The softmax is a power of their logarithms, e^log(p) where a pixel counts, and elsewhere 1^NaN,
    which is 1, and zero once the gradient has come in. The logarithms are a result as well, so that
    the gradient has one of its own.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        if logits.device.type == "mps":
            # its powers promise nothing about NaN
            logits = logits.masked_fill(~valid.unsqueeze(1), 0.0)
        log_prob = logits.log_softmax(1)
        loss = F.nll_loss(log_prob, labels, reduction="none")
        ctx.save_for_backward(log_prob, labels, valid)
        return loss.masked_fill_(~valid, 0.0), log_prob

    @staticmethod
    def backward(
        ctx: Any, grad: Tensor | None, grad_log: Tensor | None
    ) -> tuple[Tensor, None, None]:
        log_prob, labels, valid = ctx.saved_tensors
        if grad is None or grad_log is not None or torch.is_grad_enabled():
            return _graph_of_logarithms(log_prob, labels, valid, grad, grad_log), None, None
        e = torch.full((), math.e, dtype=log_prob.dtype, device=log_prob.device)
        slope = torch.pow(torch.where(valid.unsqueeze(1), e, 1.0), log_prob)
        slope.scatter_(1, labels.unsqueeze(1), -1.0, reduce="add")
        return slope.mul_((grad * valid).unsqueeze(1)), None, None


def _graph_of_logarithms(
    log_prob: Tensor,
    labels: Tensor,
    valid: Tensor,
    grad: Tensor | None,
    grad_log: Tensor | None,
) -> Tensor:
    """The gradient of :class:`_ValidEntropy` in PyTorch, so that it has one of its own."""
    prob = log_prob.masked_fill(~valid.unsqueeze(1), 0.0).exp()
    slope = torch.zeros_like(prob)
    if grad is not None:
        hot = one_hot(labels, prob.shape[1], dtype=prob.dtype)
        slope = slope + (prob - hot) * (grad * valid).unsqueeze(1)
    if grad_log is not None:
        slope = slope + grad_log - prob * grad_log.sum(1, keepdim=True)
    return slope


class _LabelEntropy(torch.autograd.Function):
    """Keeps the logits, of which losses share one set; where pixels are ignored, log p instead."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, valid: Tensor | None) -> Tensor:
        index = labels.unsqueeze(1)
        small = in_bytes(index, logits.shape[1])
        if valid is not None:
            logits = logits.masked_fill(~valid.unsqueeze(1), 0.0)
        log_prob = logits.log_softmax(1)
        ctx.masked = valid is not None
        ctx.save_for_backward(log_prob if ctx.masked else logits, small)
        return log_prob.gather(1, index).squeeze(1).neg_()

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        kept, small = ctx.saved_tensors
        factor = grad.unsqueeze(1)
        prob = kept.exp() if ctx.masked else kept.softmax(1)
        return prob.mul_(factor).scatter_add_(1, small.long(), -factor), None, None
