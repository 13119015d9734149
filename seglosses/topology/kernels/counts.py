# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that count and compare what the runs of volumes make (Numba, no bounds checks).

A plane is a volume with one slice; ``wide`` is as in :mod:`seglosses.topology.kernels.labels`.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.labels import label_foreground, label_grid


@kernel
def euler(mask, table):
    """Euler number of a volume.

    Args:
        mask: 0 and 1, uint8 (D, H, W).
        table: What a block of 2 x 2 x 2 pixels adds, by its bits, int64 (256,).

    Returns:
        The sum over all blocks, with background beyond the border.
    """
    depth, height, width = mask.shape
    framed = np.zeros((depth + 2, height + 2, width + 2), np.uint8)
    framed[1:-1, 1:-1, 1:-1] = mask
    total = 0
    for z in range(depth + 1):
        for y in range(height + 1):
            one, two = framed[z, y], framed[z, y + 1]
            three, four = framed[z + 1, y], framed[z + 1, y + 1]
            column = np.int64(0)
            for x in range(1, width + 2):
                before = column
                column = np.int64(one[x]) + 2 * two[x] + 4 * three[x] + 8 * four[x]
                total += table[before + 16 * column]
    return total


@kernel
def features(mask, wide, table):
    """Components, loops and cavities of a volume; of a plane its components, loops and nothing.

    Args:
        mask: 0 and 1, uint8 (D, H, W), C-contiguous.
        wide: 1 where the foreground is 26-connected, 0 where the background is.
        table: Of :func:`euler`.

    Returns:
        Three counts.
    """
    depth, height, width = mask.shape
    flat = mask.reshape(-1)
    begin, component = label_grid(flat, height, width, wide)
    closed = np.ones(component.size, np.bool_)
    for i in range(component.size):
        row = begin[i] // width
        y = row % height
        if (
            (depth > 1 and (row < height or row >= (depth - 1) * height))
            or y == 0
            or y == height - 1
            or begin[i] % width == 0
            or begin[i + 1] % width == 0
        ):
            closed[component[i]] = False
    seen = np.zeros(component.size, np.bool_)
    components = 0
    enclosed = 0
    for i in range(component.size):
        if seen[component[i]]:
            continue
        seen[component[i]] = True
        if flat[begin[i]] == 1:
            components += 1
        elif closed[component[i]]:
            enclosed += 1
    if depth == 1:
        return components, enclosed, 0
    return components, components + enclosed - euler(mask, table), enclosed


@kernel
def window_features(mask, window, wide, table, counts):
    """Count the features of the windows that tile a volume, each as an image of its own.

    Args:
        mask: 0 and 1, uint8 (D, H, W).
        window: Edge lengths, int64 (3,); windows at the far borders may be smaller.
        wide: As in :func:`features`.
        table: Of :func:`euler`.
        counts: int64 (windows, 3); filled, window by window along the last axis first.
    """
    depth, height, width = mask.shape
    i = 0
    for z in range(0, depth, window[0]):
        for y in range(0, height, window[1]):
            for x in range(0, width, window[2]):
                part = mask[z : z + window[0], y : y + window[1], x : x + window[2]]
                one, two, three = features(part.copy(), wide, table)
                counts[i, 0] = one
                counts[i, 1] = two
                counts[i, 2] = three
                i += 1


@kernel
def continued(small, large, height, width, wide):
    """Components of a mask and of a larger one, and how many of these hold one of those.

    Args:
        small: 0 and 1, uint8 (n,).
        large: The same, set wherever ``small`` is.
        height: Rows of a slice.
        width: Pixels of a row.
        wide: 1 where the foreground is 26-connected.

    Returns:
        Components of the small mask, of the large one, and of the large one that hold any of the
        small.
    """
    start, _, _, few = label_foreground(small, height, width, wide)
    _, stop, home, many = label_foreground(large, height, width, wide)
    held = np.zeros(many, np.bool_)
    j = 0
    for i in range(start.size):
        # A run of the small mask lies in one of the large.
        while stop[j] <= start[i]:
            j += 1
        held[home[j]] = True
    return few, many, held.sum()


@kernel
def meet(first, second, height, width, wide, per_row, up_to):
    """Where the components of two masks meet, run by run.

    Args:
        first: 0 and 1, uint8 (n,).
        second: Another mask of that size.
        height: Rows of a slice.
        width: Pixels of a row.
        wide: 1 where the foreground is 26-connected.
        per_row: What a pixel of each row counts, int64 (rows,).
        up_to: What the pixels before each column of a row count together, int64 (width + 1,).

    Returns:
        Piece by piece, the component of the first and of the second mask, 0 for background and
        else numbered from 1 by first pixel, and what the pixels of the piece count, int64 (k, 3).
    """
    begin, component = label_grid(first, height, width, wide)
    other, home = label_grid(second, height, width, wide)
    names = np.zeros(component.size, np.int64)
    theirs = np.zeros(home.size, np.int64)
    count = 0
    for i in range(component.size):
        if first[begin[i]] == 1 and names[component[i]] == 0:
            count += 1
            names[component[i]] = count
    count = 0
    for i in range(home.size):
        if second[other[i]] == 1 and theirs[home[i]] == 0:
            count += 1
            theirs[home[i]] = count
    pieces = np.empty((component.size + home.size, 3), np.int64)
    count = 0
    i = 0
    j = 0
    while i < component.size:
        start = max(begin[i], other[j])
        end = min(begin[i + 1], other[j + 1])
        x = start % width
        pieces[count, 0] = names[component[i]]
        pieces[count, 1] = theirs[home[j]]
        pieces[count, 2] = per_row[start // width] * (up_to[x + end - start] - up_to[x])
        count += 1
        i += int(begin[i + 1] == end)
        j += int(other[j + 1] == end)
    return pieces[:count]
