"""From logits to probabilities, and to the logits of one class against the rest."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class ZeroedWhereIgnored(torch.autograd.Function):
    """Probabilities that are zero where ignored: one tensor is kept, and none is filled twice."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, ignored: Tensor, sigmoid: bool) -> Tensor:
        """Probabilities (N, C, *S), zero where ``ignored`` (N, 1, *S)."""
        prob = activate(logits.masked_fill(ignored, 0.0), sigmoid).masked_fill_(ignored, 0.0)
        ctx.save_for_backward(prob, ignored)
        ctx.sigmoid = sigmoid
        return prob

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """Gradient by the logits."""
        prob, ignored = ctx.saved_tensors
        if ctx.sigmoid:
            back = torch.ops.aten.sigmoid_backward(grad, prob)
        else:
            back = torch.ops.aten._softmax_backward_data(grad, prob, 1, prob.dtype)
        # what comes back for ignored pixels may be NaN, of a logarithm of zero
        return back.masked_fill(ignored, 0.0), None, None


def logsumexp_of_others(logits: Tensor) -> Tensor:
    """Log sum_(j != k) exp(z_j) of every channel k (N, C, *S), C > 1."""
    if logits.shape[1] == 2:
        return logits.flip(1)
    total = logits.logsumexp(1, keepdim=True)
    # to take the largest one away would cancel; the sum without it is taken anew
    first = logits.detach().argmax(1, keepdim=True)
    largest = torch.zeros_like(logits, dtype=torch.bool).scatter(1, first, True)
    without = logits.masked_fill(largest, -torch.inf).logsumexp(1, keepdim=True)
    share = (logits - total).exp().masked_fill(largest, 0.0)
    return torch.where(largest, without, total + torch.log1p(-share))


def activate(logits: Tensor, sigmoid: bool) -> Tensor:
    """Sigmoid, or softmax over dimension 1.

    Args:
        logits: (N, C, *S).
        sigmoid: Channels are independent.

    Returns:
        Probabilities (N, C, *S).

    Example:
        >>> activate(torch.zeros(1, 2, 1), sigmoid=False).flatten()
        tensor([0.5000, 0.5000])
    """
    return logits.sigmoid() if sigmoid else logits.softmax(1)
