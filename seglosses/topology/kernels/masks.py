# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that match two 2D masks by the labels of their components and holes (Numba).

``labels`` is what :func:`seglosses.topology.kernels.runs.label_runs` returns of a mask. Components
and holes are numbered by their first pixel.
"""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.runs import component_at, join, label_runs, root_of


@kernel
def _meetings(labels, width, wide):
    """Foreground components in the order in which edges of the background join them, and where.

    Ties are broken by the index of the edge. Once the edges of the first row are used up, the first
    two rows are one component, and every later row is joined to it by the edges down to it: any
    other component is reached at its first pixel, from above. Only the first row has to be walked.
    With ``wide`` the steps lead from corner to corner, each with up to four pixels around it.
    """
    begin, component, first, _, kind = labels
    order = np.empty(first.size, np.int32)
    place = np.empty(first.size, np.int32)
    seen = np.zeros(first.size, np.bool_)
    rows = np.full((2, width + 2), -1, np.int32)
    run = 0
    for pixel in range(min(2 * width, begin[begin.size - 1])):
        run += int(begin[run + 1] <= pixel)
        if kind[component[run]] & 1:
            rows[pixel // width, pixel % width + 1] = component[run]
    if wide:
        for x in range(width + 1):
            rows[0, x] = max(rows[0, x], rows[0, x + 1])
            rows[1, x] = max(rows[0, x], max(rows[1, x], rows[1, x + 1]))
    shift = 0 if wide else 1
    length = width + 1 - shift
    count = 0
    for step in range(2 * length):
        # The edge from above to the left of step 0 does not exist: it only stands for the start.
        x = step // 2
        node = rows[0, x + shift] if step % 2 == 0 else rows[1, x + shift]
        if node >= 0 and not seen[node]:
            seen[node] = True
            order[count] = node
            place[count] = max(x - 1, 0) if step % 2 == 0 or wide else x
            count += 1
    for node in range(first.size):
        if kind[node] & 1 and not seen[node]:
            order[count] = node
            back = width + int(wide and first[node] % width > 0)
            place[count] = first[node] - back
            count += 1
    return order[:count], place[:count]


@kernel
def _deaths(labels, width, wide):
    """By component of the foreground: the pixel at which its bar ends, -1 for none."""
    order, place = _meetings(labels, width, wide)
    death = np.full(labels[2].size, -1, np.int32)
    oldest = -1
    for i in range(order.size):
        node = order[i]
        if oldest >= 0:
            # Components are numbered by age.
            death[max(oldest, node)] = place[i]
        oldest = node if oldest < 0 else min(oldest, node)
    return death


@kernel
def _eldest(labels, joined):
    """By component of a larger mask: the oldest component of this one inside, -1 for none."""
    first, kind = labels[2], labels[4]
    eldest = np.full(joined[2].size, -1, np.int32)
    for node in range(first.size - 1, -1, -1):
        if kind[node] & 1:
            eldest[component_at(joined[0], joined[1], first[node])] = node
    return eldest


@kernel
def _match_components(a, b, joined, width, wide, mate):
    """Components of two masks whose bars end at the same meeting of components of their union."""
    eldest_a = _eldest(a, joined)
    eldest_b = _eldest(b, joined)
    order, _ = _meetings(joined, width, wide)
    old_a = -1
    old_b = -1
    for node in order:
        new_a = eldest_a[node]
        new_b = eldest_b[node]
        if min(min(old_a, new_a), min(old_b, new_b)) >= 0:
            mate[max(old_a, new_a)] = max(old_b, new_b)
        old_a = max(old_a, new_a) if min(old_a, new_a) < 0 else min(old_a, new_a)
        old_b = max(old_b, new_b) if min(old_b, new_b) < 0 else min(old_b, new_b)


@kernel
def _match_holes(a, b, joined, mate):
    """Holes of two masks whose last hole of the union is the same."""
    last, kind = joined[3], joined[4]
    hole_a = np.full(a[2].size, -1, np.int32)
    hole_b = np.full(b[2].size, -1, np.int32)
    for node in range(last.size):
        if kind[node] == 0:
            home = component_at(a[0], a[1], last[node])
            if hole_a[home] < 0 or last[node] > last[hole_a[home]]:
                hole_a[home] = node
            home = component_at(b[0], b[1], last[node])
            if hole_b[home] < 0 or last[node] > last[hole_b[home]]:
                hole_b[home] = node
    for home in range(hole_a.size):
        node = hole_a[home]
        if node >= 0 and a[4][home] == 0:
            other = component_at(b[0], b[1], last[node])
            if hole_b[other] == node and b[4][other] == 0:
                mate[home] = other


@kernel
def _bars(labels, width, wide):
    """Birth and death pixel of every component's bar, int64 (components, 2); -1 without one."""
    _, _, first, last, kind = labels
    death = _deaths(labels, width, wide)
    bars = np.full((first.size, 2), -1, np.int64)
    for node in range(first.size):
        if kind[node] == 0:
            bars[node, 0] = last[node] + width + int(not wide)
            bars[node, 1] = last[node]
        elif death[node] >= 0:
            bars[node, 0] = first[node]
            bars[node, 1] = death[node]
    return bars


