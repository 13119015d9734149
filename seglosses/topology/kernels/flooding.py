# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that flood a map pixel by pixel (Numba, no bounds checks).

Maps are flat and framed: pixels of the frame are never flooded, so that neighbours need no check.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.runs import root_of


@kernel
def count_bottlenecks(order, labels, regions, steps, between, within):
    """Count the pairs of labelled pixels that each pixel connects, flooding from the top.

    Args:
        order: Flat indices, highest first, int64 (m,).
        labels: int32 (n,), framed: 0 for pixels that belong to no pair.
        regions: Largest label.
        steps: Offsets of the face neighbours, int64 (k,).
        between: Pairs of different labels, float64 (n,); added to.
        within: Pairs of one label, float64 (n,); added to.
    """
    place = np.full(labels.size, -1, np.int64)
    parent = np.arange(order.size)
    count = np.zeros((order.size, regions + 1), np.float64)
    size = np.zeros(order.size, np.float64)
    for k in range(order.size):
        i = order[k]
        place[i] = k
        if labels[i] > 0:
            count[k, labels[i]] = 1.0
            size[k] = 1.0
        root = k
        for step in steps:
            if place[i + step] < 0:
                continue
            other = root_of(parent, place[i + step])
            if other == root:
                continue
            if size[other] > 0 and size[root] > 0:
                same = 0.0
                for c in range(1, regions + 1):
                    same += count[other, c] * count[root, c]
                within[i] += same
                between[i] += size[other] * size[root] - same
            for c in range(1, regions + 1):
                count[other, c] += count[root, c]
            size[other] += size[root]
            parent[root] = other
            root = other


@kernel
def mark_ridges(order, height, steps, least, ridge):
    """Flood basins from the bottom and mark the pixels at which deep ones meet.

    Args:
        order: Flat indices, lowest first, int64 (m,).
        height: float64 (n,), framed.
        steps: Offsets of the face neighbours, int64 (k,).
        least: A basin that is not deeper than this where it meets another one joins it.
        ridge: bool (n,); set where basins stay apart.
    """
    parent = np.full(height.size, -1, np.int64)
    roots = np.zeros(steps.size, np.int64)
    for i in order:
        found = 0
        for step in steps:
            if parent[i + step] < 0:
                continue
            root = root_of(parent, i + step)
            known = False
            for k in range(found):
                known = known or roots[k] == root
            if not known:
                roots[found] = root
                found += 1
        if found == 0:
            parent[i] = i
            continue
        # a basin is named by its lowest pixel; the lowest of all swallows the shallow ones
        lowest = roots[0]
        for k in range(1, found):
            if height[roots[k]] < height[lowest]:
                lowest = roots[k]
        apart = False
        for k in range(found):
            if roots[k] != lowest:
                if height[i] - height[roots[k]] > least:
                    apart = True
                else:
                    parent[roots[k]] = lowest
        if apart:
            ridge[i] = True
        else:
            parent[i] = lowest
