"""Births in one filtration of a volume, paired with deaths in the same or in a larger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from seglosses.topology.around import Around, around
from seglosses.topology.kernels import order, pairs, reduction, stars
from seglosses.topology.kernels import rows as row_kernels
from seglosses.topology.sides import Codes, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seglosses.topology.forests import Marks, Walls

NONE = np.zeros(0, np.int64)

#: rows of all columns, which are counted in 32 bits without a sign: 16 GiB of them
MOST_ROWS = 2**32 - 1


class Ordered(Protocol):
    """A filtration whose edges or squares are paired: what is asked of its loops."""

    walls: Walls
    around: Around

    def open_rows(self, mate: NDArray[np.uint16]) -> tuple[Ints, Codes]:
        """Row of every free edge, and what is known of every row."""

    def give(self) -> Columns:
        """The columns of the reduction within this filtration, which is forgotten here."""

    def deaths(self, squares: Codes) -> Codes:
        """Values of squares."""


@dataclass(frozen=True)
class Mates:
    """Pairs that need no matrix.

    Attributes:
        mate: What is known of every edge, by axis, uint16 (3, n).
        paired: The squares concerned, as bits.
    """

    mate: NDArray[np.uint16]
    paired: Marks

    @classmethod
    def of(cls, born: Walls, dying: Walls) -> Mates:
        """Pairs of edges of one filtration and squares of another that a neighbourhood shows."""
        near, size = around(*born.step.tolist()), born.key.size
        found = cls(np.empty((3, size), np.uint16), np.empty(size, np.uint8))
        stars.pair_apparent(dying.first, born.last, born.step, found.mate, found.paired)
        stars.pair_stars(
            born.key,
            dying.key,
            born.step,
            near.voxels,
            near.star_needs,
            near.star_sides,
            near.star_corners,
            near.star,
            near.star_ends,
            dying.free,
            found.mate,
            found.paired,
        )
        return found


@dataclass(frozen=True)
class Columns:
    """What a reduction leaves behind.

    Attributes:
        codes: Codes of the squares that became columns.
        taken: Edge of each of them, -1 for none.
        far: Whether a square was added to it that is outside of the level whose order is free.
        start: Where its rows begin in ``pool``.
        pool: Rows of the reduced columns.
    """

    codes: Codes
    taken: Ints
    far: Marks
    start: NDArray[np.uint32]
    pool: Ints

    def first(self, count: int) -> Columns:
        """The first columns alone, in memory of their own."""
        return Columns(
            self.codes[:count].copy(),
            self.taken[:count].copy(),
            self.far[:count].copy(),
            self.start[: count + 1].copy(),
            self.pool[: self.start[count]].copy(),
        )


@dataclass(frozen=True)
class Pairing:
    """Births in one filtration of a volume, paired with deaths in the same or another one.

    Attributes:
        born: The filtration that orders the rows.
        dying: The filtration that orders the columns.
        rank: Row of every edge.
        rows: What is known of every row, its mate among it.
        columns: The pairs that needed the matrix.
    """

    born: Ordered
    dying: Ordered
    rank: Ints
    rows: Codes
    columns: Columns

    @classmethod
    def of(
        cls,
        born: Ordered,
        dying: Ordered,
        *,
        edges: Codes | None = None,
        squares: Codes | None = None,
        begun: int | None = None,
    ) -> Pairing:
        """Reduce the boundary matrix with rows of one filtration and columns of another.

        Args:
            born: Filtration of the edges.
            dying: Filtration of the squares.
            edges: Edges whose square is asked for; the reduction ends when all have theirs.
            squares: Squares whose edge is asked for; it ends after the last of them.
            begun: None to begin with nothing. Else columns of the reduction within ``born`` stand
                wherever they can, and ``born`` gives them away; ``dying`` is nowhere above it, and
                lower by this number in a level whose order is free (0 where there is none).

        Returns:
            The pairing.

        Raises:
            MemoryError: For columns of more than :data:`MOST_ROWS` edges in all.
        """
        walls, mates = dying.walls, Mates.of(born.walls, dying.walls)
        (rank, rows), paired = born.open_rows(mates.mate), mates.paired
        # Nothing outlives its use: here is where most memory is in use at a time.
        del mates
        least, known = np.int64(-1) << 62, 0
        old = None if begun is None else born.give()
        if old is not None:
            known = row_kernels.take_over(
                old.codes,
                old.taken,
                old.far,
                old.start,
                old.pool,
                walls.key,
                begun,
                walls.step,
                rank,
                rows,
                paired,
            )
            if 2 * known < old.codes.size:
                old = old.first(known)
        wanted = -1
        if edges is not None:
            wanted = row_kernels.ask_for(edges, rank, rows)
            standing = rows[rank[edges]]
            # What already has a square may still lose it to an earlier one.
            if old is not None:
                least = old.codes[~standing[standing < 0]].max(initial=least)
        _, count = order.count_bits(walls.free, paired)
        # The columns to come lie behind room for as many as are known, twice: before one of them is
        # read, at most so many and those before it have been written.
        all_codes = np.empty(2 * known + count, np.int64)
        columns = all_codes[2 * known :]
        order.list_columns(walls.key, walls.free, paired, walls.step, columns)
        del paired
        if squares is not None:
            ends = (dying.deaths(squares) << 32) | squares
            columns = columns[: np.searchsorted(columns, ends.max(initial=0), side="right")]
        room = 2 * known + columns.size
        all_taken = np.empty(room, np.int32)
        far, start = np.empty(room, np.uint8), np.zeros(room + 1, np.uint32)
        pool: Ints = np.empty(4 * columns.size + 64, np.int32)
        if old is not None:
            all_codes[:known], all_taken[:known] = old.codes[:known], old.taken[:known]
            far[:known], start[: known + 1] = old.far[:known], old.start[: known + 1]
            pool, old = old.pool, None
        near, words = born.around, [np.zeros(rows.size // 64**k + 1, np.uint64) for k in (1, 2)]
        count, pool = reduction.reduce_columns(
            columns,
            near.table,
            walls.step,
            rank,
            rows,
            walls.free,
            walls.outer,
            wanted,
            least,
            *words,
            all_codes,
            all_taken,
            far,
            start,
            pool,
            known,
            MOST_ROWS,
        )
        if count < 0:
            raise MemoryError(
                f"the loops of this volume take more than {MOST_ROWS} edges in all;"
                " match windows of it, such as BettiMatchingLoss(window=128), or a crop"
            )
        if begun is not None:
            # nothing goes on with the image of a reduction
            pool = np.zeros(0, np.int32)
        left = Columns(all_codes[:count], all_taken[:count], far[:count], start[: count + 1], pool)
        return cls(born, dying, rank, rows, left)

    def births(self, squares: Codes) -> Codes:
        """Edge that is paired with each square."""
        near = self.born.around
        edges = np.empty(squares.size, np.int64)
        pairs.edges_of(
            squares,
            self.born.walls.key,
            self.dying.walls.key,
            self.born.walls.last,
            near.ends,
            near.beside,
            near.star_corners,
            self.rank,
            self.rows,
            self.born.walls.step,
            near.star_squares,
            near.star_edges,
            edges,
        )
        rest = np.flatnonzero(edges < 0)
        codes = (self.dying.deaths(squares[rest]) << 32) | squares[rest]
        order = np.argsort(codes)
        found = np.full(rest.size, -1)
        pairs.find_columns(self.columns.codes, self.columns.taken, codes[order], found)
        edges[rest[order]] = found
        return edges

    def deaths(self, edges: Codes) -> Codes:
        """Square that is paired with each edge."""
        near = self.born.around
        squares = np.empty(edges.size, np.int64)
        pairs.squares_of(
            edges,
            self.rank,
            self.rows,
            self.columns.codes,
            self.dying.walls.key,
            near.beside,
            near.star_corners,
            near.star_squares,
            self.born.walls.step,
            squares,
        )
        return squares
