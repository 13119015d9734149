# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that pair edges with squares of a volume by matrix reduction (Numba, no bounds checks).

Columns are squares in the order of one filtration, rows are edges in the order of the same or of
another one (an image between the two). A column is held as a set of row numbers in a tree of 32-bit
words, so that adding an edge and finding the last one cost a few operations. Rows are numbered from
the last to the first: the pivot is the smallest number. Most columns are *apparent*: their last
edge has them as its first square. They are never stored; four edges are looked up instead.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

# Position of the only set bit of a word, after multiplication with a de Bruijn sequence.
_SEQUENCE = 0x077CB531
_POSITION = np.zeros(32, np.int64)
for _bit in range(32):
    _POSITION[((1 << _bit) * _SEQUENCE & 0xFFFFFFFF) >> 27] = _bit


@kernel
def _last_edge(normal, p, code, step):
    u = 1 if normal == 0 else 0
    w = 1 if normal == 2 else 2
    if code == 0:
        return 3 * (p + step[u]) + w
    if code == 1:
        return 3 * (p + step[w]) + u
    return 3 * p + w


@kernel
def pair_apparent(edges, step, first, last, owner, apparent):
    """Find the edges whose first square has them as its last edge.

    Args:
        edges: Edges by row, int64 (r,).
        step: Strides, int64 (3,).
        first: First square of every edge in the order of the columns, uint8 (3, n).
        last: Last edge of every square in the order of the rows, uint8 (3, n).
        owner: By row: -2 - square for an apparent pair, else -1; int32 (r,), set.
        apparent: By square, False, bool (3 n,); set.
    """
    for row in range(edges.size):
        owner[row] = -1
        p = edges[row] // 3
        axis = edges[row] - 3 * p
        code = first[axis, p]
        if code == 4:
            continue
        b = 1 if axis == 0 else 0
        c = 1 if axis == 2 else 2
        normal = c if code == 0 or code == 3 else b
        q = p
        if code == 0:
            q -= step[b]
        elif code == 1:
            q -= step[c]
        if _last_edge(normal, q, last[normal, q], step) == edges[row]:
            owner[row] = -2 - (3 * q + normal)
            apparent[3 * q + normal] = True


@kernel
def last_edge_of(squares, step, last, out):
    """Last edge of given squares.

    Args:
        squares: Squares, int64 (k,).
        step: Strides, int64 (3,).
        last: Last edge of every square, uint8 (3, n).
        out: Edges, int64 (k,).
    """
    for i in range(squares.size):
        p = squares[i] // 3
        normal = squares[i] - 3 * p
        out[i] = _last_edge(normal, p, last[normal, p], step)


@kernel
def _toggle(row, w0, w1, w2, w3, w4):
    # Without the compiler a 32-bit row would make 32-bit words, whose last bit is a sign.
    row = np.int64(row)
    i = row >> 5
    bit = 1 << (row & 31)
    word = w0[i] ^ bit
    w0[i] = word
    if word == 0 or word == bit:
        # The word became empty or ceased to be: so may those above it.
        j = i >> 5
        bit = 1 << (i & 31)
        word = w1[j] ^ bit
        w1[j] = word
        if word == 0 or word == bit:
            k = j >> 5
            bit = 1 << (j & 31)
            word = w2[k] ^ bit
            w2[k] = word
            if word == 0 or word == bit:
                m = k >> 5
                bit = 1 << (k & 31)
                word = w3[m] ^ bit
                w3[m] = word
                if word == 0 or word == bit:
                    w4[0] ^= 1 << m


@kernel
def _low_bit(word):
    return _POSITION[((word & -word) * _SEQUENCE & 0xFFFFFFFF) >> 27]


@kernel
def _first_row(w0, w1, w2, w3, w4):
    i = _low_bit(w4[0])
    i = 32 * i + _low_bit(w3[i])
    i = 32 * i + _low_bit(w2[i])
    i = 32 * i + _low_bit(w1[i])
    return 32 * i + _low_bit(w0[i])


@kernel
def _toggle_boundary(square, faces, rank, w0, w1, w2, w3, w4):
    p = square // 3
    normal = square - 3 * p
    for k in range(4):
        row = rank[3 * p + faces[normal, k]]
        if row >= 0:
            _toggle(row, w0, w1, w2, w3, w4)


@kernel
def reduce_columns(columns, faces, rank, owner, w0, w1, w2, w3, w4, pivots):
    """Reduce columns from left to right and report the row that each one takes.

    Args:
        columns: Squares that are not apparent, in order, int64 (k,).
        faces: The four edges of a square, relative to 3 * pixel, by normal axis, int64 (3, 4).
        rank: Row of every edge, -1 for those of the spanning tree, int32.
        owner: By row: -2 - square where apparent, else -1; int32, overwritten by column numbers.
        w0: Zeros, int64, a word for 32 rows.
        w1: Zeros, int64, a word for 32 words of ``w0``, and so on.
        w2: Zeros, int64.
        w3: Zeros, int64 (<= 32,).
        w4: Zero, int64 (1,).
        pivots: Row of each column, int64 (k,).
    """
    pool = np.empty(16 * columns.size + 16, np.int32)
    used = 0
    start = np.zeros(columns.size + 1, np.int64)
    for i in range(columns.size):
        _toggle_boundary(columns[i], faces, rank, w0, w1, w2, w3, w4)
        pivots[i] = -1
        while w4[0] != 0:
            row = _first_row(w0, w1, w2, w3, w4)
            taken = owner[row]
            if taken == -1:
                owner[row] = i
                pivots[i] = row
                break
            if taken < 0:
                _toggle_boundary(-2 - taken, faces, rank, w0, w1, w2, w3, w4)
            else:
                for k in range(start[taken], start[taken + 1]):
                    _toggle(pool[k], w0, w1, w2, w3, w4)
        while w4[0] != 0:
            row = _first_row(w0, w1, w2, w3, w4)
            _toggle(row, w0, w1, w2, w3, w4)
            if used == pool.size:
                more = np.empty(2 * used, np.int32)
                # An assignment of slices would compile half of Numba's string library.
                for k in range(used):
                    more[k] = pool[k]
                pool = more
            pool[used] = row
            used += 1
        start[i + 1] = used
