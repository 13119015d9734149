"""The mean of an overlap loss of few classes on a CPU, from logits to the number in one step.

At 128 x 128 pixels the arithmetic of a Dice loss takes less time than PyTorch takes to note its
dozen steps on numbers per class. Here these steps and their derivative are a kernel's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives import _kernels_few_levers as kernels
from seglosses.primitives.few_classes import as_bytes, few_counts, into_counts, into_slopes
from seglosses.primitives.reduction import average_classes

#: Of counts (3, N, C), whether absent classes are left out, and levers (2, N, C) to fill: the mean.
Levers = Callable[[Any, bool, Any], float]


def tversky_levers(alpha: float, beta: float, smooth: float) -> Levers:
    """One minus :func:`seglosses.primitives.overlap.tversky_index` of counts.

    Example:
        >>> levers = np.empty((2, 1, 1), np.float32)
        >>> counts = np.array([2.0, 3.0, 4.0]).reshape(3, 1, 1)
        >>> tversky_levers(1, 1, 0)(counts, False, levers)  # 1 - 2 / 5
        0.6
    """
    # numbers of one type, for which the kernel is compiled once
    prices = float(alpha), float(beta), float(smooth)

    def levers(counts: Any, present: bool, into: Any) -> float:
        mean: float = kernels.tversky_levers(counts, *prices, present, into)
        return mean

    return levers


def generalized_levers(smooth: float) -> Levers:
    """Generalized Dice of counts, with its weights.

    Example:
        >>> levers = np.empty((2, 1, 1), np.float32)
        >>> counts = np.array([2.0, 3.0, 5.0]).reshape(3, 1, 1)
        >>> generalized_levers(0)(counts, False, levers)  # 1 - 4 / 8
        0.5
    """
    number = float(smooth)

    def levers(counts: Any, present: bool, into: Any) -> float:
        mean: float = kernels.generalized_levers(counts, number, present, into)
        return mean

    return levers


def few_mean(
    logits: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    levers: Levers,
    formula: Callable[[Tensor, Tensor, Tensor], Tensor],
    *,
    sigmoid: bool,
    present: bool,
) -> Tensor:
    """Mean over classes, then images, of a loss of soft counts.

    Args:
        logits: (N, C, P), see :func:`seglosses.primitives.few_classes.takes_few`; N, P > 0.
        labels: (N, P), as :func:`seglosses.primitives.few_classes.few_counts` takes them.
        weight: (N, P), boolean or floating point; pixels of weight zero may hold anything.
        levers: The loss as a kernel.
        formula: The same in PyTorch, (N, C) or (N, 1) of the three counts (N, C); it is asked where
            the gradient is to have one of its own.
        sigmoid: Whether channels are independent.
        present: Whether classes that the label of an image lacks are left out.

    Returns:
        A scalar, with derivatives of any order.

    Example:
        >>> logits, labels = torch.zeros(1, 2, 3), torch.tensor([[0, 1, 1]])
        >>> missed, formula = tversky_levers(0, 1, 0), lambda tp, _, target: 1 - tp / target
        >>> few_mean(logits, labels, None, missed, formula, sigmoid=False, present=True)
        tensor(0.5000)
    """
    loss: Tensor = _Mean.apply(  # type: ignore[no-untyped-call]
        logits.contiguous(),
        labels.to(torch.uint8).contiguous(),
        as_bytes(weight),
        levers,
        formula,
        sigmoid,
        present,
    )
    return loss


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        labels: Tensor,
        weight: Tensor | None,
        levers: Levers,
        formula: Callable[[Tensor, Tensor, Tensor], Tensor],
        sigmoid: bool,
        present: bool,
    ) -> Tensor:
        ctx.formula, ctx.sigmoid, ctx.present = formula, sigmoid, present
        ctx.save_for_backward(logits, labels, *(() if weight is None else (weight,)))
        counts = np.zeros((3, *logits.shape[:2]))
        into_counts(logits, labels, weight, sigmoid, counts)
        ctx.levers = np.empty((2, *logits.shape[:2]), np.float32)
        return logits.new_tensor(levers(counts, present, ctx.levers))

    @staticmethod
    def backward(ctx: Any, grad_loss: Tensor) -> tuple[Tensor | None, ...]:
        logits, labels, *rest = ctx.saved_tensors
        weight = rest[0] if rest else None
        if torch.is_grad_enabled():
            loss = _graph(logits, labels, weight, ctx.formula, ctx.sigmoid, ctx.present)
            (slopes,) = torch.autograd.grad(loss, logits, grad_loss, create_graph=True)
            return slopes, *(None,) * 6
        grad = torch.empty_like(logits)
        hits, masses = ctx.levers * np.float32(grad_loss.item())
        into_slopes(logits, labels, weight, ctx.sigmoid, hits, masses, grad)
        return grad, *(None,) * 6


def _graph(
    logits: Tensor,
    labels: Tensor,
    weight: Tensor | None,
    formula: Callable[[Tensor, Tensor, Tensor], Tensor],
    sigmoid: bool,
    present: bool,
) -> Tensor:
    """The mean in PyTorch, whose gradient has one of its own."""
    counts = few_counts(logits, labels, weight, sigmoid=sigmoid)
    if not present:
        return average_classes(formula(*counts)).mean()
    read = counts[2] > 0
    tp, prob, target = (torch.where(read, count, 0.0) for count in counts)
    return average_classes(formula(tp, prob, target), read).mean()
