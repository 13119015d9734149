"""Soft counts of softmax logits and labels, and the mass of each class at label 0.

Where label 0 stands for a set of classes, these four numbers say what every class has inside it and
outside it, so that no map of merged probabilities is made.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seglosses.primitives import _kernels_first_label as kernels
from seglosses.primitives.device import is_transformed
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.few_classes import as_bytes, kernel_arrays, takes_few
from seglosses.primitives.layout import flat_labels, flat_maps
from seglosses.primitives.overlap import Counts


def counts_and_first(batch: Aligned) -> tuple[Counts, Tensor]:
    """Counts (N, C) and the mass (N, C) that each class has at pixels of label 0.

    Args:
        batch: Aligned, with labels, of a softmax.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 0, 1]]))
        >>> counts, first = counts_and_first(batch)
        >>> counts.tp, counts.prob, first
        (tensor([[1.5000, 0.5000]]), tensor([[2., 2.]]), tensor([[1.5000, 1.5000]]))
    """
    assert batch.labels is not None
    assert not batch.sigmoid
    if takes_few(batch.logits) and not is_transformed():
        weight = batch.valid if batch.pixel_weight is None else batch.mask()
        if batch.pixel_weight is not None and weight is not None:
            weight = weight.squeeze(1)
        found: tuple[Tensor, ...] = _FirstCounts.apply(  # type: ignore[no-untyped-call]
            flat_maps(batch.logits).contiguous(),
            flat_labels(batch.labels).to(torch.uint8).contiguous(),
            as_bytes(None if weight is None else flat_labels(weight)),
        )
        return Counts(*found[:3]), found[3]
    prob, hot, mask = flat_maps(batch.prob()), flat_maps(batch.target()), batch.mask()
    hot = hot if mask is None else hot * flat_maps(mask)
    # class c at pixels of label k, (N, C, C)
    mass = torch.bmm(prob, hot.transpose(1, 2))
    return Counts(mass.diagonal(dim1=1, dim2=2), mass.sum(2), hot.sum(2)), mass[..., 0]


class _FirstCounts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None) -> Any:
        ctx.save_for_backward(logits, labels, *(() if weight is None else (weight,)))
        counts = torch.zeros((4, *logits.shape[:2]), dtype=torch.float64)
        kernels.first_counts(*kernel_arrays(logits, labels, weight), counts.numpy())
        tp, mass, target, first = counts.to(logits.dtype).unbind()
        ctx.mark_non_differentiable(target)
        return tp, mass, target, first

    @staticmethod
    def backward(
        ctx: Any, grad_tp: Tensor, grad_mass: Tensor, _: Tensor, grad_first: Tensor
    ) -> tuple[Tensor, None, None]:
        logits, labels, *rest = ctx.saved_tensors
        weight = rest[0] if rest else None
        levers = grad_mass, grad_tp, grad_first
        if torch.is_grad_enabled():
            return _with_a_graph(logits, labels, weight, levers), None, None
        grad = torch.empty_like(logits)
        arrays = kernel_arrays(logits, labels, weight)
        kernels.first_slopes(*arrays, torch.stack(levers).numpy(), grad.numpy())
        return grad, None, None


def _with_a_graph(
    logits: Tensor, labels: Tensor, weight: Tensor | None, levers: tuple[Tensor, ...]
) -> Tensor:
    """The gradient in PyTorch, so that it has one of its own."""
    share = None if weight is None else weight.unsqueeze(1)
    x = logits if share is None else logits.masked_fill(share == 0, 0.0)
    prob = x.softmax(1)
    mass, hit, first = (lever.unsqueeze(2) for lever in levers)
    lever = mass + hit * one_hot(labels, x.shape[1]) + first * (labels == 0).unsqueeze(1)
    slope = prob * (lever - (lever * prob).sum(1, keepdim=True))
    return slope if share is None else slope * share
