"""Induced matching of the loops of two volumes through those of a comparison.

Two readings, one for each end of the bars, as for components and cavities: with a comparison whose
sublevel sets are larger, loops belong together that die in the same square of it; with a smaller
one, loops that are born from the same edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seglosses.topology.pairings import NONE, Pairing
from seglosses.topology.tunnels import Loops

if TYPE_CHECKING:
    from seglosses.topology.forests import Mask
    from seglosses.topology.sides import Codes


class Image(NamedTuple):
    """Where the loops of a volume lead to in a comparison."""

    cells: Codes  #: the square at which each ends there, or the edge at which it begins
    proper: Mask  #: whether the image interval has a positive length


def image_of(loops: Loops, comparison: Loops, *, larger: bool) -> Image:
    """Follow the loops of a volume into a comparison.

    Args:
        loops: Loops of the volume.
        comparison: Loops of the comparison.
        larger: Whether the sublevel sets of the comparison contain those of the volume, or are
            contained in them.

    Returns:
        The image of every loop.
    """
    if not loops.edges.size:
        return Image(NONE, NONE > 0)
    # Values are looked up afterwards, for the reduction is where most memory is in use.
    if larger:
        found = Pairing.of(loops, comparison, edges=loops.edges, begun=0)
        squares = found.deaths(loops.edges)
        image = Image(squares, loops.births(loops.edges) < comparison.deaths(squares))
    else:
        loops.forget()
        found = Pairing.of(comparison, loops, squares=loops.squares)
        edges = found.births(loops.squares)
        image = Image(edges, comparison.births(edges) < loops.deaths(loops.squares))
    if loops is not comparison:
        loops.forget()
    return image


def match_images(
    a: Image, b: Image, comparison: Loops, *, larger: bool, exact: bool
) -> tuple[Codes, Codes]:
    """Match loops of two volumes that lead to the same bar of a comparison.

    Args:
        a: Images of the loops of the first volume.
        b: Images of the loops of the second volume.
        comparison: Loops of the comparison.
        larger: See :func:`image_of`.
        exact: Whether empty image intervals match too.

    Returns:
        Loops of the first and of the second volume, matched one to one.
    """
    shared, of_a, of_b = np.intersect1d(a.cells, b.cells, True, return_indices=True)
    one, two = a.proper[of_a], b.proper[of_b]
    if exact:
        # The comparison's own interval contains both images: where one of them is not empty, the
        # comparison has a bar there, and its own barcode need not be known.
        kept = one | two
        unsure = np.flatnonzero(~kept)
        if unsure.size:
            kept[unsure] = _has_bar(comparison, shared[unsure], larger)
    else:
        kept = one & two
    return of_a[kept], of_b[kept]


def _has_bar(comparison: Loops, cells: Codes, larger: bool) -> Mask:
    """Whether a bar of positive length ends at each square, or begins at each edge."""
    if larger:
        found = comparison.pair(squares=cells)
        edges, squares = found.births(cells), cells
    else:
        found = comparison.pair(edges=cells)
        edges, squares = cells, found.deaths(cells)
    return np.asarray(comparison.births(edges) < comparison.deaths(squares))


def place_of(known: Codes, wanted: Codes) -> Codes:
    """Where each wanted number is among known ones, -1 for nowhere."""
    if known.size == 0:
        return np.full(wanted.size, -1)
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), known.size - 1)]
    return np.where(known[place] == wanted, place, -1)
