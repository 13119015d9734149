"""Maps that depend on the label alone, which a data loader's workers may make beforehand.

Skeletons, tubes and distances of a label are the same in every epoch and need no network. A loss
asks for them here; :mod:`seglosses.losses.label_maps` records them in a worker and states them
around the call of the loss, and they are found by what made them, for which classes, and of which
size. A digest of what they were made of travels with them, so that those of another label are not
taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.attention import when_to_check
from seglosses.primitives.checks import require
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.host import HostFunction, host_maps

Options = Mapping[str, object]


class _State:
    known: Mapping[str, Tensor] = MappingProxyType({})
    recorded: dict[str, Tensor] | None = None
    scope: str | None = None


_state = _State()


@contextmanager
def known_maps(maps: Mapping[str, Tensor]) -> Iterator[None]:
    """Let losses find maps, batches (N, ...) by their keys, inside the block."""
    before, _state.known = _state.known, maps
    try:
        yield
    finally:
        _state.known = before


@contextmanager
def recorded_maps() -> Iterator[dict[str, Tensor]]:
    """Collect the maps of labels that losses compute inside the block, by key."""
    before, recorded = _state.recorded, dict[str, Tensor]()
    _state.recorded = recorded
    try:
        yield recorded
    finally:
        _state.recorded = before


@contextmanager
def scope(words: str | None) -> Iterator[None]:
    """State which classes of the label are looked at; ``None`` where no map may be reused."""
    before, _state.scope = _state.scope, words
    try:
        yield
    finally:
        _state.scope = before


def label_maps(
    compute: HostFunction,
    masks: Tensor,
    *more: Tensor,
    dtype: torch.dtype,
    leading: int = 2,
    extra: Sequence[int] = (),
    options: Options | None = None,
) -> Tensor:
    """:func:`~seglosses.primitives.host.host_maps` of the label alone, where it is not known yet.

    Raises:
        ValueError: in the first calls of a loss on a device, for known maps of another label; later
            the device asserts it. On a CPU such are computed anew.

    Example:
        >>> from seglosses.primitives.host import host_function
        >>> @host_function
        ... def opposite(mask):
        ...     print("computed")
        ...     return ~mask
        >>> mask = torch.tensor([[[True, False]]])
        >>> with scope("class 1"), recorded_maps() as maps:
        ...     _ = label_maps(opposite, mask, dtype=torch.bool)
        computed
        >>> with scope("class 1"), known_maps(maps):
        ...     label_maps(opposite, mask, dtype=torch.bool)
        tensor([[[False,  True]]])
    """
    key, given = _key(compute, masks, options), (masks, *more)
    known = _known(key, given, dtype)
    if known is not None:
        return known
    made = host_maps(compute, *given, dtype=dtype, leading=leading, extra=extra, options=options)
    if key is not None and _state.recorded is not None:
        _state.recorded[key] = made
        _state.recorded[_beside(key)] = _digests_of_all(given)
    return made


def asked_map(
    compute: HostFunction,
    masks: Tensor,
    *,
    dtype: torch.dtype,
    extra: Sequence[int] = (),
    options: Options | None = None,
) -> Tensor | None:
    """As :func:`label_maps`, but ``None`` where nobody has made the maps or wants them recorded.

    For what a loss computes itself by a shorter way; on whatever device the maps were left. They
    must say themselves of which label they are, for this is not compared.
    """
    key = _key(compute, masks, options)
    known = _found(key, masks)
    if known is not None or key is None or _state.recorded is None:
        return known
    made = host_maps(compute, masks, dtype=dtype, extra=extra, options=options)
    _state.recorded[key] = made
    return made


def both_maps(
    compute: HostFunction,
    of_pred: Tensor,
    of_label: Tensor,
    *,
    dtype: torch.dtype,
    extra: Sequence[int] = (),
    options: Options | None = None,
) -> tuple[Tensor, Tensor]:
    """The same maps of prediction and label, which travel together where neither is known."""
    label = _known(_key(compute, of_label, options), (of_label,), dtype)
    if label is None and are_recorded():
        label = label_maps(compute, of_label, dtype=dtype, extra=extra, options=options)
    if label is not None:
        return host_maps(compute, of_pred, dtype=dtype, extra=extra, options=options), label
    masks, number = torch.cat([of_pred, of_label]), of_pred.shape[0]
    maps = host_maps(compute, masks, dtype=dtype, extra=extra, options=options)
    return maps[:number], maps[number:]


def are_recorded() -> bool:
    """Whether a worker calls the loss for its maps alone, not for its value."""
    return not torch.compiler.is_compiling() and _state.recorded is not None


def digests(maps: Tensor) -> Tensor:
    """A number for each image of maps (N, ..., S) that other maps hardly share, (N,) int64.

    Of booleans or whole numbers; the same on all devices, none of which is waited for: sums that
    wrap around, with a factor for each place along one axis after the other.

    Example:
        >>> masks = torch.tensor([[True, False], [False, True], [True, False]])
        >>> one, other, same = digests(masks)
        >>> bool(one == other), bool(one == same)
        (False, True)
    """
    numbers = maps
    if maps.element_size() < 4:
        # four masks are one number
        several = maps.contiguous().view(torch.uint8)
        several = F.pad(several, (0, -several.shape[-1] % 4))
        numbers = several.contiguous().view(torch.int32)
    factors = _factors(max(numbers.shape), maps.device)
    while numbers.dim() > 1:
        numbers = _sums(numbers, factors[: numbers.shape[-1]])
        # or a square and its mirror image at the diagonal were one
        numbers = numbers ^ (numbers >> 29)
    return numbers


def _factors(count: int, device: torch.device) -> Tensor:
    """Odd numbers without an order, of 64 bits, as splitmix makes them."""
    factors = torch.arange(1, count + 1, device=device) * -0x61C8864680B583EB
    factors = (factors ^ (factors >> 30)) * -0x40A7B892E31B1A47
    return factors ^ (factors >> 27) | 1


def _sums(numbers: Tensor, factors: Tensor) -> Tensor:
    if at_hand(numbers):
        # without the products in between, in a tenth of the time
        return torch.from_numpy(np.einsum("...i,i->...", numbers.numpy(), factors.numpy()))
    return (numbers * factors).sum(-1)


def _digests_of_all(given: Sequence[Tensor]) -> Tensor:
    return torch.stack([digests(each) for each in given], 1)


def _beside(key: str) -> str:
    return f"digest of {key}"


def _known(key: str | None, given: Sequence[Tensor], dtype: torch.dtype) -> Tensor | None:
    """Maps that were made of what is given, on its device."""
    known = _found(key, given[0])
    if known is None or key is None or not _is_of(given, _state.known.get(_beside(key))):
        return None
    return known.to(given[0].device, dtype, non_blocking=True)


def _is_of(given: Sequence[Tensor], stated: Tensor | None) -> bool:
    """Whether a digest is that of what is given, which a device is not asked but told."""
    if stated is None:
        return False
    here = at_hand(given[0])
    if not here and when_to_check(given[0]) == "off":
        return True
    same = (_digests_of_all(given) == stated.to(given[0].device, non_blocking=True)).all()
    if here:
        return bool(same)
    require(
        same,
        "maps that a data loader made must be of the label that a loss gets, got those of another"
        " label; state them around losses of the very label alone, not after a flip, crop or mixup"
        " on the device",
    )
    return True


def _found(key: str | None, masks: Tensor) -> Tensor | None:
    known = None if key is None else _state.known.get(key)
    return known if known is not None and len(known) == len(masks) else None


def _key(compute: HostFunction, masks: Tensor, options: Options | None) -> str | None:
    # a graph has no place for what changes from call to call, nor has a transform
    if torch.compiler.is_compiling() or is_transformed() or _state.scope is None:
        return None
    return f"{compute.name} {dict(options or {})} {_state.scope} {tuple(masks.shape[1:])}"
