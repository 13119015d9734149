# mypy: disallow-untyped-defs=False, disallow-untyped-decorators=False
"""Kernels that carry labels through recorded merges (Numba, no bounds checks)."""

from __future__ import annotations

import numpy as np

from seglosses.primitives._kernels_compiled import kernel
from seglosses.topology.kernels.forests import LOW, NONE, OUTER, basin_of, find


@kernel
def carry(births, forest, size, merges):
    """Carry the oldest cell of one filtration through the merges of another.

    Args:
        births: Codes of the oldest cells of the basins carried, int64 (m,).
        forest: ``flip``, ``ids``, ``dirs`` and ``steps`` of the forest that merges.
        size: Number of its basins.
        merges: Its surviving and dying basins, int32 (k,), and their edge codes, int64 (k,).

    Returns:
        The basin into which each birth falls, int32 (m,); the oldest birth in each basin, or
        ``NONE``, int64 (size,); by merge, the younger of the two births that meet, int64 (k,), and
        whether it is older than the merge, bool (k,).
    """
    flip, ids, dirs, steps = forest
    win, lose, codes = merges
    basins = np.empty(births.size, np.int32)
    early = np.full(size, NONE, np.int64)
    for i in range(births.size):
        # the outside lies in cell 0
        cell = np.int64(0) if births[i] == OUTER else (births[i] ^ flip) & LOW
        basin = basin_of(ids, dirs, steps, cell)
        basins[i] = basin
        early[basin] = min(early[basin], births[i])
    label = early.copy()
    dying = np.empty(win.size, np.int64)
    sure = np.empty(win.size, np.bool_)
    for i in range(win.size):
        one = label[win[i]]
        two = label[lose[i]]
        dying[i] = max(one, two)
        label[win[i]] = min(one, two)
        sure[i] = (dying[i] >> 32) < (codes[i] >> 32)
    return basins, early, dying, sure


@kernel
def mark_unsure(merges, wanted, births, basins, early):
    """Find the merges whose dying label must be settled cell by cell, and the basins involved.

    A label that reaches its component only at or after the merge (its value is not below that of
    the merge) may have been credited too early, because a basin carries the labels of all its cells
    from the start. Only such merges can be wrong, and only if some basin of the component holds a
    label worth having.

    Args:
        merges: Surviving and dying basins, int32 (n,), and edge codes, int64 (n,).
        wanted: Merges whose label is asked for, bool (n,); left True for the unsure ones.
        births: Which of the carried basins have a label worth having, bool (k,).
        basins: The basin into which each falls, int32 (k,).
        early: Early label of each basin, int64 (m,).

    Returns:
        Basins to settle, bool (m,), and whether there are any.
    """
    win, lose, codes = merges
    size = early.size
    hope = np.zeros(size, np.bool_)
    for i in range(births.size):
        hope[basins[i]] |= births[i]
    label = early.copy()
    marked = np.zeros(size, np.bool_)
    # circular lists of the unmarked basins, and one unmarked basin of each component, or -1
    ahead = np.arange(size).astype(np.int32)
    head = ahead.copy()
    some = False
    for i in range(win.size):
        a = win[i]
        b = lose[i]
        value = codes[i] >> 32
        unsure_a = (label[a] >> 32) >= value
        unsure_b = (label[b] >> 32) >= value
        wanted[i] = wanted[i] and ((unsure_a and hope[a]) or (unsure_b and hope[b]))
        if wanted[i]:
            some = True
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
    return marked, some


@kernel
def promising(lives, one, two):
    """Find the merges of a comparison that may end a bar of both inputs.

    Args:
        lives: Whether a bar of the comparison ends, bool (n,).
        one: Of the first input: whether the dying label is sure, bool (n,), and the merge at which
            its own bar ends, or -1, int32 (n,).
        two: The same of the second.

    Returns:
        Those merges, bool (n,), and whether a label among them is unsure, of each input.
    """
    sure, fate = one
    other_sure, other_fate = two
    wanted = np.empty(lives.size, np.bool_)
    open_one = False
    open_two = False
    for i in range(lives.size):
        here = lives[i] & ((fate[i] >= 0) | (not sure[i]))
        here &= (other_fate[i] >= 0) | (not other_sure[i])
        wanted[i] = here
        open_one |= here & (not sure[i])
        open_two |= here & (not other_sure[i])
    return wanted, open_one, open_two


@kernel
def both_end(wanted, one, two):
    """List the pairs of bars that end at one merge.

    Args:
        wanted: Merges that count, bool (n,).
        one: What ends of the first input, or -1, int32 (n,).
        two: The same of the second.

    Returns:
        What ends of the first and of the second, where both do, int32 (k,).
    """
    first = np.empty(wanted.size + 1, np.int32)
    second = np.empty(wanted.size + 1, np.int32)
    count = 0
    for i in range(wanted.size):
        first[count] = one[i]
        second[count] = two[i]
        count += int(wanted[i] & (one[i] >= 0) & (two[i] >= 0))
    return first[:count], second[:count]


@kernel
def ends_by_bar(known, fate, lose, basins):
    """Turn what ends at each merge around.

    Args:
        known: Merges that count, bool (n,).
        fate: The bar that ends there, or -1, int32 (n,).
        lose: The basin of each bar, int32 (m,).
        basins: Their number.

    Returns:
        The merge at which each bar ends, or -1, int32 (m,), and the basins of those bars that end,
        bool (basins,).
    """
    bars = lose.size
    # what does not count is written behind the last one
    end = np.full(bars + 1, -1, np.int32)
    for i in range(fate.size):
        end[fate[i] if known[i] & (fate[i] >= 0) else bars] = i
    end = end[:bars]
    seen = np.zeros(basins, np.bool_)
    for i in range(bars):
        seen[lose[i]] |= end[i] >= 0
    return end, seen


@kernel
def split_bars(bars, lives, chosen):
    """Part the bars that are matched from the others.

    Args:
        bars: Beginning and end, int64 (k, 2).
        lives: Which merges end one, bool (n,).
        chosen: Merges of the matched bars, in their order, int32 (m,).

    Returns:
        The matched bars (m, 2) and the others (k - m, 2), int64.
    """
    rank = np.empty(lives.size, np.int32)
    count = np.int32(0)
    for i in range(lives.size):
        rank[i] = count
        count += np.int32(lives[i])
    matched = np.empty((chosen.size, 2), np.int64)
    free = np.ones(len(bars), np.bool_)
    for i in range(chosen.size):
        row = rank[chosen[i]]
        free[row] = False
        matched[i, 0] = bars[row, 0]
        matched[i, 1] = bars[row, 1]
    rest = np.empty((len(bars) - chosen.size + 1, 2), np.int64)
    count = np.int32(0)
    for row in range(len(bars)):
        rest[count, 0] = bars[row, 0]
        rest[count, 1] = bars[row, 1]
        count += np.int32(free[row])
    return matched, rest[: len(bars) - chosen.size]


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
