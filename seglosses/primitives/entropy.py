"""Cross-entropy that keeps nothing but the logits, which losses of one head then share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.device import is_transformed
from seglosses.primitives.few_classes import signed_entropy, takes_few
from seglosses.primitives.first_order import first_order


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
    if logits.shape[1] == 2 and takes_few(logits):
        return signed_entropy(logits, target)
    loss: Tensor = _LabelEntropy.apply(logits, target)  # type: ignore[no-untyped-call]
    return loss


class _LabelEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        index = labels.unsqueeze(1)
        small = index.to(torch.uint8) if logits.shape[1] <= 256 else index
        log_prob = logits.log_softmax(1)
        # of few classes the labels weigh as much, and time counts
        ctx.few = takes_few(logits)
        ctx.save_for_backward(log_prob if ctx.few else logits, small)
        return log_prob.gather(1, index).squeeze(1).neg_()

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        kept, small = ctx.saved_tensors
        factor = grad.unsqueeze(1)
        prob = kept.exp() if ctx.few else kept.softmax(1)
        return prob.mul_(factor).scatter_add_(1, small.long(), -factor), None
