"""Focal loss of independent foregrounds, block by block and with nothing kept but the logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.first_order import first_order
from seglosses.primitives.layout import blocks, flat_labels, flat_maps


def foreground_focal(
    logits: Tensor,
    labels: Tensor,
    *,
    gamma: float,
    alpha: float | None = None,
    class_weight: Tensor | None = None,
) -> Tensor:
    r"""Focal losses of all channels of a pixel, summed.

        f(z) = sigmoid(z)^gamma softplus(z)
        loss = w_y alpha f(-z_y) + sum_{c != y} w_c (1 - alpha) f(z_c)

    Args:
        logits: (N, C, *S).
        labels: (N, *S); the channel that is foreground, C for none. With one channel 1 is
            foreground and 0 is not.
        gamma: How strongly easy channels lose weight.
        alpha: Weight of foreground; None weighs neither side.
        class_weight: (C,) factors w of the channels.

    Returns:
        (N, *S), without a second derivative.

    Example:
        >>> foreground_focal(torch.zeros(1, 2, 1), torch.tensor([[1]]), gamma=2)  # log 2 / 4, twice
        tensor([[0.3466]])
    """
    loss: Tensor = _ForegroundFocal.apply(  # type: ignore[no-untyped-call]
        logits, labels, class_weight, gamma, *((1.0, 1.0) if alpha is None else (alpha, 1 - alpha))
    )
    return loss


def _values(z: Tensor, gamma: float) -> Tensor:
    return z.sigmoid().pow_(gamma).mul_(F.softplus(z))


def _slopes(z: Tensor, gamma: float) -> Tensor:
    """Derivative of f: sigmoid^gamma (gamma (1 - sigmoid) softplus + sigmoid)."""
    prob = z.sigmoid()
    inner = F.softplus(z).mul_(1 - prob).mul_(gamma).add_(prob)
    return inner.mul_(prob.pow_(gamma))


def _own(z: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Index of each pixel's foreground channel and whether it has one, (N, 1, P)."""
    channels = z.shape[1]
    index = labels.unsqueeze(1)
    if channels == 1:
        return torch.zeros_like(index), index == 1
    return index.clamp(max=channels - 1), index < channels


class _ForegroundFocal(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        labels: Tensor,
        weight: Tensor | None,
        gamma: float,
        positive: float,
        negative: float,
    ) -> Tensor:
        flat, names = flat_maps(logits), flat_labels(labels)
        loss = flat.new_empty(names.shape)
        for rows, columns in blocks(flat):
            z = flat[rows, :, columns]
            index, present = _own(z, names[rows, columns])
            chosen = z.gather(1, index)
            others = _values(z, gamma)
            swap = positive * _values(-chosen, gamma) - negative * others.gather(1, index)
            if weight is not None:
                others.mul_(weight.view(1, -1, 1))
                swap = swap * weight[index]
            swap.masked_fill_(~present, 0.0)
            torch.add(swap.squeeze(1), others.sum(1), alpha=negative, out=loss[rows, columns])
        ctx.save_for_backward(logits, labels, *(() if weight is None else (weight,)))
        ctx.factors = gamma, positive, negative
        return loss.view(labels.shape)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        logits, labels, *kept = ctx.saved_tensors
        weight = kept[0] if kept else None
        gamma, positive, negative = ctx.factors
        flat, names, scale = flat_maps(logits), flat_labels(labels), flat_labels(grad)
        slope = torch.empty_like(flat)
        for rows, columns in blocks(flat):
            z, factor = flat[rows, :, columns], scale[rows, columns].unsqueeze(1)
            index, present = _own(z, names[rows, columns])
            chosen = z.gather(1, index)
            others = _slopes(z, gamma)
            swap = positive * _slopes(-chosen, gamma) + negative * others.gather(1, index)
            others.mul_(factor * negative)
            swap = (swap * -factor).masked_fill_(~present, 0.0)
            if weight is not None:
                others.mul_(weight.view(1, -1, 1))
                swap = swap * weight[index]
            slope[rows, :, columns] = others.scatter_add_(1, index, swap)
        return slope.view(logits.shape), None, None, None, None, None
