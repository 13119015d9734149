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
from typing import NamedTuple

import numpy as np

from seglosses.topology.bars import Filtered
from seglosses.topology.forests import Forest, Marks, Walls, forests_3d
from seglosses.topology.images import place_of
from seglosses.topology.kernels import order
from seglosses.topology.kernels.grid import OUTSIDE
from seglosses.topology.kernels.order import FRAME
from seglosses.topology.pairings import NONE, Pairing
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
    """

    comparison: Loops
    older: Marks
    rest: Marks
    levels: tuple[int, int]
    larger: bool

    def links(self, volume: Loops, label: Loops) -> Links:
        """Where loops of the label lead to in the comparison; needs no reduction of the volume.

        Args:
            volume: Loops of the volume.
            label: Loops of the label.

        Returns:
            The label's loops that have a bar there, the square at which each of these ends (the
            edge at which it begins, for a comparison that both contain), and its value.
        """
        if not label.edges.size:
            return Links(NONE, NONE, NONE)
        low, high = self.levels
        seam = self._seam(volume, label)
        label.forget()
        if self.larger:
            cells = seam.pair(edges=label.edges).deaths(label.edges)
            values = seam.deaths(cells)
            loops = np.flatnonzero(values > low)
        else:
            cells = seam.pair(squares=label.squares).births(label.squares)
            values = seam.births(cells)
            loops = np.flatnonzero(values < high)
        return Links(loops, cells[loops], values[loops])

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


class Links(NamedTuple):
    """What :meth:`Halves.links` returns."""

    loops: Codes
    cells: Codes
    values: Codes


def match_beside_label(
    volume: Loops, label: Loops, halves: Halves, links: Links, *, exact: bool
) -> tuple[Codes, Codes]:
    """Match loops of a volume with those of a label.

    Args:
        volume: Loops of the volume.
        label: Loops of the label.
        halves: Their comparison.
        links: Where the label's loops lead to in it.
        exact: Whether empty image intervals match too.

    Returns:
        Loops of the volume and loops of the label, matched one to one.
    """
    if not (volume.edges.size and links.loops.size):
        return NONE, NONE
    third, (low, high) = halves.comparison, halves.levels
    if halves.larger:
        found = Pairing.of(volume, third, squares=links.cells, begun=high - low + 1)
        edges = found.births(links.cells)
        place, proper = place_of(volume.edges, edges), volume.births(edges) < links.values
    else:
        volume.forget()
        squares = Pairing.of(third, volume, edges=links.cells).deaths(links.cells)
        place, proper = place_of(volume.squares, squares), links.values < volume.deaths(squares)
    # The image of the label's bar is never empty, so that the comparison has a bar there.
    kept = place >= 0 if exact else (place >= 0) & proper
    return place[kept], links.loops[kept]


def tell_halves(volume: Filtered, label: Filtered) -> None:
    """Note at the loops of a volume which squares are not within the label's older half.

    Args:
        volume: The volume; its own loops are not reduced yet.
        label: The label.
    """
    walls = volume.loops.walls
    older = label.key <= label.key[label.key != FRAME].min()
    none, all_ = np.zeros(older.size, np.uint8), np.full(older.size, 0x38, np.uint8)
    order.combine_free(older.view(np.uint8), walls.step, none, all_, walls.outer)


def compare_with_label(
    volume: Filtered, label: Filtered, shape: tuple[int, ...], *, larger: bool
) -> tuple[Forest, Halves, Forest]:
    """Features of the comparison of a volume with a label of two values that bound it.

    Args:
        volume: The volume.
        label: The label.
        shape: Of the padded arrays.
        larger: Whether the comparison's sublevel sets contain those of the inputs.

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
    halves = Halves(Loops(walls), older.view(np.uint8), rest.view(np.uint8), (low, high), larger)
    return components, halves, cavities
