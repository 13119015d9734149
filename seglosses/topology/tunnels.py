"""The loops of a volume: dimension 1 in 3D, between the two forests.

Neither union-find nor its dual sees it, so edges are paired with squares by reducing a boundary
matrix. Its rows are the edges outside the spanning tree, its columns the squares outside the dual
one; all others are paired already. With rows ordered by one filtration and columns by another, the
same reduction pairs births and deaths of the image between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seglosses.topology.forests import Mask, Walls
from seglosses.topology.kernels import reduction as kernels
from seglosses.topology.sides import Codes, Ints, sides_3d

# Five levels of 32-bit words.
MOST_ROWS = 32**5


class Loops:
    """Loops of one filtration of a volume.

    Attributes:
        walls: Edges and squares.
        edges: Edge at which each loop of positive length is born.
        squares: Square at which it dies.
        lives: True for every loop: those of length zero are not listed.
    """

    def __init__(self, walls: Walls) -> None:
        self.walls = walls
        self.primal, self.dual = sides_3d(*walls.step.tolist())
        own = Pairing.of(self, self)
        values = self._values(own.columns, self.dual.edge)
        live = values != self._values(own.taken, self.primal.edge)
        self.edges: Codes = own.taken[live]
        self.squares: Codes = own.columns[live]
        self.lives: Mask = np.ones(self.edges.size, bool)

    def _values(self, cells: Codes, corners: Codes) -> Codes:
        pixels = (cells // 3)[:, None] + corners[cells % 3]
        return np.asarray(self.walls.key[pixels].max(axis=1), np.int64)

    def _ordered(self, cells: Codes, corners: Codes) -> Codes:
        codes = (self._values(cells, corners) << 32) | cells
        codes.sort()
        return codes & np.int64(0xFFFFFFFF)

    @cached_property
    def rows(self) -> Codes:
        """Edges outside the spanning tree, from the last to the first."""
        ordered = self._ordered(np.flatnonzero(self.walls.edges), self.primal.edge)
        if ordered.size > MOST_ROWS:
            raise ValueError(
                f"expected at most {MOST_ROWS} edges in no spanning tree, got {ordered.size}; "
                "crop the volume to about 250 x 250 x 250"
            )
        return np.ascontiguousarray(ordered[::-1])

    def columns(self, apparent: Mask) -> Codes:
        """Squares outside the dual spanning tree that are not apparent, in order."""
        return self._ordered(np.flatnonzero(self.walls.squares & ~apparent), self.dual.edge)

    def empty(self, edges: Codes, squares: Codes, other: Loops) -> Mask:
        """Whether births at edges of this filtration come no earlier than deaths in another."""
        births = self._values(edges, self.primal.edge)
        return np.asarray(births >= other._values(squares, other.dual.edge))


@dataclass(frozen=True)
class Pairing:
    """Births in one filtration of a volume, paired with deaths in a larger or equal one.

    Attributes:
        born: The filtration that orders the rows.
        rank: Row of each edge, -1 for those of the spanning tree.
        owner: By row: column, or -2 - square where apparent, or -1.
        apparent: Squares that are paired with their own last edge.
        columns: The other squares, in order.
        taken: Edge of each column.
    """

    born: Loops
    rank: Ints
    owner: Ints
    apparent: Mask
    columns: Codes
    taken: Codes

    @classmethod
    def of(cls, born: Loops, dying: Loops) -> Pairing:
        """Reduce the boundary matrix with rows of one filtration and columns of another.

        Args:
            born: Filtration of the edges.
            dying: Filtration of the squares, whose sublevel sets contain those of ``born``.

        Returns:
            The pairing.
        """
        rows, step = born.rows, born.walls.step
        owner = np.empty(rows.size, np.int32)
        apparent = np.zeros(dying.walls.squares.size, bool)
        kernels.pair_apparent(rows, step, dying.walls.first, born.walls.last, owner, apparent)
        columns = dying.columns(apparent)
        rank = np.full(born.walls.edges.size, -1, np.int32)
        rank[rows] = np.arange(rows.size, dtype=np.int32)
        words = [np.zeros(rows.size // 32**level + 1, np.int64) for level in range(1, 6)]
        pivots = np.empty(columns.size, np.int64)
        kernels.reduce_columns(columns, _faces(step), rank, owner, *words, pivots)
        return cls(born, rank, owner, apparent, columns, rows[pivots])

    def births(self, squares: Codes) -> Codes:
        """Edge that is paired with each square."""
        edges = np.empty(squares.size, np.int64)
        kernels.last_edge_of(squares, self.born.walls.step, self.born.walls.last, edges)
        order = np.argsort(self.columns)
        rest = np.flatnonzero(~self.apparent[squares])
        where = order[np.searchsorted(self.columns, squares[rest], sorter=order)]
        edges[rest] = self.taken[where]
        return edges

    def deaths(self, edges: Codes) -> Codes:
        """Square that is paired with each edge."""
        owner = self.owner[self.rank[edges]].astype(np.int64)
        squares = -2 - owner
        squares[owner >= 0] = self.columns[owner[owner >= 0]]
        return squares


def _faces(step: Codes) -> Codes:
    """Edges of a square relative to 3 * pixel, by normal axis."""
    axes = ((1, 2), (0, 2), (0, 1))
    return np.array([(u, w, 3 * step[w] + u, 3 * step[u] + w) for u, w in axes], np.int64)


def match_loops(
    a: Loops, b: Loops, comparison: Loops, *, larger: bool, exact: bool
) -> tuple[Codes, Codes]:
    """Match loops of two volumes through those of a comparison.

    Args:
        a: Loops of the first volume.
        b: Loops of the second volume.
        comparison: Loops of the comparison.
        larger: Whether the sublevel sets of the comparison contain those of the inputs, or are
            contained in them.
        exact: Whether empty image intervals match too.

    Returns:
        Loops of ``a`` and loops of ``b``, matched one to one.
    """
    if not (a.edges.size and b.edges.size and comparison.edges.size):
        none = np.zeros(0, np.int64)
        return none, none
    ends = []
    for loops in (a, b):
        if larger:
            squares = comparison.squares
            edges = Pairing.of(loops, comparison).births(squares)
            known, wanted = loops.edges, edges
            empty = loops.empty(edges, squares, comparison)
        else:
            edges = comparison.edges
            squares = Pairing.of(comparison, loops).deaths(edges)
            known, wanted = loops.squares, squares
            empty = comparison.empty(edges, squares, loops)
        order = np.argsort(known)
        place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), known.size - 1)]
        found = known[place] == wanted
        ends.append(np.where(found if exact else found & ~empty, place, -1))
    both = np.flatnonzero((ends[0] >= 0) & (ends[1] >= 0))
    return ends[0][both], ends[1][both]
