"""Work that NumPy does for tensors of any device: one copy down, one copy up, one node of a graph.

Skeletons, distances and topology are computed on the CPU. Whatever the number of images and
classes, their maps go down in one copy and the result comes up in one. ``torch.compile``,
``torch.export`` and ``torch.func`` see one operator of known shape, ``seglosses::host_maps`` or
``seglosses::host_table``, so that graphs do not break there. No gradient flows through it.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]
_FUNCTIONS: dict[str, HostFunction] = {}


@dataclass(frozen=True)
class HostFunction:
    """A function of arrays, with the name by which operators know it."""

    compute: Callable[..., Array]
    name: str


def host_function(compute: Callable[..., Array]) -> HostFunction:
    """Let :func:`host_maps` and :func:`host_table` call a function of a module.

    Args:
        compute: Of arrays, and options that can be written as Python literals.

    Example:
        >>> @host_function
        ... def inverted(mask):
        ...     return ~mask
        >>> host_maps(inverted, torch.tensor([[[True, False]]]), dtype=torch.bool)
        tensor([[[False,  True]]])
    """
    made = HostFunction(compute, f"{compute.__module__}.{compute.__qualname__}")
    _FUNCTIONS[made.name] = made
    return made


def spelled(options: Mapping[str, object]) -> str:
    """Options as the text that an operator gets; numbers that a compiler keeps open are fixed.

    Such a number has no ``repr``, but a ``hex``; floats are bytes of it, which no option is.

    Example:
        >>> spelled(dict(sampling=(1.5, 2), rule="all"))
        "{'sampling': (b'0x1.8000000000000p+0', 2), 'rule': 'all'}"
    """
    return repr(_closed(dict(options)))


def read_options(text: str) -> dict[str, Any]:
    """What :func:`spelled` was given.

    Example:
        >>> read_options(spelled(dict(sampling=(1.5, 2), rule="all")))
        {'sampling': (1.5, 2), 'rule': 'all'}
    """
    read: dict[str, Any] = _opened(ast.literal_eval(text))
    return read


def _closed(value: object) -> Any:
    if isinstance(value, float):
        return value.hex().encode()
    if isinstance(value, dict):
        return {name: _closed(each) for name, each in value.items()}
    return tuple(_closed(each) for each in value) if isinstance(value, list | tuple) else value


def _opened(value: object) -> Any:
    if isinstance(value, bytes):
        return float.fromhex(value.decode())
    if isinstance(value, dict):
        return {name: _opened(each) for name, each in value.items()}
    return tuple(_opened(each) for each in value) if isinstance(value, tuple) else value


def host_maps(
    compute: HostFunction,
    *maps: Tensor,
    dtype: torch.dtype,
    leading: int = 2,
    extra: Sequence[int] = (),
    options: Mapping[str, object] | None = None,
) -> Tensor:
    """Call a function with the arrays of each image and class, and stack what it returns.

    Args:
        compute: A :func:`host_function` of one array (*S) for each of ``maps``, which returns an
            array (*extra, *S).
        maps: (N, K, *S), or of other ``leading`` dimensions.
        dtype: Of the result.
        leading: Number of dimensions that are taken apart.
        extra: Dimensions that the function adds in front.
        options: Of the function: numbers, strings, ``None`` and tuples of them.

    Returns:
        (N, K, *extra, *S) on the device of the maps, without a graph.
    """
    given, options = [_numbers(each) for each in maps], dict(options or {})
    if _is_watched():
        named = _maps_operator(given, compute.name, spelled(options), leading, list(extra), dtype)
        assert isinstance(named, Tensor)
        return named
    return _computed_maps(given, compute, options, leading, extra, dtype)


def host_table(
    compute: HostFunction,
    *maps: Tensor,
    columns: int,
    options: Mapping[str, object] | None = None,
) -> Tensor:
    """Call a function with whole batches, for a table of as many rows as it finds.

    Args:
        compute: A :func:`host_function` of one array for each of ``maps``, which returns integers
            (rows, columns).
        maps: Of any shapes.
        columns: Of the table.
        options: As in :func:`host_maps`.

    Returns:
        (rows, columns) int64 on the device of the maps.

    Example:
        >>> @host_function
        ... def places(mask):
        ...     return np.argwhere(mask)
        >>> host_table(places, torch.tensor([[0, 1], [1, 0]]), columns=2)
        tensor([[0, 1],
                [1, 0]])
    """
    given, options = [_numbers(each) for each in maps], dict(options or {})
    if _is_watched():
        named = _table_operator(given, compute.name, spelled(options), columns)
        assert isinstance(named, Tensor)
        return named
    return _computed_table(given, compute, options)


def _numbers(maps: Tensor) -> Tensor:
    # NaN has no place in an order; whoever reads the result lets it through by another way
    return maps.detach().nan_to_num() if maps.is_floating_point() else maps.detach()


def _is_watched() -> bool:
    """Whether a compiler or a transform of ``torch.func`` must not see NumPy."""
    if torch.compiler.is_compiling():
        return True
    if not torch._C._are_functorch_transforms_active():
        return False
    if not hasattr(_maps_operator, "register_vmap"):
        raise RuntimeError(
            "expected a plain call, got one inside torch.func: what NumPy computes for this loss"
            f" can be transformed from torch 2.5 on, and this is {torch.__version__}"
        )
    return True


def down(maps: Sequence[Tensor]) -> list[Array]:
    """Arrays of the maps; from another device in one copy of all their bytes.

    Example:
        >>> down([torch.tensor([1, 2])])
        [array([1, 2])]
    """
    if len(maps) == 1 or maps[0].device.type == "cpu":
        return [each.cpu().numpy() for each in maps]
    # the wide types first, so that each begins where its numbers may
    order = sorted(range(len(maps)), key=lambda i: -maps[i].element_size())
    flat = [maps[i].contiguous().view(-1).view(torch.uint8) for i in order]
    packed, start = torch.cat(flat).cpu(), 0
    arrays: list[Array] = [np.empty(0)] * len(maps)
    for i, part in zip(order, flat, strict=True):
        own = packed[start : start + part.numel()].view(maps[i].dtype)
        arrays[i], start = own.view(maps[i].shape).numpy(), start + part.numel()
    return arrays


def sent_up(array: Array, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The array on the device; the host does not wait for the copy."""
    tensor = torch.from_numpy(np.ascontiguousarray(array)).to(dtype)
    if device.type == "cpu":
        return tensor
    # only from pinned memory is a copy asynchronous
    tensor = tensor.pin_memory() if device.type == "cuda" else tensor
    return tensor.to(device, non_blocking=True)


