"""The loops of a volume: dimension 1 in 3D, between the two forests.

Neither union-find nor its dual sees it, so edges are paired with squares by reducing a boundary
matrix. Its rows are the edges outside the spanning tree, its columns the squares outside the dual
one; all others are paired already. With rows ordered by one filtration and columns by another, the
same reduction pairs births and deaths of the image between the two. Most pairs are found without
the matrix, see :mod:`seglosses.topology.kernels.stars`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from seglosses.topology.around import around
from seglosses.topology.forests import Mask, Walls
from seglosses.topology.kernels import order
from seglosses.topology.kernels import rows as row_kernels
from seglosses.topology.pairings import NONE, Columns, Pairing
from seglosses.topology.sides import LOW, Codes, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Loops:
    """Loops of one filtration of a volume.

    Attributes:
        walls: Edges and squares.
        around: Geometry.
    """

    def __init__(self, walls: Walls) -> None:
        self.walls = walls
        self.around = around(*walls.step.tolist())
        self._rank: Ints | None = None

    def open_rows(self, mate: NDArray[np.uint16]) -> tuple[Ints, Codes]:
        """Row of every free edge, and what is known of every row.

        Args:
            mate: What is known of these edges, see :class:`seglosses.topology.pairings.Mates`.

        Returns:
            Rows by 3 * pixel + axis, the last edge first and -1 for the edges of the tree, and the
            edge of every row with its mate.
        """
        walls = self.walls
        count, _ = order.count_bits(walls.free, walls.free)
        if self._rank is None:
            self._rank = np.empty(3 * walls.key.size, np.int32)
            row_kernels.number_rows(
                walls.key, *walls.span, walls.free, walls.step, count, self._rank
            )
        rows = np.empty(count + 1, np.int64)
        row_kernels.open_rows(self._rank, mate, rows)
        return self._rank, rows

    def pair(self, *, edges: Codes | None = None, squares: Codes | None = None) -> Pairing:
        """The pairs within this filtration, see :meth:`Pairing.of`."""
        return Pairing.of(self, self, edges=edges, squares=squares)

    @cached_property
    def own(self) -> Columns:
        """The reduction within this filtration."""
        return self.pair().columns

    @cached_property
    def bars(self) -> tuple[Codes, Codes]:
        """Edges and squares at which the loops of positive length are born and die."""
        births = self.own.taken.astype(np.int64)
        live = self.own.codes >> 32 != self.births(births)
        return births[live], self.own.codes[live] & LOW

    @property
    def edges(self) -> Codes:
        """Edge at which each loop of positive length is born."""
        return self.bars[0]

    @property
    def squares(self) -> Codes:
        """Square at which it dies."""
        return self.bars[1]

    @property
    def lives(self) -> Mask:
        """True for every loop: those of length zero are not listed."""
        return np.ones(self.edges.size, bool)

    def find(self) -> None:
        """Reduce within this filtration now, unless that is done."""
        _ = self.bars

    def give(self) -> Columns:
        """The reduction within this filtration for whoever goes on with it; the bars are kept."""
        own, _ = self.own, self.bars
        del self.__dict__["own"]
        return own

    def recall(self, bars: tuple[Codes, Codes] | None) -> None:
        """Take over bars that are known from before."""
        if bars is not None:
            self.__dict__["bars"] = bars

    def forget(self, *, bars: bool = False) -> None:
        """Give back the memory of everything but the bars.

        Args:
            bars: Whether the bars and the filtration, too.
        """
        self._rank = None
        self.__dict__.pop("own", None)
        if bars:
            none = np.zeros(0, np.uint8)
            self.walls = replace(self.walls, key=np.zeros(0, np.int32), free=none, outer=none)
            self.__dict__["bars"] = NONE, NONE

    def births(self, edges: Codes) -> Codes:
        """Values of edges."""
        return self._values(edges, self.around.primal.edge)

    def deaths(self, squares: Codes) -> Codes:
        """Values of squares."""
        return self._values(squares, self.around.dual.edge)

    def _values(self, cells: Codes, corners: Codes) -> Codes:
        pixels = (cells // 3)[:, None] + corners[cells % 3]
        return np.asarray(self.walls.key[pixels].max(axis=1), np.int64)
