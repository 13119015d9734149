# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that flip simple points, which leave the topology of a mask as it is (Numba, unchecked).

The foreground is 8-connected (26 in volumes). Masks are flat, framed by one pixel of background.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel


@kernel
def simple_table():
    """Whether a pixel with a given neighbourhood is simple, bool (256,).

    Bit k of the index is the neighbour k in cyclic order, starting in the upper left corner; odd
    ones are faces. A pixel is simple if the foreground around it is one 8-component and the
    background that it touches by a face is one 4-component.
    """
    table = np.zeros(256, np.bool_)
    for code in range(256):
        # in the ring of neighbours, 8-connected runs of foreground may jump over a corner of
        # background, and 4-connected runs of background must hold a face
        crossings = 0
        for k in range(1, 8, 2):
            face = (code >> k) & 1
            corner = (code >> ((k + 1) % 8)) & 1
            following = (code >> ((k + 2) % 8)) & 1
            if not face and (corner or following):
                crossings += 1
        table[code] = crossings == 1
    return table


@kernel
def _is_simple_2d(mask, i, ring, table):
    code = 0
    for k in range(8):
        if mask[i + ring[k]]:
            code |= 1 << k
    return table[code]


@kernel
def _is_simple_3d(mask, i, cube, label, stack):
    """One 26-component of foreground around i, and one 6-component of background at its faces.

    The background is followed within the 18 neighbours that share a face or an edge.
    """
    fore = 0
    back = 0
    for k in range(27):
        label[k] = 0
    for start in range(27):
        if start == 13 or label[start]:
            continue
        value = mask[i + cube[start]]
        x = start % 3 - 1
        y = start // 3 % 3 - 1
        z = start // 9 - 1
        if not value and abs(x) + abs(y) + abs(z) != 1:
            continue
        if value:
            fore += 1
        else:
            back += 1
        if fore > 1 or back > 1:
            return False
        label[start] = 1
        stack[0] = start
        top = 1
        while top:
            top -= 1
            here = stack[top]
            hx = here % 3
            hy = here // 3 % 3
            hz = here // 9
            for there in range(27):
                if there == 13 or label[there] or mask[i + cube[there]] != value:
                    continue
                dx = abs(there % 3 - hx)
                dy = abs(there // 3 % 3 - hy)
                dz = abs(there // 9 - hz)
                if dx > 1 or dy > 1 or dz > 1:
                    continue
                corner = (there % 3 != 1) and (there // 3 % 3 != 1) and (there // 9 != 1)
                if not value and (corner or dx + dy + dz != 1):
                    continue
                label[there] = 1
                stack[top] = there
                top += 1
    return fore == 1 and back == 1


@kernel
def warp(mask, goal, order, cube, ring, table):
    """Flip pixels towards a goal, in rounds, as long as each is simple when its turn comes.

    Args:
        mask: bool (n,), framed; changed in place.
        goal: bool (n,), framed.
        order: Flat indices of the pixels that differ, int64 (m,); changed in place.
        cube: Offsets of the 27 neighbours of a voxel, int64 (27,), or (0,) in images.
        ring: Offsets of the 8 neighbours of a pixel in cyclic order, int64 (8,), or (0,).
        table: Of :func:`simple_table`.

    Returns:
        How many pixels still differ; they stand first in ``order``.
    """
    flat = ring.size > 0
    label = np.zeros(27, np.uint8)
    stack = np.zeros(27, np.int64)
    left = order.size
    while left:
        kept = 0
        for k in range(left):
            i = order[k]
            if flat:
                simple = _is_simple_2d(mask, i, ring, table)
            else:
                simple = _is_simple_3d(mask, i, cube, label, stack)
            if simple:
                mask[i] = goal[i]
            else:
                order[kept] = i
                kept += 1
        if kept == left:
            break
        left = kept
    return left


@kernel
def flip_once(mask, order, square, table):
    """Flip each pixel once, in order, if the table allows it at its turn.

    Args:
        mask: bool (n,); changed in place.
        order: Flat indices of pixels that touch no border, int64 (m,).
        square: Offsets of the 9 pixels of a neighbourhood, int64 (9,).
        table: Whether to flip, bool (512,), by the neighbourhood; bit k is pixel k of ``square``.
    """
    for i in order:
        code = 0
        for k in range(9):
            if mask[i + square[k]]:
                code |= 1 << k
        if table[code]:
            mask[i] = not mask[i]
