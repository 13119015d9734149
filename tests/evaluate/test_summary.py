"""Means, intervals, and numbers that are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seglosses.evaluate import evaluate
from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.options import Options
from seglosses.evaluate.spread import (
    deviations,
    deviations_of_classes,
    fine_grained_intervals,
    interval_of_classes,
    intervals,
    of_scores,
)
from seglosses.evaluate.summary import MACRO, SummaryRow, summarize
from seglosses.evaluate.table import Table


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


def test_windows_that_hold_whole_images_are_said_once(tmp_path: Path) -> None:
    """One window is the image; two cut it, and a loop that they cut is gone in both masks."""
    ring = np.zeros((8, 12), np.uint8)
    ring[1:7, 2:10], ring[3:5, 4:8] = 1, 0
    truth, pred = tmp_path / "truth", tmp_path / "pred"
    for folder, mask in ((truth, ring), (pred, ring * 0)):
        folder.mkdir()
        np.save(folder / "1.npy", mask)
    metrics = ["betti1_error", "betti1_error_window"]
    whole = evaluate(pred, truth, metrics=metrics)
    for verbose in (False, True):
        assert whole.as_text(verbose=verbose).count("Betti-1 error") == 1
    assert whole.mean("betti1_error_window") == 1  # in the files it stays
    cut = evaluate(pred, truth, metrics=metrics, options=Options(window=6))
    assert cut.as_text().count("Betti-1 error") == 2
    # no error is no sign of one window
    right = evaluate(truth, truth, metrics=metrics, options=Options(window=6))
    assert right.as_text().count("Betti-1 error") == 2


def test_images_that_show_nothing_are_counted_once() -> None:
    made = Table(["a", "b"], ["dice", "tp", "fp", "fn", "pixels"])
    for name, shown in (("both", (1, 1)), ("one", (1, 0)), ("none", (0, 0))):
        made.add(name, [{"dice": 0.5, "tp": n, "fp": 1, "fn": 0, "pixels": 9} for n in shown])
    found = {row.metric: row for row in summarize(made, choose_columns(["dice"]))}
    assert (found["dice_image"].n, found["dice_image"].undefined) == (2, 1)
    assert found["dice_image"].target_empty == 3


def test_score_of_all_pixels_is_a_ratio_of_sums() -> None:
    # TP 1 + 1 + 1, FP 0 + 1 + 2.
    row = rows([[1.0], [0.5], [0.3]])["c0", "dice_dataset"]
    assert row.mean == 6 / 9
    assert row.low <= 6 / 9 <= row.high


def test_interval_of_a_mean_has_the_width_of_its_standard_error() -> None:
    values = np.random.default_rng(1).random((400, 1))
    row = rows(values.tolist())["c0", "dice"]
    assert row.high - row.low == pytest.approx(2 * 1.96 / np.sqrt(12 * 400), rel=0.1)
    assert row == rows(values.tolist())["c0", "dice"]


def test_interval_of_a_ratio_and_of_a_mean_of_classes_are_those_of_many_draws() -> None:
    rng = np.random.default_rng(4)
    sizes, scores = rng.integers(1, 90, (150, 2)).astype(float), rng.random((150, 2))
    scores[rng.random((150, 2)) < 0.4] = np.nan
    draws = rng.multinomial(150, np.full(150, 1 / 150), size=4000)
    right, total = sizes * rng.random((150, 2)), sizes
    ratios = draws @ right / (draws @ total)
    known = np.isfinite(scores)
    means = draws @ np.where(known, scores, 0) / (draws @ known)
    for drawn, mean, found in (
        (ratios, right.sum(axis=0) / total.sum(axis=0), deviations(right, total)),
        (means, np.nanmean(scores, axis=0), of_scores(scores)),
    ):
        ends = intervals(mean, found, [0, 1], better="higher")
        expected = np.column_stack([drawn, drawn.mean(axis=1)])
        for (low, high), spread in zip(ends, expected.T, strict=True):
            np.testing.assert_allclose([low, high], np.quantile(spread, [0.025, 0.975]), atol=0.01)


def test_a_class_that_one_image_shows_leaves_the_mean_without_an_interval() -> None:
    scores = np.array([[0.5, 0.25], [0.75, np.nan], [1.0, np.nan]])
    *_, (low, high) = intervals(np.nanmean(scores, 0), of_scores(scores), [0, 1], better="higher")
    assert np.isnan([low, high]).all()
    *_, (low, high) = intervals(np.nanmean(scores, 0), of_scores(scores), [0], better="higher")
    assert low < 0.75 < high  # the class is outside


def test_spread_of_a_class_of_few_images_is_not_too_small() -> None:
    """The spread of a class in 4 of 40 images: unbiased, and 0.866 of it without the correction."""
    rng = np.random.default_rng(0)
    variances = []
    for _ in range(2000):
        scores = np.full((40, 2), np.nan)
        scores[:, 0], scores[:4, 1] = 0.5, rng.normal(0.5, 0.1, 4)
        found = deviations_of_classes(of_scores(scores))
        variances.append(np.square(found).sum() / (40 * 39))
    assert np.sqrt(np.mean(variances)) == pytest.approx(0.1 / np.sqrt(4) / 2, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("images", [2, 3, 5])
@pytest.mark.parametrize("other", [0.01, 0.2])
def test_intervals_of_classes_of_few_images_hold_the_truth(images: int, other: float) -> None:
    """Without degrees of freedom of their own it was 67 to 91 %."""
    rng, inside = np.random.default_rng(images), 0
    for _ in range(400):
        scores = np.full((30, 2), np.nan)
        scores[:, 0] = rng.normal(0.5, other, 30)
        scores[:images, 1] = rng.normal(0.5, 0.2, images)
        mean = float(np.nanmean(scores, axis=0).mean())
        low, high = interval_of_classes(mean, of_scores(scores))
        inside += low <= 0.5 <= high
    assert inside >= 0.88 * 400


def test_intervals_stay_where_scores_can_be() -> None:
    row = rows([[0.4], [0.9], [1.0]])["c0", "dice"]
    assert (row.low >= 0, row.high) == (True, 1.0)


def test_overlap_rows_have_an_interval_where_one_is_valid() -> None:
    rng = np.random.default_rng(0)
    tp = rng.integers(1, 50, size=(30, 2))
    made = Table(["a", "b"], ["dice", "tp", "fp", "fn", "pixels"])
    for name, row in enumerate(tp):
        counts = [{"dice": 0.0, "tp": n, "fp": 10, "fn": 50 - n, "pixels": 90} for n in row]
        made.add(f"{name:02}", counts)
    found = {r.metric: r for r in summarize(made, choose_columns(["dice"])) if r.cls == MACRO}
    readings = ("dataset", "image", "class", "image_worst", "class_worst", "image_lowest",
                "class_lowest")  # fmt: skip
    assert {f"dice_{key}" for key in readings} == set(found) - {"dice"}
    for name in set(found) - {"dice"}:
        if "worst" in name or "lowest" in name:  # of 30 images nobody knows the tail
            assert np.isnan([found[name].low, found[name].high]).all()
            continue
        assert found[name].low < found[name].mean < found[name].high
    assert found["dice_image_lowest"].mean <= found["dice_image_worst"].mean


@pytest.mark.slow
def test_worst_interval_holds_the_true_worst_as_often_as_it_says() -> None:
    # Scores uniform in [0, 1]: the mean of the lowest q is q / 2, over q = 0.1, ..., 1 it is 0.275.
    rng, inside = np.random.default_rng(5), 0
    for _ in range(40):
        tp = rng.uniform(0, 100, size=(200, 1))
        low, high = fine_grained_intervals(tp, 0 * tp, 100 - tp, beta=1)["image_worst"]
        inside += low <= 0.275 <= high
    assert inside >= 35


def test_rows_must_fit_the_classes() -> None:
    with pytest.raises(ValueError, match="expected 2 rows, got 1"):
        Table(["a", "b"], []).add("x", [{}])
