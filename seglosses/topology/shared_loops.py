"""Loops of masks of volumes by linear algebra: how many classes an inclusion keeps.

No choice among ties enters: an inclusion of masks maps the loops of the smaller one to those of the
larger one, and what is counted are dimensions of images of such maps.

With 6-connected foreground, the loops of a mask that no square fills are its first homology. Each
class is named by the edge that it is born from; the cycle that this edge closes with a spanning
forest stands for it. Written modulo the boundaries of the larger mask, the rank of such cycles is
the dimension of the image. With 26-connected foreground the background is 6-connected, and by
Alexander duality the inclusion of the background, turned around, has the same rank.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seglosses.topology.forests import forests_3d
from seglosses.topology.kernels import cycles
from seglosses.topology.kernels.grid import OUTSIDE
from seglosses.topology.pairings import Pairing
from seglosses.topology.tunnels import Loops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from seglosses.topology.sides import Codes

    Mask = NDArray[np.bool_]
    # Remainders of cycles: the rows of all, and where each one ends.
    Remainders = list[frozenset[int]]


@dataclass(frozen=True)
class Space:
    """A mask of a volume with 6-connected voxels, its boundaries reduced.

    Attributes:
        loops: Its edges and squares.
        found: The reduction.
        births: The edges from which its loops are born that no square fills.
    """

    loops: Loops
    found: Pairing
    births: Codes

    @classmethod
    def of(cls, mask: Mask) -> Space:
        """Reduce the boundaries of a mask.

        Args:
            mask: Boolean (D, H, W).

        Returns:
            The space; ``births`` has one edge for each loop.
        """
        padded = np.full(tuple(size + 2 for size in mask.shape), OUTSIDE, np.int32)
        padded[1:-1, 1:-1, 1:-1][mask] = 0
        loops = Loops(forests_3d(padded, (0, 1))[2])
        found = loops.pair()
        rows = found.rows[:-1]
        open_ = rows[(rows >= 0) & (rows & 0xFFFF == 0)]
        return cls(loops, found, open_ >> 16)

    def cycles(self) -> tuple[Codes, Codes]:
        """A cycle for each loop: their edges one after the other, and where each ends."""
        walls = self.loops.walls
        parent = np.empty(walls.key.size, np.int32)
        depth = np.full(walls.key.size, -1, np.int32)
        cycles.grow_forest(walls.key, walls.free, walls.step, parent, depth)
        ends = np.empty(self.births.size, np.int64)
        return cycles.list_cycles(self.births, parent, depth, walls.step, ends), ends

    def remainders(self, of: Space) -> Remainders:
        """The cycles of a space within this one, modulo its boundaries."""
        edges, ends = of.cycles()
        walls, found, near = self.loops.walls, self.found, self.loops.around
        size = found.rows.size
        words = [np.zeros(size // 64**level + 1, np.uint64) for level in (1, 2)]
        last = np.empty(ends.size, np.int64)
        rows = cycles.reduce_cycles(
            edges,
            ends,
            near.table,
            walls.step,
            found.rank,
            found.rows,
            walls.outer,
            found.columns.start,
            found.columns.pool,
            *words,
            last,
        )
        return [frozenset(part.tolist()) for part in np.split(rows, last[:-1])] if last.size else []


def cycle_voxels(mask: Mask) -> list[NDArray[np.int64]]:
    """A cycle of voxels for each loop of a mask with 6-connected voxels.

    Args:
        mask: Boolean (D, H, W).

    Returns:
        Voxels of each cycle, (k, 3).

    Example:
        >>> ring = np.ones((1, 3, 3), bool)
        >>> ring[0, 1, 1] = False
        >>> [len(voxels) for voxels in cycle_voxels(ring)]
        [8]
    """
    space = Space.of(mask)
    edges, ends = space.cycles()
    step = space.loops.walls.step
    both = np.stack([edges // 3, edges // 3 + step[edges % 3]], axis=1)
    padded = tuple(size + 2 for size in mask.shape)
    found = []
    for start, end in itertools.pairwise([0, *ends.tolist()]):
        voxels = np.unique(both[start:end])
        found.append(np.stack(np.unravel_index(voxels, padded), axis=1) - 1)
    return found


def cycle_near(mask: Mask, place: int) -> Mask:
    """The cycle of a mask with 6-connected voxels whose middle is nearest to a voxel.

    Args:
        mask: Boolean (D, H, W).
        place: Flat index of the voxel.

    Returns:
        The voxels of the cycle, that voxel alone where there is none.

    Example:
        >>> ring = np.ones((1, 3, 3), bool)
        >>> ring[0, 1, 1] = False
        >>> int(cycle_near(ring, 4).sum()), int(cycle_near(~ring, 4).sum())
        (8, 1)
    """
    region = np.zeros(mask.shape, bool)
    target = np.array(np.unravel_index(place, mask.shape))
    cycles = cycle_voxels(mask)
    if cycles:
        near = min(cycles, key=lambda voxels: float(np.linalg.norm(voxels.mean(0) - target)))
        region[tuple(near.T)] = True
    else:
        region.flat[place] = True
    return region


def kept_loops(inner: Mask, outer: Mask, *, full: bool) -> int:
    """Rank of the map that an inclusion of masks induces on loops.

    Args:
        inner: Boolean (D, H, W).
        outer: The same, with at least the voxels of ``inner``.
        full: Whether voxels are 26-connected, else 6-connected.

    Returns:
        How many independent loops of ``inner`` are loops of ``outer``.

    Example:
        >>> ring = np.ones((1, 3, 3), bool)
        >>> ring[0, 1, 1] = False
        >>> kept_loops(ring, ring, full=False), kept_loops(ring, ring | True, full=True)
        (1, 0)
    """
    if full:
        inner, outer = _around(outer), _around(inner)
    return rank(Space.of(outer).remainders(Space.of(inner)))


def shared_loops(first: Mask, second: Mask, *, full: bool) -> int:
    """Dimension of the loops of the union that come from both masks.

    The two images span as much together as the cycles of both masks do at once, so that their
    intersection has the dimension of the one and of the other less that of both together.

    Args:
        first: Boolean (D, H, W).
        second: The same.
        full: Whether voxels are 26-connected, else 6-connected.

    Returns:
        The dimension.

    Example:
        >>> ring = np.ones((1, 3, 4), bool)
        >>> ring[0, 1, 1] = False
        >>> wide = ring.copy()
        >>> wide[0, 1, 2] = False
        >>> shared_loops(ring, wide, full=True)
        1
    """
    if not full:
        union = Space.of(first | second)
        one, two = (union.remainders(Space.of(mask)) for mask in (first, second))
        return rank(one) + rank(two) - rank(one + two)
    union = Space.of(_around(first | second))
    one, two = (Space.of(_around(mask)).remainders(union) for mask in (first, second))
    # Turned around: a loop of the background is lost in both only where both remainders are none.
    both = [
        frozenset({*((0, row) for row in a), *((1, row) for row in b)})
        for a, b in zip(one, two, strict=True)
    ]
    return rank(one) + rank(two) - rank(both)


def _around(mask: Mask) -> Mask:
    """The background of a mask, with the space around it."""
    return np.pad(~mask, 1, constant_values=True)


def rank(vectors: Sequence[frozenset[Any]]) -> int:
    """Rank over the field of two elements.

    Args:
        vectors: Positions of the ones of each vector; anything that can be compared.

    Returns:
        The rank.

    Example:
        >>> rank([frozenset({1, 2}), frozenset({2, 3}), frozenset({1, 3})])
        2
    """
    basis: dict[Any, frozenset[Any]] = {}
    for vector in vectors:
        while vector:
            first = min(vector)
            if first not in basis:
                basis[first] = vector
                break
            vector = vector ^ basis[first]
    return len(basis)
