"""Loops of labels of volumes, cached: a label that occurs again is not reduced again.

Workers of a data loader may reduce it beforehand: what they found travels as whole numbers.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seglosses.topology.sides import Codes, Ints

    Bars = tuple[Codes, Codes]


_NAME = 4  # a digest has 16 bytes


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

    def packed(self, size: int) -> Ints:
        """All labels as whole numbers: how many, then the name, length and bars of each.

        Args:
            size: How many numbers there may be; zeros, for no label, where more are needed.

        Returns:
            int32 (size,).

        Example:
            >>> known = LabelBars(1)
            >>> known.put(bytes(16), (np.array([7]), np.array([9])))
            >>> known.packed(10)
            array([1, 0, 0, 0, 0, 1, 7, 9, 0, 0], dtype=int32)
        """
        parts = [np.array([len(self._bars)], np.int32)]
        for name, bars in self._bars.items():
            parts.append(np.frombuffer(name, np.int32))
            parts += [np.asarray(part, np.int32) for part in ([len(bars[0])], *bars)]
        flat = np.concatenate(parts)
        out = np.zeros(size, np.int32)
        if flat.size <= size:
            out[: flat.size] = flat
        return out

    @classmethod
    def unpacked(cls, rows: NDArray[np.int32]) -> LabelBars:
        """The labels of :meth:`packed` rows, (n, size).

        Example:
            >>> known = LabelBars.unpacked(np.array([[1, 0, 0, 0, 0, 1, 7, 9]], np.int32))
            >>> known.get(bytes(16))
            (array([7]), array([9]))
        """
        known = cls(max(1, sum(int(row[0]) for row in rows)))
        for row in rows:
            at = 1
            for _ in range(row[0]):
                name, count = row[at : at + _NAME].tobytes(), int(row[at + _NAME])
                at += _NAME + 1
                edges, squares = row[at : at + 2 * count].astype(np.int64).reshape(2, count)
                known.put(name, (edges, squares))
                at += 2 * count
        return known
