# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that label the runs of a 2D mask (Numba).

A run is a longest stretch of equal pixels in a row. Runs are numbered in reading order and tile the
image, so that a run ends where the next one begins. Foreground and background are labelled in one
pass; ``wide`` is the value that is 8-connected, and the other one is 4-connected.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel

# Eight pixels of either value.
_SAME = np.array([0, 0x0101010101010101], np.uint64)


@kernel
def root_of(parent, i):
    """Smallest number joined with ``i``; shortens the way there."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def join(parent, i, j):
    """Join two numbers; each names its own at first."""
    i = root_of(parent, i)
    j = root_of(parent, j)
    if i < j:
        parent[j] = i
    else:
        parent[i] = j


@kernel
def begins(mask, width):
    """Where every run begins, and the size of the mask, int32 (runs + 1,)."""
    # Only what is written takes memory.
    begin = np.empty(mask.size + 2, np.int32)
    words = mask[: mask.size // 8 * 8].view(np.uint64)
    count = 0
    row = 0
    previous = np.uint8(0)
    for start in range(0, mask.size, 8):
        end = min(start + 8, mask.size)
        # Eight pixels that continue the run before them.
        if end <= row and start // 8 < words.size and words[start // 8] == _SAME[previous]:
            continue
        for i in range(start, end):
            begin[count] = i
            count += int((mask[i] != previous) | (i == row))
            row += width if i == row else 0
            previous = mask[i]
    begin[count] = mask.size
    return begin[: count + 1]


@kernel
def number(parent):
    """Number the components by their first run, in place, and say how many there are."""
    count = 0
    for i in range(parent.size):
        if parent[i] == i:
            parent[i] = count
            count += 1
        else:
            # A parent comes earlier and already holds the number of its component.
            parent[i] = parent[parent[i]]
    return count


@kernel
def label_runs(mask, width, wide):
    """Label the components of the foreground and of the background.

    Args:
        mask: 0 and 1, uint8 (n,).
        width: Of the image.
        wide: 1 where the foreground is 8-connected, 0 where the background is.

    Returns:
        Where each run begins, and the size of the mask, int32 (runs + 1,); the component of each
        run, int32 (runs,), numbered by first pixel; and by component: its first and its last pixel,
        int32, and its kind, uint8: 0 background, 1 foreground, plus 2 where it touches the border.
    """
    begin = begins(mask, width)
    runs = begin.size - 1
    parent = np.empty(runs, np.int32)
    for i in range(runs):
        parent[i] = i
    above = 0
    here = 0
    while begin[here] < width:
        here += 1
    while here < runs:
        # Both rows end together: the pointers meet their ends in the same step.
        end = begin[here] + width
        while begin[here] < end:
            same = mask[begin[above]] == mask[begin[here]]
            if same:
                join(parent, above, here)
            upper = begin[above + 1] + width
            lower = begin[here + 1]
            if upper == lower and lower < end and not same:
                if mask[begin[above]] == wide:
                    join(parent, above, here + 1)
                else:
                    join(parent, above + 1, here)
            above += int(upper <= lower)
            here += int(lower <= upper)
    component = parent
    count = number(component)
    first = np.empty(count, np.int32)
    last = np.empty(count, np.int32)
    kind = np.empty(count, np.uint8)
    bottom = mask.size - width
    count = 0
    for i in range(runs):
        name = component[i]
        if name == count:
            first[name] = begin[i]
            kind[name] = mask[begin[i]]
            count += 1
        last[name] = begin[i + 1] - 1
        if (
            begin[i] < width
            or begin[i] >= bottom
            or begin[i] % width == 0
            or begin[i + 1] % width == 0
        ):
            kind[name] |= 2
    return begin, component, first, last, kind


@kernel
def component_at(begin, component, pixel):
    """Component of a pixel, given what :func:`label_runs` returns first."""
    low = 0
    high = begin.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if begin[middle] <= pixel:
            low = middle
        else:
            high = middle
    return component[low]
