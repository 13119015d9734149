"""Merge forests of an image: where each component is born, and which edge ends it.

The components of the sublevel sets (dimension 0) form a forest over the pixels, and by Alexander
duality the top dimension (loops in 2D, cavities in 3D) forms one over the top cells and the
outside, run from high to low. Both are first contracted by local rules to a few basins, then merged
along the few edges that are left, in the order (value, index).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.topology.kernels import forests as kernels
from seglosses.topology.kernels import grid, order, planting, volume
from seglosses.topology.sides import Codes, Ints, Side, sides_2d, sides_3d

Mask = NDArray[np.bool_]
Marks = NDArray[np.uint8]
Levels = tuple[int, int]

OUTER = kernels.OUTER


@dataclass
class Forest:
    """The merges of one filtration on one side.

    Attributes:
        side: The geometry.
        key: Padded values.
        ids: Basin + 1 of the cells looked up so far, 0 elsewhere.
        dirs: Direction in which each cell is contracted.
        age: Code of the oldest cell of each basin.
        win: Surviving basin of each merge, in order.
        lose: Dying basin of each merge.
        codes: Edge code of each merge.
        lives: Whether the bar that ends there has positive length.
        fate: By basin: the merge at which its bar ends, -1 for none of positive length.
    """

    side: Side
    key: Ints
    ids: Ints
    dirs: Marks
    age: Codes
    win: Ints
    lose: Ints
    codes: Codes
    lives: Mask
    fate: Ints

    def forget(self, *, bars: bool = False) -> None:
        """Give back what only matchings need.

        Args:
            bars: Whether the bars, too.
        """
        self.dirs = np.zeros(0, np.uint8)
        self.ids = self.win = self.fate = np.zeros(0, np.int32)
        if bars:
            self.key = np.zeros(0, np.int32)
            self.age = self.codes = np.zeros(0, np.int64)
            self.lose, self.lives = np.zeros(0, np.int32), np.zeros(0, bool)

    @property
    def roots(self) -> Ints:
        """Oldest cell of each basin; the outside is cell 0."""
        cells = self.side.index(self.age)
        cells[self.age == OUTER] = 0
        return cells.astype(np.int32)

    def fates(self, codes: Codes) -> Ints:
        """The merge that ends the bar born at each coded cell, -1 for none of positive length."""
        out = np.empty(codes.size, np.int32)
        flip, steps = np.int64(self.side.flip), self.side.steps
        kernels.look_up_fates(codes, flip, self.ids, self.dirs, steps, self.age, self.fate, out)
        return out


# Keys between which every pair of different values makes a bar.
EVERY_LEVEL = (-(1 << 40), 1 << 40)


def _planted(side: Side, key: Ints, dirs: Marks, made: tuple[Any, ...]) -> Forest:
    ids, age, (win, lose, _, codes, lives, fate) = made
    return Forest(side, key, ids, dirs, age, win, lose, codes, lives, fate)


def _geometry(side: Side) -> tuple[Any, ...]:
    return np.int64(side.flip), side.near, side.far, side.steps, side.cell


@dataclass(frozen=True)
class _Marked:
    """The cells of an image that are roots or have critical edges."""

    key: Ints
    flags: Marks
    cells: Ints
    bits: Codes

    @classmethod
    def of(cls, key: Ints, flags: Marks) -> _Marked:
        cells: Ints = np.empty(key.size + 1, np.int32)
        count, bits = grid.list_marked(flags, cells)
        return cls(key, flags, cells[:count].copy(), bits)

    def edges(self, shift: int, side: Side) -> Codes:
        codes = np.empty(self.bits[shift : shift + 3].sum() + 1, np.int64)
        grid.collect_edges(self.flags, self.cells, shift, self.key, side.edge, codes)
        codes = codes[:-1]
        order.sort_codes(codes)
        return codes

    def forest(self, dirs: Marks, side: Side, levels: Levels) -> Forest:
        flip = side.flip
        codes = ~self.edges(3, side)[::-1] if flip else self.edges(0, side)
        roots = self.bits[grid.TOP_ROOT if flip else grid.PIXEL_ROOT]
        least, most = sorted(level ^ flip for level in levels)
        made = planting.plant(
            self.flags, self.cells, roots, self.key, dirs, _geometry(side), codes, least, most
        )
        return _planted(side, self.key, dirs, made)


def forests_2d(padded: Ints) -> tuple[Forest, Forest]:
    """Forest of the components and forest of the loops of an image.

    Args:
        padded: Values with a margin of one pixel of ``OUTSIDE``, int32 (H + 2, W + 2).

    Returns:
        The primal and the dual forest. Basin 0 of the dual one is the outside.
    """
    row = padded.shape[1]
    key = padded.ravel()
    primal, dual = sides_2d(row)
    geometry = ((side.near, side.far, side.steps) for side in (primal, dual))
    pixel, square, parts, loops = planting.plant_2d(key, row, *geometry, *EVERY_LEVEL)
    return _planted(primal, key, pixel, parts), _planted(dual, key, square, loops)


@dataclass(frozen=True)
class Walls:
    """The edges and squares of a volume, for the dimension between the two forests.

    Attributes:
        key: Padded values, flat.
        step: Strides.
        span: The smallest value within the volume, and how many there are at most from there on.
        free: Bit ``axis`` of a voxel is set for the edges outside the spanning tree, each of which
            is born with a loop, bit ``3 + axis`` for the squares outside the dual one, each of
            which fills a loop.
        outer: Bit ``3 + axis`` is set for the squares outside of a level whose order is free.
    """

    key: Ints
    step: Codes
    span: tuple[int, int]
    free: Marks
    outer: Marks

    @property
    def last(self) -> Marks:
        """Which edge of every square comes last, by normal axis."""
        out = np.empty((3, self.key.size), np.uint8)
        volume.last_edges(self.key, self.step, out)
        return out

    @property
    def first(self) -> Marks:
        """Which square around every edge comes first, by axis."""
        out = np.empty((3, self.key.size), np.uint8)
        volume.first_squares(self.key, self.step, out)
        return out


def forests_3d(
    padded: Ints, span: tuple[int, int], levels: Levels = EVERY_LEVEL
) -> tuple[Forest, Forest, Walls]:
    """Forest of the components and forest of the cavities of a volume, and what lies between.

    Args:
        padded: Values with a margin of one pixel of ``OUTSIDE``, int32 (D + 2, H + 2, W + 2).
        span: See :class:`Walls`.
        levels: Values below the first or above the second count as equal to it where the length of
            a bar is concerned.

    Returns:
        The primal forest, the dual forest, whose basin 0 is the outside, and the walls.
    """
    key = padded.ravel()
    step = np.array(padded.strides, np.int64) // padded.itemsize
    primal, dual = sides_3d(*step.tolist())
    pixel, cube = np.empty(key.size, np.uint8), np.empty(key.size, np.uint8)
    flags, free = np.zeros(key.size, np.uint8), np.zeros(key.size, np.uint8)
    walls = Walls(key, step, span, free, np.zeros(key.size, np.uint8))
    volume.contract_3d(key, step, pixel, cube)
    volume.mark_3d(key, step, pixel, cube, walls.last, walls.first, flags, free)
    marked = _Marked.of(key, flags)
    components = marked.forest(pixel, primal, levels)
    cavities = marked.forest(cube, dual, levels)
    for shift, forest in ((0, components), (3, cavities)):
        volume.clear_cells(forest.side.index(forest.codes), shift, free)
    return components, cavities, walls
