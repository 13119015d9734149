# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that pair edges with squares of a volume without a matrix (Numba, no bounds checks).

Two pairings can be read off a neighbourhood. An edge and a square are *apparent* when the square
comes first around the edge and the edge last in the square. And where a voxel differs from all with
which it shares a square, the edges and squares whose largest voxel it is, its *star*, form a block
of the boundary matrix. No later edge occurs in these squares. Of other squares that have edges of
the star, none may come before them: within one filtration none does, and between two the squares
around the voxel are taken in order up to the first such one. Reducing the block, six rows by at
most twelve columns of bits, then does what the whole reduction would do.

What is known of an edge is its *mate*, a code of 16 bits: 0 for nothing; ``APPARENT`` and the
number of the square around it; or the squares of the star whose sum has this edge last (bits 0 to
11; the square itself is the one that comes last), and bit 12 where the star is that of the far end.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

APPARENT = 0x8000
FAR_END = 12
STAR = 0x0FFF


@kernel
def _apparent_edges(first, l0, c0, l1, c1, l2, c2, l3, c3, mate):
    for i in range(mate.size):
        code = first[i]
        known = (code == np.uint8(0)) & (l0[i] == c0)
        known |= (code == np.uint8(1)) & (l1[i] == c1)
        known |= (code == np.uint8(2)) & (l2[i] == c2)
        known |= (code == np.uint8(3)) & (l3[i] == c3)
        mate[i] = np.uint16(APPARENT) | np.uint16(code) if known else np.uint16(0)


@kernel
def _apparent_squares(normal, last, f0, c0, f1, c1, f2, c2, paired):
    bit = np.uint8(8 << normal)
    for i in range(paired.size):
        code = last[i]
        known = (code == np.uint8(0)) & (f0[i] == c0)
        known |= (code == np.uint8(1)) & (f1[i] == c1)
        known |= (code == np.uint8(2)) & (f2[i] == c2)
        paired[i] |= bit if known else np.uint8(0)


@kernel
def pair_apparent(first, last, step, mate, paired):
    """Find the edges whose first square has them as its last edge.

    Args:
        first: First square of every edge in the order of the columns, uint8 (3, n).
        last: Last edge of every square in the order of the rows, uint8 (3, n).
        step: Strides, int64 (3,).
        mate: By axis, uint16 (3, n); set.
        paired: Bit ``3 + normal`` for the squares that have a partner, uint8 (n,); set.
    """
    x, y, z = step[0], step[1], step[2]
    lo = step.sum()
    hi = first.shape[1] - lo
    u = np.uint8
    mate[:, :lo] = 0
    mate[:, hi:] = 0
    paired[:] = 0
    l0, l1, l2 = last[0], last[1], last[2]
    here0, here1, here2 = l0[lo:hi], l1[lo:hi], l2[lo:hi]
    # An edge is never the last of a square that begins at its own first pixel along its own axis.
    _apparent_edges(
        first[0, lo:hi], l2[lo - y : hi - y], u(1), l1[lo - z : hi - z], u(1),
        here0, u(9), here0, u(9), mate[0, lo:hi],
    )  # fmt: skip
    _apparent_edges(
        first[1, lo:hi], l2[lo - x : hi - x], u(0), l0[lo - z : hi - z], u(1),
        here0, u(9), here2, u(2), mate[1, lo:hi],
    )  # fmt: skip
    _apparent_edges(
        first[2, lo:hi], l1[lo - x : hi - x], u(0), l0[lo - y : hi - y], u(0),
        here0, u(2), here1, u(2), mate[2, lo:hi],
    )  # fmt: skip
    f0, f1, f2 = first[0], first[1], first[2]
    out = paired[lo:hi]
    _apparent_squares(
        0, here0, f2[lo + y : hi + y], u(1), f1[lo + z : hi + z], u(1), f2[lo:hi], u(2), out
    )
    _apparent_squares(
        1, here1, f2[lo + x : hi + x], u(0), f0[lo + z : hi + z], u(1), f2[lo:hi], u(3), out
    )
    _apparent_squares(
        2, here2, f1[lo + x : hi + x], u(0), f0[lo + y : hi + y], u(0), f1[lo:hi], u(3), out
    )


@kernel
def _mark_tops(key, free, paired, step, star):
    """Mark the largest voxels of free squares without a partner."""
    lo = step.sum()
    for p in range(lo, key.size - lo):
        bits = (free[p] & ~paired[p]) >> 3
        if bits == 0:
            continue
        for normal in range(3):
            if (bits >> normal) & 1:
                u = step[1] if normal == 0 else step[0]
                w = step[1] if normal == 2 else step[2]
                top = p
                if key[p + w] > key[top]:
                    top = p + w
                if key[p + u] > key[top]:
                    top = p + u
                if key[p + u + w] > key[top]:
                    top = p + u + w
                star[top] = 1


