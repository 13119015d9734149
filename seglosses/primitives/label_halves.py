"""Maps that depend on the label alone, which a data loader's workers may make beforehand.

Skeletons, tubes and distances of a label are the same in every epoch and need no network. A loss
asks for them here; :mod:`seglosses.losses.label_maps` records them in a worker and states them
around the call of the loss, and they are found by what made them, for which classes, and of which
size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import torch
from torch import Tensor

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
    key = _key(compute, masks, options)
    known = _found(key, masks)
    if known is not None:
        return known.to(masks.device, dtype, non_blocking=True)
    made = host_maps(
        compute, masks, *more, dtype=dtype, leading=leading, extra=extra, options=options
    )
    if key is not None and _state.recorded is not None:
        _state.recorded[key] = made
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

    For what a loss computes itself by a shorter way; on whatever device the maps were left.
    """
    key = _key(compute, masks, options)
    known = _found(key, masks)
    if known is not None or key is None or _state.recorded is None:
        return known
    return label_maps(compute, masks, dtype=dtype, extra=extra, options=options)


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
    key = _key(compute, of_label, options)
    if key is not None and (key in _state.known or _state.recorded is not None):
        label = label_maps(compute, of_label, dtype=dtype, extra=extra, options=options)
        return host_maps(compute, of_pred, dtype=dtype, extra=extra, options=options), label
    masks = torch.cat([of_pred, of_label])
    pred, label = host_maps(compute, masks, dtype=dtype, extra=extra, options=options).chunk(2)
    return pred, label


def are_recorded() -> bool:
    """Whether a worker calls the loss for its maps alone, not for its value."""
    return not torch.compiler.is_compiling() and _state.recorded is not None


def _found(key: str | None, masks: Tensor) -> Tensor | None:
    known = None if key is None else _state.known.get(key)
    return known if known is not None and len(known) == len(masks) else None


def _key(compute: HostFunction, masks: Tensor, options: Options | None) -> str | None:
    # a graph has no place for what changes from call to call
    if torch.compiler.is_compiling() or _state.scope is None:
        return None
    return f"{compute.name} {dict(options or {})} {_state.scope} {tuple(masks.shape[1:])}"
