"""Changes of the evaluation of folders and of detections."""

_E = "seglosses/evaluate"
_T = "tests/evaluate"

MUTATIONS = [
    (
        f"{_E}/summary.py",
        'std=float(fine.std(ddof=1)) if has_spread else float("nan"),',
        'std=float(fine.std()) if has_spread else float("nan"),',
        f"{_T}/test_summary.py",
    ),
    (
        f"{_E}/summary.py",
        "means = np.append(means, nanmean(means[inside], axis=0))",
        "means = np.append(means, nanmean(means, axis=0))",
        f"{_T}/test_summary.py",
    ),
    (
        f"{_E}/summary.py",
        "spread = np.column_stack([spread, nanmean(spread[:, inside], axis=1)])",
        "spread = np.column_stack([spread, nanmean(spread, axis=1)])",
        f"{_T}/test_summary.py",
    ),
    (
        f"{_E}/summary.py",
        "undefined=int((~shown.any(axis=1)).sum()),",
        "undefined=int((~shown).sum()),",
        f"{_T}/test_summary.py",
    ),
    (
        f"{_E}/spread.py",
        "    if (shown == 1).any():\n        return np.full(len(found), np.nan)\n",
        "",
        f"{_T}/test_summary.py",
    ),
    (
        f"{_E}/spread.py",
        "return of_classes(chosen * longer)",
        "return of_classes(chosen)",
        f"{_T}/test_summary.py",
    ),
    (
        f"{_E}/spread.py",
        "shown = np.where(tp + fn > 0, divide(beta * tp, beta * tp + fp + fn), np.nan)",
        "shown = np.where(tp + fn > 0, divide(tp, tp + fp + fn), np.nan)",
        f"{_T}/test_summary.py",
    ),
    (
        f"{_E}/alignment.py",
        "for place, sign in zip(places, way[:, 1], strict=True) if sign < 0)",
        "for place, sign in zip(places, way[:, 1], strict=True) if sign > 0)",
        f"{_T}/test_space.py",
    ),
    (
        f"{_E}/alignment.py",
        "kept = None if spacing is None else (*spacing[:lost], *spacing[lost + 1 :])",
        "kept = None if spacing is None else spacing[:-1]",
        f"{_T}/test_space.py",
    ),
    (
        f"{_E}/choosing.py",
        "chosen = classes if classes is not None else ([1] if count == 2 else range(count))",
        "chosen = classes if classes is not None else range(count)",
        f"{_T}/test_folders.py",
    ),
    (
        f"{_E}/kept.py",
        "same = np.array_equal(known[:, tp] + known[:, fn], new[:, tp] + new[:, fn])",
        "same = True",
        f"{_T}/test_accumulator.py",
    ),
    (
        f"{_E}/kept.py",
        "elif name in fresh:",
        "elif False:",
        f"{_T}/test_accumulator.py",
    ),
    (
        f"{_E}/batches.py",
        'bound = 0.5 if self.form == "probabilities" else 0.0',
        "bound = 0.5",
        f"{_T}/test_accumulator.py",
    ),
    (
        f"{_E}/gathering.py",
        "if len(one.values) and one.ids is None]",
        "if False]",
        f"{_T}/test_gathering.py",
    ),
    (
        f"{_E}/codes.py",
        "return np.asarray(table[np.searchsorted(present, values)], np.int16)",
        'return np.asarray(table[np.searchsorted(present, values, "right") - 2], np.int16)',
        f"{_T}/test_labels.py",
    ),
    (
        f"{_E}/codes.py",
        "present[-1] < 2**16:",
        "present[-1] <= 2**40:",
        f"{_T}/test_labels.py",
    ),
    (
        f"{_E}/scan.py",
        "rest = [files for index, files in enumerate(pairs) if index % step]",
        "rest = [files for index, files in enumerate(pairs) if index % step == 1]",
        f"{_T}/test_labels.py {_T}/test_folders.py",
    ),
    (
        f"{_E}/scoring.py",
        'if pair.left_out and column.group != "topomortar"',
        "if pair.left_out",
        f"{_T}/test_folders.py {_T}/test_absent.py",
    ),
    (
        f"{_E}/sample.py",
        "valid = valid & near",
        "valid = near",
        f"{_T}/test_calibration.py",
    ),
    (
        f"{_E}/calibration_columns.py",
        "return np.asarray((gaps * np.sign(gaps.sum(axis=0))).sum(axis=-1))",
        "return np.asarray((gaps * np.sign(gaps)).sum(axis=-1))",
        f"{_T}/test_calibration.py",
    ),
    (
        f"{_E}/coco_precision.py",
        'return {"iscrowd": 0, **row}',
        'return {**row, "iscrowd": 0}',
        f"{_T}/test_coco_precision.py",
    ),
    (
        f"{_E}/coco_precision.py",
        "return np.where(crowd, whole, np.minimum(whole, edges))",
        "return np.minimum(whole, edges)",
        f"{_T}/test_coco_precision.py",
    ),
    (
        f"{_E}/coco_precision.py",
        'row["area"] = float(codec().area(one["segmentation"]))',
        "pass",
        f"{_T}/test_coco_precision.py",
    ),
    (
        f"{_E}/gathering.py",
        "if any(one.ids is not None for one in parts):",
        "if all(one.ids is not None for one in parts):",
        f"{_T}/test_gathering.py",
    ),
    (
        f"{_E}/in_memory.py",
        "spacing=None if spacing is None else spacing_of(ndim, spacing),",
        "spacing=None,",
        f"{_T}/test_accumulator.py",
    ),
    (
        f"{_E}/kept_scores.py",
        "KeptScores.reset(self)\n",
        "pass\n",
        f"{_T}/test_accumulator.py",
    ),
]
