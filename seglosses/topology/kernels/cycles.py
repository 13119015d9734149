# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that write cycles of one mask modulo the boundaries of another (Numba, no bounds checks).

Edges are ``3 * pixel + axis`` in a padded volume. What a reduction leaves behind is described in
:mod:`seglosses.topology.kernels.reduction`.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.grid import OUTSIDE
from seglosses.topology.kernels.reduction import first_row, toggle, toggle_mate
from seglosses.topology.kernels.rows import LOW, MATE_BITS


@kernel
def grow_forest(key, free, step, parent, depth):
    """Walk along the edges of the spanning forest, breadth first.

    Args:
        key: Padded values, int32 (n,); ``OUTSIDE`` where the mask has no voxel.
        free: Bit ``axis`` is set for the edges outside the forest, uint8 (n,).
        step: Strides, int64 (3,).
        parent: The voxel before each, itself for a root, int32 (n,); set within the mask.
        depth: Edges to the root, -1 at first, int32 (n,); set within the mask.
    """
    queue = np.empty(key.size, np.int32)
    for seed in range(key.size):
        if key[seed] == OUTSIDE or depth[seed] >= 0:
            continue
        parent[seed] = seed
        depth[seed] = 0
        queue[0] = seed
        head = 0
        tail = 1
        while head < tail:
            p = np.int64(queue[head])
            head += 1
            for side in range(6):
                axis = side % 3
                q = p + step[axis] if side < 3 else p - step[axis]
                owner = min(p, q)
                if key[q] != OUTSIDE and depth[q] < 0 and not (free[owner] >> axis) & 1:
                    parent[q] = p
                    depth[q] = depth[p] + 1
                    queue[tail] = q
                    tail += 1


@kernel
def _step_up(p, parent, step):
    """The edge from a voxel to the one before it."""
    q = np.int64(parent[p])
    gap = abs(q - p)
    axis = 0 if gap == step[0] else (1 if gap == step[1] else 2)
    return 3 * min(p, q) + axis


@kernel
def list_cycles(edges, parent, depth, step, ends):
    """List the edges of the cycle that each edge closes with the forest.

    Args:
        edges: Edges outside the forest, int64 (k,).
        parent: See :func:`grow_forest`.
        depth: See there.
        step: Strides, int64 (3,).
        ends: Where each cycle ends in the list, int64 (k,); set.

    Returns:
        The list, int64.
    """
    total = 0
    for i in range(edges.size):
        p = edges[i] // 3
        q = p + step[edges[i] - 3 * p]
        total += 1 + depth[p] + depth[q]
    out = np.empty(total, np.int64)
    used = 0
    for i in range(edges.size):
        p = edges[i] // 3
        q = p + step[edges[i] - 3 * p]
        out[used] = edges[i]
        used += 1
        while p != q:
            if depth[p] < depth[q]:
                p, q = q, p
            out[used] = _step_up(p, parent, step)
            used += 1
            p = np.int64(parent[p])
        ends[i] = used
    return out[:used]


@kernel
def reduce_cycles(cycles, ends, table, step, rank, rows, outer, start, pool, w0, w1, last):
    """Write cycles modulo the boundaries of a mask that has been reduced.

    Args:
        cycles: Edges of the cycles, one after the other, int64.
        ends: Where each ends, int64 (k,).
        table: See :func:`seglosses.topology.kernels.reduction.reduce_columns`.
        step: See there.
        rank: See there.
        rows: See there.
        outer: See there.
        start: See there.
        pool: See there.
        w0: Zeros, see there.
        w1: Zeros, see there.
        last: Where the remainder of each ends in the result, int64 (k,); set.

    Returns:
        Rows of the remainders, none of which any boundary has last, int64.
    """
    out = np.empty(64, np.int64)
    used = 0
    begin = 0
    for i in range(ends.size):
        end = np.int64(0)
        for k in range(begin, ends[i]):
            row = rank[cycles[k]]
            toggle(row, w0, w1)
            end = max(end, row >> 12)
        begin = ends[i]
        row = first_row(0, end, w0, w1)
        while row >= 0:
            state = rows[row]
            if state < 0:
                for k in range(np.int64(start[~state]), np.int64(start[~state + 1])):
                    toggle(pool[k], w0, w1)
                    end = max(end, pool[k] >> 12)
            elif state & 0xFFFF:
                edge = (state >> MATE_BITS) & LOW
                end, _ = toggle_mate(
                    edge, state & 0xFFFF, table, step, rank, rows, outer, w0, w1, end
                )
            else:
                if used == out.size:
                    more = np.empty(2 * used, np.int64)
                    for k in range(used):
                        more[k] = out[k]
                    out = more
                out[used] = row
                used += 1
                toggle(row, w0, w1)
            row = first_row(row >> 12, end, w0, w1)
        last[i] = used
    return out[:used]
