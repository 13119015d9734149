# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that contract the cells of a padded 3D volume (Numba, no bounds checks).

Axes are 0, 1, 2 with strides ``step[0] > step[1] > step[2] = 1``. An edge is named by its first
pixel and its axis, a square by its first pixel and its normal axis, a cube by its first pixel.
"""

from __future__ import annotations

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.grid import OUTSIDE, PIXEL_ROOT, TOP_ROOT


@kernel
def contract_3d(key, step, pixel, cube):
    """Contract pixels and cubes along the edge and the square that they meet first.

    Directions of a pixel: 0 to 2 backward along the axes, 3 to 5 forward, 6 none; it takes the
    first neighbour that is not above it. Directions of a cube: 0 to 2 forward, 3 backward along the
    last axis, 4 none (outside); it takes the last of its squares that reaches its value.

    Args:
        key: Padded values, int32 (n,).
        step: Strides, int64 (3,).
        pixel: Direction of every pixel, uint8 (n,).
        cube: Direction of every cube, uint8 (n,).
    """
    x, y, z = step[0], step[1], step[2]
    pixel[:] = 6
    cube[:] = 4
    for p in range(x, key.size - x):
        value = key[p]
        if value == OUTSIDE:
            continue
        for d in range(6):
            if key[p - step[d] if d < 3 else p + step[d - 3]] <= value:
                pixel[p] = d
                break
        face_z = max(max(key[p + z], key[p + x + z]), max(key[p + y + z], key[p + x + y + z]))
        face_y = max(max(key[p + y], key[p + x + y]), max(key[p + y + z], key[p + x + y + z]))
        face_x = max(max(key[p + x], key[p + x + y]), max(key[p + x + z], key[p + x + y + z]))
        top = max(max(value, face_x), max(face_y, face_z))
        if top == OUTSIDE:
            continue
        if face_x == top:
            cube[p] = 0
        elif face_y == top:
            cube[p] = 1
        elif face_z == top:
            cube[p] = 2
        else:
            cube[p] = 3


@kernel
def last_edges(key, step, out):
    """Say which edge of every square comes last in the order (value, index).

    With u < w the axes of the square: 0 the edge along w at the far end of u, 1 the edge along u at
    the far end of w, 2 the edge along w at its first pixel, 3 where the square leaves the volume.

    Args:
        key: Padded values, int32 (n,).
        step: Strides, int64 (3,).
        out: By normal axis, uint8 (3, n).
    """
    out[:] = 3
    for normal in range(3):
        u = step[1] if normal == 0 else step[0]
        w = step[1] if normal == 2 else step[2]
        for p in range(step[0], key.size - step[0]):
            if key[p] == OUTSIDE:
                continue
            far_w = key[p + w]
            far_u = max(key[p + u], key[p + u + w])
            top = max(max(key[p], far_w), far_u)
            if top != OUTSIDE:
                out[normal, p] = 0 if far_u == top else (1 if far_w == top else 2)


@kernel
def first_squares(key, step, out):
    """Say which square around every edge comes first in the order (value, index).

    With b < c the other axes: 0 the square to the back along b, 1 to the back along c, 2 to the
    front along c, 3 to the front along b, 4 where there is none.

    Args:
        key: Padded values, int32 (n,).
        step: Strides, int64 (3,).
        out: By axis of the edge, uint8 (3, n).
    """
    out[:] = 4
    for axis in range(3):
        a = step[axis]
        b = step[1] if axis == 0 else step[0]
        c = step[1] if axis == 2 else step[2]
        for p in range(step[0], key.size - step[0]):
            own = max(key[p], key[p + a])
            if own == OUTSIDE:
                continue
            best = max(own, max(key[p - b], key[p - b + a]))
            code = 0
            other = max(own, max(key[p - c], key[p - c + a]))
            if other < best:
                best = other
                code = 1
            other = max(own, max(key[p + c], key[p + c + a]))
            if other < best:
                best = other
                code = 2
            other = max(own, max(key[p + b], key[p + b + a]))
            if other < best:
                best = other
                code = 3
            if best != OUTSIDE:
                out[axis, p] = code


@kernel
def mark_3d(key, step, pixel, cube, last, first, flags, free):
    """Mark critical edges (bits 0 to 2) and squares (bits 3 to 5), and the roots.

    An edge that comes last in some square closes a cycle of earlier edges, and a square that comes
    first around some edge closes a dual cycle: neither can belong to its spanning tree.

    Args:
        key: Padded values, int32 (n,).
        step: Strides, int64 (3,).
        pixel: Direction of every pixel, uint8 (n,).
        cube: Direction of every cube, uint8 (n,).
        last: Last edge of every square, uint8 (3, n).
        first: First square of every edge, uint8 (3, n).
        flags: Zeros, uint8 (n,); set.
        free: Zeros, bool (2, n, 3); set for the edges and for the squares that exist and along
            which nothing was contracted.
    """
    for p in range(step[0], key.size - step[0]):
        if key[p] == OUTSIDE:
            continue
        flag = 0
        root = pixel[p] == 6
        for a in range(3):
            q = p + step[a]
            if key[q] == OUTSIDE:
                continue
            root = root or (pixel[p] == 3 + a and pixel[q] == a)
            if pixel[p] == 3 + a or pixel[q] == a:
                continue
            free[0, p, a] = True
            cyclic = False
            for b in range(3):
                if b < a:
                    cyclic = cyclic or last[3 - a - b, p] == 2 or last[3 - a - b, p - step[b]] == 0
                elif b > a:
                    cyclic = cyclic or last[3 - a - b, p - step[b]] == 1
            if not cyclic:
                flag |= 1 << a
        for t in range(3):
            if last[t, p] == 3 or cube[p - step[t]] == t or (t == 2 and cube[p] == 3):
                continue
            free[1, p, t] = True
            cyclic = False
            for a in range(3):
                if a != t:
                    o = 3 - a - t
                    here, far = (3, 0) if o < t else (2, 1)
                    cyclic = cyclic or first[a, p] == here or first[a, p + step[o]] == far
            if not cyclic:
                flag |= 8 << t
        if root:
            flag |= 1 << PIXEL_ROOT
        if cube[p] == 3 and cube[p - step[2]] == 2:
            flag |= 1 << TOP_ROOT
        flags[p] = flag
