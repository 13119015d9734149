# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that read single pairs off a reduction (Numba, no bounds checks)."""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.rows import LOW, mate_of
from seglosses.topology.kernels.stars import APPARENT, FAR_END, last_of_star


@kernel
def find_columns(codes, taken, asked, out):
    """Look up the edges of some columns.

    Args:
        codes: Codes of all columns, int64 (k,).
        taken: Edge of each column, -1 for those that take none, int32 (k,).
        asked: Codes in ascending order, int64 (m,).
        out: Edges, int64 (m,); set where there is one.
    """
    for i in range(codes.size):
        if taken[i] >= 0:
            at = np.searchsorted(asked, codes[i])
            if at < asked.size and asked[at] == codes[i]:
                out[at] = taken[i]


@kernel
def squares_of(edges, rank, rows, columns, dying, beside, corners, star_squares, step, out):
    """Square that each edge is paired with, -1 for none.

    Args:
        edges: Edges, int64 (k,).
        rank: See :func:`seglosses.topology.kernels.reduction.reduce_columns`.
        rows: See there.
        columns: Codes of all columns, int64.
        dying: Padded values that order the squares, int32 (n,).
        beside: The four squares around an edge, relative to 3 * pixel, by axis, int64 (3, 4).
        corners: See :func:`seglosses.topology.kernels.stars.pair_stars`.
        star_squares: The squares around a voxel, relative to 3 * voxel, int64 (12,).
        step: Strides, int64 (3,).
        out: Squares, int64 (k,); set.
    """
    for i in range(edges.size):
        p = edges[i] // 3
        axis = edges[i] - 3 * p
        code = mate_of(edges[i], rank, rows)
        row = rank[edges[i]]
        out[i] = -1
        if row < 0:
            continue
        if code & APPARENT:
            out[i] = 3 * p + beside[axis, code & 3]
        elif code != 0:
            v = p + ((code >> FAR_END) & 1) * step[axis]
            out[i] = 3 * v + star_squares[last_of_star(v, code, dying, corners)]
        elif rows[row] < 0:
            out[i] = columns[~rows[row]] & LOW


@kernel
def edges_of(
    squares,
    born,
    dying,
    last,
    ends,
    beside,
    corners,
    rank,
    rows,
    step,
    star_squares,
    star_edges,
    out,
):
    """Edge that each square with a mate is paired with, -1 for the other squares.

    Args:
        squares: Squares, int64 (k,).
        born: Padded values that order the edges, int32 (n,).
        dying: Padded values that order the squares, int32 (n,).
        last: Last edge of every square in the order of the rows, uint8 (3, n).
        ends: The edges of a square by code of ``last``, relative to 3 * pixel, by normal axis,
            int64 (3, 3).
        beside: The four squares around an edge, relative to 3 * pixel, by axis, int64 (3, 4).
        corners: See :func:`seglosses.topology.kernels.stars.pair_stars`.
        rank: See :func:`seglosses.topology.kernels.reduction.reduce_columns`.
        rows: See there.
        step: Strides, int64 (3,).
        star_squares: The squares around a voxel, relative to 3 * voxel, int64 (12,).
        star_edges: The edges at a voxel, relative to 3 * voxel, int64 (6,).
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
            if born[corner] > born[top]:
                top = corner
        for b in range(6):
            edge = 3 * top + star_edges[b]
            code = mate_of(edge, rank, rows)
            if code != 0 and not code & APPARENT and (code >> FAR_END) & 1 == np.int64(b < 3):
                j = last_of_star(top, code, dying, corners)
                if 3 * top + star_squares[j] == squares[i]:
                    out[i] = edge
        if out[i] < 0 and last[normal, p] < 3:
            edge = 3 * p + ends[normal, last[normal, p]]
            p = edge // 3
            axis = edge - 3 * p
            code = mate_of(edge, rank, rows)
            if code & APPARENT and 3 * p + beside[axis, code & 3] == squares[i]:
                out[i] = edge
