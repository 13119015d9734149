# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that contract the cells of a padded 3D volume (Numba, no bounds checks).

Axes are 0, 1, 2 with strides ``step[0] > step[1] > step[2] = 1``. An edge is named by its first
pixel and its axis, a square by its first pixel and its normal axis, a cube by its first pixel.

Everything here is a selection over shifted slices, without a branch and without an index that the
compiler would have to follow, so that one instruction serves eight to sixty-four voxels. All voxels
of the volume lie between the first and the last ``step.sum()`` padded ones.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.grid import OUTSIDE, PIXEL_ROOT, TOP_ROOT


@kernel
def _contract(v, bx, by, bz, x, y, z, xy, xz, yz, xyz, pixel, cube):
    for i in range(v.size):
        value = v[i]
        d = np.uint8(6)
        d = np.uint8(5) if z[i] <= value else d
        d = np.uint8(4) if y[i] <= value else d
        d = np.uint8(3) if x[i] <= value else d
        d = np.uint8(2) if bz[i] <= value else d
        d = np.uint8(1) if by[i] <= value else d
        d = np.uint8(0) if bx[i] <= value else d
        pixel[i] = np.uint8(6) if value == OUTSIDE else d
        face_z = max(max(z[i], xz[i]), max(yz[i], xyz[i]))
        face_y = max(max(y[i], xy[i]), max(yz[i], xyz[i]))
        face_x = max(max(x[i], xy[i]), max(xz[i], xyz[i]))
        top = max(max(value, face_x), max(face_y, face_z))
        d = np.uint8(3)
        d = np.uint8(2) if face_z == top else d
        d = np.uint8(1) if face_y == top else d
        d = np.uint8(0) if face_x == top else d
        cube[i] = np.uint8(4) if top == OUTSIDE else d


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
    lo = x + y + z
    hi = key.size - lo
    pixel[:lo] = 6
    pixel[hi:] = 6
    cube[:lo] = 4
    cube[hi:] = 4
    _contract(
        key[lo:hi],
        key[lo - x : hi - x],
        key[lo - y : hi - y],
        key[lo - z : hi - z],
        key[lo + x : hi + x],
        key[lo + y : hi + y],
        key[lo + z : hi + z],
        key[lo + x + y : hi + x + y],
        key[lo + x + z : hi + x + z],
        key[lo + y + z : hi + y + z],
        key[lo + lo :],
        pixel[lo:hi],
        cube[lo:hi],
    )


@kernel
def _last_edges(v, w, u, uw, out):
    for i in range(out.size):
        far_u = max(u[i], uw[i])
        top = max(max(v[i], w[i]), far_u)
        d = np.uint8(2)
        d = np.uint8(1) if w[i] == top else d
        d = np.uint8(0) if far_u == top else d
        out[i] = np.uint8(3) if top == OUTSIDE else d


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
    lo = step.sum()
    hi = key.size - lo
    out[:, :lo] = 3
    out[:, hi:] = 3
    for normal in range(3):
        u = step[1] if normal == 0 else step[0]
        w = step[1] if normal == 2 else step[2]
        _last_edges(
            key[lo:hi],
            key[lo + w : hi + w],
            key[lo + u : hi + u],
            key[lo + u + w : hi + u + w],
            out[normal, lo:hi],
        )


@kernel
def _first_squares(v, a, b0, b0a, c0, c0a, c1, c1a, b1, b1a, out):
    for i in range(out.size):
        own = max(v[i], a[i])
        best = max(own, max(b0[i], b0a[i]))
        other = max(own, max(c0[i], c0a[i]))
        d = np.uint8(1) if other < best else np.uint8(0)
        best = min(best, other)
        other = max(own, max(c1[i], c1a[i]))
        d = np.uint8(2) if other < best else d
        best = min(best, other)
        other = max(own, max(b1[i], b1a[i]))
        d = np.uint8(3) if other < best else d
        best = min(best, other)
        out[i] = np.uint8(4) if best == OUTSIDE else d


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
    lo = step.sum()
    hi = key.size - lo
    out[:, :lo] = 4
    out[:, hi:] = 4
    for axis in range(3):
        a = step[axis]
        b = step[1] if axis == 0 else step[0]
        c = step[1] if axis == 2 else step[2]
        _first_squares(
            key[lo:hi],
            key[lo + a : hi + a],
            key[lo - b : hi - b],
            key[lo - b + a : hi - b + a],
            key[lo - c : hi - c],
            key[lo - c + a : hi - c + a],
            key[lo + c : hi + c],
            key[lo + c + a : hi + c + a],
            key[lo + b : hi + b],
            key[lo + b + a : hi + b + a],
            out[axis, lo:hi],
        )


