"""Soft counts and cross-entropy of few classes on a CPU, by kernels that read each pixel once.

The general way gathers and scatters by labels and makes a tensor per operation, which takes a CPU
ten times as long as the arithmetic. Nothing is kept for backward but the logits, which every loss
of a head shares, and the labels in one byte each.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives import _kernels_few_counts as count_kernels
from seglosses.primitives import _kernels_few_entropy as entropy_kernels
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import one_hot

#: Up to so many classes the kernels take over.
FEW = 8

#: In place of what a kernel is not to read or to write.
_NOTHING = np.empty((0, 0), np.float32)


def takes_few(logits: Tensor) -> bool:
    """Whether logits (N, C, *S) have few classes, lie on a CPU, and are of the kernels' type.

    Example:
        >>> takes_few(torch.zeros(1, 8, 1)), takes_few(torch.zeros(1, 9, 1))
        (True, False)
        >>> takes_few(torch.zeros(1, 8, 1, dtype=torch.float64))
        False
    """
    return 0 < logits.shape[1] <= FEW and logits.dtype == torch.float32 and at_hand(logits)


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
    logits: Tensor, labels: Tensor, weight: Tensor | None, *, sigmoid: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """What :func:`seglosses.primitives.softmax_counts.softmax_counts` gives, for few classes.

    Args:
        logits: (N, C, P), see :func:`takes_few`; of a softmax C > 1.
        labels: (N, P) in [0, C); of independent channels one more stands for none of them, and one
            channel has the label 1.
        weight: (N, P), boolean or floating point; pixels of weight zero may hold anything.
        sigmoid: Whether channels are independent.

    Example:
        >>> counts = few_counts(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 1, 1]]), None)
        >>> [count.tolist() for count in counts]
        [[[1.0, 1.0]], [[2.0, 2.0]], [[2.0, 2.0]]]
    """
    counts: tuple[Tensor, Tensor, Tensor] = _Counts.apply(  # type: ignore[no-untyped-call]
        logits.contiguous(), labels.to(torch.uint8).contiguous(), as_bytes(weight), sigmoid
    )
    return counts


def few_entropy(
    logits: Tensor, labels: Tensor, weight: Tensor | None, *, over: float | None = None
) -> Tensor:
    """Cross-entropy per pixel of few classes, by weights, or their sum over a number.

    Args:
        logits: (N, C, P), see :func:`takes_few`; of a softmax, or one channel of a sigmoid.
        labels: (N, P) in [0, C), or in {0, 1} for one channel.
        weight: (N, P), boolean or floating point; pixels of weight zero may hold anything.
        over: What to divide the sum by, which is quicker than losses of pixels.

    Returns:
        (N, P), or a scalar.

    Example:
        >>> few_entropy(torch.zeros(1, 2, 2), torch.tensor([[0, 1]]), None)  # log 2
        tensor([[0.6931, 0.6931]])
        >>> few_entropy(torch.zeros(1, 2, 2), torch.tensor([[0, 1]]), None, over=2)
        tensor(0.6931)
    """
    loss: Tensor = _Entropy.apply(  # type: ignore[no-untyped-call]
        logits.contiguous(), labels.to(torch.uint8).contiguous(), as_bytes(weight), over
    )
    return loss


def as_bytes(weight: Tensor | None) -> Tensor | None:
    """Weights as the kernels take them: yes or no in a byte, numbers as float32.

    Example:
        >>> as_bytes(torch.tensor([True, False]))
        tensor([1, 0], dtype=torch.uint8)
    """
    if weight is None:
        return None
    weight = weight.contiguous()
    return weight.view(torch.uint8) if weight.dtype == torch.bool else weight.to(torch.float32)


def kernel_arrays(
    logits: Tensor, labels: Tensor, weight: Tensor | None
) -> tuple[Any, Any, Any, bool]:
    """Arrays of the kernels: logits, labels, weights, and whether these mean anything.

    Example:
        >>> kernel_arrays(torch.zeros(1, 2, 1), torch.zeros(1, 1, dtype=torch.uint8), None)[3]
        False
    """
    y = labels.numpy()
    return logits.detach().numpy(), y, y if weight is None else weight.numpy(), weight is not None


def into_counts(
    logits: Tensor, labels: Tensor, weight: Tensor | None, sigmoid: bool, counts: Any
) -> None:
    """Add the counts to an array (3, N, C) of float64; contiguous tensors, labels of uint8."""
    x, y, *shares = kernel_arrays(logits, labels, weight)
    if sigmoid:
        count_kernels.channel_counts(x, y, int(x.shape[1] == 1), *shares, counts)
    elif x.shape[1] == 2:
        count_kernels.two_counts(x, y, *shares, counts)
    else:
        count_kernels.few_counts(x, y, *shares, counts)


def into_slopes(
    logits: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    sigmoid: bool,
    hits: Any,
    masses: Any,
    grad: Tensor,
) -> None:
    """Write the gradient (N, C, P), given arrays (N, C) of those of intersections and masses."""
    x, y, *shares = kernel_arrays(logits, labels, weight)
    if sigmoid:
        first = int(x.shape[1] == 1)
        count_kernels.channel_slopes(x, y, first, *shares, hits, masses, grad.numpy())
    elif x.shape[1] == 2:
        count_kernels.two_slopes(x, y, *shares, hits, masses, grad.numpy())
    else:
        count_kernels.few_slopes(x, y, *shares, hits, masses, grad.numpy())


class _Counts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None, sigmoid: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.sigmoid = sigmoid
        ctx.save_for_backward(logits, labels, *(() if weight is None else (weight,)))
        counts = torch.zeros((3, *logits.shape[:2]), dtype=torch.float64, device="cpu")
        into_counts(logits, labels, weight, sigmoid, counts.numpy())
        tp, mass, target = counts.to(logits.dtype).unbind()
        ctx.mark_non_differentiable(target)
        return tp, mass, target

    @staticmethod
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor
    ) -> tuple[Tensor, None, None, None]:
        logits, labels, *rest = ctx.saved_tensors
        weight = rest[0] if rest else None
        if torch.is_grad_enabled():
            slopes = _graph_of_counts(logits, labels, weight, ctx.sigmoid, grad_tp, grad_mass)
            return slopes, None, None, None
        grad = torch.empty_like(logits)
        hits, masses = grad_tp.contiguous().numpy(), grad_mass.contiguous().numpy()
        into_slopes(logits, labels, weight, ctx.sigmoid, hits, masses, grad)
        return grad, None, None, None


class _Entropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None, over: float | None
    ) -> Tensor:
        ctx.over = over
        ctx.save_for_backward(logits, labels, *(() if weight is None else (weight,)))
        run = entropy_kernels.two_entropy if logits.shape[1] <= 2 else entropy_kernels.few_entropy
        arrays = kernel_arrays(logits, labels, weight)
        if over is not None:
            return logits.new_tensor(run(*arrays, False, _NOTHING) / over)
        loss = logits.new_empty(labels.shape)
        run(*arrays, True, loss.numpy())
        return loss

    @staticmethod
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor, None, None, None]:
        logits, labels, *rest = ctx.saved_tensors
        weight = rest[0] if rest else None
        if torch.is_grad_enabled():
            each = grad_loss.expand(labels.shape) / (ctx.over or 1.0)
            return _graph_of_entropy(logits, labels, weight, each), None, None, None
        grad = torch.empty_like(logits)
        if ctx.over is None:
            factor, levers = np.float32(math.nan), grad_loss.contiguous().numpy()
        else:
            factor, levers = np.float32(grad_loss.item() / ctx.over), _NOTHING
        few = logits.shape[1] > 2
        run = entropy_kernels.few_entropy_slopes if few else entropy_kernels.two_entropy_slopes
        run(*kernel_arrays(logits, labels, weight), factor, levers, grad.numpy())
        return grad, None, None, None


def _graph_of_counts(
    logits: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    sigmoid: bool,
    grad_tp: Tensor,
    grad_mass: Tensor,
) -> Tensor:
    """The gradient of the counts in PyTorch, so that it has one of its own."""
    share = None if weight is None else weight.unsqueeze(1)
    x = logits if share is None else logits.masked_fill(share == 0, 0.0)
    prob = x.sigmoid() if sigmoid else x.softmax(1)
    lever = grad_mass.unsqueeze(2) + grad_tp.unsqueeze(2) * one_hot(labels, x.shape[1])
    mean = lever * prob if sigmoid else (lever * prob).sum(1, keepdim=True)
    slope = prob * (lever - mean)
    return slope if share is None else slope * share


def _graph_of_entropy(
    logits: Tensor, labels: Tensor, weight: Tensor | None, grad_loss: Tensor
) -> Tensor:
    """The gradient of the cross-entropy in PyTorch, so that it has one of its own."""
    share = None if weight is None else weight.unsqueeze(1)
    x = logits if share is None else logits.masked_fill(share == 0, 0.0)
    prob = x.sigmoid() if x.shape[1] == 1 else F.softmax(x, 1)
    slope = (prob - one_hot(labels, x.shape[1])) * grad_loss.unsqueeze(1)
    return slope if share is None else slope * share
