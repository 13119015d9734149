"""An accelerator whose numbers lie on the CPU: the device ``paper``, to count and to mix up.

Its tensors refuse to meet CPU tensors, and a :class:`Ledger` notes every launch with its bytes,
every copy, and every time that the host waits, each with the line of the package that caused it.

Import this before the first backward pass of a process: autograd starts a thread a device then. The
process may abort as it ends, so leave it by ``os._exit`` (:mod:`tests.devices.walk` does).
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils.backend_registration as registration
from torch import Tensor
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map


class _Backend(registration._DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.float16, torch.bfloat16]

    def is_autocast_enabled(self) -> bool:
        return False

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0


registration._setup_privateuseone_for_python_backend("paper", backend_module=_Backend())
PAPER = torch.device("paper:0")

#: After these the host must wait: their result, or its size, is read there.
_WAITS = frozenset(
    f"aten.{name}"
    for name in (
        "nonzero.default", "masked_select.default", "_unique2.default", "unique_dim.default",
        "unique_consecutive.default", "unique_dim_consecutive.default", "bincount.default",
        "repeat_interleave.Tensor", "_local_scalar_dense.default", "is_nonzero.default",
        "equal.default", "histc.default",
    )
)  # fmt: skip
#: CUDA has kernels of these for floating-point numbers alone, a CPU for whole ones too.
_FLOATING = (
    "mm", "bmm", "addmm", "addbmm", "baddbmm", "addmv", "mv", "dot", "vdot", "addr", "convolution",
    "max_pool", "avg_pool", "adaptive", "upsample_linear", "upsample_bi", "upsample_tri",
    "grid_sampler", "cdist", "_cdist", "softmax", "_softmax", "_log_softmax",
    "reflection_pad", "replication_pad",
)  # fmt: skip
_INDEXING = frozenset(
    f"aten.{name}"
    for name in (
        "index.Tensor", "index_put.default", "index_put_.default", "_index_put_impl_.default",
        "_unsafe_index.Tensor",
    )
)  # fmt: skip


class Ledger:
    """What a stretch of work did on the device.

    ``events`` counts (kind, operation, line of the package) for copies ("down", "up", and "up,
    waiting" where the copy is not asynchronous), for waits ("wait"), and for what Apple's device
    lacks ("double", "assertion"), or CUDA ("no kernel"). ``bytes`` counts a launch's tensors whole;
    ``touched`` counts of what an index picks from, or writes to, those places alone.
    """

    def __init__(self) -> None:
        self.events: Counter[tuple[str, str, str]] = Counter()
        self.launches = 0
        self.bytes = 0
        self.touched = 0

    def count(self, *kinds: str) -> int:
        return sum(n for (kind, _, _), n in self.events.items() if kind in kinds)


_ledgers: list[Ledger] = []


def _line() -> str:
    for frame in reversed(traceback.extract_stack()):
        if "/seglosses/" in frame.filename:
            return f"{frame.filename.split('/seglosses/')[-1]}:{frame.lineno}"
    return "?"


def _note(kind: str, operation: str) -> None:
    if _ledgers:
        line = _line()
        for ledger in _ledgers:
            ledger.events[kind, operation, line] += 1


class OnPaper(Tensor):
    """A tensor of the device; ``numbers`` are its values."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> OnPaper:
        made = Tensor._make_wrapper_subclass(
            cls, numbers.shape, strides=numbers.stride(), storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype, layout=numbers.layout, device=PAPER, requires_grad=False,
        )  # fmt: skip
        made.numbers = numbers
        return made

    def __repr__(self) -> str:
        return f"OnPaper({self.numbers})"

    def tolist(self) -> Any:
        _note("wait", "tolist")
        return self.numbers.tolist()

    def numpy(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("numbers of the device paper are not at hand; call .cpu() first")

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _numbers(x: Any) -> Any:
    return x.numbers if isinstance(x, OnPaper) else x


def _on_paper(x: Any) -> Any:
    return OnPaper(x) if isinstance(x, Tensor) and not isinstance(x, OnPaper) else x


def _run(func: Any, args: Any, kwargs: Any) -> Any:
    name = str(func)
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    here = [t for t in tensors if isinstance(t, OnPaper)]
    device = kwargs.get("device")
    if name == "aten._to_copy.default":
        return _copied(func, args, kwargs, tensors[0])
    if name == "aten.copy_.default":
        return _copied_into(args, kwargs)
    if name in _WAITS and here:
        _note("wait", name)
    if name in ("aten._local_scalar_dense.default", "aten.is_nonzero.default"):
        return func(*tree_map(_numbers, args))
    asked = None if device is None else torch.device(device).type
    if not here and asked != "paper":
        return func(*args, **kwargs)
    _refuse_mixture(name, args, [t for t in tensors if not isinstance(t, OnPaper)], bool(here))
    _look_for_kernels(name, here)
    args, kwargs = tree_map(_numbers, args), tree_map(_numbers, kwargs)
    if asked == "paper":
        kwargs = {**kwargs, "device": torch.device("cpu")}
    out = func(*args, **kwargs)
    if torch.Tag.inplace_view in func.tags:
        # the wrapper has a shape of its own, which the operation must change as well
        with no_dispatch():
            func(here[0], *args[1:], **kwargs)
        return here[0]
    if name.startswith("aten._assert_async"):
        _note("assertion", name)
    if asked == "cpu":
        return out
    # what was written in place, or to out=, is the same tensor still
    known = {id(t.numbers): t for t in here}
    result = tree_map(lambda x: known.get(id(x), _on_paper(x)), out)
    _count_launch(func, here, result)
    return result


def _copied(func: Any, args: Any, kwargs: Any, source: Tensor) -> Any:
    device = kwargs.get("device")
    on_paper = isinstance(source, OnPaper)
    target = ("paper" if on_paper else "cpu") if device is None else torch.device(device).type
    if on_paper and target == "cpu":
        _note("down", "to cpu")
    elif not on_paper and target == "paper":
        _note("up" if kwargs.get("non_blocking") else "up, waiting", "to device")
    if device is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    out = func(*tree_map(_numbers, args), **kwargs)
    if target != "paper":
        return out
    result = OnPaper(out)
    if out.dtype == torch.float64:
        _note("double", "to device")
    if on_paper:
        _count_launch(func, [source], result)
    return result


def _copied_into(args: Any, kwargs: Any) -> Any:
    target, source = args[0], args[1]
    if isinstance(target, OnPaper) and not isinstance(source, OnPaper):
        quick = kwargs.get("non_blocking") or (len(args) > 2 and args[2])
        _note("up" if quick else "up, waiting", "copy_")
    elif isinstance(source, OnPaper) and not isinstance(target, OnPaper):
        _note("down", "copy_")
    elif isinstance(target, OnPaper):
        _count_launch(None, [source], target)
    _numbers(target).copy_(_numbers(source))
    return target


def _refuse_mixture(name: str, args: Any, strangers: list[Tensor], any_here: bool) -> None:
    if name in _INDEXING:
        if any(isinstance(i, Tensor) and i.dtype in (torch.bool, torch.uint8) for i in args[1]):
            _note("wait", f"boolean index, {name}")
        if strangers and not isinstance(args[0], OnPaper):
            raise RuntimeError(f"{name}: a CPU tensor indexed by one of the device, {_line()}")
        for _ in strangers:
            _note("up, waiting", f"CPU index, {name}")
    elif any_here and any(t.dim() for t in strangers):
        shape = next(tuple(t.shape) for t in strangers if t.dim())
        raise RuntimeError(f"{name}: CPU tensor {shape} among tensors of the device, {_line()}")
    elif any_here and strangers and name.startswith("aten.where"):
        _note("up, waiting", "a CPU number in where")


def _look_for_kernels(name: str, here: list[Tensor]) -> None:
    bare = name.removeprefix("aten.").split(".")[0]
    whole = [t.dtype for t in here if not (t.is_floating_point() or t.is_complex())]
    if whole and bare.startswith(_FLOATING) and "backward" not in bare:
        _note("no kernel", f"{bare} of {whole[0]}")


def _count_launch(func: Any, given: list[Tensor], made: Any) -> None:
    results = [t for t in tree_leaves(made) if isinstance(t, OnPaper)]
    if func is not None and _is_view(func):
        return
    if func is not None and func.overloadpacket.__name__ in ("empty", "empty_like", "new_empty"):
        return
    size = sum(t.numel() * t.element_size() for t in [*given, *results])
    unread = _unread(func, given, results)
    if any(t.dtype == torch.float64 for t in results):
        _note("double", str(func))
    for ledger in _ledgers:
        ledger.launches += 1
        ledger.bytes += size
        ledger.touched += size - unread


def _unread(func: Any, given: list[Tensor], results: list[Tensor]) -> int:
    """Bytes of the tensors of a launch at which it does not look."""
    name = "" if func is None else func.overloadpacket.__name__
    if name in ("gather", "nll_loss_forward", "nll_loss2d_forward"):
        return (given[0].numel() - results[0].numel()) * given[0].element_size()
    if name in ("scatter_", "scatter_add_"):
        return 2 * (given[0].numel() - given[1].numel()) * given[0].element_size()
    if name in ("nll_loss_backward", "nll_loss2d_backward"):
        # of the logarithms only the shape is asked
        return given[1].numel() * given[1].element_size()
    return 0


def _is_view(func: Any) -> bool:
    returns = func._schema.returns
    aliased = [r.alias_info for r in returns if r.alias_info is not None]
    return bool(aliased) and not any(alias.is_write for alias in aliased)


class _Everything(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


@contextmanager
def ledger() -> Iterator[Ledger]:
    """Run the block with the device, and count what it does there."""
    made = Ledger()
    _ledgers.append(made)
    try:
        with _Everything():
            yield made
    finally:
        _ledgers.remove(made)


def on_paper(tensor: Tensor) -> Tensor:
    """A copy on the device, a leaf that wants a gradient where the given one does."""
    made = OnPaper(tensor.detach().clone())
    return made.requires_grad_() if tensor.requires_grad else made


# Kept alive as long as the process: a library that is collected takes its kernels along.
_FALLBACK = torch.library.Library("_", "IMPL")
_FALLBACK.fallback(lambda op, *args, **kwargs: _run(op, args, kwargs), "PrivateUse1")
_ATEN = torch.library.Library("aten", "IMPL")


def _implement(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(kernel: Callable[..., Any]) -> Callable[..., Any]:
        _ATEN.impl(name, kernel, "PrivateUse1")
        return kernel

    return add


@_implement("_copy_from")
def _copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    up = isinstance(target, OnPaper) and not isinstance(source, OnPaper)
    if up:
        _note("up" if non_blocking else "up, waiting", "a list, or torch.tensor(..., device)")
    else:
        _note("down", "_copy_from")
    _numbers(target).copy_(_numbers(source))
    return target


@_implement("empty_strided")
def _empty_strided(size: Any, stride: Any, *, dtype: Any = None, **_: Any) -> Tensor:
    return OnPaper(torch.empty_strided(size, stride, dtype=dtype))


@_implement("empty.memory_format")
def _empty(size: Any, *, dtype: Any = None, **_: Any) -> Tensor:
    return OnPaper(torch.empty(size, dtype=dtype))
