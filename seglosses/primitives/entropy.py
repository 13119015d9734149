"""Cross-entropy that keeps nothing but the logits, which losses of one head then share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.few_classes import as_factor, entropy_of_two, takes_few
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import in_bytes


def cross_entropy(logits: Tensor, target: Tensor, valid: Tensor | None = None) -> Tensor:
    """Cross-entropy per pixel, of labels or of class probabilities.

    For labels on a CPU the softmax is taken again in backward, in place of being kept: the logits
    are kept by others anyway, and one fresh tensor less is faster there. That way has no second
    derivative; elsewhere, and under ``torch.func``, all is PyTorch's.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        valid: Pixels of labels that count (N, *S). The others may hold anything, and their loss is
            to be left out, so that no gradient comes back for it.

    Returns:
        (N, *S).

    Example:
        >>> cross_entropy(torch.zeros(1, 4, 1), torch.tensor([[1]]))  # log 4
        tensor([[1.3863]])
    """
    if target.is_floating_point() or not at_hand(logits):
        # elsewhere fewer launches and bytes count, not allocations
        if valid is not None:
            ignored = ~valid.unsqueeze(1)
            by_hand = not (target.is_floating_point() or is_transformed())
            logits = _Blanked.apply(logits, ignored) if by_hand else logits.masked_fill(ignored, 0)  # type: ignore[no-untyped-call]
        return F.cross_entropy(logits, target, reduction="none")
    if logits.shape[1] == 2 and valid is None and takes_few(logits):
        return entropy_of_two(logits, target)
    loss: Tensor = _LabelEntropy.apply(logits, target, valid)  # type: ignore[no-untyped-call]
    return loss


def summed_entropy(batch: Aligned) -> Tensor | None:
    """Sum of the cross-entropy over pixels that count, where PyTorch's own is quickest.

    That is on a CPU for one channel and for three to eight classes.

    Returns:
        A scalar, or ``None`` elsewhere and for dense targets.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> summed_entropy(align(torch.zeros(1, 4, 3), torch.tensor([[1, 0, 255]])))  # 2 log 4
        tensor(2.7726)
    """
    one = batch.channels == 1 and batch.logits.dim() > 2 and not batch.masks
    few = not batch.sigmoid and batch.channels > 2
    if batch.labels is None or not (one or few) or not takes_few(batch.logits):
        return None
    logits, labels, valid = batch.pixel_logits(), batch.labels, batch.valid
    if one:
        factor = None if valid is None else as_factor(valid, logits.dtype)
        return F.binary_cross_entropy_with_logits(
            logits.squeeze(1), labels.to(logits.dtype), factor, reduction="sum"
        )
    if valid is not None:
        # labels are 0 where ignored
        labels = labels + (as_factor(valid, labels.dtype) - 1)
    return F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")


class _Blanked(torch.autograd.Function):
    """Zeros at pixels whose gradient is zero, which need not be filled in a second time."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, ignored: Tensor) -> Tensor:
        return logits.masked_fill(ignored, 0.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


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
