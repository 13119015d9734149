"""Cross-entropy of sets of classes, in about the time of that of a class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand
from seglosses.primitives.first_order import first_order

#: Logits that differ by no more than this have exponentials of which none vanishes.
_SPAN = 80.0


def set_entropy(logits: Tensor, inside: Tensor) -> Tensor:
    """-log of the probability that softmax gives to a set of classes.

    Args:
        logits: (N, C, *S).
        inside: Which classes belong to a pixel's set, boolean (N, C, *S); at least one of each.

    Returns:
        (N, *S), at least 0.

    Example:
        >>> inside = torch.tensor([[[True], [True], [False]]])
        >>> set_entropy(torch.zeros(1, 3, 1), inside)  # log 3/2
        tensor([[0.4055]])
    """
    if at_hand(logits) and logits.numel():
        low, high = logits.detach().aminmax()
        # false for NaN too
        if bool(high - low <= _SPAN):
            loss: Tensor = _SetEntropy.apply(logits, inside)  # type: ignore[no-untyped-call]
            return loss
    part = logits.masked_fill(~inside, -torch.inf).logsumexp(1)
    # rounding alone may put the part above the whole
    return (logits.logsumexp(1) - part).clamp(min=0)


class _SetEntropy(torch.autograd.Function):
    """One exponential of each logit, which backward reads again."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, inside: Tensor) -> Tensor:
        rise = (logits - logits.amax(1, keepdim=True)).exp_()
        factor = inside.to(rise.dtype)
        whole, part = rise.sum(1, keepdim=True), torch.einsum("nc...,nc...->n...", rise, factor)
        part = part.unsqueeze(1)
        ctx.save_for_backward(rise, factor, whole, part)
        return (whole / part).log_().squeeze(1).clamp_(min=0)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        rise, factor, whole, part = ctx.saved_tensors
        grad = grad.unsqueeze(1)
        return (factor * (-grad / part)).add_(grad / whole).mul_(rise), None
