"""Errors of ranks, and the updates that stand in place of their gradients, in linear memory.

A rank is a sum of soft steps of score differences, which :mod:`seglosses.primitives.steps` gives
exactly. It has no useful derivative; objects and what is ranked above them are pulled apart by the
error, as published.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seglosses.primitives.device import at_hand, widest
from seglosses.primitives.steps import shares_below, step_sums, steps_above, true_places

#: objects whose scores are compared with all others at once
_ROWS = 256


def _steps(scores: Tensor, at: Tensor, delta: float) -> Tensor:
    apart = scores[None] - at[:, None]
    return (apart / (2 * delta) + 0.5).clamp(0, 1) if delta else (apart >= 0).to(scores.dtype)


#: What an object's error is made of, for its update.
State = tuple[Tensor, ...]


def _sorted_errors(
    scores: Tensor, fit: Tensor, false: Tensor, delta: float
) -> tuple[Tensor, State]:
    """Errors (k,) of objects in ranking and sorting, by the background above them."""
    sorting, pull = torch.zeros_like(scores), torch.zeros_like(scores)
    rank = torch.zeros_like(scores)
    for rows in torch.split(torch.arange(len(scores), device=scores.device), _ROWS):
        above = _steps(scores, scores[rows], delta)
        rightly = above * (fit[None] >= fit[rows, None])
        rank[rows] = above.sum(1)
        wanted = (rightly @ (1 - fit)) / rightly.sum(1)
        sorting[rows] = (above @ (1 - fit)) / rank[rows] - wanted
        pull[rows] = rank[rows] - rightly.sum(1)
    ranking = false / (rank + false)
    return ranking + sorting, (false, ranking, sorting, pull)


def _sorted_updates(
    given: Tensor, scores: Tensor, fit: Tensor, state: State, delta: float
) -> tuple[Tensor, Tensor]:
    """Updates (k,) of objects, and their errors that the background takes."""
    false, ranking, sorting, pull = state
    ranked, sorted_ = given * ranking, torch.where(pull > 1e-10, given * sorting, 0.0)
    own = -torch.where(false > 1e-10, ranked, 0.0) - sorted_
    share = torch.where(pull > 1e-10, sorted_ / pull.clamp(min=1e-10), 0.0)
    for rows in torch.split(torch.arange(len(scores), device=scores.device), _ROWS):
        wrongly = _steps(scores, scores[rows], delta) * (fit[None] < fit[rows, None])
        own += share[rows] @ wrongly
    return own, ranked


def _precision_errors(
    scores: Tensor, fit: Tensor, false: Tensor, delta: float
) -> tuple[Tensor, State]:
    """Errors (k,) of objects in localisation recall precision, by the background above them."""
    miss = 1 - fit
    # an object is not above itself: its own step is taken off, half a one where steps are wide
    own = 0.5 if delta else 1.0
    before = step_sums(scores, scores, torch.ones_like(scores), delta) - own
    misses = step_sums(scores, scores, miss, delta) - own * miss
    rank = 1 + before + false
    return (misses + miss + false) / rank, (false, (misses + false) / rank)


def _precision_updates(
    given: Tensor, scores: Tensor, fit: Tensor, state: State, delta: float
) -> tuple[Tensor, Tensor]:
    """Updates (k,) of objects, and their errors that the background takes."""
    false, error = state
    error = torch.where(false > 1e-5, given * error, 0.0)
    return -error, error


_RANKED = {
    "rank sort": (_sorted_errors, _sorted_updates),
    "aLRP": (_precision_errors, _precision_updates),
}


def _parted(quality: Tensor) -> tuple[Tensor, Tensor]:
    """Places of objects and of background; the number of objects is the one wait for a device."""
    objects = quality.flatten() > 0
    so_far = objects.cumsum(0)
    count = int(so_far[-1]) if len(so_far) else 0
    number = torch.arange(len(so_far), device=quality.device)
    order = torch.empty_like(number)
    order[torch.where(objects, so_far - 1, count + number - so_far)] = number
    return order[:count], order[count:]


def _errors(
    logits: Tensor, quality: Tensor, delta: float, name: str
) -> tuple[Tensor, tuple[Tensor, Tensor], State]:
    """Errors where the objects are, places of both, and what updates need.

    On a CPU those of the background are a mask of the objects, and its scores are all scores.
    """
    flat = logits.detach().flatten()
    wide = widest(flat)
    if at_hand(flat):
        # a kernel passes objects over, where they are marked
        others = quality.flatten() > 0
        objects = true_places(others)
    else:
        objects, others = _parted(quality)
    scores, fit = flat[objects].to(wide), quality.flatten()[objects].to(wide)
    if others.dtype == torch.bool:
        other, false = flat, steps_above(scores, flat, others, delta)
    else:
        other = flat[others].to(wide)
        false = step_sums(scores, other, torch.ones_like(other), delta)
    error, state = _RANKED[name][0](scores, fit, false, delta)
    out = flat.new_zeros(flat.shape)
    out[objects] = error.to(out.dtype)
    return out.view(logits.shape), (objects, others), (scores, fit, other, *state)


def _updates(
    grad: Tensor, places: tuple[Tensor, Tensor], state: State, delta: float, name: str
) -> Tensor:
    """What the authors put in place of a gradient."""
    objects, others = places
    scores, fit, other, *rest = state
    given = grad.flatten()[objects].to(scores.dtype)
    own, error = _RANKED[name][1](given, scores, fit, tuple(rest), delta)
    false = rest[0]
    # errors of objects, laid on the background above them in parts of their steps
    share = torch.where(false > 1e-10, error / false.clamp(min=1e-10), 0.0)
    if others.dtype == torch.bool:
        out = shares_below(scores, share, other, others, delta).to(grad.dtype)
    else:
        out = grad.new_empty((grad.numel(),))
        out[others] = step_sums(-other, -scores, share, delta).to(out.dtype)
    out[objects] = own.to(out.dtype)
    return out.view(grad.shape)


class _Ranked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, quality: Tensor, delta: float, name: str) -> Tensor:
        out, places, state = _errors(logits, quality, delta, name)
        ctx.save_for_backward(*places, *state)
        ctx.delta, ctx.name = delta, name
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        objects, others, *state = ctx.saved_tensors
        update = _updates(grad, (objects, others), tuple(state), ctx.delta, ctx.name)
        return update, None, None, None


# two nodes of a graph, for the number of objects decides the sizes within; schemas are spelled
# out: torch reads them off annotations that are strings from 2.5 on only
@torch.library.custom_op(
    "seglosses::rank_errors",
    mutates_args=(),
    schema="(Tensor logits, Tensor quality, float delta, str name) -> Tensor",
)
def _errors_operator(logits: Tensor, quality: Tensor, delta: float, name: str) -> Tensor:
    return _errors(logits, quality, delta, name)[0]


@_errors_operator.register_fake
def _(logits: Tensor, quality: Tensor, delta: float, name: str) -> Tensor:
    return logits.new_empty(logits.shape)


@torch.library.custom_op(
    "seglosses::rank_updates",
    mutates_args=(),
    schema="(Tensor grad, Tensor logits, Tensor quality, float delta, str name) -> Tensor",
)
def _updates_operator(
    grad: Tensor, logits: Tensor, quality: Tensor, delta: float, name: str
) -> Tensor:
    _, places, state = _errors(logits, quality, delta, name)
    return _updates(grad, places, state, delta, name)


@_updates_operator.register_fake
def _(grad: Tensor, logits: Tensor, quality: Tensor, delta: float, name: str) -> Tensor:
    return grad.new_empty(grad.shape)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor, float, str], output: Tensor) -> None:
    logits, quality, ctx.delta, ctx.name = inputs
    ctx.save_for_backward(logits, quality)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
    return _updates_operator(grad, *ctx.saved_tensors, ctx.delta, ctx.name), None, None, None


_errors_operator.register_autograd(_backward, setup_context=_keep)


def ranked(name: str, logits: Tensor, quality: Tensor, delta: float) -> Tensor:
    """Errors of objects by rank, whose gradient is the published update.

    Args:
        name: 'rank sort' or 'aLRP'.
        logits: (n, C).
        quality: (n, C) in [0, 1], zero for other classes and background.
        delta: Half the width of a step; 0 for a hard one.

    Returns:
        (n, C), zero but at objects.

    Example:
        >>> logits, quality = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [0.0]])
        >>> ranked("rank sort", logits, quality, 0.0)  # the background is above: FP 1 of rank 2
        tensor([[0.5000],
                [0.0000]])
    """
    if torch.compiler.is_compiling():
        made = _errors_operator(logits, quality.detach(), delta, name)
        assert isinstance(made, Tensor)
        return made
    out: Tensor = _Ranked.apply(logits, quality, delta, name)  # type: ignore[no-untyped-call]
    return out
