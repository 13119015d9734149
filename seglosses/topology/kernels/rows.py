# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that number the rows of a boundary matrix and say what is known of each (Numba).

Rows are edges outside the spanning tree, numbered from the last to the first, so that the pivot of
a column is its smallest number. Bounds are not checked.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

# What is known of a row: its edge, the mate of that edge below, and above whether its column is
# asked for; or the complement of the column that took it.
MATE_BITS = 16
LOW = 0xFFFFFFFF
WANTED_BIT = 48


@kernel
def _count_tops(v, x, y, z, bx, by, bz, here, behind_x, behind_y, behind_z, out):
    one = np.uint8(1)
    two = np.uint8(2)
    four = np.uint8(4)
    none = np.uint8(0)
    for i in range(out.size):
        value = v[i]
        bits = here[i]
        d = one if (bx[i] < value) & (behind_x[i] & one != none) else none
        d += one if (by[i] < value) & (behind_y[i] & two != none) else none
        d += one if (bz[i] < value) & (behind_z[i] & four != none) else none
        d += one if (x[i] <= value) & (bits & one != none) else none
        d += one if (y[i] <= value) & (bits & two != none) else none
        d += one if (z[i] <= value) & (bits & four != none) else none
        out[i] = d


@kernel
def number_rows(key, low, levels, free, step, count, rank):
    """Number the free edges from the last to the first in the order (value, index).

    Args:
        key: Padded values, int32 (n,); those of the volume from ``low`` on, besides the frame.
        low: The smallest value.
        levels: How many values there are at most, from ``low`` on.
        free: Bit ``axis`` is set where the edge gets a row, uint8 (n,).
        step: Strides, int64 (3,).
        count: How many edges are free.
        rank: Row by 3 * pixel + axis, -1 for the other edges, int32 (3 n,); set.
    """
    lo = step.sum()
    hi = key.size - lo
    x, y, z = step[0], step[1], step[2]
    counts = np.zeros(key.size, np.uint8)
    _count_tops(
        key[lo:hi], key[lo + x : hi + x], key[lo + y : hi + y], key[lo + z : hi + z],
        key[lo - x : hi - x], key[lo - y : hi - y], key[lo - z : hi - z],
        free[lo:hi], free[lo - x : hi - x], free[lo - y : hi - y], free[lo - z : hi - z],
        counts[lo:hi],
    )  # fmt: skip
    # Level 0 is the frame, which is older than all; the last one takes what has no row.
    place = np.zeros(levels + 2, np.int32)
    base = np.int64(low) - 1
    zero = np.int64(0)
    trash = np.int64(levels + 1)
    for v in range(lo, hi):
        place[min(max(np.int64(key[v]) - base, zero), trash)] += counts[v]
    row = np.int64(count) - 1
    for level in range(levels + 1):
        row -= place[level]
        place[level] += row
    rank[: 3 * lo] = -1
    rank[3 * hi :] = -1
    for p in range(lo, hi):
        bits = np.int64(free[p])
        value = key[p]
        for axis in range(3):
            has = (bits >> axis) & 1
            top = max(np.int64(max(value, key[p + step[axis]])) - base, zero)
            at = top if has else trash
            rank[3 * p + axis] = place[at] if has else -1
            place[at] -= 1


@kernel
def open_rows(rank, mate, rows):
    """Write down the edge and the mate of every row.

    Args:
        rank: Row of every edge, -1 for those of the spanning tree, int32 (3 n,).
        mate: What is known of every edge, uint16 (3, n).
        rows: int64 (r + 1,); set. The last one is only written to.
    """
    spare = rows.size - 1
    for p in range(mate.shape[1]):
        for axis in range(3):
            row = np.int64(rank[3 * p + axis])
            rows[row if row >= 0 else spare] = (3 * p + axis) << MATE_BITS | np.int64(mate[axis, p])


@kernel
def ask_for(edges, rank, rows):
    """Mark the rows whose column is asked for.

    Args:
        edges: Edges, int64 (k,).
        rank: See :func:`open_rows`.
        rows: See there; updated.

    Returns:
        How many of them neither have a mate nor are taken.
    """
    missing = 0
    for i in range(edges.size):
        row = rank[edges[i]]
        if rows[row] >= 0 and rows[row] & 0xFFFF == 0:
            rows[row] |= 1 << WANTED_BIT
            missing += 1
    return missing


@kernel
def take_over(codes, taken, far, start, pool, key, shift, step, rank, rows, paired):
    """Let columns of a filtration's own reduction stand in that of an image from it.

    A column may stand where every square that was added to it still comes before it. Values of the
    comparison are never above those of the filtration: this is so where both values of the square
    are equal, and in the reordered level where nothing from outside of that level was added.

    Those that stand move to the front of every array.

    Args:
        codes: Codes of the columns, int64 (m,); then those in the order of the comparison.
        taken: Edge of each column, int32 (m,); updated.
        far: Whether a square outside of the reordered level was added, uint8 (m,); updated.
        start: Where the rows of each begin in ``pool``, uint32 (m + 1,); updated.
        pool: Rows of the columns, int32; updated.
        key: Padded values of the comparison, int32 (n,).
        shift: How much lower values are in the reordered level, 0 for none.
        step: Strides, int64 (3,).
        rank: Row of every edge, int32 (3 n,).
        rows: What :func:`open_rows` wrote; updated.
        paired: Bits of the squares that need no column; updated.

    Returns:
        How many stand.
    """
    kept = 0
    used = np.int64(0)
    for i in range(codes.size):
        square = codes[i] & LOW
        p = square // 3
        normal = square - 3 * p
        u = step[1] if normal == 0 else step[0]
        w = step[1] if normal == 2 else step[2]
        top = np.int64(max(max(key[p], key[p + u]), max(key[p + w], key[p + u + w])))
        value = codes[i] >> 32
        stands = top == value or (shift > 0 and top == value - shift and far[i] == 0)
        row = rank[taken[i]]
        if stands and rows[row] & 0xFFFF == 0:
            rows[row] = ~kept
            paired[p] |= np.uint8(8 << normal)
            begin, end = np.int64(start[i]), np.int64(start[i + 1])
            codes[kept] = top << 32 | square
            taken[kept] = taken[i]
            far[kept] = far[i]
            start[kept] = used
            for k in range(begin, end):
                pool[used] = pool[k]
                used += 1
            kept += 1
    start[kept] = used
    return kept


@kernel
def mate_of(edge, rank, rows):
    """What a neighbourhood shows of an edge, 0 for nothing.

    Args:
        edge: The edge.
        rank: See :func:`open_rows`.
        rows: See there.
    """
    row = rank[edge]
    if row < 0 or rows[row] < 0:
        return np.int64(0)
    return rows[row] & 0xFFFF