@kernel
def _gather(v, born, dying, corners, squares, free, order, values, whole):
    """Squares around a voxel with edges of its star, in the order of the columns; their number."""
    count = 0
    value = born[v]
    for j in range(12):
        a, b, c = v + corners[j, 0], v + corners[j, 1], v + corners[j, 2]
        inside = born[a] < value and born[b] < value and born[c] < value
        if not inside:
            # Another square matters only where it is a column and has an edge of the star.
            if born[a] > value and born[b] > value:
                continue
            if not (free[v + squares[j, 0]] >> (3 + squares[j, 1])) & 1:
                continue
        top = max(max(dying[v], dying[a]), max(dying[b], dying[c]))
        at = count
        while at > 0 and values[at - 1] > top:
            values[at] = values[at - 1]
            order[at] = order[at - 1]
            whole[at] = whole[at - 1]
            at -= 1
        values[at] = top
        order[at] = j
        whole[at] = inside
        count += 1
    for i in range(count):
        if not whole[i]:
            return i
    return count


@kernel
def pair_stars(born, dying, step, near, needs, sides, corners, squares, edges, free, mate, paired):
    """Pair edges with squares within the stars of voxels that differ from those around them.

    Only stars with a free square that has no partner yet are looked at.

    Args:
        born: Padded values that order the edges, int32 (n,).
        dying: Padded values that order the squares, int32 (n,).
        step: Strides, int64 (3,).
        near: Offsets of the voxels that share a square with one, int64 (18,).
        needs: Which of them each square around a voxel has, as bits, int64 (12,).
        sides: The edges at the voxel in each of these squares, as bits, int64 (12,).
        corners: Offsets of the other voxels of each square around a voxel, those that are joined to
            it first, int64 (12, 3).
        squares: Offset and normal axis of each of them, by index, int64 (12, 2).
        edges: Offset and axis of each edge at the voxel, by index, int64 (6, 2).
        free: Bits of the free squares, uint8 (n,).
        mate: Apparent mates, uint16 (3, n); updated.
        paired: Squares that have a partner, uint8 (n,); updated.
    """
    star = np.zeros(born.size, np.uint8)
    _mark_tops(born, free, paired, step, star)
    order = np.zeros(13, np.int64)
    values = np.zeros(12, np.int32)
    whole = np.zeros(12, np.bool_)
    rows = np.zeros(6, np.int64)
    sums = np.zeros(6, np.int64)
    for v in range(born.size):
        if star[v] == 0:
            continue
        value = born[v]
        other = dying[v]
        below = 0
        above = 0
        alike = 0
        for k in range(18):
            u = v + near[k]
            below |= int(born[u] < value) << k
            above |= int(born[u] > value) << k
            alike |= int((born[u] < value) == (dying[u] < other) and dying[u] != other) << k
        if below | above != 0x3FFFF:
            continue
        for b in range(6):
            rows[b] = 0
        if alike == 0x3FFFF:
            # All squares of the star have the value of the voxel in both: the index decides.
            count = 0
            for j in range(12):
                order[count] = j
                count += int(below & needs[j] == needs[j])
        else:
            count = _gather(v, born, dying, corners, squares, free, order, values, whole)
        for i in range(count):
            j = order[i]
            column = sides[j]
            total = 1 << j
            while column != 0:
                pivot = 5
                while (column >> pivot) & 1 == 0:
                    pivot -= 1
                if rows[pivot] == 0:
                    rows[pivot] = column
                    sums[pivot] = total
                    paired[v + squares[j, 0]] |= np.uint8(8 << squares[j, 1])
                    far = np.int64(edges[pivot, 0] != 0) << FAR_END
                    mate[edges[pivot, 1], v + edges[pivot, 0]] = np.uint16(total | far)
                    break
                column ^= rows[pivot]
                total ^= sums[pivot]


@kernel
def last_of_star(v, code, dying, corners):
    """Which square of a sum around a voxel comes last in the order of the columns.

    Args:
        v: The voxel.
        code: A mate, with the squares in bits 0 to 11.
        dying: Padded values that order the squares, int32 (n,).
        corners: See :func:`pair_stars`.

    Returns:
        Its number, 0 to 11.
    """
    last = -1
    most = dying[v]
    for j in range(12):
        if (code >> j) & 1:
            top = dying[v]
            for k in range(3):
                top = max(top, dying[v + corners[j, k]])
            if last < 0 or top >= most:
                last = j
                most = top
    return last
