"""Merge forests of an image: who is born where, and which edge ends it.

The components of the sublevel sets (dimension 0) form a forest over the pixels, and by Alexander
duality the top dimension (loops in 2D, cavities in 3D) forms one over the top cells and the
outside, run from high to low. Both are first contracted by local rules to a few basins, then merged
along the few edges that are left, in the order (value, index).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.topology import _kernels as kernels
from seglosses.topology import _kernels_grid as grid

Ints = NDArray[np.int32]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

LOW = np.int64(0xFFFFFFFF)
OUTER = np.int64(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class Side:
    """How the cells of a forest lie in the padded image.

    Attributes:
        flip: 0 for the primal forest; -1 for the dual one, whose codes are complements.
        steps: Offset of each direction of contraction.
        joins: Offset from ``axes * cell`` to the edge of each direction.
        near: Offset from an edge's owner to the first cell that it joins, by axis.
        far: The same for the second cell.
        edge: Offsets of the pixels of an edge, by axis.
        cell: Offsets of the pixels of a cell.
        picks: The same, in the order in which equal pixels are preferred as the cell's own.
    """

    flip: int
    steps: Codes
    joins: Codes
    near: Codes
    far: Codes
    edge: Codes
    cell: Codes
    picks: Codes

    @property
    def axes(self) -> int:
        """Edges that a cell owns."""
        return len(self.near)

    def values(self, key: Ints, cells: NDArray[Any]) -> Codes:
        """Value of cells: the largest of their pixels."""
        return np.asarray(key[cells[:, None] + self.cell].max(axis=1), np.int64)

    def codes(self, key: Ints, cells: NDArray[Any]) -> Codes:
        """Codes of cells, complemented in the dual forest."""
        return np.asarray(((self.values(key, cells) << 32) | cells) ^ self.flip, np.int64)

    def index(self, codes: Codes) -> Codes:
        """Cell or edge in the lower half of codes."""
        return (codes ^ self.flip) & LOW


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
    """

    side: Side
    key: Ints
    ids: Ints
    dirs: NDArray[np.uint8]
    age: Codes
    win: Ints
    lose: Ints
    codes: Codes
    lives: Mask = field(init=False)
    fate: Ints = field(init=False)

    def __post_init__(self) -> None:
        # Code halves of INT32_MAX belong to the frame of the T-construction: its essential class.
        values = self.codes >> 32
        self.lives = ((self.age[self.lose] >> 32) != values) & (values != grid.OUTSIDE)
        self.fate = np.full(self.age.size, -1, np.int32)
        live = np.flatnonzero(self.lives)
        self.fate[self.lose[live]] = live

    @property
    def roots(self) -> Ints:
        """Oldest cell of each basin; the outside is cell 0."""
        cells = self.side.index(self.age)
        cells[self.age == OUTER] = 0
        return cells.astype(np.int32)

    def basins(self, cells: Ints) -> Ints:
        """Basin of each cell."""
        return self.ids[cells] - np.int32(1)

    def fates(self, codes: Codes) -> Ints:
        """The merge that ends the bar born at each coded cell, -1 for none of positive length."""
        out = np.full(codes.size, -1, np.int32)
        known = np.flatnonzero((codes != kernels.NONE) & (codes != OUTER))
        basins = self.ids[self.side.index(codes[known])] - 1
        # A label that is no root is nobody's birth; its basin belongs to another cell.
        born = self.age[basins] == codes[known]
        out[known[born]] = self.fate[basins[born]]
        return out

    def births_and_deaths(self) -> tuple[Codes, Codes]:
        """Cells that are born and edges that kill, for the bars of positive length."""
        return self.side.index(self.age[self.lose]), self.side.index(self.codes)


def _merge(
    side: Side, key: Ints, ids: Ints, dirs: NDArray[np.uint8], age: Codes, codes: Codes
) -> tuple[Forest, Ints]:
    near = np.empty(codes.size, np.int32)
    far = np.empty(codes.size, np.int32)
    flip = np.int64(side.flip)
    kernels.settle(ids, dirs, side.steps, side.flip != 0)
    kernels.edge_basins(codes, flip, side.axes, side.near, side.far, ids, near, far)
    parent = np.arange(age.size, dtype=np.int32)
    win: Ints
    lose: Ints
    where: Ints
    win, lose, where = (np.empty(age.size, np.int32) for _ in range(3))
    count = kernels.merge(near, far, age, parent, win, lose, where)
    win, lose, where = win[:count].copy(), lose[:count].copy(), where[:count].copy()
    return Forest(side, key, ids, dirs, age, win, lose, codes[where]), where


def sides_2d(row: int) -> tuple[Side, Side]:
    """Geometry of the pixels and of the squares of an image of a given padded width."""

    def offsets(*values: Any) -> Codes:
        return np.array(values, np.int64)

    edge = offsets((0, row), (0, 1))
    primal = Side(
        flip=0,
        steps=offsets(-row, -1, row, 1),
        joins=offsets(-2 * row, -1, 0, 1),
        near=offsets(0, 0),
        far=offsets(row, 1),
        edge=edge,
        cell=offsets(0),
        picks=offsets(0),
    )
    dual = Side(
        flip=-1,
        steps=offsets(row, 1, -row),
        joins=offsets(2 * row + 1, 2, 1),
        near=offsets(-1, -row),
        far=offsets(0, 0),
        edge=edge,
        cell=offsets(0, 1, row, row + 1),
        picks=offsets(row + 1, row, 1, 0),
    )
    return primal, dual


def forests_2d(padded: Ints) -> tuple[Forest, Forest]:
    """Forest of the components and forest of the loops of an image.

    Args:
        padded: Values with a margin of one pixel of ``OUTSIDE``, int32 (H + 2, W + 2).

    Returns:
        The primal and the dual forest. Basin 0 of the dual one is the outside.
    """
    height, row = padded.shape
    key = padded.ravel()
    primal, dual = sides_2d(row)
    pixel, square = np.empty(key.size, np.uint8), np.empty(key.size, np.uint8)
    flags = np.zeros(key.size, np.uint8)
    grid.contract_2d(key, row, pixel, square)
    grid.mark_2d(key, row, pixel, square, flags)

    codes = np.empty(grid.count_flags(flags, 3), np.int64)
    grid.collect_edges(flags, key, primal.edge, codes)
    codes.sort()
    pixel_ids = np.zeros(key.size, np.int32)
    pixel_age = np.empty(grid.count_flags(flags, grid.PIXEL_ROOT), np.int64)
    grid.collect_roots(flags, grid.PIXEL_ROOT, key, primal.cell, 0, pixel_ids, pixel_age)
    square_ids = np.zeros(padded.shape, np.int32)
    square_ids[0] = square_ids[height - 2 :] = 1
    square_ids[:, 0] = square_ids[:, row - 2] = square_ids[:, row - 1] = 1
    square_age = np.empty(grid.count_flags(flags, grid.SQUARE_ROOT) + 1, np.int64)
    grid.collect_roots(flags, grid.SQUARE_ROOT, key, dual.cell, 1, square_ids.ravel(), square_age)
    square_age = ~square_age
    square_age[0] = OUTER

    loops, where = _merge(dual, key, square_ids.ravel(), square, square_age, ~codes[::-1])
    # An edge that merges nothing in the dual forest belongs to the spanning tree of the primal one.
    rest = np.ones(codes.size, bool)
    rest[codes.size - 1 - where] = False
    components, _ = _merge(primal, key, pixel_ids, pixel, pixel_age, codes[rest])
    return components, loops
