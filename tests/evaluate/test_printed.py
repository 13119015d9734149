"""What the terminal shows: a screen, no score under two names, and intervals with their mean."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seglosses.cli import main
from seglosses.evaluate import evaluate
from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.summary import summarize
from seglosses.evaluate.table import Table
from seglosses.report.bootstrap import mean_interval


@pytest.fixture
def nineteen(tmp_path: Path) -> list[str]:
    """A scene of 19 classes in two images."""
    rng = np.random.default_rng(0)
    for name in "ab":
        target = np.kron(rng.integers(0, 19, (6, 6)), np.ones((6, 6), int))
        pred = np.where(rng.random(target.shape) < 0.1, rng.integers(0, 19, target.shape), target)
        for folder, labels in (("pred", pred), ("gt", target)):
            (tmp_path / folder).mkdir(exist_ok=True)
            np.save(tmp_path / folder / f"{name}.npy", labels.astype(np.uint8))
    words = [str(tmp_path / "pred"), str(tmp_path / "gt"), "--num-classes", "19"]
    return ["evaluate", *words, "--out", str(tmp_path / "out")]


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_nineteen_classes_fit_on_a_screen(
    nineteen: list[str], quiet: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*nineteen, *quiet]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 32
    titles = [re.split(r"  +", line)[1] for line in lines if line.startswith("mean of classes")]
    # no image is larger than a window, so that those of windows would say the same again
    assert titles == [c.title for c in choose_columns() if not c.name.endswith("_window")]
    assert "summary.csv" in lines[-2]
    files = (tmp_path / "out" / "summary.csv").read_text().splitlines()
    assert len(files) > 25 * 20  # the classes are there


def test_verbose_shows_the_classes(nineteen: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*nineteen, "--verbose", "--metrics", "dice"]) == 0
    printed = capsys.readouterr().out
    assert len(re.findall(r"^18 +Dice ", printed, re.MULTILINE)) == 2
    assert "connectivity: 8" in printed
    assert "IoU" not in printed.partition("class  ")[2]


def test_only_what_was_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1, 0]]))
    found = evaluate(tmp_path, tmp_path, metrics=["iou"])
    assert {row.metric.split("_")[0] for row in found.summary} == {"iou"}


def test_average_precision_is_printed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pycocotools")
    boxes = [[2, 2, 8, 8], [20, 20, 6, 6]]
    truth = {
        "images": [{"id": 1, "width": 40, "height": 40, "file_name": "1.png"}],
        "categories": [{"id": 1, "name": "brick"}],
        "annotations": [
            {"id": i, "image_id": 1, "category_id": 1, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
            for i, b in enumerate(boxes, start=1)
        ],
    }
    found = [{"image_id": 1, "category_id": 1, "bbox": b, "score": 0.9} for b in boxes]
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "pred.json").write_text(json.dumps(found))
    words = [str(tmp_path / "pred.json"), str(tmp_path / "gt.json"), "--coco"]
    assert main(["evaluate", *words, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert re.findall(r"^(COCO )?AP +\d", printed, re.MULTILINE) == ["COCO "]
    assert "AP, AP50, AP75 without COCO's limit" in printed
    # of 101 boxes in one image the limit leaves out one, and both are printed
    many = [[i % 11 * 3, i // 11 * 3, 2, 2] for i in range(101)]
    truth["annotations"] = [
        {"id": i, "image_id": 1, "category_id": 1, "bbox": b, "area": 4, "iscrowd": 0}
        for i, b in enumerate(many, start=1)
    ]
    found = [{"image_id": 1, "category_id": 1, "bbox": b, "score": 0.9} for b in many]
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "pred.json").write_text(json.dumps(found))
    assert main(["evaluate", *words, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert re.findall(r"^(COCO )?AP +\d", printed, re.MULTILINE) == ["", "COCO "]


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=30), st.floats(0, 1e-9))
def test_an_interval_of_a_mean_holds_it(values: list[float], tiny: float) -> None:
    scores = np.array([*values, tiny])
    mean = float(scores.mean())
    low, high = mean_interval(mean, scores - mean)
    assert low <= mean <= high


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 3))
def test_no_row_of_a_summary_has_an_interval_without_its_mean(
    seed: int, images: int, classes: int
) -> None:
    rng = np.random.default_rng(seed)
    columns = choose_columns(["overlap", "hd95", "calibration"], probabilities=True)
    names = [c.name for c in columns]
    from seglosses.evaluate.options import Options

    parts = {part: column for column in columns for part in column.parts(Options())}
    table = Table([str(i) for i in range(classes)], [*names, *parts, "tp", "fp", "fn", "pixels"])
    for image in range(images):
        rows = []
        for _ in range(classes):
            row = {name: float(rng.beta(0.1, 0.1)) for name in names}
            # a bin: count, confidence, accuracy; skewed, with rare large images
            size = float(np.ceil(rng.pareto(0.7) * 20))
            row |= {part: float(rng.random() * size) for part in parts}
            row |= {"tp": size, "fp": float(rng.integers(9)), "fn": float(rng.integers(9))}
            rows.append({**row, "pixels": 4 * size})
        table.add(str(image), rows)
    for row in summarize(table, columns):
        if row.low == row.low:
            assert row.low <= row.mean <= row.high, row


@pytest.mark.parametrize("empty", [False, True])
def test_a_mean_by_image_is_shown_where_it_is_another_number(tmp_path: Path, empty: bool) -> None:
    """It leaves out images without a true pixel, which the plain mean scores 0."""
    masks = {"a": [[1, 1, 0]], "b": [[0, 0, 0]] if empty else [[0, 1, 1]]}
    for name, mask in masks.items():
        for folder, values in (("gt", mask), ("pred", [[1, 1, 0]])):
            (tmp_path / folder).mkdir(exist_ok=True)
            np.save(tmp_path / folder / f"{name}.npy", np.array(values, np.uint8))
    options = {"num_classes": 2, "metrics": ["dice"], "out": tmp_path / "out"}
    found = evaluate(tmp_path / "pred", tmp_path / "gt", **options)  # type: ignore[arg-type]
    assert (found.mean("dice_image") != found.mean("dice")) is empty
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    for text in (found.as_text(verbose=True), page):
        assert (re.search(r"Dice by image\b(?!,)", text) is not None) is empty


def test_numbers_of_images_stand_in_one_column(tmp_path: Path) -> None:
    """Intervals of small numbers are longer than others."""
    for right in (20, 22, 23, 27, 31, 29):
        for folder, size in (("gt", 80), ("pred", right)):
            mask = np.zeros((100, 100), np.uint8)
            mask[10 : 90 if folder == "gt" else 11, 10 : 10 + size] = 1
            (tmp_path / folder).mkdir(exist_ok=True)
            np.save(tmp_path / folder / f"{right}.npy", mask)
    metrics = ["dice", "rand_error"]
    found = evaluate(tmp_path / "pred", tmp_path / "gt", metrics=metrics, num_classes=2)
    head, *lines = found.as_text().splitlines()
    assert any(line.index("]") - line.index("[") >= 18 for line in lines), lines
    assert {len(line) for line in lines} == {len(head)}


def test_a_narrow_terminal_has_the_class_as_a_heading(
    nineteen: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "66")
    assert main([*nineteen, "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mean of classes"
    assert lines[1].split()[0] == "metric"
    assert max(map(len, lines[:25])) <= 66
    monkeypatch.setenv("COLUMNS", "100")
    assert main([*nineteen, "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("class")
