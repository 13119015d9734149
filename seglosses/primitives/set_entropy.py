"""Cross-entropy of sets of classes, and the price of others, in about the time of one class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import one_hot
from seglosses.primitives.few_classes import as_factor
from seglosses.primitives.first_order import first_order

#: Logits that differ by no more than this have exponentials of which none vanishes.
_SPAN = 80.0


def no_logit_vanishes(logits: Tensor) -> bool:
    """Whether logits at hand are so close to each other that no exponential of them is 0.

    Example:
        >>> no_logit_vanishes(torch.tensor([0.0, 80.0])), no_logit_vanishes(torch.tensor([0.0, 99]))
        (True, False)
    """
    if not logits.numel():
        return False
    low, high = logits.detach().aminmax()
    # false for NaN too
    return bool(high - low <= _SPAN)


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
    if at_hand(logits) and no_logit_vanishes(logits):
        loss: Tensor = _SetEntropy.apply(logits, inside)  # type: ignore[no-untyped-call]
        return loss
    part = logits.masked_fill(~inside, -torch.inf).logsumexp(1)
    # rounding alone may put the part above the whole
    return (logits.logsumexp(1) - part).clamp(min=0)


def merged_entropy(logits: Tensor, labels: Tensor, here: Tensor) -> Tensor:
    """:func:`set_entropy` of labels, of which class 0 stands for all classes that are not here.

    Args:
        logits: (N, C, *S), on a CPU.
        labels: (N, *S), 0 or a class that is here.
        here: Which classes an image has labels of, boolean (N, C), class 0 among them.

    Returns:
        (N, *S), at least 0.

    Example:
        >>> here = torch.tensor([[True, True, False]])
        >>> merged_entropy(torch.zeros(1, 3, 2), torch.tensor([[0, 1]]), here)  # log 3/2 and log 3
        tensor([[0.4055, 1.0986]])
    """
    if no_logit_vanishes(logits):
        maps, flat = logits.flatten(2), labels.flatten(1)
        loss: Tensor = _MergedEntropy.apply(maps, flat, here)  # type: ignore[no-untyped-call]
        return loss.view_as(labels)
    return set_entropy(logits, merged_sets(labels, here))


def merged_sets(labels: Tensor, here: Tensor) -> Tensor:
    """The sets of :func:`merged_entropy`, boolean (N, C, *S).

    Args:
        labels: (N, *S), 0 or a class that is here.
        here: Which classes an image has labels of, boolean (N, C).

    Example:
        >>> merged_sets(torch.tensor([[0, 1]]), torch.tensor([[True, True, False]])).int()
        tensor([[[1, 0],
                 [0, 1],
                 [1, 0]]], dtype=torch.int32)
    """
    own = one_hot(labels, here.shape[1], dtype=torch.bool)
    hidden = ~here.view(*here.shape, *(1,) * (labels.dim() - 1))
    return own | (hidden & (labels == 0).unsqueeze(1))


def outside_price(logits: Tensor, inside: Tensor, epsilon: float) -> Tensor:
    """Sum of log(1 + p / epsilon) over the classes outside of a set.

    Args:
        logits: (N, C, *S).
        inside: Which classes belong to a pixel's set, boolean (N, C, *S).
        epsilon: Above 0.

    Returns:
        (N, *S), at least 0.

    Example:
        >>> logits = torch.tensor([[[0.5], [0.3], [0.2]]]).log()
        >>> outside_price(logits, torch.tensor([[[True], [False], [True]]]), 1.0)  # log 1.3
        tensor([[0.2624]])
    """
    if at_hand(logits):
        price: Tensor = _OutsidePrice.apply(logits, inside, epsilon)  # type: ignore[no-untyped-call]
        return price
    return _price(logits.softmax(1), inside, epsilon)


def _price(prob: Tensor, inside: Tensor, epsilon: float) -> Tensor:
    return torch.log1p(prob / epsilon).masked_fill(inside, 0.0).sum(1)


class _MergedEntropy(torch.autograd.Function):
    """As :class:`_SetEntropy`, with one set of several classes for an image."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, here: Tensor) -> Tensor:
        hidden = ~here
        hidden[:, 0] = True
        rise = (logits - logits.amax(1, keepdim=True)).exp_()
        whole, index = rise.sum(1), labels.unsqueeze(1)
        background = torch.bmm(hidden.to(rise.dtype).unsqueeze(1), rise).squeeze(1)
        part = torch.where(labels == 0, background, rise.gather(1, index).squeeze(1))
        ctx.save_for_backward(logits, labels, hidden, rise, whole, part)
        return (whole / part).log_().clamp_(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        logits, labels, hidden, rise, whole, part = ctx.saved_tensors
        if torch.is_grad_enabled():
            inside = merged_sets(labels, ~hidden)
            part = logits.masked_fill(~inside, -torch.inf).logsumexp(1)
            loss = (logits.logsumexp(1) - part).clamp(min=0)
            (slope,) = torch.autograd.grad(loss, logits, grad, create_graph=True)
            return slope, None, None
        slope = rise * (grad / whole).unsqueeze(1)
        unlabelled = labels == 0
        lever = torch.where(unlabelled, grad / part, 0.0)
        for image, classes in enumerate(hidden.tolist()):
            for c in (c for c, is_hidden in enumerate(classes) if is_hidden):
                slope[image, c].addcmul_(rise[image, c], lever[image], value=-1)
        own = torch.where(unlabelled, 0.0, -grad).unsqueeze(1)
        return slope.scatter_add_(1, labels.unsqueeze(1), own), None, None


class _SetEntropy(torch.autograd.Function):
    """One exponential of each logit, which backward reads again."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, inside: Tensor) -> Tensor:
        rise = (logits - logits.amax(1, keepdim=True)).exp_()
        factor = as_factor(inside, rise.dtype)
        whole, part = rise.sum(1, keepdim=True), (rise * factor).sum(1, keepdim=True)
        ctx.save_for_backward(rise, factor, whole, part)
        return (whole / part).log_().squeeze(1).clamp_(min=0)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        rise, factor, whole, part = ctx.saved_tensors
        grad = grad.unsqueeze(1)
        return (factor * (-grad / part)).add_(grad / whole).mul_(rise), None


class _OutsidePrice(torch.autograd.Function):
    """Keeps the probabilities alone."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, inside: Tensor, epsilon: float) -> Tensor:
        prob = logits.softmax(1)
        ctx.epsilon = epsilon
        ctx.save_for_backward(logits, inside, prob)
        return (prob / epsilon).log1p_().masked_fill_(inside, 0.0).sum(1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        logits, inside, prob = ctx.saved_tensors
        if torch.is_grad_enabled():
            price = _price(logits.softmax(1), inside, ctx.epsilon)
            (slope,) = torch.autograd.grad(price, logits, grad, create_graph=True)
            return slope, None, None
        slope = (prob + ctx.epsilon).reciprocal_().masked_fill_(inside, 0.0).mul_(prob)
        slope.mul_(grad.unsqueeze(1))
        return slope.addcmul_(prob, slope.sum(1, keepdim=True), value=-1), None, None