@kernel
def match_masks(a, b, joined, width, wide):
    """Match the components and the holes of two masks through those of their union.

    Args:
        a: First mask, 0 and 1, uint8 (n,).
        b: Second mask.
        joined: Their union.
        width: Of the image.
        wide: Whether the foreground is 8-connected.

    Returns:
        Birth and death pixels of every component and hole of the first mask, int64 (k, 2), -1 where
        there is no bar; whether it is one of the foreground, bool (k,); the same two for the second
        mask; and by component of the first: its counterpart in the second, or -1.
    """
    value = 1 if wide else 0
    labels_a = label_runs(a, width, value)
    labels_b = label_runs(b, width, value)
    labels = label_runs(joined, width, value)
    mate = np.full(labels_a[2].size, -1, np.int32)
    _match_components(labels_a, labels_b, labels, width, wide, mate)
    _match_holes(labels_a, labels_b, labels, mate)
    bars_a = _bars(labels_a, width, wide)
    bars_b = _bars(labels_b, width, wide)
    return bars_a, (labels_a[4] & 1) == 1, bars_b, (labels_b[4] & 1) == 1, mate


@kernel
def _common_holes(a, b):
    """Groups of overlapping background components of two masks, without the outside."""
    kind_a, kind_b = a[4], b[4]
    shift = kind_a.size
    # One node for each component, and a last one for all that touches the border.
    parent = np.arange(shift + kind_b.size + 1)
    outside = parent.size - 1
    shared = np.zeros(parent.size, np.bool_)
    i = 0
    j = 0
    while i < a[1].size:
        one = a[1][i]
        two = b[1][j]
        if kind_a[one] & 1 == 0 and kind_b[two] & 1 == 0:
            node = outside if kind_a[one] == 2 else one
            other = outside if kind_b[two] == 2 else shift + two
            shared[node] = True
            shared[other] = True
            join(parent, node, other)
        end_a = a[0][i + 1]
        end_b = b[0][j + 1]
        i += int(end_a <= end_b)
        j += int(end_b <= end_a)
    groups = 0
    shared[root_of(parent, outside)] = False
    for node in range(parent.size):
        if shared[node] and parent[node] == node:
            groups += 1
    return groups


@kernel
def count_features(a, b, joined, width, wide):
    """Count the components and the holes of two masks and what both give to their union.

    Args:
        a: First mask, 0 and 1, uint8 (n,).
        b: Second mask.
        joined: Their union.
        width: Of the image.
        wide: Whether the foreground is 8-connected.

    Returns:
        Components and holes (rows) of the first mask, of the second, and of both: components of the
        union that both touch, and groups of overlapping holes (columns), int64 (2, 3).
    """
    value = 1 if wide else 0
    labels_a = label_runs(a, width, value)
    labels_b = label_runs(b, width, value)
    labels = label_runs(joined, width, value)
    counts = np.zeros((2, 3), np.int64)
    counts[1, 2] = _common_holes(labels_a, labels_b)
    eldest_a = _eldest(labels_a, labels)
    eldest_b = _eldest(labels_b, labels)
    for node in range(eldest_a.size):
        counts[0, 2] += int(min(eldest_a[node], eldest_b[node]) >= 0)
    for kind in labels_a[4]:
        counts[0, 0] += kind & 1
        counts[1, 0] += int(kind == 0)
    for kind in labels_b[4]:
        counts[0, 1] += kind & 1
        counts[1, 1] += int(kind == 0)
    return counts
