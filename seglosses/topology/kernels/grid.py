# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that contract the cells of a 2D image or a 3D volume (Numba, no bounds checks).

Images are flat, padded by one pixel of ``OUTSIDE`` on every side, and hold int32 keys below
``OUTSIDE``. A cell is named by its first pixel in reading order. A contracted cell points along the
edge that it meets first, which is always a merge of length zero; the pointers form trees, and what
remains is a handful of *critical* edges between their roots. The loops are plain selections over
neighbouring values, so that the compiler can turn them into vector instructions.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

OUTSIDE = np.int32(np.iinfo(np.int32).max)

# Bits of a mark: 0 to 2 are edges, 3 to 5 squares of a volume.
PIXEL_ROOT = 6
TOP_ROOT = 7


@kernel
def contract_2d(key, row, pixel, square):
    """Contract pixels (primal) and squares (dual) of a 2D image.

    Directions of a pixel: 0 up, 1 left, 2 down, 3 right, 4 none. It takes the first neighbour whose
    value is not above its own, which is the first edge at that pixel in the order (value, index).
    Directions of a square: 0 down, 1 right, 2 up, 3 none (outside). It takes the last of its edges
    that reaches its value.

    Args:
        key: Padded values, int32 (n,).
        row: Padded width.
        pixel: Direction of every pixel, uint8 (n,).
        square: Direction of every square, uint8 (n,).
    """
    n = key.size
    for p in range(row):
        pixel[p] = 4
        square[p] = 3
        pixel[n - row + p] = 4
        square[n - row + p] = 3
    middle = key[row : n - row]
    above = key[: n - 2 * row]
    below = key[2 * row :]
    left = key[row - 1 : n - row - 1]
    right = key[row + 1 : n - row + 1]
    corner = key[2 * row + 1 :]
    out = pixel[row : n - row]
    for i in range(n - 2 * row):
        value = middle[i]
        d = np.uint8(4)
        d = np.uint8(3) if right[i] <= value else d
        d = np.uint8(2) if below[i] <= value else d
        d = np.uint8(1) if left[i] <= value else d
        d = np.uint8(0) if above[i] <= value else d
        out[i] = np.uint8(4) if value == OUTSIDE else d
    out = square[row : n - row]
    for i in range(n - 2 * row - 1):
        bottom = max(below[i], corner[i])
        side = max(right[i], corner[i])
        top = max(bottom, max(middle[i], right[i]))
        d = np.uint8(2)
        d = np.uint8(1) if side == top else d
        d = np.uint8(0) if bottom == top else d
        out[i] = np.uint8(3) if top == OUTSIDE else d
    square[n - row - 1] = 3


@kernel
def mark_2d(key, row, pixel, square, flags):
    """Mark critical edges (bit 0 down, bit 1 right) and the roots of pixels and squares.

    Args:
        key: Padded values, int32 (n,).
        row: Padded width.
        pixel: Direction of every pixel, uint8 (n,).
        square: Direction of every square, uint8 (n,).
        flags: Zeros, uint8 (n,); set.
    """
    n = key.size
    length = n - 2 * row
    here = key[row : n - row]
    below = key[2 * row :]
    right = key[row + 1 : n - row + 1]
    p_here = pixel[row : n - row]
    p_below = pixel[2 * row :]
    p_right = pixel[row + 1 : n - row + 1]
    s_here = square[row : n - row]
    s_above = square[:length]
    s_left = square[row - 1 : n - row - 1]
    out = flags[row : n - row]
    for i in range(length):
        to_below = p_here[i] == 2
        from_below = p_below[i] == 0
        to_right = p_here[i] == 3
        from_right = p_right[i] == 1
        down = (below[i] == OUTSIDE) | to_below | from_below | (s_left[i] == 1)
        side = (right[i] == OUTSIDE) | to_right | from_right | (s_above[i] == 0) | (s_here[i] == 2)
        lowest = (p_here[i] == 4) | (to_below & from_below) | (to_right & from_right)
        mutual = (s_here[i] == 2) & (s_above[i] == 0)
        flag = np.uint8(0) if down else np.uint8(1)
        flag |= np.uint8(0) if side else np.uint8(2)
        flag |= np.uint8(1 << PIXEL_ROOT) if lowest else np.uint8(0)
        flag |= np.uint8(1 << TOP_ROOT) if mutual else np.uint8(0)
        out[i] = np.uint8(0) if here[i] == OUTSIDE else flag


@kernel
def list_marked(flags, cells):
    """List the cells with any mark.

    Args:
        flags: Marks, uint8 (n,).
        cells: Room, int32 (n + 1,).

    Returns:
        Their number, and by bit how many have it, int64 (8,).
    """
    count = 0
    for p in range(flags.size):
        cells[count] = p
        count += int(flags[p] != 0)
    seen = np.zeros(256, np.int64)
    for i in range(count):
        seen[flags[cells[i]]] += 1
    bits = np.zeros(8, np.int64)
    for flag in range(256):
        for bit in range(8):
            bits[bit] += ((flag >> bit) & 1) * seen[flag]
    return count, bits


