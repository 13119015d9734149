"""A small memory of the last skeletons of a process.

Ground truth is asked for again and again (by every loss, metric and epoch), so skeletons are kept
under a digest of the mask's content.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

CACHE_BYTES = 64 * 2**20
"""Upper bound on the packed skeletons that are remembered in a process."""


class _Memory:
    """Least recently used skeletons, packed to bits, bounded by :data:`CACHE_BYTES`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.packed: OrderedDict[bytes, NDArray[np.uint8]] = OrderedDict()
        self.size = 0

    def get(self, key: bytes) -> NDArray[np.uint8] | None:
        with self.lock:
            found = self.packed.get(key)
            if found is not None:
                self.packed.move_to_end(key)
            return found

    def put(self, key: bytes, value: NDArray[np.uint8]) -> None:
        with self.lock:
            if key in self.packed or value.nbytes > CACHE_BYTES:
                return
            self.packed[key] = value
            self.size += value.nbytes
            while self.size > CACHE_BYTES:
                self.size -= self.packed.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        with self.lock:
            self.packed.clear()
            self.size = 0


_memory = _Memory()


def clear_cache() -> None:
    """Forget every remembered skeleton."""
    _memory.clear()


def remembered(
    array: NDArray[np.bool_], what: str, compute: Callable[[], NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """What was computed of a mask before, or is now.

    Args:
        array: The mask.
        what: Name of the result, with all parameters that change it.
        compute: Called where the result is not remembered; gives a mask of the same shape.
    """
    if not array.any():
        return np.zeros(array.shape, bool)
    digest = hashlib.blake2b(np.packbits(array).tobytes(), digest_size=16)
    digest.update(f"{what} {array.shape}".encode())
    key = digest.digest()
    known = _memory.get(key)
    if known is not None:
        return np.unpackbits(known, count=array.size).reshape(array.shape).astype(bool)
    result = compute()
    _memory.put(key, np.packbits(result))
    return result
