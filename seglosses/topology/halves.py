"""A volume beside a label of two values: what their comparison looks like, and its matching.

A label cuts the volume in two halves, its older voxels and the others. A comparison that contains
both filtrations is constant on the older half, and equal to the other volume elsewhere (one that is
contained in both: the other way round). No bar is born and dies within one level, so that the order
of the constant half may be chosen:

* Columns of the lowest level may be reordered: which edge a later column takes depends only on the
  span of the earlier ones, and a square of that level ends no bar of the comparison.
* Rows of the highest level may be reordered: which of the lower edges a column takes depends only
  on the set of the higher ones, and an edge of that level begins no bar of the label.

Ordered by the other volume, the constant half has hardly any ties, so that neighbourhoods show most
pairs. And with the label's other half in the order of the comparison, the image of the label
is the barcode of a single filtration: the label's order on one half, the comparison's on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seglosses.topology.bars import Filtered
from seglosses.topology.forests import Forest, Marks, Walls, forests_3d
from seglosses.topology.images import place_of
from seglosses.topology.kernels import order
from seglosses.topology.kernels.grid import OUTSIDE
from seglosses.topology.kernels.order import FRAME
from seglosses.topology.pairings import NONE, Given, Mates, Pairing
from seglosses.topology.sides import Codes, Ints
from seglosses.topology.tunnels import Loops


@dataclass(frozen=True)
class Halves:
    """Comparison of a volume with a label.

    Attributes:
        comparison: Its loops, with the constant half ordered by the volume.
        older: The label's older voxels and what is older than all, uint8 (n,).
        rest: The label's other voxels, uint8 (n,).
        levels: The label's two values.
        larger: Whether the comparison's sublevel sets contain those of the inputs.
        label_first: Whether the label is the first of the two inputs.
    """

    comparison: Loops
    older: Marks
    rest: Marks
    levels: tuple[int, int]
    larger: bool
    label_first: bool

    def match(self, a: Loops, b: Loops, *, exact: bool) -> tuple[Codes, Codes]:
        """Match loops of the inputs.

        Args:
            a: Loops of the first input.
            b: Loops of the second input.
            exact: Whether empty image intervals match too.

        Returns:
            Loops of ``a`` and loops of ``b``, matched one to one.
        """
        if self.label_first:
            of_label, of_volume = self._match(b, a, exact)
            return of_volume, of_label
        return self._match(a, b, exact)

    def _match(self, volume: Loops, label: Loops, exact: bool) -> tuple[Codes, Codes]:
        if not (volume.edges.size and label.edges.size):
            return NONE, NONE
        low, high = self.levels
        seam = self._seam(volume, label)
        third = self.comparison
        if self.larger:
            squares = Pairing.of(seam, seam, seam.mates, edges=label.edges).deaths(label.edges)
            ends = seam.deaths(squares)
            loops = np.flatnonzero(ends > low)
            squares, ends = squares[loops], ends[loops]
            mates, given = Mates.of(volume.walls, third.walls), Given(volume.own, high - low + 1)
            found = Pairing.of(volume, third, mates, squares=squares, given=given)
            edges = found.births(squares)
            place, proper = place_of(volume.edges, edges), volume.births(edges) < ends
        else:
            edges = Pairing.of(seam, seam, seam.mates, squares=label.squares).births(label.squares)
            starts = seam.births(edges)
            loops = np.flatnonzero(starts < high)
            edges, starts = edges[loops], starts[loops]
            mates = Mates.of(third.walls, volume.walls)
            squares = Pairing.of(third, volume, mates, edges=edges).deaths(edges)
            place, proper = place_of(volume.squares, squares), starts < volume.deaths(squares)
        # The image of the label's bar is never empty, so that the comparison has a bar there.
        kept = place >= 0 if exact else (place >= 0) & proper
        return place[kept], loops[kept]

    def _seam(self, volume: Loops, label: Loops) -> Loops:
        """The label's order on its half and the comparison's on the other, as one filtration."""
        walls, (low, high) = volume.walls, self.levels
        inner, outer = label.walls.free, self.comparison.walls.free
        key = walls.key.copy()
        if self.larger:
            key[(self.older != 0) & (key != FRAME)] = low - 1
            span = low - 1, high - low + 2
        else:
            inner, outer = outer, inner
            key[self.rest != 0] = high + 1
            span = low, high - low + 2
        free = np.zeros(key.size, np.uint8)
        order.combine_free(self.older, walls.step, inner, outer, free)
        return Loops(Walls(key, walls.step, span, free, np.zeros(key.size, np.uint8)))


def tell_halves(volume: Filtered, label: Filtered) -> None:
    """Note at the loops of a volume which squares are not within the label's older half.

    Args:
        volume: The volume; its own loops are not reduced yet.
        label: The label.
    """
    walls = volume.volume[1].walls
    older = label.key <= label.key[label.key != FRAME].min()
    none, all_ = np.zeros(older.size, np.uint8), np.full(older.size, 0x38, np.uint8)
    order.combine_free(older.view(np.uint8), walls.step, none, all_, walls.outer)


def compare_with_label(
    volume: Filtered, label: Filtered, shape: tuple[int, ...], *, larger: bool, label_first: bool
) -> tuple[Forest, Halves, Forest]:
    """Features of the comparison of a volume with a label of two values that bound it.

    Args:
        volume: The volume.
        label: The label.
        shape: Of the padded arrays.
        larger: Whether the comparison's sublevel sets contain those of the inputs.
        label_first: Whether the label is the first of the two inputs.

    Returns:
        Components, loops and cavities.
    """
    inside = (label.key != OUTSIDE) & (label.key != FRAME)
    values = label.key[inside]
    low, high = int(values.min()), int(values.max())
    older, rest = label.key <= low, (label.key == high)
    shift = high - low + 1
    key: Ints = volume.key.copy()
    if larger:
        key[older & inside] -= np.int32(shift)
    else:
        key[rest] += np.int32(shift)
    span = (low - shift if larger else low), 2 * shift
    components, cavities, walls = forests_3d(key.reshape(shape), span, (low, high))
    halves = Halves(
        Loops(walls), older.view(np.uint8), rest.view(np.uint8), (low, high), larger, label_first
    )
    return components, halves, cavities
