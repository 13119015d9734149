# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that pair edges with squares of a volume by matrix reduction (Numba, no bounds checks).

Columns are squares in the order of one filtration, rows are edges in the order of the same or of
another one (an image between the two). Rows are numbered from the last to the first: the pivot is
the smallest number. The column at work is a set of row numbers in a tree of 64-bit words: a bit in
the second level says whether a word of the first is empty, and one in the third the same of the
second, so that adding an edge and finding the pivot take a few operations and no branch. Most
columns are never stored: the *mate* of their pivot (see :mod:`seglosses.topology.kernels.stars`)
says of which squares they are the sum, and the edges of these are looked up instead.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel, trailing_zeros
from seglosses.topology.kernels.stars import APPARENT, FAR_END, STAR

# What is known of a row: its edge, the mate of that edge below, and above whether its column is
# asked for; or the complement of the column that took it.
_MATE = 16
_EDGE = 0xFFFFFFFF
_WANTED = 48


@kernel
def open_rows(rank, mate, wanted, rows):
    """Write down what is known of every row before a reduction.

    Args:
        rank: Row of every edge, -1 for those of the spanning tree, int32 (3 n,).
        mate: What is known of every edge, uint16 (3, n).
        wanted: Edges whose square is asked for, int64 (k,).
        rows: int64 (r + 1,); set. The last one is only written to.

    Returns:
        How many of the edges that are asked for have no mate.
    """
    spare = rows.size - 1
    for p in range(mate.shape[1]):
        for axis in range(3):
            row = np.int64(rank[3 * p + axis])
            rows[row if row >= 0 else spare] = (3 * p + axis) << _MATE | np.int64(mate[axis, p])
    missing = 0
    for i in range(wanted.size):
        row = rank[wanted[i]]
        if rows[row] & 0xFFFF == 0:
            rows[row] |= 1 << _WANTED
            missing += 1
    return missing


@kernel
def _toggle(row, w0, w1, w2):
    one = np.uint64(1)
    six = np.uint64(6)
    low = np.uint64(63)
    bit = np.uint64(row)
    i = bit >> six
    word = w0[i] ^ (one << (bit & low))
    w0[i] = word
    j = i >> six
    shift = i & low
    word = (w1[j] & ~(one << shift)) | (np.uint64(word != 0) << shift)
    w1[j] = word
    k = j >> six
    shift = j & low
    w2[k] = (w2[k] & ~(one << shift)) | (np.uint64(word != 0) << shift)


@kernel
def _first_row(top, w0, w1, w2):
    """The smallest row, -1 for none; no word of the third level before ``top`` is set."""
    while top < w2.size:
        if w2[top] != 0:
            j = 64 * top + trailing_zeros(w2[top])
            i = 64 * j + trailing_zeros(w1[j])
            return 64 * i + trailing_zeros(w0[i])
        top += 1
    return -1


@kernel
def _toggle_square(square, faces, rank, w0, w1, w2):
    p = square // 3
    normal = square - 3 * p
    for k in range(4):
        row = rank[3 * p + faces[normal, k]]
        if row >= 0:
            _toggle(row, w0, w1, w2)


@kernel
def _toggle_mate(edge, code, beside, star_faces, step, rank, w0, w1, w2):
    """Add the column of a pair that was found without a matrix."""
    p = edge // 3
    axis = edge - 3 * p
    if code & APPARENT:
        for k in range(4):
            row = rank[3 * p + beside[axis, code & 3, k]]
            if row >= 0:
                _toggle(row, w0, w1, w2)
        return
    v = p + step[axis] if (code >> FAR_END) & 1 else p
    squares = code & STAR
    j = 0
    while squares != 0:
        if squares & 1:
            for k in range(4):
                row = rank[3 * v + star_faces[j, k]]
                if row >= 0:
                    _toggle(row, w0, w1, w2)
        squares >>= 1
        j += 1


