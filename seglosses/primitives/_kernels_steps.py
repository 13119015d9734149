"""Kernels that lay many scores between the edges of few steps, and read each of them once.

``edges`` are float64 in ascending order and finite, with an infinite one behind them. A score lies
in the interval whose number is that of the edges up to it, 0 to the number of edges. ``starts``
speeds up the search: it says how many edges lie before each of equally wide cells from
``edges[0]`` on, ``scale`` of them a unit. Scores are float32 or float64, (n,); those with a nonzero
byte in ``few`` are passed over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

#: Scores whose intervals are found before they are used.
_BLOCK = 512


@kernel
def cells_of(edges: Any, scale: float, starts: Any) -> None:
    """Fill ``starts``, int32 (cells + 1,)."""
    starts[:] = 0
    for i in range(edges.size - 1):
        starts[min(int((edges[i] - edges[0]) * scale), starts.size - 2) + 1] += 1
    for cell in range(1, starts.size):
        starts[cell] += starts[cell - 1]


@kernel
def find_intervals(scores: Any, edges: Any, starts: Any, scale: float, places: Any) -> None:
    """Write the number of each score's interval to ``places``, int32 (n,).

    What is no number goes where the first edge is: not below all, for there no score matters.
    """
    first, last = edges[0], edges[edges.size - 2]
    top = np.uint32(starts.size - 2)
    for i in range(scores.size):
        score = np.float64(scores[i])
        inside = score if score > first else first
        inside = inside if inside < last else last
        # rounding is monotone: edges of earlier cells lie below, those of later ones above
        cell = min(np.uint32((inside - first) * scale), top)
        place = np.uint32(starts[cell])
        # a cell has no more than one edge as a rule, and there is nothing to guess wrong at
        place += np.uint32(edges[place] <= inside)
        if edges[place] <= inside:
            low, high = place + np.uint32(1), np.uint32(starts[cell + np.uint32(1)])
            while low < high:
                middle = (low + high) // np.uint32(2)
                if edges[middle] <= inside:
                    low = middle + np.uint32(1)
                else:
                    high = middle
            place = np.uint32(low)
        places[i] = np.uint32(0) if score < first else place


@kernel
def add_to_intervals(
    scores: Any, few: Any, edges: Any, starts: Any, scale: float, counts: Any, sums: Any
) -> None:
    """Add up scores in each interval, in float64."""
    places = np.empty(_BLOCK, np.int32)
    for start in range(0, scores.size, _BLOCK):
        block = scores[start : start + _BLOCK]
        find_intervals(block, edges, starts, scale, places)
        for i in range(block.size):
            if few[start + i] == 0:
                counts[places[i]] += 1.0
                sums[places[i]] += np.float64(block[i])


@kernel
def read_intervals(
    scores: Any,
    few: Any,
    edges: Any,
    starts: Any,
    scale: float,
    level: Any,
    rise: Any,
    out: Any,
) -> None:
    """Write level + rise times the score of each score's interval; 0 for those passed over."""
    places = np.empty(_BLOCK, np.int32)
    for start in range(0, scores.size, _BLOCK):
        block = scores[start : start + _BLOCK]
        find_intervals(block, edges, starts, scale, places)
        for i in range(block.size):
            score, up = np.float64(block[i]), rise[places[i]]
            # beyond all steps nothing rises, and the score may be infinite
            value = level[places[i]] + (up * score if up != 0.0 or score != score else 0.0)
            out[start + i] = value if few[start + i] == 0 else 0.0
