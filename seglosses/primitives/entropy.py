"""Cross-entropy that keeps nothing but the logits, which losses of one head then share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.device import is_transformed
from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import blocks, flat_labels, flat_maps


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy per pixel, of labels or of class probabilities.

    For labels the softmax is taken again in backward, in place of being kept: the logits are kept
    by others anyway, and one fresh tensor less is faster on a CPU. There is no second derivative,
    but under ``torch.func``, where all is PyTorch's.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    Example:
        >>> cross_entropy(torch.zeros(1, 4, 1), torch.tensor([[1]]))  # log 4
        tensor([[1.3863]])
    """
    if target.is_floating_point() or is_transformed():
        return F.cross_entropy(logits, target, reduction="none")
    loss: Tensor = _LabelEntropy.apply(logits, target)  # type: ignore[no-untyped-call]
    return loss


class _LabelEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        flat, index = flat_maps(logits), flat_labels(labels).unsqueeze(1)
        log_total = flat.new_empty(index.shape)
        for rows, columns in blocks(flat):
            part = flat[rows, :, columns]
            peak = part.amax(1, keepdim=True)
            total = (part - peak).exp_().sum(1, keepdim=True)
            torch.add(peak, total.log_(), out=log_total[rows, :, columns])
        small = index.to(torch.uint8) if flat.shape[1] <= 256 else index
        ctx.save_for_backward(logits, small, log_total)
        return (log_total - flat.gather(1, index)).view(labels.shape)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, small, log_total = ctx.saved_tensors
        flat, scale = flat_maps(logits), flat_labels(grad).unsqueeze(1)
        slope = torch.empty_like(flat)
        for rows, columns in blocks(flat):
            factor = scale[rows, :, columns]
            total, out = log_total[rows, :, columns], slope[rows, :, columns]
            torch.sub(flat[rows, :, columns], total, out=out).exp_().mul_(factor)
            out.scatter_add_(1, small[rows, :, columns].long(), -factor)
        return slope.view(logits.shape), None