def _computed_maps(
    maps: Sequence[Tensor],
    compute: HostFunction,
    options: Mapping[str, Any],
    leading: int,
    extra: Sequence[int],
    dtype: torch.dtype,
) -> Tensor:
    shape = (*maps[0].shape[:leading], *extra, *maps[0].shape[leading:])
    if 0 in shape:
        return maps[0].new_zeros(shape, dtype=dtype)
    count = math.prod(shape[:leading])
    rows = [each.reshape(count, *each.shape[leading:]) for each in down(maps)]
    found = [compute.compute(*row, **options) for row in zip(*rows, strict=True)]
    together = np.stack(found) if count > 1 else found[0]
    return sent_up(together.reshape(shape), dtype, maps[0].device)


def _computed_table(
    maps: Sequence[Tensor], compute: HostFunction, options: Mapping[str, Any]
) -> Tensor:
    return sent_up(compute.compute(*down(maps), **options), torch.int64, maps[0].device)


# schemas are spelled out: torch reads them off annotations that are strings from 2.5 on only
@torch.library.custom_op(
    "seglosses::host_maps",
    mutates_args=(),
    schema="(Tensor[] maps, str function, str options, int leading, SymInt[] extra,"
    " ScalarType dtype) -> Tensor",
)
def _maps_operator(
    maps: Sequence[Tensor],
    function: str,
    options: str,
    leading: int,
    extra: Sequence[int],
    dtype: torch.dtype,
) -> Tensor:
    given = read_options(options)
    return _computed_maps(maps, _FUNCTIONS[function], given, leading, extra, dtype)


@_maps_operator.register_fake
def _(
    maps: Sequence[Tensor],
    function: str,
    options: str,
    leading: int,
    extra: Sequence[int],
    dtype: torch.dtype,
) -> Tensor:
    shape = (*maps[0].shape[:leading], *extra, *maps[0].shape[leading:])
    return maps[0].new_empty(shape, dtype=dtype)


def _maps_of_batches(
    info: Any,
    in_dims: tuple[Any, ...],
    maps: Sequence[Tensor],
    function: str,
    options: str,
    leading: int,
    extra: Sequence[int],
    dtype: torch.dtype,
) -> tuple[Tensor, int]:
    # images of one batch more are images all the same
    folded = [each.flatten(0, 1) for each in _first(info.batch_size, in_dims[0], maps)]
    found = _maps_operator(folded, function, options, leading, extra, dtype)
    return found.unflatten(0, (info.batch_size, -1)), 0


def _first(size: int, dims: Sequence[int | None], maps: Sequence[Tensor]) -> list[Tensor]:
    """The maps with the dimension of a ``vmap`` in front."""
    return [
        each.expand(size, *each.shape) if dim is None else each.movedim(dim, 0)
        for dim, each in zip(dims, maps, strict=True)
    ]


@torch.library.custom_op(
    "seglosses::host_table",
    mutates_args=(),
    schema="(Tensor[] maps, str function, str options, int columns) -> Tensor",
)
def _table_operator(maps: Sequence[Tensor], function: str, options: str, columns: int) -> Tensor:
    return _computed_table(maps, _FUNCTIONS[function], read_options(options))


@_table_operator.register_fake
def _(maps: Sequence[Tensor], function: str, options: str, columns: int) -> Tensor:
    rows = torch.library.get_ctx().new_dynamic_size()
    return maps[0].new_empty((rows, columns), dtype=torch.int64)


def _table_of_batches(info: Any, in_dims: tuple[Any, ...], *_: object) -> tuple[Tensor, int]:
    raise RuntimeError(
        "expected a plain call, got one inside torch.func.vmap: this loss finds a table of"
        " features, of another length for every batch, which cannot be stacked; take a loop, or one"
        " batch of all images, whose losses are separate under reduction='none'"
    )


# torch 2.4 has operators, but none that torch.func goes through
if hasattr(_maps_operator, "register_vmap"):
    _maps_operator.register_vmap(_maps_of_batches)
    _table_operator.register_vmap(_table_of_batches)
