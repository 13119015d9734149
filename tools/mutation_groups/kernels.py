"""Changes of kernels."""

_K = "seglosses/topology/kernels"
_P = "seglosses/primitives"
_T = "tests/topology"

MUTATIONS = [
    (
        "seglosses/topology/skeleton.py",
        "found = places // 2 - np.where(places % 2, 0, back)",
        "found = places // 2",
        "tests/topology/test_skeleton.py",
    ),
    (
        "seglosses/topology/skeleton.py",
        "finer, vanished = _lee(_as_cells(part))",
        "finer, vanished = _lee(np.repeat(part, 2, 0))",
        "tests/topology/test_skeleton.py",
    ),
    (
        f"{_K}/grid.py",
        "d = np.uint8(0) if above[i] <= value else d",
        "d = np.uint8(0) if above[i] < value else d",
        f"{_T}/test_persistence.py {_T}/test_matching.py",
    ),
    (
        f"{_K}/grid.py",
        "cell + walls[axis, k]\n            best = pixel if key[pixel] > key[best] else best",
        "cell + walls[axis, k]\n            best = pixel if key[pixel] < key[best] else best",
        f"{_T}/test_persistence.py",
    ),
    (
        f"{_K}/grid.py",
        "y = row - z * (high + 2 * margin) - margin",
        "y = row - z * high - margin",
        f"{_T}/test_grid.py",
    ),
    (
        f"{_K}/planting.py",
        "squares += root",
        "squares += one",
        f"{_T}/test_persistence.py",
    ),
    (
        f"{_K}/planting.py",
        "used[size - 1 - i] = True",
        "used[i] = True",
        f"{_T}/test_persistence.py {_T}/test_matching.py",
    ),
    (
        f"{_K}/replays.py",
        "here = lives[i] & ((fate[i] >= 0) | (not sure[i]))",
        "here = lives[i] & (fate[i] >= 0)",
        f"{_T}/test_replays.py",
    ),
    (
        f"{_K}/replays.py",
        "end[fate[i] if known[i] & (fate[i] >= 0) else bars] = i",
        "end[fate[i] if fate[i] >= 0 else bars] = i",
        f"{_T}/test_replays.py",
    ),
    (
        f"{_K}/replays.py",
        "hope[basins[i]] |= births[i]",
        "hope[basins[i]] = births[i]",
        f"{_T}/test_replays.py",
    ),
    (
        f"{_K}/labels.py",
        "if start[i] < tail + slack and head < stop[i] + slack:",
        "if start[i] < tail + slack and head < stop[i]:",
        f"{_T}/test_components.py",
    ),
    (
        f"{_K}/labels.py",
        "boxes[name, 3] = max(boxes[name, 3], right)",
        "boxes[name, 3] = right",
        f"{_T}/test_components.py",
    ),
    (
        f"{_K}/labels.py",
        "_join_foreground(start, stop, i, first[up + 2], j, end, area - width, wide, parent)",
        "_join_foreground(start, stop, i, first[up + 2], j, end, area + width, wide, parent)",
        f"{_T}/test_components.py",
    ),
    (
        f"{_K}/flooding.py",
        "between[i] += size[other] * size[root] - same",
        "between[i] += size[other] * size[root]",
        f"{_T}/test_flooding.py",
    ),
    (
        f"{_K}/flooding.py",
        "if height[i] - height[roots[k]] > least:",
        "if height[i] - height[roots[k]] >= least:",
        f"{_T}/test_flooding.py",
    ),
    (
        f"{_K}/simple.py",
        "table[code] = crossings == 1",
        "table[code] = crossings <= 1",
        f"{_T}/test_warping.py",
    ),
    (
        f"{_K}/simple.py",
        "return fore == 1 and back == 1",
        "return fore == 1",
        f"{_T}/test_warping.py",
    ),
    (
        f"{_K}/cycles.py",
        "if depth[p] < depth[q]:",
        "if depth[p] > depth[q]:",
        f"{_T}/test_shared_loops.py",
    ),
    (
        f"{_P}/_kernels_suppression.py",
        "value -= (offset / 4 / hull) ** beta",
        "value -= (offset / hull) ** beta",
        "tests/primitives/test_suppression.py",
    ),
    (
        f"{_P}/_kernels_suppression.py",
        "if value <= threshold:",
        "if value < threshold:",
        "tests/primitives/test_suppression.py",
    ),
    (
        f"{_P}/_kernels_suppression.py",
        "value = common / (volumes[best] + volumes[other] - common)",
        "value = common / max(volumes[best], volumes[other])",
        "tests/primitives/test_suppression.py",
    ),
]
