# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that pair edges with squares of a volume by matrix reduction (Numba, no bounds checks).

Columns are squares in the order of one filtration, rows are edges in the order of the same or of
another one (an image between the two). Rows are numbered from the last to the first: the pivot is
the smallest number. The column at work is a set of row numbers, 64 to a word, with a second level
that says which words are not empty: adding an edge takes a few operations and no branch, and the
next pivot, which never lies before the last one, is found a word or two further on. Most columns
are never stored: the *mate* of their pivot (see :mod:`seglosses.topology.kernels.stars`) says of
which squares they are the sum, and the edges of these are looked up instead.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import fetch_ahead, kernel, trailing_zeros
from seglosses.topology.kernels.rows import LOW, MATE_BITS, WANTED_BIT
from seglosses.topology.kernels.stars import APPARENT, FAR_END, STAR


@kernel
def toggle(row, w0, w1):
    """Add a row; a negative one changes nothing, without a branch that would be guessed wrong."""
    one = np.uint64(1)
    low = np.uint64(63)
    row = np.int64(row)
    bit = np.uint64(max(row, 0))
    i = bit >> np.uint64(6)
    word = w0[i] ^ (np.uint64(row >= 0) << (bit & low))
    w0[i] = word
    j = i >> np.uint64(6)
    shift = i & low
    w1[j] = (w1[j] & ~(one << shift)) | (np.uint64(word != 0) << shift)


@kernel
def first_row(place, end, w0, w1):
    """The smallest row, -1 for none; there is none outside of some words of the second level."""
    while place <= end:
        if w1[place] != 0:
            i = 64 * place + trailing_zeros(w1[place])
            return 64 * i + trailing_zeros(w0[i])
        place += 1
    return -1


@kernel
def _toggle_square(at, faces, rank, rows, w0, w1, end):
    for k in range(4):
        row = rank[at + faces[k]]
        # What is known of a row lies anywhere; it is on its way when the row becomes the pivot.
        fetch_ahead(rows, row)
        toggle(row, w0, w1)
        end = max(end, row >> 12)
    return end


