# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels shared by 2D and 3D: contracted forests, merges and labels (Numba, no bounds checks).

A *forest* orders cells of one dimension (pixels, or squares and cubes for the dual) by age and
merges them along edges. All numbers that are compared are 64-bit *codes*: the upper half is the
value, the lower half the index of the cell or edge, so that one comparison decides value first and
ties by index. The dual forests run from high to low; they use the complements of the codes, and
every kernel below then only knows "smaller is older" and "smaller comes first".
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

NONE = np.int64(np.iinfo(np.int64).max)
OUTER = np.int64(np.iinfo(np.int64).min)
LOW = np.int64(0xFFFFFFFF)
OUTSIDE = np.int64(np.iinfo(np.int32).max)
# Two sweeps without a branch settle nearly all cells, whichever way they point. Fewer edges than
# one to so many cells are looked up faster one by one.
MANY = 16


@kernel
def basin_of(ids, dirs, steps, cell):
    """Number of the basin into which a cell is contracted; cells on the way there keep it.

    Args:
        ids: Basin + 1 of the roots and of the cells looked up so far, 0 elsewhere, int32; updated.
        dirs: Direction in which a cell is contracted, uint8.
        steps: Offset of each direction, 0 for the last one, which means none, int64.
        cell: Any cell.
    """
    basin = ids[cell]
    if basin == 0:
        start = cell
        while basin == 0:
            cell += steps[dirs[cell]]
            basin = ids[cell]
        cell = start
        while ids[cell] == 0:
            ids[cell] = basin
            cell += steps[dirs[cell]]
    return basin - 1


@kernel
def _sweep(ids, dirs, steps, backward):
    size = ids.size
    for i in range(size):
        cell = size - 1 - i if backward else i
        own = ids[cell]
        far = ids[cell + steps[dirs[cell]]]
        ids[cell] = own if own != 0 else far


@kernel
def find(parent, node):
    """Root of a node; the way there becomes shorter."""
    up = parent[node]
    while up != node:
        top = parent[up]
        parent[node] = top
        node = top
        up = parent[node]
    return node


@kernel
def edge_basins(codes, flip, near, far, ids, dirs, steps):
    """Decode edges and look up the two basins that each one joins.

    Args:
        codes: Edge codes, int64 (n,); the lower half is ``axes * cell + axis``.
        flip: -1 where the codes are complements, else 0, int64.
        near: Offset from the owner of an edge to the first cell, by axis, int64 (axes,).
        far: Offset from the owner to the second cell, by axis, int64.
        ids: See :func:`basin_of`.
        dirs: See there.
        steps: See there.

    Returns:
        The basins of the first and of the second cells, int32 (n,).
    """
    if codes.size > ids.size // MANY:
        _sweep(ids, dirs, steps, flip != 0)
        _sweep(ids, dirs, steps, flip == 0)
    axes = near.size
    first = np.empty(codes.size, np.int32)
    second = np.empty(codes.size, np.int32)
    for i in range(codes.size):
        edge = np.uint32((codes[i] ^ flip) & LOW)
        cell = np.int64(edge // np.uint32(axes))
        axis = edge - cell * axes
        first[i] = basin_of(ids, dirs, steps, cell + near[axis])
        second[i] = basin_of(ids, dirs, steps, cell + far[axis])
    return first, second


@kernel
def merge(codes, first, second, age, least, most):
    """Merge basins along sorted edges; the older one (smaller age) survives.

    Args:
        codes: Edge codes, ascending int64 (n,).
        first: One basin that each edge joins, int32 (n,).
        second: The other one, int32 (n,).
        age: Code of the oldest cell of each basin, int64 (m,).
        least: Values below count as this one where the length of a bar is concerned.
        most: Values above count as this one there.

    Returns:
        By merge: surviving and dying basin and the place of the edge, int32 (k,), its code, int64
        (k,), and whether the bar that ends has positive length, bool (k,); and by basin: the merge
        at which its bar of positive length ends, else -1; int32 (m,).
    """
    parent = np.empty(age.size, np.int32)
    fate = np.empty(age.size, np.int32)
    for i in range(age.size):
        parent[i] = i
        fate[i] = -1
    win = np.empty(age.size, np.int32)
    lose = np.empty(age.size, np.int32)
    where = np.empty(age.size, np.int32)
    merged = np.empty(age.size, np.int64)
    lives = np.empty(age.size, np.bool_)
    count = 0
    for i in range(codes.size):
        one = find(parent, first[i])
        two = find(parent, second[i])
        if one == two:
            continue
        # selections, not branches: nothing here can be foreseen
        swap = age[two] < age[one]
        one, two = (two if swap else one), (one if swap else two)
        parent[two] = one
        win[count] = one
        lose[count] = two
        where[count] = i
        merged[count] = codes[i]
        value = codes[i] >> 32
        # The frame of the T-construction ends the essential class, which is no bar.
        born = min(max(age[two] >> 32, least), most)
        lasts = (born != min(max(value, least), most)) & (value != OUTSIDE)
        lives[count] = lasts
        fate[two] = count if lasts else -1
        count += 1
    return win[:count], lose[:count], where[:count], merged[:count], lives[:count], fate


@kernel
def look_up_fates(codes, flip, ids, dirs, steps, age, fate, out):
    """Find the bars that are born at coded cells.

    Args:
        codes: Codes of cells, int64 (n,); some may be none or the outside.
        flip: -1 where the codes are complements, else 0, int64.
        ids: See :func:`basin_of`.
        dirs: See there.
        steps: See there.
        age: Code of the oldest cell of each basin, int64 (m,).
        fate: By basin: the merge at which its bar ends, else -1; int32 (m,).
        out: That merge, or -1 where no bar of positive length is born there; int32 (n,).
    """
    for i in range(codes.size):
        out[i] = -1
        if codes[i] != NONE and codes[i] != OUTER:
            basin = basin_of(ids, dirs, steps, (codes[i] ^ flip) & LOW)
            # A label that is no root is nobody's birth.
            if age[basin] == codes[i]:
                out[i] = fate[basin]
