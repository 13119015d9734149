# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Squared distances between labels of an image where they are short (Numba, no bounds checks)."""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

#: stands for a column without another label; its square and 2^16 more fit in 32 bits
FAR = np.int32(30_000)


@kernel
def _steps_down(labels, steps):
    """Fill (H, W) with the steps to another label in the same column, at most FAR."""
    height, width = labels.shape
    for x in range(width):
        steps[0, x] = FAR
    for y in range(1, height):
        for x in range(width):
            same = labels[y, x] == labels[y - 1, x]
            steps[y, x] = min(steps[y - 1, x] + np.int32(1), FAR) if same else np.int32(1)
    for y in range(height - 2, -1, -1):
        for x in range(width):
            same = labels[y, x] == labels[y + 1, x]
            below = steps[y + 1, x] + np.int32(1) if same else np.int32(1)
            steps[y, x] = min(steps[y, x], below)


@kernel
def _steps_across(row, steps):
    """Fill (W,) with the steps to another label in the row, at most FAR."""
    width = row.size
    steps[0] = FAR
    for x in range(1, width):
        steps[x] = min(steps[x - 1] + np.int32(1), FAR) if row[x] == row[x - 1] else np.int32(1)
    for x in range(width - 2, -1, -1):
        steps[x] = min(steps[x], steps[x + 1] + np.int32(1) if row[x] == row[x + 1] else 1)


@kernel
def _lower(best, other, extra):
    """Lower ``best`` to ``other + extra``, in 32 bits throughout so that vectors hold more."""
    for x in range(best.size):
        value = np.int32(other[x] + extra)
        best[x] = value if value < best[x] else best[x]


@kernel
def short_squares(labels, limit, squares):
    """Squared distance of every pixel to the nearest one of another label, unless one is long.

    The nearest pixel lies in the row or, k columns off, in a column of the pixel's own label. So
    the square is the least over k of k^2 and that column's steps squared; a column beyond another
    label cannot win, for that label is nearer. All k are tried for a whole row at once, which
    vector instructions do in a fraction of a nanosecond, up to the row's longest distance along an
    axis.

    Args:
        labels: Integers, (H, W), C-contiguous.
        limit: Longest distance along an axis that is worth it, at most 256.
        squares: int32 (H, W); filled if the result is true.

    Returns:
        Whether every pixel has another label within ``limit`` steps in its row or column.
    """
    height, width = labels.shape
    _steps_down(labels, squares)
    reach = np.zeros(height, np.int32)
    across = np.empty((height, width), np.int32)
    for y in range(height):
        _steps_across(labels[y], across[y])
        for x in range(width):
            reach[y] = max(reach[y], min(across[y, x], squares[y, x]))
        if reach[y] > limit:
            return False
    column = np.empty(width, np.int32)
    for y in range(height):
        best = squares[y]
        for x in range(width):
            column[x] = best[x] * best[x]
            best[x] = min(column[x], across[y, x] * across[y, x])
        # Where the reach is the height of a tall image, it exceeds the width.
        for k in range(1, min(reach[y], width)):
            _lower(best[k:], column[: width - k], np.int32(k * k))
            _lower(best[: width - k], column[k:], np.int32(k * k))
    return True


@kernel
def nearest_at(mask, places, lengths, out):
    """Distances from some pixels of an image to the nearest pixel of a mask.

    First the steps along its row from every pixel to the mask; then, for each place, rows in rising
    distance, until the next one alone is farther than the best so far.

    Args:
        mask: uint8 (H, W), with at least one pixel set.
        places: Flat indices, int64 (n,).
        lengths: Edge lengths of a pixel, float64 (2,).
        out: float64 (n,); filled.
    """
    height, width = mask.shape
    steps = np.empty((height, width), np.int32)
    held = np.zeros(height, np.bool_)
    for y in range(height):
        some = np.uint8(0)
        for x in range(width):
            some |= mask[y, x]
        held[y] = some != 0
        # Most rows of a mask with few pixels; this is all that they cost.
        if not held[y]:
            continue
        before = -2 * int(FAR)
        for x in range(width):
            if mask[y, x]:
                before = x
            steps[y, x] = x - before
        behind = 2 * int(FAR)
        for x in range(width - 1, -1, -1):
            if mask[y, x]:
                behind = x
            steps[y, x] = min(steps[y, x], behind - x)
    for i in range(places.size):
        row = places[i] // width
        x = places[i] % width
        best = np.inf
        for k in range(height):
            down = (k * lengths[0]) ** 2
            if down >= best or (row - k < 0 and row + k >= height):
                break
            if row - k >= 0 and held[row - k]:
                best = min(best, down + (steps[row - k, x] * lengths[1]) ** 2)
            if row + k < height and held[row + k]:
                best = min(best, down + (steps[row + k, x] * lengths[1]) ** 2)
        out[i] = np.sqrt(best)


@kernel
def erode(mask, width, inner):
    """Erode a mask by a square of ``2 width + 1`` pixels; what lies beyond the border is outside.

    Args:
        mask: uint8 (H, W).
        width: Steps, pixels.
        inner: Zeros, uint8 (H, W); set where the whole square lies in the mask.
    """
    height, size = mask.shape
    edge = 2 * width + 1
    # How many pixels of a column, up to this one, lie far enough inside the mask along their rows.
    depth = np.zeros(size, np.int64)
    row = np.zeros(size, np.bool_)
    counted = False
    for y in range(height):
        found = False
        begin = 0
        x = edge - 1
        # A run that is long enough holds one of the pixels that are its least length apart.
        while x < size:
            if not mask[y, x]:
                begin = x + 1
                x += edge
                continue
            start = x
            while start > begin and mask[y, start - 1]:
                start -= 1
            while x < size and mask[y, x]:
                x += 1
            for inside in range(start + width, x - width):
                row[inside] = True
                found = True
            begin = x + 1
            x += edge
        if not found and not counted:
            continue
        counted = False
        for x in range(size):
            depth[x] = depth[x] + 1 if row[x] else 0
            counted |= row[x]
            if depth[x] > 2 * width:
                inner[y - width, x] = 1
        row[:] = False