@kernel
def toggle_mate(edge, code, tables, step, rank, rows, outer, w0, w1, end):
    """Add the column of a pair that was found without a matrix; says, too, if it is outer."""
    _, beside, beside_faces, star, star_faces = tables
    p = edge // 3
    axis = edge - 3 * p
    if code & APPARENT:
        slot = code & 3
        square = 3 * p + beside[axis, slot]
        far = (outer[square // 3] >> (3 + square % 3)) & 1
        return _toggle_square(3 * p, beside_faces[axis, slot], rank, rows, w0, w1, end), far
    v = p + ((code >> FAR_END) & 1) * step[axis]
    squares = np.uint64(code & STAR)
    far = 0
    while squares != 0:
        j = trailing_zeros(squares)
        far |= (outer[v + star[j, 0]] >> (3 + star[j, 1])) & 1
        end = _toggle_square(3 * v, star_faces[j], rank, rows, w0, w1, end)
        squares &= squares - np.uint64(1)
    return end, far


@kernel
def _push(heap, size, code):
    heap[size] = code
    at = size
    while at > 0 and heap[(at - 1) >> 1] > heap[at]:
        up = (at - 1) >> 1
        heap[at], heap[up] = heap[up], heap[at]
        at = up


@kernel
def _pop(heap, size):
    code = heap[0]
    heap[0] = heap[size - 1]
    at = 0
    while 2 * at + 1 < size - 1:
        down = 2 * at + 1
        if down + 1 < size - 1 and heap[down + 1] < heap[down]:
            down += 1
        if heap[at] <= heap[down]:
            break
        heap[at], heap[down] = heap[down], heap[at]
        at = down
    return code


@kernel
def reduce_columns(
    columns, tables, step, rank, rows, free, outer, wanted, least, w0, w1,
    codes, taken, far, start, pool, known,
):  # fmt: skip
    """Reduce columns from left to right and report the edge that each one takes.

    Columns that are known already stand in ``codes``, ``taken``, ``far``, ``start`` and ``pool``.
    One of them whose row is taken by an earlier column is reduced again when its turn comes.

    Args:
        columns: Codes of the other squares without a mate, in order, int64 (k,); the lower half is
            ``3 * pixel + normal``.
        tables: Edges of a square relative to 3 * pixel, by normal axis, int64 (3, 4); squares
            around an edge, by axis, (3, 4), and their edges, (3, 4, 4); squares around a voxel, as
            offset and normal axis, (12, 2), and their edges relative to 3 * voxel, (12, 4).
        step: Strides, int64 (3,).
        rank: Row of every edge, -1 for those of the spanning tree, int32 (3 n,).
        rows: What ``rows.open_rows`` wrote; rows that are taken hold the complement of the column.
        free: Bits of the free squares, uint8 (n,).
        outer: Bits of the squares that are outside of a level whose order is free, uint8 (n,).
        wanted: How many rows are asked for; the reduction may end when all are taken. -1 to go on.
        least: It does not end before this code.
        w0: Zeros, uint64, a word for 64 rows.
        w1: Zeros, uint64, a word for 64 words of ``w0``.
        codes: Codes of all columns, int64 (2 known + k,); the later ones are set.
        taken: Edge of each column, int32 (2 known + k,), -1 for those that take none; set.
        far: Whether an outer square was added to a column, uint8 (2 known + k,); set.
        start: Where each column begins in ``pool``, int64 (2 known + k + 1,); set.
        pool: Rows of the columns that are known, int32.
        known: How many these are.

    Returns:
        The number of columns, and the pool of their rows.
    """
    used = start[known]
    late = np.empty(known, np.int64)
    waiting = 0
    nth = known
    place = 0
    while place < columns.size or waiting > 0:
        if waiting == 0 or (place < columns.size and columns[place] < late[0]):
            code = columns[place]
            place += 1
        else:
            code = _pop(late, waiting)
            waiting -= 1
        if wanted == 0 and code > least:
            break
        square = code & LOW
        p = square // 3
        normal = square - 3 * p
        codes[nth] = code
        taken[nth] = -1
        mark = np.int64(outer[p] >> (3 + normal)) & 1
        end = _toggle_square(3 * p, tables[0][normal], rank, rows, w0, w1, np.int64(0))
        row = first_row(0, end, w0, w1)
        while row >= 0:
            state = rows[row]
            owner = ~state
            if state < 0 and codes[owner] < code:
                for k in range(start[owner], start[owner + 1]):
                    fetch_ahead(rows, pool[k])
                    toggle(pool[k], w0, w1)
                    end = max(end, pool[k] >> 12)
                mark |= far[owner]
            elif state < 0:
                # A known column that comes later must give way.
                taken[nth] = taken[owner]
                taken[owner] = -1
                square = codes[owner] & LOW
                if (free[square // 3] >> (3 + square % 3)) & 1:
                    _push(late, waiting, codes[owner])
                    waiting += 1
                rows[row] = ~nth
                break
            elif state & 0xFFFF == 0:
                wanted -= state >> WANTED_BIT
                rows[row] = ~nth
                taken[nth] = (state >> MATE_BITS) & LOW
                break
            else:
                edge = (state >> MATE_BITS) & LOW
                end, more = toggle_mate(
                    edge, state & 0xFFFF, tables, step, rank, rows, outer, w0, w1, end
                )
                mark |= more
            # No row before the one that was just cleared can come back.
            row = first_row(row >> 12, end, w0, w1)
        while row >= 0:
            if used + 64 > pool.size:
                room = np.empty(2 * pool.size + 64, np.int32)
                # An assignment of slices would compile half of Numba's string library.
                for k in range(used):
                    room[k] = pool[k]
                pool = room
            word = w0[row >> 6]
            base = row & ~63
            while word != 0:
                pool[used] = base + trailing_zeros(word)
                used += 1
                word &= word - np.uint64(1)
            # Leaves one bit, whose removal tells the level above.
            w0[row >> 6] = np.uint64(1)
            toggle(base, w0, w1)
            row = first_row(row >> 12, end, w0, w1)
        far[nth] = mark
        nth += 1
        start[nth] = used
    return nth, pool
