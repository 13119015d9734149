"""Costs of as many features as the host finds, as one node of a compiled graph.

Eagerly such a cost is plain torch: indices come from NumPy, and autograd gathers the values there.
A graph has no place for tables whose length depends on numbers, and breaks there. So a compiler
sees one operator, ``seglosses::host_cost``, of the cost of each map and of its gradient, which are
as large as what goes in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from seglosses.primitives.host import read_options, spelled

_COSTS: dict[str, HostCost] = {}


@dataclass(frozen=True)
class HostCost:
    """A function of probabilities and targets (N, K, *S), and the name operators know it by."""

    compute: Callable[..., Tensor]
    name: str


def host_cost(compute: Callable[..., Tensor]) -> HostCost:
    """Let :func:`cost_of_maps` call a function of a module.

    Args:
        compute: Of probabilities and targets (N, K, *S), and options that can be written as Python
            literals; returns (N, K), each of its own map alone.

    Example:
        >>> @host_cost
        ... def highest(prob, target, *, factor):
        ...     return factor * prob.flatten(2).amax(2)
        >>> maps = torch.tensor([[[0.5, 0.25]]])
        >>> cost_of_maps(highest, maps, maps, {"factor": 2.0})
        tensor([[1.]])
    """
    made = HostCost(compute, f"{compute.__module__}.{compute.__qualname__}")
    _COSTS[made.name] = made
    return made


def cost_of_maps(
    cost: HostCost, prob: Tensor, target: Tensor, options: Mapping[str, object]
) -> Tensor:
    """The cost of each map, differentiable with respect to the probabilities.

    Args:
        cost: Of :func:`host_cost`.
        prob: (N, K, *S).
        target: (N, K, *S).
        options: Of the function.

    Returns:
        (N, K).
    """
    if not torch.compiler.is_compiling():
        return cost.compute(prob, target, **options)
    still = prob.detach()
    value, slope = _cost_operator(still, target.detach(), cost.name, spelled(options))
    assert isinstance(value, Tensor)
    # the value, and the operator's gradient
    result: Tensor = value + ((prob - still) * slope).flatten(2).sum(2)
    return result


def _value_and_slope(
    cost: HostCost, prob: Tensor, target: Tensor, options: Mapping[str, Any]
) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = prob.requires_grad_()
        value = cost.compute(leaf, target, **options)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope


@torch.library.custom_op(
    "seglosses::host_cost",
    mutates_args=(),
    schema="(Tensor prob, Tensor target, str function, str options) -> (Tensor, Tensor)",
)
def _cost_operator(
    prob: Tensor, target: Tensor, function: str, options: str
) -> tuple[Tensor, Tensor]:
    maps = prob.detach().cpu().clone(), target.detach().cpu()
    # autograd is off inside an operator, but for other threads
    with ThreadPoolExecutor(1) as thread:
        work = thread.submit(_value_and_slope, _COSTS[function], *maps, read_options(options))
        value, slope = work.result()
    return value.to(prob.device), slope.to(prob.device)


@_cost_operator.register_fake
def _(prob: Tensor, target: Tensor, function: str, options: str) -> tuple[Tensor, Tensor]:
    slope = torch.empty_like(prob, memory_format=torch.contiguous_format)
    return prob.new_empty(prob.shape[:2]), slope
