"""Loops of labels of volumes, cached: a label that occurs again is not reduced again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seglosses.topology.sides import Codes

    Bars = tuple[Codes, Codes]


class LabelBars:
    """Edges and squares at which loops of labels are born and die, the latest labels only.

    They depend on the label's two halves, and on whether what surrounds the label is older than
    both (the T-construction) or as old as one of them. A label is known again by a digest of its
    voxels, one bit each.

    Args:
        size: How many labels are remembered.

    Example:
        >>> known = LabelBars(1)
        >>> known.put(b"a", (np.array([1]), np.array([2])))
        >>> known.get(b"a"), known.get(b"b")
        ((array([1]), array([2])), None)
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._bars: OrderedDict[bytes, Bars] = OrderedDict()
        self._lock = Lock()

    @staticmethod
    def digest(older: NDArray[np.bool_], shape: tuple[int, ...], *, dual: bool) -> bytes:
        """Name of a label.

        Args:
            older: Its older half, of the padded volume.
            shape: Of the padded volume.
            dual: Whether it is that of the T-construction.
        """
        made = hashlib.blake2b(np.packbits(older).tobytes(), digest_size=16)
        made.update(repr((shape, dual)).encode())
        return made.digest()

    def get(self, name: bytes) -> Bars | None:
        """Bars of a label, None where it is not known."""
        with self._lock:
            bars = self._bars.get(name)
            if bars is not None:
                self._bars.move_to_end(name)
            return bars

    def put(self, name: bytes, bars: Bars) -> None:
        """Remember a label; the one that was not asked for the longest is forgotten."""
        with self._lock:
            self._bars[name] = bars
            self._bars.move_to_end(name)
            while len(self._bars) > self.size:
                self._bars.popitem(last=False)
