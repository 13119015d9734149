# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that make whole forests in one call: for small images calls cost more than work (Numba).

What the arrays mean: :mod:`seglosses.topology.forests` and :mod:`seglosses.topology.sides`.
Bounds are not checked.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.forests import OUTER, merge
from seglosses.topology.kernels.grid import (
    PIXEL_ROOT,
    TOP_ROOT,
    collect_edges,
    collect_roots,
    contract_2d,
    list_marked,
    mark_2d,
)
from seglosses.topology.kernels.order import sort_codes


@kernel
def plant(flags, cells, roots, key, dirs, side, codes, least, most):
    """Merge the basins of one side along its critical edges.

    Args:
        flags: Marks of every cell, uint8 (n,).
        cells: The marked cells, int32 (k,).
        roots: How many are roots of this side.
        key: Padded values, int32 (n,).
        dirs: Direction in which each cell is contracted, uint8 (n,).
        side: ``flip``, ``near``, ``far``, ``steps`` and ``cell`` of the side.
        codes: Codes of its critical edges, ascending, complements in the dual forest, int64 (m,).
        least: See :func:`seglosses.topology.kernels.forests.merge`.
        most: See there.

    Returns:
        Basin + 1 of the roots (and, in the dual forest, of the outside) int32 (n,), age of each
        basin, then what :func:`seglosses.topology.kernels.forests.merge` returns, and the codes of
        the merges.
    """
    flip, near, far, steps, corners = side
    ids = np.zeros(key.size, np.int32)
    first = 0
    bit = PIXEL_ROOT
    if flip != 0:
        first = 1
        bit = TOP_ROOT
        # Where there is no cell to merge, there is the outside.
        none = steps.size - 1
        for i in range(ids.size):
            ids[i] = np.int32(dirs[i] == none)
    age = np.empty(first + roots + 1, np.int64)
    collect_roots(flags, cells, bit, key, corners, first, ids, age)
    age = age[:-1]
    if flip != 0:
        for i in range(age.size):
            age[i] = ~age[i]
        age[0] = OUTER
    win, lose, where, lives, fate = merge(
        codes, flip, near, far, ids, dirs, steps, age, least, most
    )
    merged = np.empty(where.size, np.int64)
    for i in range(where.size):
        merged[i] = codes[where[i]]
    return ids, age, win, lose, where, lives, fate, merged


@kernel
def plant_2d(key, row, edge, primal, dual, least, most):
    """Contract, mark and merge the pixels and the squares of an image.

    Args:
        key: Padded values, int32 (n,).
        row: Padded width.
        edge: Offsets of the pixels of an edge, by axis, int64 (2, 2).
        primal: ``flip``, ``near``, ``far``, ``steps`` and ``cell`` of the pixels.
        dual: The same of the squares.
        least: See :func:`plant`.
        most: See there.

    Returns:
        Directions of pixels and of squares, uint8 (n,), and what :func:`plant` returns of both.
    """
    pixel = np.empty(key.size, np.uint8)
    square = np.empty(key.size, np.uint8)
    flags = np.zeros(key.size, np.uint8)
    contract_2d(key, row, pixel, square)
    mark_2d(key, row, pixel, square, flags)
    cells = np.empty(key.size + 1, np.int32)
    count, bits = list_marked(flags, cells)
    cells = cells[:count]
    codes = np.empty(bits[0] + bits[1] + 1, np.int64)
    collect_edges(flags, cells, 0, key, edge, codes)
    codes = codes[:-1]
    sort_codes(codes)
    size = codes.size
    turned = np.empty(size, np.int64)
    for i in range(size):
        turned[i] = ~codes[size - 1 - i]
    loops = plant(flags, cells, bits[TOP_ROOT], key, square, dual, turned, least, most)
    # An edge that merges nothing in the dual forest belongs to the spanning tree of the primal one.
    used = np.zeros(size, np.bool_)
    for i in loops[4]:
        used[size - 1 - i] = True
    rest = np.empty(size, np.int64)
    kept = 0
    for i in range(size):
        rest[kept] = codes[i]
        kept += int(not used[i])
    parts = plant(flags, cells, bits[PIXEL_ROOT], key, pixel, primal, rest[:kept], least, most)
    return pixel, square, parts, loops
