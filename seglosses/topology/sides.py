"""How the cells of a padded image lie in memory.

A cell is named by the flat index of its first pixel in reading order, an edge by ``axes * cell +
axis``. The *primal* side has pixels as cells and the steps between neighbours as edges. The *dual*
side has the top cells (squares in 2D, cubes in 3D) and, as edges, the walls between them: the same
edges in 2D, squares in 3D.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Codes = NDArray[np.int64]

LOW = np.int64(0xFFFFFFFF)


@dataclass(frozen=True)
class Side:
    """How the cells of a forest lie in the padded image.

    Attributes:
        flip: 0 for the primal forest; -1 for the dual one, whose codes are complements.
        steps: Offset of each direction of contraction; the last one, none, stays.
        joins: Offset from ``axes * cell`` to the edge of each direction.
        near: Offset from an edge's owner to the first cell that it joins, by axis.
        far: The same for the second cell.
        edge: Offsets of the pixels of an edge, by axis, the preferred one last.
        cell: Offsets of the pixels of a cell.
        picks: The same, the preferred one first: it is the cell's own among equals.
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


def _offsets(*values: Any) -> Codes:
    return np.array(values, np.int64)


@lru_cache(maxsize=8)
def sides_2d(row: int) -> tuple[Side, Side]:
    """Geometry of the pixels and of the squares of an image of a given padded width."""
    edge = _offsets((0, row), (0, 1))
    primal = Side(
        flip=0,
        steps=_offsets(-row, -1, row, 1, 0),
        joins=_offsets(-2 * row, -1, 0, 1),
        near=_offsets(0, 0),
        far=_offsets(row, 1),
        edge=edge,
        cell=_offsets(0),
        picks=_offsets(0),
    )
    dual = Side(
        flip=-1,
        steps=_offsets(row, 1, -row, 0),
        joins=_offsets(2 * row + 1, 2, 1),
        near=_offsets(-1, -row),
        far=_offsets(0, 0),
        edge=edge,
        cell=_offsets(0, 1, row, row + 1),
        picks=_offsets(row + 1, row, 1, 0),
    )
    return primal, dual


@lru_cache(maxsize=8)
def sides_3d(x: int, y: int, z: int) -> tuple[Side, Side]:
    """Geometry of the pixels and of the cubes of a volume of given padded strides."""
    primal = Side(
        flip=0,
        steps=_offsets(-x, -y, -z, x, y, z, 0),
        joins=_offsets(-3 * x, 1 - 3 * y, 2 - 3 * z, 0, 1, 2),
        near=_offsets(0, 0, 0),
        far=_offsets(x, y, z),
        edge=_offsets((0, x), (0, y), (0, z)),
        cell=_offsets(0),
        picks=_offsets(0),
    )
    corners = _offsets(0, z, y, y + z, x, x + z, x + y, x + y + z)
    dual = Side(
        flip=-1,
        steps=_offsets(x, y, z, -z, 0),
        joins=_offsets(3 * x, 3 * y + 1, 3 * z + 2, 2),
        near=_offsets(-x, -y, -z),
        far=_offsets(0, 0, 0),
        edge=_offsets((0, z, y, y + z), (0, z, x, x + z), (0, y, x, x + y)),
        cell=corners,
        picks=corners,
    )
    return primal, dual