@kernel
def reduce_columns(columns, faces, beside, star_faces, step, rank, rows, wanted, w0, w1, w2, taken):
    """Reduce columns from left to right and report the edge that each one takes.

    Args:
        columns: Codes of the squares without a mate, in order, int64 (k,); the lower half is
            ``3 * pixel + normal``.
        faces: The four edges of a square, relative to 3 * pixel, by normal axis, int64 (3, 4).
        beside: The edges of the four squares around an edge, relative to 3 * pixel, by axis and
            square, int64 (3, 4, 4).
        star_faces: The edges of each square of a star, relative to 3 * voxel, int64 (12, 4).
        step: Strides, int64 (3,).
        rank: Row of every edge, -1 for those of the spanning tree, int32 (3 n,).
        rows: What :func:`open_rows` wrote; rows that are taken hold the complement of the column.
        wanted: How many rows are asked for; the reduction ends when all are taken. -1 to go on.
        w0: Zeros, uint64, a word for 64 rows.
        w1: Zeros, uint64, a word for 64 words of ``w0``.
        w2: Zeros, uint64, a word for 64 words of ``w1``.
        taken: Edge of each column, int32 (k,), -1 for those that were not reached; set.
    """
    pool = np.empty(4 * columns.size + 64, np.int32)
    used = 0
    start = np.zeros(columns.size + 1, np.int64)
    for i in range(columns.size):
        taken[i] = -1
    for i in range(columns.size):
        if wanted == 0:
            break
        _toggle_square(columns[i] & 0xFFFFFFFF, faces, rank, w0, w1, w2)
        row = _first_row(0, w0, w1, w2)
        while row >= 0:
            known = rows[row]
            if known < 0:
                for k in range(start[~known], start[~known + 1]):
                    _toggle(pool[k], w0, w1, w2)
            else:
                edge = (known >> _MATE) & _EDGE
                code = known & 0xFFFF
                if code == 0:
                    wanted -= known >> _WANTED
                    rows[row] = ~i
                    taken[i] = edge
                    break
                _toggle_mate(edge, code, beside, star_faces, step, rank, w0, w1, w2)
            # No row before the one that was just cleared can come back.
            row = _first_row(row >> 18, w0, w1, w2)
        while row >= 0:
            if used + 64 > pool.size:
                more = np.empty(2 * pool.size, np.int32)
                # An assignment of slices would compile half of Numba's string library.
                for k in range(used):
                    more[k] = pool[k]
                pool = more
            word_index = row >> 6
            word = w0[word_index]
            while word != 0:
                pool[used] = 64 * word_index + trailing_zeros(word)
                used += 1
                word &= word - np.uint64(1)
            # Clears the word and what the levels above say of it: one last bit goes out.
            w0[word_index] = np.uint64(1)
            _toggle(64 * word_index, w0, w1, w2)
            row = _first_row(row >> 18, w0, w1, w2)
        start[i + 1] = used


@kernel
def squares_of(edges, rank, rows, columns, mate, beside, star_squares, step, out):
    """Square that each edge is paired with, -1 for none.

    Args:
        edges: Edges, int64 (k,).
        rank: See :func:`reduce_columns`.
        rows: See there.
        columns: See there.
        mate: What is known of every edge, uint16 (3, n).
        beside: The four squares around an edge, relative to 3 * pixel, by axis, int64 (3, 4).
        star_squares: The squares of a star, relative to 3 * voxel, int64 (12,).
        step: Strides, int64 (3,).
        out: Squares, int64 (k,); set.
    """
    for i in range(edges.size):
        p = edges[i] // 3
        axis = edges[i] - 3 * p
        code = np.int64(mate[axis, p])
        row = rank[edges[i]]
        out[i] = -1
        if row < 0:
            continue
        if code & APPARENT:
            out[i] = 3 * p + beside[axis, code & 3]
        elif code != 0:
            v = p + step[axis] if (code >> FAR_END) & 1 else p
            j = 11
            while (code >> j) & 1 == 0:
                j -= 1
            out[i] = 3 * v + star_squares[j]
        elif rows[row] < 0:
            out[i] = columns[~rows[row]] & 0xFFFFFFFF


@kernel
def edges_of(squares, key, last, faces, beside, mate, step, star_squares, star_edges, out):
    """Edge that each square with a mate is paired with, -1 for the other squares.

    Args:
        squares: Squares, int64 (k,).
        key: Padded values of the filtration in whose stars pairs were found, int32 (n,).
        last: Last edge of every square in the order of the rows, uint8 (3, n).
        faces: The edges of a square by code of ``last``, relative to 3 * pixel, by normal axis,
            int64 (3, 3).
        beside: The four squares around an edge, relative to 3 * pixel, by axis, int64 (3, 4).
        mate: What is known of every edge, uint16 (3, n).
        step: Strides, int64 (3,).
        star_squares: The squares of a star, relative to 3 * voxel, int64 (12,).
        star_edges: The edges of a star, relative to 3 * voxel, int64 (6,).
        out: Edges, int64 (k,); set.
    """
    for i in range(squares.size):
        p = squares[i] // 3
        normal = squares[i] - 3 * p
        u = step[1] if normal == 0 else step[0]
        w = step[1] if normal == 2 else step[2]
        out[i] = -1
        top = p
        for corner in (p + w, p + u, p + u + w):
            if key[corner] > key[top]:
                top = corner
        for b in range(6):
            edge = 3 * top + star_edges[b]
            code = np.int64(mate[edge % 3, edge // 3])
            if code != 0 and not code & APPARENT:
                j = 11
                while (code >> j) & 1 == 0:
                    j -= 1
                far = np.int64(b < 3)
                if (code >> FAR_END) & 1 == far and 3 * top + star_squares[j] == squares[i]:
                    out[i] = edge
        if out[i] < 0 and last[normal, p] < 3:
            edge = 3 * p + faces[normal, last[normal, p]]
            p = edge // 3
            axis = edge - 3 * p
            code = np.int64(mate[axis, p])
            if code & APPARENT and 3 * p + beside[axis, code & 3] == squares[i]:
                out[i] = edge
