"""The loops of a volume: dimension 1 in 3D, between the two forests.

Neither union-find nor its dual sees it, so edges are paired with squares by reducing a boundary
matrix. Its rows are the edges outside the spanning tree, its columns the squares outside the dual
one; all others are paired already. With rows ordered by one filtration and columns by another, the
same reduction pairs births and deaths of the image between the two. Most pairs are found without
the matrix, see :mod:`seglosses.topology.kernels.stars`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seglosses.topology.around import around
from seglosses.topology.forests import Marks, Mask, Walls
from seglosses.topology.kernels import order, reduction, stars, transfer
from seglosses.topology.sides import LOW, Codes, Ints

NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Rows:
    """Free edges of a filtration in order.

    Attributes:
        rank: Row by 3 * pixel + axis, the last edge first; -1 for the others.
        count: How many there are.
    """

    rank: Ints
    count: int

    @classmethod
    def of(cls, walls: Walls) -> Rows:
        """Number the free edges of a filtration."""
        count, _ = order.count_bits(walls.free, walls.free)
        rank: Ints = np.empty(3 * walls.key.size, np.int32)
        order.number_rows(walls.key, *walls.span, walls.free, walls.step, count, rank)
        return cls(rank, count)


@dataclass(frozen=True)
class Mates:
    """Pairs that need no matrix.

    Attributes:
        mate: What is known of every edge, by axis, uint16 (3, n).
        paired: The squares concerned, as bits.
        star: The voxels whose star was reduced, uint8 (n,).
        key: Padded values that order these stars.
    """

    mate: NDArray[np.uint16]
    paired: Marks
    star: Marks
    key: Ints

    @classmethod
    def apparent(cls, born: Walls, dying: Walls) -> Mates:
        """Pairs of an edge and a square that see each other first and last."""
        size = born.key.size
        mate, paired = np.empty((3, size), np.uint16), np.empty(size, np.uint8)
        stars.pair_apparent(dying.first, born.last, born.step, mate, paired)
        return cls(mate, paired, np.zeros(size, np.uint8), born.key)

    @classmethod
    def own(cls, walls: Walls) -> Mates:
        """All pairs within one filtration that a neighbourhood shows."""
        found, near = cls.apparent(walls, walls), around(*walls.step.tolist())
        stars.pair_stars(
            walls.key,
            walls.step,
            near.voxels,
            near.star_corners,
            near.star_sides,
            near.star,
            near.star_ends,
            walls.free,
            found.mate,
            found.paired,
            found.star,
        )
        return found

    @classmethod
    def between(cls, born: Walls, dying: Walls, known: Loops, other: Walls) -> Mates:
        """Pairs of an edge of one filtration with a square of another.

        Args:
            born: Filtration of the edges.
            dying: Filtration of the squares.
            known: A filtration whose own pairs are known.
            other: The one of ``born`` and ``dying`` that it is not.

        Returns:
            The apparent pairs, and those of the stars that both filtrations order alike.
        """
        found, own = cls.apparent(born, dying), known.mates
        trusted = own.star.copy()
        transfer.keep_alike(trusted, known.walls.key, other.key, known.around.voxels)
        transfer.adopt_stars(
            known.walls.key, born.step, trusted, own.mate, own.paired, found.mate, found.paired
        )
        return cls(found.mate, found.paired, trusted, known.walls.key)


class Loops:
    """Loops of one filtration of a volume.

    Attributes:
        walls: Edges and squares.
        around: Geometry.
    """

    def __init__(self, walls: Walls) -> None:
        self.walls = walls
        self.around = around(*walls.step.tolist())

    @cached_property
    def rows(self) -> Rows:
        """Free edges in order."""
        return Rows.of(self.walls)

    @cached_property
    def mates(self) -> Mates:
        """Pairs within this filtration that need no matrix."""
        return Mates.own(self.walls)

    @cached_property
    def bars(self) -> tuple[Codes, Codes]:
        """Edges and squares at which the loops of positive length are born and die."""
        return Pairing.of(self, self, self.mates).bars

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

    def forget(self) -> None:
        """Give back the memory of everything but the bars."""
        for name in ("rows", "mates"):
            self.__dict__.pop(name, None)

    def births(self, edges: Codes) -> Codes:
        """Values of edges."""
        return self._values(edges, self.around.primal.edge)

    def deaths(self, squares: Codes) -> Codes:
        """Values of squares."""
        return self._values(squares, self.around.dual.edge)

    def _values(self, cells: Codes, corners: Codes) -> Codes:
        pixels = (cells // 3)[:, None] + corners[cells % 3]
        return np.asarray(self.walls.key[pixels].max(axis=1), np.int64)


@dataclass(frozen=True)
class Pairing:
    """Births in one filtration of a volume, paired with deaths in the same or another one.

    Attributes:
        born: The filtration that orders the rows.
        dying: The filtration that orders the columns.
        mates: Pairs found without the matrix.
        columns: Codes of the other squares, in order.
        rows: What is known of every row.
        taken: By column: edge, or -1.
    """

    born: Loops
    dying: Loops
    mates: Mates
    columns: Codes
    rows: Codes
    taken: Ints

    @classmethod
    def of(
        cls,
        born: Loops,
        dying: Loops,
        mates: Mates,
        *,
        edges: Codes | None = None,
        squares: Codes | None = None,
    ) -> Pairing:
        """Reduce the boundary matrix with rows of one filtration and columns of another.

        Args:
            born: Filtration of the edges.
            dying: Filtration of the squares.
            mates: Pairs that are known.
            edges: Edges whose square is asked for; the reduction ends when all have theirs.
            squares: Squares whose edge is asked for; it ends after the last of them.

        Returns:
            The pairing.
        """
        rows, walls, near = born.rows, dying.walls, born.around
        _, count = order.count_bits(walls.free, mates.paired)
        columns = np.empty(count, np.int64)
        order.list_columns(walls.key, walls.free, mates.paired, walls.step, columns)
        if squares is not None:
            ends = (dying.deaths(squares) << 32) | squares
            columns = columns[: np.searchsorted(columns, ends.max(initial=0), side="right")]
        asked = NONE if edges is None else edges
        known = np.empty(rows.count + 1, np.int64)
        missing = reduction.open_rows(rows.rank, mates.mate, asked, known)
        words = [np.zeros(rows.count // 64**level + 1, np.uint64) for level in (1, 2, 3)]
        taken = np.empty(columns.size, np.int32)
        reduction.reduce_columns(
            columns,
            near.faces,
            near.beside_faces,
            near.star_faces,
            walls.step,
            rows.rank,
            known,
            -1 if edges is None else missing,
            *words,
            taken,
        )
        return cls(born, dying, mates, columns, known, taken)

    @property
    def bars(self) -> tuple[Codes, Codes]:
        """Edges and squares of positive length; both filtrations are the same."""
        births = self.taken.astype(np.int64)
        live = self.columns >> 32 != self.born.births(births)
        return births[live], self.columns[live] & LOW

    def births(self, squares: Codes) -> Codes:
        """Edge that is paired with each square."""
        near = self.born.around
        edges = np.empty(squares.size, np.int64)
        reduction.edges_of(
            squares,
            self.mates.key,
            self.born.walls.last,
            near.ends,
            near.beside,
            self.mates.mate,
            self.born.walls.step,
            near.star_squares,
            near.star_edges,
            edges,
        )
        rest = np.flatnonzero(edges < 0)
        codes = (self.dying.deaths(squares[rest]) << 32) | squares[rest]
        edges[rest] = self.taken[np.searchsorted(self.columns, codes)]
        return edges

    def deaths(self, edges: Codes) -> Codes:
        """Square that is paired with each edge."""
        near = self.born.around
        squares = np.empty(edges.size, np.int64)
        reduction.squares_of(
            edges,
            self.born.rows.rank,
            self.rows,
            self.columns,
            self.mates.mate,
            near.beside,
            near.star_squares,
            self.born.walls.step,
            squares,
        )
        return squares
