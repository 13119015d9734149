# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that label the runs of a volume (Numba, no bounds checks).

Runs are those of :mod:`seglosses.topology.kernels.runs`, row by row and slice by slice. A plane is
a volume with one slice. ``wide`` is the value that is 26-connected; the other one is 6-connected.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.runs import begins, join, number


@kernel
def _join_rows(mask, begin, above, here, width, step, wide, faces, parent):
    """Join the runs of two rows, ``step`` pixels apart; they tile the rows, so each meets one.

    Rows that touch over edges only (not ``faces``) have nothing in common but what is wide.
    """
    end = begin[here] + width
    while begin[here] < end:
        upper_value = mask[begin[above]]
        value = mask[begin[here]]
        if value == upper_value and (faces or value == wide):
            join(parent, above, here)
        upper = begin[above + 1] + step
        lower = begin[here + 1]
        if upper == lower and lower < end and value != upper_value:
            # They touch over a corner: one of the two pairs is wide.
            if upper_value == wide:
                join(parent, above, here + 1)
            else:
                join(parent, above + 1, here)
        above += int(upper <= lower)
        here += int(lower <= upper)


@kernel
def label_grid(mask, height, width, wide):
    """Label the components of the foreground and of the background of a volume.

    Args:
        mask: 0 and 1, uint8 (n,).
        height: Rows of a slice.
        width: Pixels of a row.
        wide: 1 where the foreground is 26-connected, 0 where the background is.

    Returns:
        Where each run begins, and the size of the mask, int32 (runs + 1,); and the component of
        each run, int32 (runs,), numbered by first pixel.
    """
    begin = begins(mask, width)
    runs = begin.size - 1
    rows = mask.size // width
    parent = np.empty(runs, np.int32)
    first = np.empty(rows, np.int32)
    row = 0
    for i in range(runs):
        parent[i] = i
        if begin[i] == row * width:
            first[row] = i
            row += 1
    area = height * width
    for row in range(rows):
        y = row % height
        here = first[row]
        if y > 0:
            up = first[row - 1]
            _join_rows(mask, begin, up, here, width, width, wide, True, parent)
        if row < height:
            continue
        up = first[row - height]
        _join_rows(mask, begin, up, here, width, area, wide, True, parent)
        if y > 0:
            up = first[row - height - 1]
            _join_rows(mask, begin, up, here, width, area + width, wide, False, parent)
        if y < height - 1:
            up = first[row - height + 1]
            _join_rows(mask, begin, up, here, width, area - width, wide, False, parent)
    number(parent)
    return begin, parent


@kernel
def _join_foreground(start, stop, i, last, j, end, step, slack, parent):
    """Join the foreground runs i.. of a row with the runs j.. of one that is ``step`` behind it."""
    while i < last and j < end:
        head = start[j] - step
        tail = stop[j] - step
        if start[i] < tail + slack and head < stop[i] + slack:
            join(parent, i, j)
        # A run that ends no later than the other meets none of those behind that.
        if stop[i] <= tail:
            i += 1
        else:
            j += 1


@kernel
def label_foreground(mask, height, width, wide):
    """Label the components of the foreground of a volume by its foreground runs alone.

    Args:
        mask: 0 and 1, uint8 (n,).
        height: Rows of a slice.
        width: Pixels of a row.
        wide: 1 where the foreground is 26-connected.

    Returns:
        Where each run of the foreground begins and ends, int32 (runs,); the component of each,
        int32 (runs,), numbered by first pixel; and how many components there are.
    """
    begin = begins(mask, width)
    rows = mask.size // width
    first = np.empty(rows + 1, np.int32)
    runs = begin.size // 2 + rows
    start = np.empty(runs, np.int32)
    stop = np.empty(runs, np.int32)
    parent = np.empty(runs, np.int32)
    count = 0
    row = 0
    for i in range(begin.size - 1):
        if begin[i] == row * width:
            first[row] = count
            row += 1
        start[count] = begin[i]
        stop[count] = begin[i + 1]
        parent[count] = count
        count += mask[begin[i]]
    first[rows] = count
    parent = parent[:count]
    area = height * width
    for row in range(rows):
        j = first[row]
        end = first[row + 1]
        if j == end:
            continue
        y = row % height
        if y > 0:
            _join_foreground(start, stop, first[row - 1], first[row], j, end, width, wide, parent)
        if row < height:
            continue
        up = row - height
        _join_foreground(start, stop, first[up], first[up + 1], j, end, area, wide, parent)
        if wide == 0:
            continue
        if y > 0:
            i = first[up - 1]
            _join_foreground(start, stop, i, first[up], j, end, area + width, wide, parent)
        if y < height - 1:
            i = first[up + 1]
            _join_foreground(start, stop, i, first[up + 2], j, end, area - width, wide, parent)
    return start[:count], stop[:count], parent, number(parent)


@kernel
def paint(start, stop, component, labels):
    """Write components into an image, numbered from 1 by first pixel.

    Args:
        start: Of :func:`label_foreground`.
        stop: As there.
        component: As there.
        labels: Zeros, int32 (n,); filled.
    """
    for i in range(component.size):
        for place in range(start[i], stop[i]):
            labels[place] = component[i] + 1


@kernel
def paint_values(start, stop, component, values, image):
    """Write a number of each component into an image.

    Args:
        start: Of :func:`label_foreground`.
        stop: As there.
        component: As there.
        values: Float32, one per component.
        image: Float32 (n,); written where there are runs.
    """
    for i in range(component.size):
        for place in range(start[i], stop[i]):
            image[place] = values[component[i]]


@kernel
def bounds(start, stop, component, count, width):
    """Boxes of the components of a plane.

    Args:
        start: Of :func:`label_foreground`.
        stop: As there.
        component: As there.
        count: Number of components.
        width: Pixels of a row.

    Returns:
        First row, row after the last, first column and column after the last, int64 (k, 4).
    """
    boxes = np.empty((count, 4), np.int64)
    boxes[:, 0] = -1
    for i in range(component.size):
        name = component[i]
        y = start[i] // width
        left = start[i] % width
        right = left + stop[i] - start[i]
        if boxes[name, 0] < 0:
            boxes[name, 0] = y
            boxes[name, 2] = left
            boxes[name, 3] = right
        boxes[name, 1] = y + 1
        boxes[name, 2] = min(boxes[name, 2], left)
        boxes[name, 3] = max(boxes[name, 3], right)
    return boxes