@kernel
def _mark_edges(axis, v, far, here, there, l0, m0, l1, m1, l2, m2, l3, m3, flags, free):
    forward = np.uint8(3 + axis)
    backward = np.uint8(axis)
    bit = np.uint8(1 << axis)
    for i in range(flags.size):
        to_far = here[i] == forward
        from_far = there[i] == backward
        inside = (v[i] != OUTSIDE) & (far[i] != OUTSIDE)
        cyclic = (l0[i] == m0) | (l1[i] == m1) | (l2[i] == m2) | (l3[i] == m3)
        open_ = inside & ~(to_far | from_far)
        free[i] |= bit if open_ else np.uint8(0)
        flags[i] |= bit if open_ & ~cyclic else np.uint8(0)
        flags[i] |= np.uint8(1 << PIXEL_ROOT) if to_far & from_far else np.uint8(0)


@kernel
def _mark_squares(normal, own, here, behind, back, f0, m0, f1, m1, f2, m2, f3, m3, flags, free):
    forward = np.uint8(normal)
    bit = np.uint8(8 << normal)
    for i in range(flags.size):
        crossed = (behind[i] == forward) | (here[i] == back)
        cyclic = (f0[i] == m0) | (f1[i] == m1) | (f2[i] == m2) | (f3[i] == m3)
        open_ = (own[i] != np.uint8(3)) & ~crossed
        free[i] |= bit if open_ else np.uint8(0)
        flags[i] |= bit if open_ & ~cyclic else np.uint8(0)


@kernel
def _mark_roots(v, pixel, cube, behind, flags):
    for i in range(flags.size):
        lowest = (pixel[i] == np.uint8(6)) & (v[i] != OUTSIDE)
        mutual = (cube[i] == np.uint8(3)) & (behind[i] == np.uint8(2))
        flags[i] |= np.uint8(1 << PIXEL_ROOT) if lowest else np.uint8(0)
        flags[i] |= np.uint8(1 << TOP_ROOT) if mutual else np.uint8(0)


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
        free: Zeros, uint8 (n,); bit ``axis`` is set for the edges and bit ``3 + axis`` for the
            squares that exist and along which nothing was contracted.
    """
    x, y, z = step[0], step[1], step[2]
    lo = step.sum()
    hi = key.size - lo
    u = np.uint8
    v, here, cubes = key[lo:hi], pixel[lo:hi], cube[lo:hi]
    marks, opens = flags[lo:hi], free[lo:hi]
    _mark_roots(v, here, cubes, cube[lo - z : hi - z], marks)
    # By axis: the codes of the squares around an edge in which it could come last. There are at
    # most four; none is the code 9.
    l0, l1, l2 = last[0], last[1], last[2]
    here0, here1, here2 = l0[lo:hi], l1[lo:hi], l2[lo:hi]
    _mark_edges(
        0, v, key[lo + x : hi + x], here, pixel[lo + x : hi + x],
        l2[lo - y : hi - y], u(1), l1[lo - z : hi - z], u(1), here0, u(9), here0, u(9),
        marks, opens,
    )  # fmt: skip
    _mark_edges(
        1, v, key[lo + y : hi + y], here, pixel[lo + y : hi + y],
        here2, u(2), l2[lo - x : hi - x], u(0), l0[lo - z : hi - z], u(1), here0, u(9),
        marks, opens,
    )  # fmt: skip
    _mark_edges(
        2, v, key[lo + z : hi + z], here, pixel[lo + z : hi + z],
        here1, u(2), l1[lo - x : hi - x], u(0), here0, u(2), l0[lo - y : hi - y], u(0),
        marks, opens,
    )  # fmt: skip
    f0, f1, f2 = first[0], first[1], first[2]
    own0, own1, own2 = f0[lo:hi], f1[lo:hi], f2[lo:hi]
    _mark_squares(
        0, here0, cubes, cube[lo - x : hi - x], u(9),
        own1, u(2), f1[lo + z : hi + z], u(1), own2, u(2), f2[lo + y : hi + y], u(1),
        marks, opens,
    )  # fmt: skip
    _mark_squares(
        1, here1, cubes, cube[lo - y : hi - y], u(9),
        own0, u(2), f0[lo + z : hi + z], u(1), own2, u(3), f2[lo + x : hi + x], u(0),
        marks, opens,
    )  # fmt: skip
    _mark_squares(
        2, here2, cubes, cube[lo - z : hi - z], u(3),
        own0, u(3), f0[lo + y : hi + y], u(0), own1, u(3), f1[lo + x : hi + x], u(0),
        marks, opens,
    )  # fmt: skip


@kernel
def clear_cells(cells, shift, free):
    """Take cells out of the free ones.

    Args:
        cells: 3 * pixel + axis, int64 (k,).
        shift: 0 for edges, 3 for squares.
        free: Bits of the free cells, uint8 (n,); updated.
    """
    for i in range(cells.size):
        p = cells[i] // 3
        free[p] &= np.uint8(255 - (1 << (shift + cells[i] - 3 * p)))
