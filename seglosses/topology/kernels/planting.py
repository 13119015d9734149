# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that make whole forests in one call: for small images calls cost more than work (Numba).

What the arrays mean: :mod:`seglosses.topology.forests` and :mod:`seglosses.topology.sides`.
Bounds are not checked.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.forests import LOW, MANY, OUTER, basin_of, edge_basins, merge
from seglosses.topology.kernels.grid import (
    PIXEL_ROOT,
    TOP_ROOT,
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
        basin, and what :func:`seglosses.topology.kernels.forests.merge` returns.
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
    basins = edge_basins(codes, flip, near, far, ids, dirs, steps)
    return ids, age, merge(codes, *basins, age, least, most)


@kernel
def _collect_2d(key, row, flags, cells, codes, parts, loops):
    """Code the critical edges and number the roots of an image, in one pass without a branch."""
    ids, age = parts
    outer_ids, outer_age = loops
    one = np.uint64(1)
    below = np.uint64(row)
    # Unsigned numbers are places as they are; signed ones might count from the end.
    edges = np.uint64(0)
    pixels = np.uint64(0)
    squares = one
    for i in range(cells.size):
        p = np.uint64(cells[i])
        bits = np.uint64(flags[p])
        here = key[p]
        down = max(here, key[p + below])
        side = max(here, key[p + one])
        codes[edges] = (np.int64(down) << 32) | np.int64(p + p)
        edges += bits & one
        codes[edges] = (np.int64(side) << 32) | np.int64(p + p + one)
        edges += (bits >> one) & one
        age[pixels] = (np.int64(here) << 32) | np.int64(p)
        root = (bits >> np.uint64(PIXEL_ROOT)) & one
        pixels += root
        ids[p] = pixels * root
        # a square that is a root has its value from the edge above it, which it is contracted along
        outer_age[squares] = ~((np.int64(side) << 32) | np.int64(p))
        root = (bits >> np.uint64(TOP_ROOT)) & one
        squares += root
        # where there is no square, there is the outside, which is no root
        outer_ids[p] += np.int32(squares * root)


@kernel
def _settle_2d(ids, dirs, steps, outer_ids, outer_dirs, outer_steps):
    """Settle nearly all cells of both forests: each sweep waits for itself, so two go together."""
    size = ids.size
    for turn in range(2):
        for i in range(size):
            at = i if turn == 0 else size - 1 - i
            own = ids[at]
            far = ids[at + steps[dirs[at]]]
            ids[at] = own if own != 0 else far
            at = size - 1 - at
            own = outer_ids[at]
            far = outer_ids[at + outer_steps[outer_dirs[at]]]
            outer_ids[at] = own if own != 0 else far


@kernel
def _joined_2d(codes, near, far, ids, dirs, steps):
    """The basins that edges join, given by their codes or the complements of these."""
    first = np.empty(codes.size, np.int32)
    second = np.empty(codes.size, np.int32)
    for i in range(codes.size):
        edge = codes[i] & LOW
        cell = edge >> 1
        axis = edge & 1
        first[i] = basin_of(ids, dirs, steps, cell + near[axis])
        second[i] = basin_of(ids, dirs, steps, cell + far[axis])
    return first, second


@kernel
def plant_2d(key, row, primal, dual, least, most):
    """Contract, mark and merge the pixels and the squares of an image.

    Args:
        key: Padded values, int32 (n,).
        row: Padded width.
        primal: ``near``, ``far`` and ``steps`` of the pixels.
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
    size = bits[0] + bits[1]
    codes = np.empty(size + 1, np.int64)
    ids = np.zeros(key.size, np.int32)
    age = np.empty(bits[PIXEL_ROOT] + 1, np.int64)
    outer_ids = np.empty(key.size, np.int32)
    for i in range(key.size):
        outer_ids[i] = np.int32(square[i] == 3)
    outer_age = np.empty(bits[TOP_ROOT] + 2, np.int64)
    outer_age[0] = OUTER
    _collect_2d(key, row, flags, cells[:count], codes, (ids, age), (outer_ids, outer_age))
    codes, age, outer_age = codes[:-1], age[:-1], outer_age[:-1]
    sort_codes(codes)
    near, far, steps = dual
    if size > key.size // MANY:
        _settle_2d(ids, pixel, primal[2], outer_ids, square, steps)
    turned = np.empty(size, np.int64)
    for i in range(size):
        turned[i] = codes[size - 1 - i]
    joined = _joined_2d(turned, near, far, outer_ids, square, steps)
    for i in range(size):
        turned[i] = ~turned[i]
    loops = merge(turned, *joined, outer_age, least, most)
    # An edge that merges nothing in the dual forest belongs to the spanning tree of the primal one.
    used = np.zeros(size, np.bool_)
    for i in loops[2]:
        used[size - 1 - i] = True
    rest = np.empty(size, np.int64)
    kept = 0
    for i in range(size):
        rest[kept] = codes[i]
        kept += int(not used[i])
    rest = rest[:kept]
    near, far, steps = primal
    joined = _joined_2d(rest, near, far, ids, pixel, steps)
    parts = merge(rest, *joined, age, least, most)
    return pixel, square, (ids, age, parts), (outer_ids, outer_age, loops)
