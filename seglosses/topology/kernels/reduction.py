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

from seglosses.primitives._kernels_compiled import (
    fetch_ahead,
    inlined,
    kernel,
    trailing_zeros,
)
from seglosses.topology.kernels.rows import LOW, MATE_BITS, WANTED_BIT
from seglosses.topology.kernels.stars import APPARENT, FAR_END, STAR

# Where the parts of a table of offsets begin (see :class:`seglosses.topology.around.Around`): the
# edges of the squares around a voxel, those of a square by its normal axis, the pixel of each
# square around a voxel, its bit, and which of them each square around an edge is, as a bit.
STAR_FACES, FACES, PIXELS, BITS, BESIDE = 0, 48, 60, 72, 84


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
    # Unsigned numbers are places as they are; signed ones might count from the end.
    at = np.uint64(place)
    last = np.uint64(end)
    six = np.uint64(6)
    while at <= last:
        word = w1[at]
        if word != 0:
            i = (at << six) | np.uint64(trailing_zeros(word))
            return np.int64((i << six) | np.uint64(trailing_zeros(w0[i])))
        at += np.uint64(1)
    return np.int64(-1)


@inlined
def toggle_square(at, faces, table, rank, rows, w0, w1, end):
    """Add the edges of a square, whose offsets from ``at`` stand in a table from ``faces`` on."""
    for k in range(4):
        row = np.int64(rank[np.uint64(at + table[np.uint64(faces + k)])])
        # What is known of a row lies anywhere; it is on its way when the row becomes the pivot.
        fetch_ahead(rows, row)
        toggle(row, w0, w1)
        end = max(end, row >> 12)
    return end


@inlined
def toggle_mate(edge, code, table, step, rank, rows, outer, w0, w1, end):
    """Add the column of a pair that was found without a matrix; says, too, if it is outer."""
    p = edge // 3
    axis = edge - 3 * p
    v = p + ((code >> FAR_END) & 1) * step[axis]
    # Any square beside an edge is one of those around its first voxel.
    alone = table[np.uint64(BESIDE + 4 * axis + (code & 3))]
    squares = np.uint64(alone if code & APPARENT else code & STAR)
    far = np.int64(0)
    while squares != 0:
        j = trailing_zeros(squares)
        bits = np.int64(outer[np.uint64(v + table[np.uint64(PIXELS + j)])])
        far |= bits >> table[np.uint64(BITS + j)]
        end = toggle_square(3 * v, STAR_FACES + 4 * j, table, rank, rows, w0, w1, end)
        squares &= squares - np.uint64(1)
    return end, far & 1


@kernel
def _store(row, end, w0, w1, pool, used):
    """Move rows to the pool until it is full; the row that is next, -1 for none, and its end."""
    while row >= 0 and used + 64 <= pool.size:
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
    return row, used


@kernel
def _longer(pool, used):
    """A pool of twice the size."""
    room = np.empty(2 * pool.size + 64, np.int32)
    # An assignment of slices would compile half of Numba's string library.
    for k in range(used):
        room[k] = pool[k]
    return room


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
    columns, table, step, rank, rows, free, outer, wanted, least, w0, w1,
    codes, taken, far, start, pool, known, most,
):  # fmt: skip
    """Reduce columns from left to right and report the edge that each one takes.

    Columns that are known already stand in ``codes``, ``taken``, ``far``, ``start`` and ``pool``.
    One of them whose row is taken by an earlier column is reduced again when its turn comes.

    Args:
        columns: Codes of the other squares without a mate, in order, int64 (k,); the lower half is
            ``3 * pixel + normal``.
        table: Offsets, int64 (96,), see :class:`seglosses.topology.around.Around`.
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
        start: Where each column begins in ``pool``, uint32 (2 known + k + 1,); set.
        pool: Rows of the columns that are known, int32.
        known: How many these are.
        most: Rows that ``start`` can count.

    Returns:
        The number of columns, -1 for more rows than ``most``, and the pool of their rows.
    """
    used = np.int64(start[known])
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
        end = toggle_square(3 * p, FACES + 4 * normal, table, rank, rows, w0, w1, np.int64(0))
        row = first_row(0, end, w0, w1)
        while row >= 0:
            state = rows[np.uint64(row)]
            owner = np.uint64(~state)
            if state < 0 and codes[owner] < code:
                for k in range(np.uint64(start[owner]), np.uint64(start[owner + np.uint64(1)])):
                    other = np.int64(pool[k])
                    fetch_ahead(rows, other)
                    toggle(other, w0, w1)
                    end = max(end, other >> 12)
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
                    edge, state & 0xFFFF, table, step, rank, rows, outer, w0, w1, end
                )
                mark |= more
            # No row before the one that was just cleared can come back.
            row = first_row(row >> 12, end, w0, w1)
        row, used = _store(row, end, w0, w1, pool, used)
        while row >= 0:
            pool = _longer(pool, used)
            row, used = _store(row, end, w0, w1, pool, used)
        if used > most:
            return -1, pool
        far[nth] = mark
        nth += 1
        start[nth] = used
    return nth, pool
