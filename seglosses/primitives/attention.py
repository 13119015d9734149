"""When values of a batch are checked: at once, by the device itself, or never.

On a CPU labels, weights and dense targets are checked in every call. Elsewhere to look at them is a
synchronisation, so that only the first calls of a loss do, which is when a forgotten
``reduce_zero_label`` or a mask of {0, 255} shows; they raise ``ValueError``. Later the device
asserts the same, and nobody waits: a failure then ends the process, as that of an index does.
``SEGLOSSES_CHECKS`` in the environment changes it, at any time:

* ``sync`` checks at once in every call, to find the batch that a device's assertion speaks of;
* ``async`` never waits, from the first call on;
* ``off`` checks nothing and gives no hints, on a CPU either.
"""

from __future__ import annotations

import os
import threading

import torch
from torch import Tensor

from seglosses.primitives import device as places
from seglosses.primitives.device import at_hand, is_transformed

#: Calls of a loss that check at once on a device.
FIRST_CALLS = 3

#: The release of torch in which Apple's device has a kernel for assertions.
NARROW_ASSERTS = (2, 13)

VARIABLE = "SEGLOSSES_CHECKS"


class _State(threading.local):
    attentive = True


_state = _State()


def when_to_check(values: Tensor) -> str:
    """'sync', 'async' or 'off', for these values now.

    Raises:
        ValueError: for another word in the environment.

    Example:
        >>> when_to_check(torch.zeros(1)), when_to_check(torch.zeros(1, device="meta"))
        ('sync', 'sync')
    """
    asked = _asked()
    if asked == "off" or is_transformed():
        return "off"
    if at_hand(values):
        return "sync"
    if not torch.compiler.is_compiling() and (
        asked == "sync" or (asked == "" and _state.attentive)
    ):
        return "sync"
    return "async" if _can_assert(values.device) else "off"


def may_look(values: Tensor) -> bool:
    """Whether a hint may look at these values in every call: on a CPU, unless switched off.

    Example:
        >>> may_look(torch.zeros(1)), may_look(torch.zeros(1, device="meta"))
        (True, False)
    """
    return at_hand(values) and _asked() != "off"


def may_wait() -> bool:
    """Whether a rare look at a device's values, once in many calls, is allowed.

    Example:
        >>> may_wait()
        True
    """
    return not torch.compiler.is_compiling() and _asked() in ("", "sync")


class attention:
    """Check at once inside the block, where this is one of the first calls of a loss.

    Args:
        call: How many calls there were before.

    Example:
        >>> with attention(100):
        ...     when_to_check(torch.zeros(1, device="meta"))
        'async'
    """

    # a class, for every call of a loss enters one, and a generator takes three times as long
    __slots__ = ("_attentive", "_before")

    def __init__(self, call: int) -> None:
        self._attentive = call < FIRST_CALLS

    def __enter__(self) -> None:
        self._before, _state.attentive = _state.attentive, self._attentive

    def __exit__(self, *_: object) -> None:
        _state.attentive = self._before


def _asked() -> str:
    word = os.environ.get(VARIABLE, "")
    if word not in ("", "sync", "async", "off"):
        raise ValueError(f"{VARIABLE} must be sync, async or off, got {word!r}; or unset it")
    return word


def _can_assert(device: torch.device) -> bool:
    if device.type not in places.NARROW:
        return True
    return tuple(int(part) for part in torch.__version__.split(".")[:2]) >= NARROW_ASSERTS
