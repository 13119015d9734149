"""Means, intervals, and numbers that are left out."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.spread import fine_grained_spread
from seglosses.evaluate.summary import MACRO, SummaryRow, summarize
from seglosses.evaluate.table import Table
from seglosses.report.statistics import resampled_ratios


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


def test_classes_left_outside_are_in_no_mean() -> None:
    dice = np.array([[0.1, 0.5, 0.75], [0.2, 0.0, 0.25], [0.0, 1.0, 0.5]])
    made = summarize(table(dice), choose_columns(["dice"]), outside=["c0"])
    row = next(row for row in made if (row.cls, row.metric) == (MACRO, "dice"))
    of_images = dice[:, 1:].mean(1)
    assert (row.mean, row.median) == (0.5, np.median(of_images))
    assert row.std == pytest.approx(of_images.std(ddof=1))


def test_images_that_show_nothing_are_counted_once() -> None:
    made = Table(["a", "b"], ["dice", "tp", "fp", "fn", "pixels"])
    for name, shown in (("both", (1, 1)), ("one", (1, 0)), ("none", (0, 0))):
        made.add(name, [{"dice": 0.5, "tp": n, "fp": 1, "fn": 0, "pixels": 9} for n in shown])
    found = {row.metric: row for row in summarize(made, choose_columns(["dice"]))}
    assert (found["iou_image"].n, found["iou_image"].undefined) == (2, 1)
    assert found["iou_image"].target_empty == 3


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


def test_every_overlap_row_has_an_interval() -> None:
    rng = np.random.default_rng(0)
    tp = rng.integers(1, 50, size=(30, 2))
    made = Table(["a", "b"], ["dice", "tp", "fp", "fn", "pixels"])
    for name, row in enumerate(tp):
        counts = [{"dice": 0.0, "tp": n, "fp": 10, "fn": 50 - n, "pixels": 90} for n in row]
        made.add(f"{name:02}", counts)
    found = {r.metric: r for r in summarize(made, choose_columns(["dice"])) if r.cls == MACRO}
    readings = ("dataset", "image", "class", "image_worst", "class_worst", "image_lowest",
                "class_lowest")  # fmt: skip
    assert {f"{name}_{key}" for name in ("iou", "dice") for key in readings} == set(found) - {
        "dice"
    }
    for name in set(found) - {"dice"}:
        assert found[name].low <= found[name].mean <= found[name].high
        assert found[name].low < found[name].high
    # The worst tenth is worse than the whole, and its interval lies lower.
    for name in ("iou", "dice"):
        assert found[f"{name}_image_worst"].high < found[f"{name}_image"].high
        assert found[f"{name}_image_lowest"].mean <= found[f"{name}_image_worst"].mean


@pytest.mark.slow
def test_worst_interval_holds_the_true_worst_as_often_as_it_says() -> None:
    # Scores uniform in [0, 1]: the mean of the lowest q is q / 2, over q = 0.1, ..., 1 it is 0.275.
    rng, inside = np.random.default_rng(5), 0
    for _ in range(40):
        tp = rng.uniform(0, 100, size=(100, 1))
        spread = fine_grained_spread(tp, np.zeros_like(tp), 100 - tp, beta=1)["image_worst"]
        low, high = np.percentile(spread, [2.5, 97.5])
        inside += low <= 0.275 <= high
    assert inside >= 35


def test_rows_must_fit_the_classes() -> None:
    with pytest.raises(ValueError, match="expected 2 rows, got 1"):
        Table(["a", "b"], []).add("x", [{}])
