"""Means, intervals, and numbers that are left out."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.summary import MACRO, SummaryRow, summarize
from seglosses.evaluate.table import Table
from seglosses.statistics import resampled_ratios


def table(dice: np.ndarray) -> Table:
    made = Table([f"c{i}" for i in range(dice.shape[1])], ["dice", "tp", "fp", "fn", "pixels"])
    for index, row in enumerate(dice):
        counts = {"tp": 1, "fp": index, "fn": 0, "pixels": 10}
        made.add(f"{index}", [{"dice": value, **counts} for value in row])
    return made


def rows(dice: list[list[float]]) -> dict[tuple[str, str], SummaryRow]:
    made = summarize(table(np.array(dice)), choose_columns(["dice"]))
    return {(row.cls, row.metric): row for row in made}


def test_undefined_numbers_are_left_out_and_counted() -> None:
    row = rows([[0.5], [np.nan], [1.0]])["c0", "dice"]
    assert (row.mean, row.median, row.n, row.undefined) == (0.75, 0.75, 2, 1)
    assert row.std == pytest.approx(np.std([0.5, 1.0], ddof=1))
    nothing = rows([[np.nan]])["c0", "dice"]
    assert np.isnan([nothing.mean, nothing.std, nothing.low]).all()


def test_mean_of_classes_weighs_classes_alike() -> None:
    # Class 0 has one defined image, class 1 two: mean of 1 and 0.25, not of 1, 0.5 and 0.
    row = rows([[1.0, 0.5], [np.nan, 0.0]])[MACRO, "dice"]
    assert row.mean == 0.625


def test_score_of_all_pixels_is_a_ratio_of_sums() -> None:
    # TP 1 + 1 + 1, FP 0 + 1 + 2.
    row = rows([[1.0], [0.5], [0.3]])["c0", "iou_dataset"]
    assert row.mean == 0.5
    assert row.low <= 0.5 <= row.high


def test_interval_of_a_mean_has_the_width_of_its_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=(400, 1))
    spread = resampled_ratios(values, np.ones_like(values))
    low, high = np.percentile(spread, [2.5, 97.5])
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.1)
    np.testing.assert_array_equal(spread, resampled_ratios(values, np.ones_like(values)))


def test_rows_must_fit_the_classes() -> None:
    with pytest.raises(ValueError, match="expected 2 rows, got 1"):
        Table(["a", "b"], []).add("x", [{}])
