from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image

from seglosses.demo.command import METRICS
from seglosses.demo.comparison import as_text, compare, paired_difference, write_csv
from seglosses.demo.report import most_different, write_report
from seglosses.evaluate import evaluate


def write(folder, masks):
    folder.mkdir(parents=True)
    for name, mask in masks.items():
        Image.fromarray(np.array(mask, dtype=np.uint8)).save(folder / f"{name}.png")


@pytest.fixture
def evaluations(tmp_path):
    """Two images with a line each; the first loss breaks the line of `b`, the second none."""
    line = np.zeros((16, 16), dtype=np.uint8)
    line[8] = 1
    broken = line.copy()
    broken[8, 6:8] = 0
    write(tmp_path / "truth", {"a": line, "b": line})
    write(tmp_path / "plain", {"a": line, "b": broken})
    write(tmp_path / "better", {"a": line, "b": line})
    write(tmp_path / "images", {name: np.full((16, 16, 3), 90) for name in "ab"})
    return {
        loss: evaluate(tmp_path / loss, tmp_path / "truth", num_classes=2, metrics=METRICS)
        for loss in ("plain", "better")
    }


def test_rows_have_every_loss_and_metric(evaluations):
    rows = compare(evaluations)
    assert [row.loss for row in rows] == ["plain"] * (len(rows) // 2) + ["better"] * (
        len(rows) // 2
    )
    cells = {(row.loss, row.metric): row for row in rows}
    # one of two images has one component too many
    assert cells["plain", "betti0_error"].mean == 0.5
    assert cells["better", "betti0_error"].mean == 0.0
    assert cells["better", "betti0_error"].difference == -0.5
    # 14 of 16 pixels: Dice 28 / 30 on one image, 1 on the other
    assert cells["better", "dice"].difference == pytest.approx((1 - 28 / 30) / 2)
    assert np.isnan(cells["plain", "dice"].difference)


def test_verdict_needs_an_interval_without_zero(evaluations):
    cells = {(row.loss, row.metric): row for row in compare(evaluations)}
    # of two images one is unchanged: Student's interval of one degree of freedom is wide
    assert cells["better", "betti0_error"].difference_low < -0.5
    assert cells["better", "betti0_error"].difference_high > 0
    assert cells["better", "betti0_error"].verdict == ""


def test_difference_is_paired_by_image():
    rng = np.random.default_rng(0)
    base = rng.normal(size=50) * 100
    mean, low, high = paired_difference(base + 1, base)
    assert (mean, low, high) == pytest.approx((1, 1, 1))


def test_undefined_images_are_left_out():
    ours, theirs = np.array([np.nan, 3.0, 4.0]), np.array([0.0, 1.0, 2.0])
    assert paired_difference(ours, theirs) == (2.0, 2.0, 2.0)
    assert np.isnan(paired_difference(ours[:2], theirs[:2])[1:]).all()
    assert np.isnan(paired_difference(np.array([np.nan]), np.array([0.0]))).all()


def test_other_images_are_refused(evaluations, tmp_path):
    write(tmp_path / "c" / "pred", {"c": np.ones((4, 4))})
    other = evaluate(
        tmp_path / "c" / "pred", tmp_path / "c" / "pred", num_classes=2, metrics=METRICS
    )
    with pytest.raises(ValueError, match="tested on other images"):
        compare({**evaluations, "third": other})


def test_csv_has_the_numbers_of_the_table(evaluations, tmp_path):
    rows = compare(evaluations)
    write_csv(rows, tmp_path / "summary.csv")
    with (tmp_path / "summary.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(row["loss"], row["metric"]) for row in found] == [
        (row.loss, row.metric) for row in rows
    ]
    assert [float(row["mean"]) for row in found] == pytest.approx(
        [row.mean for row in rows], rel=1e-5
    )
    assert found[0]["difference"] == ""


def test_text_has_a_line_a_metric(evaluations):
    lines = as_text(compare(evaluations)).splitlines()
    assert lines[0].split() == ["metric", "plain", "better", "change", "by", "better"]
    (betti,) = [line for line in lines if line.startswith("Betti-0")]
    assert "0.5" in betti
    assert "-0.5 [" in betti


def test_report_shows_where_losses_differ_and_the_table(evaluations, tmp_path):
    assert most_different(evaluations, 1) == [1]
    rows = compare(evaluations)
    write_report(tmp_path / "r.html", rows, evaluations, tmp_path / "images", {"seed": "0 <"})
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert text.count("<figure") == 2 * 3
    assert "Betti-0 error ↓" in text
    assert "0 &lt;" in text
    assert 'href="better/evaluation/report.html"' in text
