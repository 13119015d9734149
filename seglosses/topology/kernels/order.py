# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that order cells by value and index without comparing them (Numba, no bounds checks).

Cells are listed by index, and a radix sort is stable: sorting by the value alone keeps ties in the
order of their indices.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

# Older than every pixel. No image key reaches it, nor does the complement of one.
FRAME = np.int32(np.iinfo(np.int32).min)
LOW = np.uint64(0xFFFFFFFF)
# Eleven bits a pass: the buckets of one pass stay in the first cache.
_DIGIT = 11
_BUCKETS = 1 << _DIGIT


@kernel
def _sort_upper(codes, other):
    """Sort by the upper half; equal halves stay in order. Says in which array the result is."""
    size = codes.size
    counts = np.zeros((3, _BUCKETS), np.int64)
    mask = np.uint64(_BUCKETS - 1)
    for i in range(size):
        code = codes[i]
        counts[0, np.int64((code >> np.uint64(32)) & mask)] += 1
        counts[1, np.int64((code >> np.uint64(32 + _DIGIT)) & mask)] += 1
        counts[2, np.int64(code >> np.uint64(32 + 2 * _DIGIT))] += 1
    here = codes
    there = other
    swapped = False
    for digit in range(3):
        shift = np.uint64(32 + digit * _DIGIT)
        count = counts[digit]
        if size and count[np.int64((here[0] >> shift) & mask)] == size:
            continue
        total = np.int64(0)
        for bucket in range(_BUCKETS):
            own = count[bucket]
            count[bucket] = total
            total += own
        for i in range(size):
            code = here[i]
            at = np.int64((code >> shift) & mask)
            there[count[at]] = code
            count[at] += 1
        here, there = there, here
        swapped = not swapped
    return swapped


@kernel
def sort_codes(codes):
    """Sort codes whose lower halves ascend, by their upper halves.

    Args:
        codes: Value in the upper half, cell in the lower, int64 (n,), cells ascending; sorted.
    """
    if codes.size < 2:
        return
    flip = np.uint64(1) << np.uint64(63)
    here = codes.view(np.uint64)
    there = np.empty(here.size, np.uint64)
    for i in range(here.size):
        here[i] ^= flip
    swapped = _sort_upper(here, there)
    for i in range(here.size):
        here[i] = (there[i] if swapped else here[i]) ^ flip


@kernel
def dense_levels(key, out):
    """Replace values by their ranks among all distinct ones.

    Args:
        key: Values, int32 (n,).
        out: Rank of each value, from 0, int32 (n,).

    Returns:
        The number of distinct values.
    """
    size = key.size
    codes = np.empty(size, np.uint64)
    for i in range(size):
        # Shifted so that negative values come first.
        code = np.uint64(np.int64(key[i]) + np.int64(1 << 31))
        codes[i] = (code << np.uint64(32)) | np.uint64(i)
    other = np.empty(size, np.uint64)
    if _sort_upper(codes, other):
        codes, other = other, codes
    rank = -1
    last = np.uint64(0)
    for i in range(size):
        value = codes[i] >> np.uint64(32)
        rank += int(value != last) | int(i == 0)
        last = value
        out[np.int64(codes[i] & LOW)] = rank
    return rank + 1


@kernel
def count_bits(free, paired):
    """Count the edges and the unpaired squares among free cells.

    Args:
        free: Bits of the free cells, uint8 (n,).
        paired: Bits of the squares that have a partner already, uint8 (n,).

    Returns:
        Free edges, and free squares without a partner.
    """
    edges = np.int64(0)
    squares = np.int64(0)
    for p in range(free.size):
        bits = np.int64(free[p])
        edges += (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1)
        bits &= ~np.int64(paired[p])
        squares += ((bits >> 3) & 1) + ((bits >> 4) & 1) + ((bits >> 5) & 1)
    return edges, squares


@kernel
def list_columns(key, free, paired, step, codes):
    """List the free squares without a partner in the order (value, index).

    Args:
        key: Padded values, int32 (n,).
        free: Bit ``3 + normal`` is set for free squares, uint8 (n,).
        paired: The same for squares that have a partner, uint8 (n,).
        step: Strides, int64 (3,).
        codes: Value in the upper half, 3 * pixel + normal in the lower, int64 (k,); set.
    """
    count = 0
    for p in range(free.size):
        bits = (free[p] & ~paired[p]) >> 3
        if bits == 0:
            continue
        for normal in range(3):
            if (bits >> normal) & 1:
                u = step[1] if normal == 0 else step[0]
                w = step[1] if normal == 2 else step[2]
                top = max(max(key[p], key[p + u]), max(key[p + w], key[p + u + w]))
                codes[count] = (np.int64(top) << 32) | (3 * p + normal)
                count += 1
    sort_codes(codes)


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
