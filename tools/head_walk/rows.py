"""What came of a swap, as a row of the table."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from head_walk.models import Result
from head_walk.slots import Slot, slots, swapped
from head_walk.swaps import Swap, swaps


class Row(NamedTuple):
    """A slot of a head, what stood there, what was put there, and what came of it."""

    config: str
    head: str
    slot: str
    host: str
    ours: str
    outcome: str  #: 'same', 'works', 'raises', 'warns', 'unused', 'differs' or 'silent'
    note: str = ""  #: a message, or numbers


def rows(path: str, model: Any, registry: Any, train: Callable[[Any], Result]) -> Iterator[Row]:
    """Swap every slot of a model by itself.

    Args:
        path: Of its config.
        model: The config.
        registry: Where the heads are found.
        train: One step of a config.
    """
    own = train(model)
    for slot in slots(model):
        place = Row(path, slot.head, slot.name, str(slot.host["type"]), "", "")
        tried = list(swaps(slot, registry))
        for swap in tried:
            outcome, note = observe(own, lambda s=slot, w=swap: train(_with(model, s, w)), swap)  # type: ignore[misc]
            yield place._replace(ours=swap.name, outcome=outcome, note=note)
        if not tried:
            yield place._replace(outcome="host's own")


def _with(model: Any, slot: Slot, swap: Swap) -> Any:
    return swapped(model, slot, swap.ours, swap.switches)


def observe(own: Result, train: Callable[[], Result], swap: Swap) -> tuple[str, str]:
    """Outcome and note of a swap."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            new = train()
        except Exception as error:  # the table says which
            return "raises", f"{type(error).__name__}: {error}"
    if new.unused:
        return "unused", f"the head never calls {', '.join(new.unused)}"
    ours = [str(w.message) for w in said if str(w.message).startswith("loss_")]
    if ours:
        return "warns", ours[0]
    if swap.same:
        off = [name for name in own.losses if not _close(new.losses.get(name), own.losses[name])]
        note = ", ".join(f"{n} {new.losses.get(n)} for {own.losses[n]}" for n in off)
        return ("differs" if off else "same"), note
    return ("works" if new.corners else "silent"), ""


def _close(new: float | None, old: float) -> bool:
    return new is not None and math.isclose(new, old, rel_tol=1e-3, abs_tol=1e-6)
