# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that carry labels through recorded merges (Numba, no bounds checks)."""

from __future__ import annotations

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.forests import find


@kernel
def least_label(basins, codes, label):
    """Keep the smallest code that falls into each basin.

    Args:
        basins: Basin of each code, int32 (n,).
        codes: Codes, int64 (n,).
        label: Smallest code so far, int64 (m,); updated.
    """
    for i in range(basins.size):
        if codes[i] < label[basins[i]]:
            label[basins[i]] = codes[i]


@kernel
def replay(win, lose, label, out):
    """Carry a second label through recorded merges and report which one dies at each.

    Args:
        win: Surviving basins, int32 (n,).
        lose: Dying basins, int32 (n,).
        label: Label of each basin, int64 (m,); overwritten.
        out: The larger of the two labels of each merge, int64 (n,).
    """
    for i in range(win.size):
        one = label[win[i]]
        two = label[lose[i]]
        if one < two:
            out[i] = two
        else:
            out[i] = one
            label[win[i]] = two


@kernel
def mark_unsure(win, lose, codes, wanted, hope, label, ahead, head, marked):
    """Find the merges whose dying label must be settled cell by cell, and the basins involved.

    A label that reaches its component only at or after the merge (its value is not below that of
    the merge) may have been credited too early, because a basin carries the labels of all its cells
    from the start. Only such merges can be wrong, and only if some basin of the component holds a
    label worth having.

    Args:
        win: Surviving basins, int32 (n,).
        lose: Dying basins, int32 (n,).
        codes: Edge codes of the merges, int64 (n,).
        wanted: Merges whose label is asked for, bool (n,); left True for the unsure ones.
        hope: Basins that hold a label worth having, bool (m,); overwritten.
        label: Early label of each basin, int64 (m,); overwritten.
        ahead: 0..m-1, int32 (m,): circular lists of the unmarked basins; overwritten.
        head: 0..m-1, int32 (m,): one unmarked basin of each component, or -1; overwritten.
        marked: Basins to settle, bool (m,); set.
    """
    for i in range(win.size):
        a = win[i]
        b = lose[i]
        value = codes[i] >> 32
        unsure_a = (label[a] >> 32) >= value
        unsure_b = (label[b] >> 32) >= value
        wanted[i] = wanted[i] and ((unsure_a and hope[a]) or (unsure_b and hope[b]))
        if wanted[i]:
            for side in range(2):
                root = b if side else a
                unsure = unsure_b if side else unsure_a
                if unsure and head[root] >= 0:
                    node = head[root]
                    while not marked[node]:
                        marked[node] = True
                        node = ahead[node]
                    head[root] = -1
        if head[a] < 0:
            head[a] = head[b]
        elif head[b] >= 0:
            node = ahead[head[a]]
            ahead[head[a]] = ahead[head[b]]
            ahead[head[b]] = node
        label[a] = min(label[a], label[b])
        hope[a] = hope[a] or hope[b]


@kernel
def gather_members(roots, nodes, dirs, steps, cells, basins):
    """List the cells that are contracted into given basins, without their roots.

    Args:
        roots: Root cells, int32 (k,).
        nodes: Their basin numbers, int32 (k,).
        dirs: Direction in which a cell is contracted, uint8.
        steps: Offset of each direction, 0 for none, int64.
        cells: Room for the members, int32.
        basins: Room for their basins, int32.

    Returns:
        The number of members.
    """
    count = 0
    for i in range(roots.size):
        root = roots[i]
        seen = count
        cell = root
        while True:
            for d in range(steps.size - 1):
                other = cell - steps[d]
                if dirs[other] == d and other != root:
                    cells[count] = other
                    basins[count] = nodes[i]
                    count += 1
            if seen == count:
                break
            cell = cells[seen]
            seen += 1
    return count


@kernel
def replay_exactly(win, lose, codes, label, joins, nodes, labels, parent, out):
    """Carry a label through recorded merges while late cells join their basins in order.

    Args:
        win: Surviving basins, int32 (n,).
        lose: Dying basins, int32 (n,).
        codes: Edge codes of the merges, ascending int64 (n,).
        label: Label of each basin at its birth, int64 (m,); overwritten.
        joins: Edge code at which each late cell joins, ascending int64 (k,).
        nodes: Basin of each late cell, int32 (k,).
        labels: Label of each late cell, int64 (k,).
        parent: 0..m-1, int32 (m,); overwritten.
        out: The larger of the two labels of each merge, int64 (n,).
    """
    late = 0
    for i in range(win.size):
        while late < joins.size and joins[late] < codes[i]:
            node = find(parent, nodes[late])
            label[node] = min(label[node], labels[late])
            late += 1
        a = win[i]
        b = lose[i]
        parent[b] = a
        out[i] = max(label[a], label[b])
        label[a] = min(label[a], label[b])
