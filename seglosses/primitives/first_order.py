"""Backward passes that are written by hand, and have no derivative of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from seglosses.primitives.device import is_transformed


def apply_by_hand(function: type[torch.autograd.Function], *inputs: Any) -> Any:
    """Apply a function with a backward pass of its own, or say that ``torch.func`` cannot.

    Args:
        function: With ``forward`` and ``backward`` that a transform could not follow.
        inputs: Of the function.

    Raises:
        RuntimeError: inside ``torch.func.grad``, ``vmap`` and their relatives.

    Example:
        >>> class Double(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return 2 * x
        >>> apply_by_hand(Double, torch.ones(1))
        tensor([2.])
        >>> try:
        ...     torch.func.vmap(lambda x: apply_by_hand(Double, x))(torch.ones(2))
        ... except RuntimeError as error:
        ...     print(str(error).partition(":")[0])
        expected a plain call, got one inside torch.func
    """
    refuse_transforms()
    return function.apply(*inputs)  # type: ignore[no-untyped-call]


def refuse_transforms() -> None:
    """Raise ``RuntimeError`` inside ``torch.func``, see :func:`apply_by_hand`.

    Example:
        >>> refuse_transforms()
    """
    if is_transformed():
        raise RuntimeError(
            "expected a plain call, got one inside torch.func: this loss's backward pass is written"
            " by hand, and no transform can follow it; take torch.autograd.grad of the loss, and a"
            " loop in place of vmap"
        )


def as_given(backward: Callable[..., Any]) -> Callable[..., Any]:
    """The ``backward`` of a :class:`torch.autograd.Function` in the precision of what it is given.

    PyTorch asks to call ``backward()`` outside of autocast, and many loops do not: products of
    matrices would then be rounded to half precision.

    Args:
        backward: Of the context and the incoming gradients.

    Returns:
        The same, with autocast switched off.

    Example:
        >>> class Product(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x.sum()
        ...     @staticmethod
        ...     @as_given
        ...     def backward(ctx, grad):
        ...         return (torch.full((1, 1), 1 + 2**-10) @ torch.ones(1, 1)).view(1) * grad
        >>> x = torch.ones(1, requires_grad=True)
        >>> with torch.autocast("cpu"):
        ...     torch.autograd.grad(Product.apply(x), x)  # bfloat16 would leave 1
        (tensor([1.0010]),)
    """

    @functools.wraps(backward)
    def exact(context: Any, *gradients: Any) -> Any:
        place = next((each.device.type for each in gradients if each is not None), "cpu")
        if not torch.is_autocast_enabled(place):
            return backward(context, *gradients)
        with torch.autocast(place, enabled=False):
            return backward(context, *gradients)

    return exact


def first_order(backward: Callable[..., Any]) -> Callable[..., Any]:
    """The ``backward`` of a :class:`torch.autograd.Function` that says so if asked for a graph.

    It computes :func:`as_given`. PyTorch's ``once_differentiable`` speaks up only where the
    incoming gradient has a graph. That of a loss is a constant, so that its gradient would come
    without a graph, and a penalty on it would do nothing, without a word.

    Args:
        backward: Of the context and the incoming gradients.

    Returns:
        The same, except under ``create_graph=True``.

    Raises:
        RuntimeError: under ``create_graph=True``, when called.

    Example:
        >>> class Double(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return 2 * x
        ...     @staticmethod
        ...     @first_order
        ...     def backward(ctx, grad):
        ...         return 2 * grad
        >>> x = torch.ones(1, requires_grad=True)
        >>> torch.autograd.grad(Double.apply(x), x)
        (tensor([2.]),)
        >>> try:
        ...     torch.autograd.grad(Double.apply(x), x, create_graph=True)
        ... except RuntimeError as error:
        ...     print(str(error).partition(":")[0])
        expected one backward pass, got create_graph=True
    """
    exact = as_given(backward)

    @functools.wraps(backward)
    def once(context: Any, *gradients: Any) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "expected one backward pass, got create_graph=True: this loss has no second"
                " derivative, for its first one is written by hand; take gradient penalties of a"
                " loss of plain PyTorch, or of the network's output"
            )
        return exact(context, *gradients)

    return once
