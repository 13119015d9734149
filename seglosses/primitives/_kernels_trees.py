# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels of spanning trees and of sums along them (Numba, no bounds checks)."""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel


@kernel
def _root(parent, node):
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def spanning_tree(first, second, order, nodes):
    """Spanning tree of a connected graph, by edges of ascending weight (Kruskal).

    Args:
        first: One end of each edge, int64 (m,).
        second: The other end, int64 (m,).
        order: Edges by ascending weight, int64 (m,).
        nodes: Number of nodes, at least 1.

    Returns:
        Nodes from the root, number 0, outwards, int64 (n,), and the node before each on its way to
        the root, int64 (n,); that of the root is the root.
    """
    union = np.arange(nodes)
    chosen = np.empty(nodes - 1, np.int64)
    degree = np.zeros(nodes + 1, np.int64)
    found = 0
    for place in range(order.size):
        edge = order[place]
        a, b = _root(union, first[edge]), _root(union, second[edge])
        if a != b:
            union[b] = a
            chosen[found] = edge
            found += 1
            degree[first[edge] + 1] += 1
            degree[second[edge] + 1] += 1
    for node in range(nodes):
        degree[node + 1] += degree[node]
    fill = degree[:-1].copy()
    neighbours = np.empty(2 * found, np.int64)
    for place in range(found):
        a, b = first[chosen[place]], second[chosen[place]]
        neighbours[fill[a]] = b
        fill[a] += 1
        neighbours[fill[b]] = a
        fill[b] += 1
    queue = np.zeros(nodes, np.int64)
    before = np.zeros(nodes, np.int64)
    reached = 1
    for place in range(nodes):
        node = queue[place]
        for at in range(degree[node], degree[node + 1]):
            other = neighbours[at]
            if other != before[node] or (node == 0 and other != 0):
                before[other] = node
                queue[reached] = other
                reached += 1
    return queue, before


@kernel
def sums_along_tree(values, share, queue, before):
    """Sum of all values, each times the product of the shares on its way, in place.

    Args:
        values: Of each node, float64 (n, k); becomes the sums.
        share: Of the edge from each node towards the root, in [0, 1], float64 (n,).
        queue: See :func:`spanning_tree`.
        before: See there.
    """
    nodes, channels = values.shape
    for place in range(nodes - 1, 0, -1):
        node = queue[place]
        up = before[node]
        for k in range(channels):
            values[up, k] += share[node] * values[node, k]
    for place in range(1, nodes):
        node = queue[place]
        up = before[node]
        rest = 1 - share[node] * share[node]
        for k in range(channels):
            values[node, k] = rest * values[node, k] + share[node] * values[up, k]
