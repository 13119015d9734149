"""A quadratic form whose gradient is known with its value."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.first_order import apply_by_hand, first_order


def quadratic_form(x: Tensor, linear: Tensor, product: Tensor) -> Tensor:
    """The sums over pixels of x (linear + A x), A symmetric and A x given.

    Args:
        x: (N, C, *S), differentiable once.
        linear: Broadcastable to ``x``; a constant.
        product: A x, as ``x``; a constant to autograd, for the slope is linear + 2 A x.

    Returns:
        (N, C).

    Example:
        >>> x = torch.tensor([[[3.0]]], requires_grad=True)
        >>> value = quadratic_form(x, torch.tensor([[[1.0]]]), 2 * x.detach())  # x + 2 x^2
        >>> value.backward()
        >>> value.item(), x.grad.item()
        (21.0, 13.0)
    """
    value: Tensor = apply_by_hand(_Quadratic, x, linear, product)
    return value


class _Quadratic(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, linear: Tensor, product: Tensor) -> Tensor:
        ctx.save_for_backward(linear + 2 * product)
        return (x * (linear + product)).flatten(2).sum(2)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        return slope * grad.view(*grad.shape, *(1,) * (slope.dim() - 2)), None, None