@kernel
def collect_edges(flags, cells, shift, key, corners, codes):
    """Code the marked edges: value in the upper half, ``axes * cell + axis`` in the lower.

    Args:
        flags: Bit ``shift + axis`` set where the edge of that axis is wanted, uint8 (n,).
        cells: The marked cells, int32 (k,).
        shift: 0, or 3 for the squares of a volume, which are the edges of its dual forest.
        key: Padded values, int32 (n,).
        corners: Offsets of the pixels of an edge, by axis, int64 (axes, k).
        codes: Room for the marked edges and one more, int64.
    """
    axes = corners.shape[0]
    count = 0
    for i in range(cells.size):
        p = cells[i]
        flag = int(flags[p]) >> shift
        for axis in range(axes):
            value = key[p]
            for k in range(1, corners.shape[1]):
                value = max(value, key[p + corners[axis, k]])
            codes[count] = (np.int64(value) << 32) | (axes * p + axis)
            count += (flag >> axis) & 1


@kernel
def collect_roots(flags, cells, bit, key, corners, first, ids, codes):
    """Number the marked roots and code them: value in the upper half, cell in the lower.

    Args:
        flags: Marks, uint8 (n,).
        cells: The marked cells, int32 (k,).
        bit: The bit of a root.
        key: Padded values, int32 (n,).
        corners: Offsets of the pixels of a cell, int64 (k,).
        first: Number of the first root.
        ids: Number + 1 of each root is written here, int32 (n,).
        codes: Codes by number, int64, with room for one more; filled from ``first``.
    """
    count = first
    for i in range(cells.size):
        p = cells[i]
        value = key[p]
        for k in range(1, corners.size):
            value = max(value, key[p + corners[k]])
        codes[count] = (np.int64(value) << 32) | p
        # a selection, not a branch: which cells are roots cannot be foreseen
        root = (flags[p] >> bit) & 1
        count += int(root)
        ids[p] = count if root else ids[p]


@kernel
def _unpad(pixels, shape, margin, oldest):
    """Turn flat indices in the padded image into those in the image itself, in place."""
    deep = shape[0] if shape.size == 3 else np.int64(1)
    high = shape[-2]
    wide = shape[-1]
    front = margin if shape.size == 3 else np.int64(0)
    # Divisions are slow. (index + 0.5) / side is at least 0.5 / side from a whole number, and
    # indices below 2**31 cannot be rounded that far.
    by_row = 1 / (wide + 2 * margin)
    by_slice = 1 / (high + 2 * margin)
    for i in range(pixels.size):
        row = np.int64((pixels[i] + 0.5) * by_row)
        x = pixels[i] - row * (wide + 2 * margin) - margin
        z = np.int64((row + 0.5) * by_slice)
        y = row - z * (high + 2 * margin) - margin
        z -= front
        inside = (x >= 0) & (x < wide) & (y >= 0) & (y < high) & (z >= 0) & (z < deep)
        pixels[i] = (z * high + y) * wide + x if inside else oldest


@kernel
def top_pixels(key, cells, axes, picks, shape, margin, oldest, out):
    """Name the pixel that gives each cell or wall its value, in the unpadded image.

    Args:
        key: Padded values, int32 (n,).
        cells: ``axes * cell + axis``, int64 (k,).
        axes: Rows of ``picks``.
        picks: Offsets of the pixels, by axis, the preferred one first, int64 (axes, c).
        shape: Shape of the image, int64 (2,) or (3,).
        margin: Pixels of padding on every side.
        oldest: What a pixel of the padding stands for.
        out: Flat indices in the image, int64 (k,).
    """
    for i in range(cells.size):
        cell = np.int64(np.uint32(cells[i]) // np.uint32(axes))
        axis = cells[i] - axes * cell
        best = cell + picks[axis, 0]
        for k in range(1, picks.shape[1]):
            pixel = cell + picks[axis, k]
            best = pixel if key[pixel] > key[best] else best
        out[i] = best
    _unpad(out, shape, margin, oldest)


@kernel
def bar_pixels(age, merges, flip, picks, walls, key, place, swapped):
    """Name the pixels at which the bars of a forest begin and end, in the unpadded image.

    Args:
        age: Code of the oldest cell of each basin, int64 (m,).
        merges: Dying basin, code, and whether a bar of positive length ends, by merge (k,).
        flip: -1 where the codes are complements, else 0, int64.
        picks: Offsets of the pixels of a cell, the preferred one first, int64 (c,).
        walls: The same of the edges, by axis, int64 (axes, c).
        key: Padded values, int32 (n,).
        place: Shape, margin and oldest pixel, as of :func:`top_pixels`.
        swapped: Whether the end comes before the beginning.

    Returns:
        Flat indices of the bars of positive length, int64 (b, 2).
    """
    lose, codes, lives = merges
    shape, margin, oldest = place
    axes = len(walls)
    bars = np.int64(0)
    for i in range(lives.size):
        bars += int(lives[i])
    # room for one more, which is written again and again until a bar comes
    out = np.empty((bars + 1, 2), np.int64)
    first, last = (1, 0) if swapped else (0, 1)
    low = np.int64(0xFFFFFFFF)
    bar = np.int64(0)
    for i in range(lives.size):
        cell = (age[lose[i]] ^ flip) & low
        best = cell + picks[0]
        for k in range(1, picks.size):
            pixel = cell + picks[k]
            best = pixel if key[pixel] > key[best] else best
        out[bar, first] = best
        wall = (codes[i] ^ flip) & low
        cell = wall >> 1 if axes == 2 else np.int64(np.uint32(wall) // np.uint32(axes))
        axis = wall - axes * cell
        best = cell + walls[axis, 0]
        for k in range(1, walls.shape[1]):
            pixel = cell + walls[axis, k]
            best = pixel if key[pixel] > key[best] else best
        out[bar, last] = best
        bar += int(lives[i])
    out = out[:bars]
    _unpad(out.reshape(out.size), shape, margin, oldest)
    return out
