"""Queries of tensors on their own device: the few places in which devices differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

#: Types of device whose numbers the host reads without waiting. The tests empty it, so that CPU
#: tensors take the branches written for accelerators.
HOSTS = frozenset({"cpu"})

#: Types of device without float64, of which Apple's is one. The tests add the emulated one.
NARROW = frozenset({"mps"})


def at_hand(tensor: Tensor) -> bool:
    """Whether the host may look at the numbers now: on a CPU, outside of a trace or transform.

    Elsewhere to look would be a synchronisation, a break of ``torch.compile``'s graph, or an error
    under ``torch.func``.

    Example:
        >>> at_hand(torch.zeros(1)), at_hand(torch.zeros(1, device="meta"))
        (True, False)
    """
    if torch.compiler.is_compiling():
        return False
    # not is_transformed, which would ask again: this is asked ten times in a call of a loss
    return tensor.device.type in HOSTS and not torch._C._are_functorch_transforms_active()


def is_transformed() -> bool:
    """Whether this runs inside ``torch.func.grad``, ``vmap`` or another such transform.

    A trace of ``torch.compile`` is none, and what it sees of its own has no transforms either.

    Example:
        >>> is_transformed(), torch.func.vmap(lambda x: x + is_transformed())(torch.zeros(1))
        (False, tensor([1.]))
    """
    if torch.compiler.is_compiling():
        return False
    return bool(torch._C._are_functorch_transforms_active())


def without_autocast(device_type: str) -> AbstractContextManager[Any]:
    """A block in which operations have the precision of what they are given.

    Where autocast is off anyway, as in most calls on a CPU, it costs nothing.

    Example:
        >>> with torch.autocast("cpu"), without_autocast("cpu"):
        ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
        torch.float32
    """
    if torch.compiler.is_compiling() or torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def widest(tensor: Tensor) -> torch.dtype:
    """The type in which to add up where the tensor lies: float64, but float32 on Apple's MPS.

    Example:
        >>> widest(torch.zeros(1))
        torch.float64
    """
    return torch.float32 if tensor.device.type in NARROW else torch.float64


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """A block in which cuDNN convolves float32 as it is, not rounded to TF32.

    What the process had set comes back afterwards. From torch 2.9 on, the switch is that of
    convolutions alone: the older one, of all that cuDNN does, raises where these differ.

    Example:
        >>> with exact_convolutions():
        ...     torch.nn.functional.conv1d(torch.ones(1, 1, 2), torch.ones(1, 1, 1))
        tensor([[[1., 1.]]])
    """
    cudnn: Any = torch.backends.cudnn
    single = hasattr(cudnn, "conv")
    switch, name = (cudnn.conv, "fp32_precision") if single else (cudnn, "allow_tf32")
    before = getattr(switch, name)
    setattr(switch, name, "ieee" if single else False)
    try:
        yield
    finally:
        setattr(switch, name, before)
