"""Cross-entropy that keeps nothing but the logits, which losses of one head then share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy per pixel, of labels or of class probabilities.

    For labels the softmax is taken again in backward, in place of being kept: the logits are kept
    by others anyway, and one fresh tensor less is faster on a CPU. There is no second derivative.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    Example:
        >>> cross_entropy(torch.zeros(1, 4, 1), torch.tensor([[1]]))  # log 4
        tensor([[1.3863]])
    """
    if target.is_floating_point():
        return F.cross_entropy(logits, target, reduction="none")
    loss: Tensor = _LabelEntropy.apply(logits, target)  # type: ignore[no-untyped-call]
    return loss


class _LabelEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        index = labels.unsqueeze(1)
        own = logits.log_softmax(1).gather(1, index)
        # the logarithm of the sum of exponentials, from the label's own entry
        total = logits.gather(1, index) - own
        ctx.save_for_backward(logits, labels, total)
        return own.squeeze(1).neg_()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, labels, total = ctx.saved_tensors
        slope = (logits - total).exp_().mul_(grad.unsqueeze(1))
        slope.scatter_add_(1, labels.unsqueeze(1), -grad.unsqueeze(1))
        return slope, None
