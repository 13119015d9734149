"""Squared gaps between cumulated probabilities of prediction and label."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand, without_autocast
from seglosses.primitives.encoding import one_hot
from seglosses.primitives.layout import blocks, flat_labels, flat_maps, in_bytes


def cumulated_gap(logits: Tensor, target: Tensor) -> Tensor:
    """Sum over classes of the squared gap between the sums of probabilities up to the class.

    On a CPU it is taken block by block, and the logits alone are kept.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    Example:
        >>> logits = torch.tensor([[[0.5], [0.25], [0.25]]]).log()
        >>> cumulated_gap(logits, torch.tensor([[0]]))  # (1 - 1/2)^2 + (1 - 3/4)^2
        tensor([[0.3125]])
    """
    if not at_hand(logits) or target.requires_grad:
        return _gap(logits, target)
    dense = target.dim() == logits.dim()
    maps = flat_maps(logits)
    if dense:
        given = flat_maps(target).to(logits.dtype)
    else:
        given = in_bytes(flat_labels(target), logits.shape[1])
    loss: Tensor = _Gap.apply(maps, given)  # type: ignore[no-untyped-call]
    return loss.view(len(logits), *logits.shape[2:])


def _gap(logits: Tensor, target: Tensor) -> Tensor:
    if target.dim() == logits.dim():
        dense = target.to(logits.dtype)
    else:
        dense = one_hot(target.long(), logits.shape[1], dtype=logits.dtype)
    # the last sum is that of all probabilities on both sides
    return (logits.softmax(1) - dense).cumsum(1)[:, :-1].square().sum(1)


class _Gap(torch.autograd.Function):
    """Sums by a triangular matrix, which takes a CPU less long than to cumulate."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(logits, target)
        loss = logits.new_empty((len(logits), logits.shape[2]))
        for rows, pixels in blocks(logits):
            prob = logits[rows, :, pixels].softmax(1)
            given = target[rows, ..., pixels]
            if given.dim() == prob.dim():
                prob.sub_(given)
            else:
                hit = given.long().unsqueeze(1)
                prob.scatter_add_(1, hit, prob.new_full((), -1.0).expand(hit.shape))
            apart = torch.matmul(_triangle(prob), prob)
            torch.sum(apart.square_(), 1, out=loss[rows, pixels])
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, target = ctx.saved_tensors
        if torch.is_grad_enabled():
            (slope,) = torch.autograd.grad(_gap(logits, target), logits, grad, create_graph=True)
            return slope, None
        slope = torch.empty_like(logits)
        with without_autocast(logits.device.type):
            triangle = _triangle(logits)
            both_ways = triangle.T @ triangle
            for rows, pixels in blocks(logits):
                prob = logits[rows, :, pixels].softmax(1)
                given = target[rows, ..., pixels]
                if given.dim() == prob.dim():
                    lever = torch.matmul(both_ways, prob - given)
                else:
                    hit = given.long().unsqueeze(1)
                    own = prob.gather(1, hit)
                    lever = torch.matmul(both_ways, prob.scatter_(1, hit, own - 1))
                    prob.scatter_(1, hit, own)
                mean = (lever * prob).sum(1, keepdim=True)
                prob.mul_(2 * grad[rows, pixels].unsqueeze(1))
                torch.mul(lever.sub_(mean), prob, out=slope[rows, :, pixels])
        return slope, None


def _triangle(prob: Tensor) -> Tensor:
    """(C - 1, C), which sums up to each class but the last."""
    return prob.new_ones(prob.shape[1], prob.shape[1]).tril_()[:-1]
