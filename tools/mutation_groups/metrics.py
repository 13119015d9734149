"""Changes of metrics."""

_M = "seglosses/metrics"
_T = "tests/metrics"

MUTATIONS = [
    (
        f"{_M}/boundary.py",
        "return max(float(np.percentile(side, percentile)) for side in _both(pair))",
        "return min(float(np.percentile(side, percentile)) for side in _both(pair))",
        f"{_T}/test_boundary.py",
    ),
    (
        f"{_M}/boundary.py",
        "near = sum(int(np.count_nonzero(side <= tolerance)) for side in sides)",
        "near = sum(int(np.count_nonzero(side < tolerance)) for side in sides)",
        f"{_T}/test_boundary.py",
    ),
    (
        f"{_M}/boundary.py",
        "return max(1, round(0.02 * math.hypot(*shape)))",
        "return max(1, int(0.02 * math.hypot(*shape)))",
        f"{_T}/test_boundary.py",
    ),
    (
        f"{_M}/contour.py",
        "lengths[code] = 2 * slant",
        "lengths[code] = slant",
        f"{_T}/test_boundary.py",
    ),
    (
        f"{_M}/contour.py",
        "elif code in (0b1100, 0b0011):\n            lengths[code] = width",
        "elif code in (0b1100, 0b0011):\n            lengths[code] = height",
        f"{_T}/test_boundary.py",
    ),
    (
        f"{_M}/calibration.py",
        "place = np.clip(np.ceil(scores * bins) - 1, 0, bins - 1).astype(np.int64)",
        "place = np.clip(np.floor(scores * bins), 0, bins - 1).astype(np.int64)",
        f"{_T}/test_calibration.py",
    ),
    (
        f"{_M}/calibration.py",
        "return np.asarray((distances > 0) & (distances <= width))",
        "return np.asarray(distances <= width)",
        f"{_T}/test_calibration.py",
    ),
    (
        f"{_M}/cells.py",
        "error = 1 - 2 * both / (true + predicted) if true + predicted else 0.0",
        "error = 1 - both / true if true else 0.0",
        f"{_T}/test_cells.py",
    ),
    (
        f"{_M}/cells.py",
        "connectivity = other_connectivity(connectivity, len(pair.shape))",
        "connectivity = connectivity",
        f"{_T}/test_cells.py",
    ),
    (
        f"{_M}/cells.py",
        "matched = ious[ious > 0.5]",
        "matched = ious[ious >= 0.5]",
        f"{_T}/test_cells.py",
    ),
    (
        f"{_M}/cells.py",
        "split = float((joint * np.log2(of_target / joint)).sum())",
        "split = float((joint * np.log2(of_pred / joint)).sum())",
        f"{_T}/test_cells.py",
    ),
    (
        f"{_M}/empty.py",
        'if name == "ignore_empty":\n        return target_empty',
        'if name == "ignore_empty":\n        return pred_empty',
        f"{_T}/test_pair.py",
    ),
    (
        f"{_M}/fine_grained.py",
        "return _mean(fine[: max(1, int(percent * fine.size / 100))])",
        "return _mean(fine[: int(percent * fine.size / 100) + 1])",
        f"{_T}/test_fine_grained.py",
    ),
    (
        f"{_M}/fine_grained.py",
        "shown = np.where(right + under > 0, _ratio(right, total), np.nan)",
        "shown = np.where(total > 0, _ratio(right, total), np.nan)",
        f"{_T}/test_fine_grained.py",
    ),
    (
        f"{_M}/lines.py",
        "completeness = float(np.mean(distances_at(target, pred, pair.spacing) <= tolerance))",
        "completeness = float(np.mean(distances_at(target, pred) <= tolerance))",
        f"{_T}/test_lines.py",
    ),
    (
        f"{_M}/lines.py",
        "sensitivity = np.count_nonzero(target & pair.pred) / np.count_nonzero(target)",
        "sensitivity = np.count_nonzero(target & pred) / np.count_nonzero(target)",
        f"{_T}/test_lines.py",
    ),
    (
        f"{_M}/structures.py",
        'for code in codes[np.argsort(-sizes, kind="stable")]:',
        "for code in codes:",
        f"{_T}/test_structures.py",
    ),
    (
        f"{_M}/structures.py",
        "np.pad(~mask, 1, constant_values=True)",
        "np.pad(~mask, 1, constant_values=False)",
        f"{_T}/test_structures.py",
    ),
    (
        f"{_M}/detection.py",
        "free[partner[i]] = False",
        "free[partner[i]] = True",
        f"{_T}/test_detection.py",
    ),
    (
        f"{_M}/detection.py",
        "inside = np.where(regions == label[:, None], inside, 0.0)\n",
        "",
        f"{_T}/test_detection.py",
    ),
    (
        f"{_M}/shapes.py",
        "if side.stop == size:",
        "if side.stop == size - 1:",
        f"{_T}/test_error_kinds.py tests/advise/test_rules.py",
    ),
    (
        f"{_M}/shapes.py",
        "specks=int(np.count_nonzero(sizes == 1)),",
        "specks=int(np.count_nonzero(sizes <= 2)),",
        f"{_T}/test_error_kinds.py tests/advise/test_rules.py",
    ),
    (
        f"{_M}/error_kinds.py",
        "near = np.logical_and(*(distance_to(edge) <= RIM for edge in edges))",
        "near = np.logical_or(*(distance_to(edge) <= RIM for edge in edges))",
        f"{_T}/test_error_kinds.py",
    ),
    (
        f"{_M}/error_kinds.py",
        "joins = np.bincount(ends[0], minlength=count + 1) > 1",
        "joins = np.bincount(ends[0], minlength=count + 1) > 0",
        f"{_T}/test_error_kinds.py",
    ),
]
