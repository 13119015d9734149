"""Cross-entropy of classes and of the groups that they are in, by one exponential of each logit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand
from seglosses.primitives.set_entropy import no_logit_vanishes

Levels = Sequence[tuple[Sequence[int], float]]


def group_entropy(logits: Tensor, target: Tensor, levels: Levels) -> Tensor:
    r"""Cross-entropy of a class and of its group at each of several levels, by factors.

        loss = -log p_y - sum_l f_l log (sum of p over the group of y at level l)

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        levels: For each level the group of every class, counted from 0, and its factor f.

    Returns:
        (N, *S), at least 0.

    Example:
        >>> levels = [([0, 0, 1], 0.5)]
        >>> group_entropy(torch.zeros(1, 3, 1), torch.tensor([[1]]), levels)  # log 3 + log(3/2) / 2
        tensor([[1.3013]])
    """
    if target.dim() < logits.dim() and at_hand(logits) and no_logit_vanishes(logits):
        loss: Tensor = _GroupEntropy.apply(logits, target, levels)  # type: ignore[no-untyped-call]
        return loss
    return _in_steps(logits, target, levels)


def _in_steps(logits: Tensor, target: Tensor, levels: Levels) -> Tensor:
    """The same of any logits and targets, by logarithms."""
    log_p = logits.log_softmax(1)
    dense = target.dim() == logits.dim()
    own = (target.to(log_p.dtype) * log_p).sum(1) if dense else _at(log_p, target)
    loss = -own
    for of, factor in levels:
        sums = [_log_sum(log_p, leaves) for leaves in _leaves(of)]
        # by classes again: an index of groups would have to be sent to a device
        parts = torch.stack([sums[group] for group in of], 1)
        part = (target.to(parts.dtype) * parts).sum(1) if dense else _at(parts, target)
        loss = loss - factor * part
    return loss


def _at(maps: Tensor, labels: Tensor) -> Tensor:
    return maps.gather(1, labels.unsqueeze(1)).squeeze(1)


def _leaves(of: Sequence[int]) -> list[list[int]]:
    leaves: list[list[int]] = [[] for _ in range(max(of) + 1)]
    for leaf, group in enumerate(of):
        leaves[group].append(leaf)
    return leaves


def _log_sum(log_p: Tensor, leaves: list[int]) -> Tensor:
    total = log_p[:, leaves[0]]
    for leaf in leaves[1:]:
        total = torch.logaddexp(total, log_p[:, leaf])
    return total


class _GroupEntropy(torch.autograd.Function):
    """Of labels; backward reads the exponentials again."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, levels: Levels) -> Tensor:
        rise = (logits - logits.amax(1, keepdim=True)).exp_()
        whole = rise.sum(1)
        loss = (whole / _at(rise, labels)).log_()
        parts = []
        for of, factor in levels:
            which = torch.tensor(of, device=labels.device)
            sums = rise.new_zeros(len(rise), max(of) + 1, *labels.shape[1:])
            part = _at(sums.index_add_(1, which, rise), which.take(labels))
            loss.add_((whole / part).log_(), alpha=factor)
            parts.append(part)
        ctx.levels = levels
        ctx.save_for_backward(logits, labels, rise, whole, *parts)
        # rounding alone may put a part above the whole
        return loss.clamp_(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        logits, labels, rise, whole, *parts = ctx.saved_tensors
        if torch.is_grad_enabled():
            loss = _in_steps(logits, labels, ctx.levels)
            (slope,) = torch.autograd.grad(loss, logits, grad, create_graph=True)
            return slope, None, None
        total = 1 + sum(factor for _, factor in ctx.levels)
        slope = rise * (grad * total / whole).unsqueeze(1)
        for (of, factor), part in zip(ctx.levels, parts, strict=True):
            lever, group = grad / part, torch.tensor(of, device=labels.device).take(labels)
            for number, leaves in enumerate(_leaves(of)):
                share = lever * (group == number)
                for leaf in leaves:
                    slope[:, leaf].addcmul_(rise[:, leaf], share, value=-factor)
        return slope.scatter_add_(1, labels.unsqueeze(1), -grad.unsqueeze(1)), None, None
