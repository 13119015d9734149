"""Induced matching of the loops of two volumes through those of a comparison.

Two readings, one for each end of the bars, as for components and cavities: with a comparison whose
sublevel sets are larger, loops belong together that die in the same square of it; with a smaller
one, loops that are born from the same edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seglosses.topology.pairings import NONE, Given, Mates, Pairing
from seglosses.topology.tunnels import Loops

if TYPE_CHECKING:
    from seglosses.topology.forests import Mask
    from seglosses.topology.sides import Codes


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
    if not (a.edges.size and b.edges.size):
        return NONE, NONE
    links, proper = [], []
    for loops in (a, b):
        link, some = _image(loops, comparison, larger)
        links.append(link)
        proper.append(some)
        if loops is not comparison:
            loops.forget()
    shared, of_a, of_b = np.intersect1d(links[0], links[1], True, return_indices=True)
    one, two = proper[0][of_a], proper[1][of_b]
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


def _image(loops: Loops, comparison: Loops, larger: bool) -> tuple[Codes, Mask]:
    """Cell of the comparison that each loop leads to, and whether the image interval has length."""
    if larger:
        mates = Mates.of(loops.walls, comparison.walls)
        found = Pairing.of(loops, comparison, mates, edges=loops.edges, given=Given(loops.own))
        squares = found.deaths(loops.edges)
        return squares, loops.births(loops.edges) < comparison.deaths(squares)
    mates = Mates.of(comparison.walls, loops.walls)
    edges = Pairing.of(comparison, loops, mates, squares=loops.squares).births(loops.squares)
    return edges, comparison.births(edges) < loops.deaths(loops.squares)


def _has_bar(comparison: Loops, cells: Codes, larger: bool) -> Mask:
    """Whether a bar of positive length ends at each square, or begins at each edge."""
    if larger:
        found = Pairing.of(comparison, comparison, comparison.mates, squares=cells)
        edges, squares = found.births(cells), cells
    else:
        found = Pairing.of(comparison, comparison, comparison.mates, edges=cells)
        edges, squares = cells, found.deaths(cells)
    return np.asarray(comparison.births(edges) < comparison.deaths(squares))


def place_of(known: Codes, wanted: Codes) -> Codes:
    """Where each wanted number is among known ones, -1 for nowhere."""
    if known.size == 0:
        return np.full(wanted.size, -1)
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), known.size - 1)]
    return np.where(known[place] == wanted, place, -1)
