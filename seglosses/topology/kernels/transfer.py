# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that carry pairs and free cells from one filtration to another (Numba, no bounds checks).

What the codes mean is said in :mod:`seglosses.topology.kernels.stars`.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel


@kernel
def keep_alike(star, one, other, around):
    """Keep the stars whose voxels another filtration orders alike.

    A block of the matrix depends on nothing but which voxels around the one are below it. Where
    two filtrations agree on that, rows may be ordered by either and columns by either.

    Args:
        star: Non-zero at the voxels in question, uint8 (n,); updated.
        one: Padded values of the filtration that they differ from all around in, int32 (n,).
        other: Padded values of the other filtration, int32 (n,).
        around: Offsets of the voxels that share a square with one, int64 (k,).
    """
    for v in range(star.size):
        if star[v] == 0:
            continue
        alike = True
        for k in range(around.size):
            u = v + around[k]
            if one[u] < one[v]:
                alike = alike and other[u] < other[v]
            else:
                alike = alike and other[u] > other[v]
        star[v] = np.uint8(1 if alike else 0)


@kernel
def _adopt_edges(v, far, here, there, source, mate):
    for i in range(mate.size):
        ours = ((v[i] > far[i]) & (here[i] != 0)) | ((far[i] > v[i]) & (there[i] != 0))
        mate[i] = source[i] if ours else mate[i]


@kernel
def _adopt_squares(normal, v, w, u, uw, s0, s1, s2, s3, source, paired):
    bit = np.uint8(8 << normal)
    for i in range(paired.size):
        top = max(max(v[i], w[i]), max(u[i], uw[i]))
        ours = (s0[i] != 0) & (v[i] == top)
        ours |= (s1[i] != 0) & (w[i] == top)
        ours |= (s2[i] != 0) & (u[i] == top)
        ours |= (s3[i] != 0) & (uw[i] == top)
        paired[i] |= source[i] & bit if ours else np.uint8(0)


@kernel
def adopt_stars(key, step, star, known_mate, known_paired, mate, paired):
    """Take over the pairs of some stars from another filtration that is the same around them.

    Args:
        key: Padded values of the other filtration, int32 (n,).
        step: Strides, int64 (3,).
        star: Non-zero at the voxels concerned, uint8 (n,).
        known_mate: Mates in the other filtration, uint16 (3, n).
        known_paired: Squares that have a partner there, uint8 (n,).
        mate: Apparent mates here, uint16 (3, n); updated.
        paired: Squares that have a partner here, uint8 (n,); updated.
    """
    lo = step.sum()
    hi = key.size - lo
    for axis in range(3):
        a = step[axis]
        _adopt_edges(
            key[lo:hi],
            key[lo + a : hi + a],
            star[lo:hi],
            star[lo + a : hi + a],
            known_mate[axis, lo:hi],
            mate[axis, lo:hi],
        )
        u = step[1] if axis == 0 else step[0]
        w = step[1] if axis == 2 else step[2]
        _adopt_squares(
            axis,
            key[lo:hi],
            key[lo + w : hi + w],
            key[lo + u : hi + u],
            key[lo + u + w : hi + u + w],
            star[lo:hi],
            star[lo + w : hi + w],
            star[lo + u : hi + u],
            star[lo + u + w : hi + u + w],
            known_paired[lo:hi],
            paired[lo:hi],
        )


@kernel
def _combine_edges(axis, here, there, inner, outer, out):
    bit = np.uint8(1 << axis)
    for i in range(out.size):
        out[i] |= bit & (inner[i] if here[i] & there[i] else outer[i])


@kernel
def _combine_squares(normal, here, w, u, uw, inner, outer, out):
    bit = np.uint8(8 << normal)
    for i in range(out.size):
        out[i] |= bit & (inner[i] if here[i] & w[i] & u[i] & uw[i] else outer[i])


@kernel
def combine_free(zone, step, inner, outer, out):
    """Take the cells within a zone from one set of free cells and the others from another.

    Args:
        zone: 0 and 1, uint8 (n,).
        step: Strides, int64 (3,).
        inner: Bits of free cells for the zone, uint8 (n,).
        outer: Bits of free cells for the rest, uint8 (n,).
        out: Zeros, uint8 (n,); set.
    """
    lo = step.sum()
    hi = zone.size - lo
    here, mine, rest, free = zone[lo:hi], inner[lo:hi], outer[lo:hi], out[lo:hi]
    for axis in range(3):
        a = step[axis]
        u = step[1] if axis == 0 else step[0]
        w = step[1] if axis == 2 else step[2]
        _combine_edges(axis, here, zone[lo + a : hi + a], mine, rest, free)
        _combine_squares(
            axis,
            here,
            zone[lo + w : hi + w],
            zone[lo + u : hi + u],
            zone[lo + u + w : hi + u + w],
            mine,
            rest,
            free,
        )
