"""What is compared is the same: ground truth, settings, images, and the classes that count."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from seglosses.cli import main
from seglosses.compare import compare
from seglosses.compare.paired import Paired
from seglosses.compare.pictures import gains, metric_figures, shown_columns
from seglosses.compare.reliability import reliability_figures
from seglosses.evaluate import Options, evaluate
from seglosses.evaluate.pictures import worst_images
from tests.compare.made import scored, write


def test_two_ground_truths_are_refused_and_copies_are_not(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    masks = {path.stem: np.load(path) for path in sorted(folders["gt"].glob("*.npy"))}
    copied = write(tmp_path / "copied", masks)
    moved = write(tmp_path / "moved", {name: mask[::-1] for name, mask in masks.items()})
    words = {"metrics": ["dice"], "num_classes": 2}
    one = evaluate(folders["a"], folders["gt"], **words)
    assert Paired({"a": one, "b": evaluate(folders["b"], copied, **words)}).images
    with pytest.raises(ValueError, match=r"one ground truth .*gt.1.npy for a and .*moved.1.npy"):
        Paired({"a": one, "b": evaluate(folders["b"], moved, **words)})


@pytest.mark.parametrize(
    ("name", "value"),
    [("options", Options(tolerance=6.0)), ("empty", "worst"), ("spacing", (2.0, 1.0))],
)
def test_scores_of_other_settings_are_refused(
    folders: dict[str, Path], name: str, value: object
) -> None:
    """A tolerance of 6 made equal predictions better by 0.125."""
    words = {"metrics": ["nsd"], "num_classes": 2}
    one = evaluate(folders["a"], folders["gt"], **words)  # type: ignore[arg-type]
    two = evaluate(folders["a"], folders["gt"], **words, **{name: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected evaluations with the same"):
        Paired({"a": one, "b": two})


def test_what_reads_alike_is_compared(tmp_path: Path, folders: dict[str, Path]) -> None:
    """A truth without a foreground is read as its partner is, and a slice is an image."""
    words = ["--quiet", "--metrics", "betti0_error", "--empty-policy", "perfect", "--num-classes"]
    nothing = dict.fromkeys("12", np.zeros((9, 9), int))
    grey = write(tmp_path / "grey", dict.fromkeys("12", 255 * np.eye(9, dtype=int)))
    plain = write(tmp_path / "plain", dict.fromkeys("12", np.eye(9, dtype=int)))
    empty = write(tmp_path / "empty", nothing)
    paths = [str(empty), str(grey), str(plain)]
    main(["compare", *paths, *words, "2", "--out", str(tmp_path / "out")])
    assert (tmp_path / "out" / "comparison.csv").is_file()
    slices = {path.stem: np.load(path)[None] for path in sorted(folders["a"].glob("*.npy"))}
    made = {"gt": folders["gt"], "a": write(tmp_path / "slices", slices), "b": folders["a"]}
    (row,) = compare(scored(made, metrics=["dice"], num_classes=2)).rows
    assert (row.difference, row.ties) == (0, 4)
    one, two = (
        evaluate(folders["a"], folders["gt"], metrics=["dice"], num_classes=2, spacing=spacing)
        for spacing in (None, 1.0)
    )
    assert Paired({"a": one, "b": two}).images


def test_a_background_that_no_mean_holds_has_no_row_and_no_picture(tmp_path: Path) -> None:
    truth = np.zeros((12, 12), int)
    truth[1:6, 1:6], truth[8:11, 8:11] = 1, 2
    first = truth.copy()
    first[3:5, 3:5] = 0  # a hole in class 1 is an island of the background
    names = ["1", "2", "3"]
    made = {
        "gt": write(tmp_path / "gt", dict.fromkeys(names, truth)),
        "a": write(tmp_path / "a", dict.fromkeys(names, first)),
        "b": write(tmp_path / "b", dict.fromkeys(names, truth)),
    }
    words = {"class_names": ["background", "x", "y"], "num_classes": 3}
    evaluations = scored(made, **words)
    found = compare(evaluations)
    paired = found.paired
    assert (
        {row.cls for row in found.class_rows} == {row.cls for row in found.size_rows} == {"x", "y"}
    )
    gain = gains(paired, "a", "b")
    assert np.isnan(gain[:, 0]).all()
    assert (gain[:, 1] > 0).all()
    (column,) = (one for one in shown_columns(paired) if one.name == "betti1_error")
    scatter, _ = metric_figures(found, ("a", "b"), column)
    assert "1, x" in scatter.svg
    assert "background" not in scatter.svg
    assert [place for _, place in worst_images(evaluations["a"], 3)] == [1, 1, 1]
    # asked for, it counts
    with pytest.raises(ValueError, match=r"classes in 0..2, got \['background'"):
        scored(made, classes=["background"], **words)
    asked = compare(scored(made, classes=[0, 1], **words))
    assert {row.cls for row in asked.class_rows} == {"background", "x"}


def test_rows_that_are_no_tests_are_not_counted(tmp_path: Path) -> None:
    """Six images allow a p of 1/32; three metrics that no image defines are no tests."""
    truth = np.zeros((12, 12), int)
    truth[4:8, 1:11] = 1
    names = [str(number) for number in range(6)]
    made = {"gt": write(tmp_path / "gt", dict.fromkeys(names, truth))}
    for name, cut in (("a", 6), ("b", 9)):
        mask = truth.copy()
        mask[:, cut:] = 0
        made[name] = write(tmp_path / name, dict.fromkeys(names, mask))
    undefined = ["junction_precision", "junction_recall", "junction_f1"]
    found = compare(scored(made, metrics=["dice", *undefined], num_classes=2))
    assert [math.isfinite(row.p) for row in found.rows] == [True, False, False, False]
    assert (found.rows[0].p, found.rows[0].p_holm) == (1 / 32, 1 / 32)
    assert "no row can be significant" not in found.as_text()
    (note,) = (one for one in found.notes() if one.startswith("p:"))
    assert "0.031 of one test and 0.031 after correction for the 1 of" in note


def test_a_run_length_has_no_upper_end(tmp_path: Path) -> None:
    """Eleven images of nothing found and one of a line of 9: the mean is below 1."""
    truth, half = np.zeros((5, 12), int), np.zeros((5, 12), int)
    truth[2, 1:11] = half[2, 1:11] = 1
    names = [str(number) for number in range(12)]
    nothing = np.zeros((5, 12), int)
    nothing[0, 0] = 1
    made = {
        "gt": write(tmp_path / "gt", dict.fromkeys(names, truth)),
        "a": write(tmp_path / "a", dict.fromkeys(names, nothing)),
        "b": write(tmp_path / "b", dict.fromkeys(names, nothing) | {"0": half}),
    }
    evaluations = scored(made, metrics=["erl", "dice"], num_classes=2)
    rows = {row.metric: row for row in evaluations["b"].summary}
    assert rows["erl"].mean == 9 / 12
    assert rows["erl"].low == 0
    assert rows["erl"].high > 2
    (row,) = (one for one in compare(evaluations).rows if one.metric == "erl")
    assert row.high > 2
    assert row.low < -0.1


def test_reliability_is_that_of_the_common_images(tmp_path: Path) -> None:
    """B lacks an image on which A is wrong: its curve and error are not of that image."""
    truth = np.zeros((8, 8), int)
    truth[2:6, 2:6] = 1
    soft = {"1": truth * 0.75 + 0.125, "2": truth * 0.75 + 0.125, "3": 1.0 - truth}
    gt = write(tmp_path / "gt", dict.fromkeys("123", truth))
    evaluations = {}
    for name, images in (("a", "123"), ("b", "12")):
        folder = write(tmp_path / name, dict.fromkeys(images, truth))
        maps = tmp_path / f"soft_{name}"
        maps.mkdir()
        for image in images:
            np.save(maps / f"{image}.npy", soft[image].astype(np.float32))
        evaluations[name] = evaluate(
            folder, gt, probabilities=maps, metrics=["ece"], num_classes=2, keep_going=True
        )
    found = compare(evaluations)
    (figure,) = reliability_figures(found)
    assert figure.numbers == "ECE: a 0.125, b 0.125; n = 2 images."
    assert figure.svg.count("a, ") == figure.svg.count("b, ") == 2


def test_cavities_are_shown_first_where_there_are_some(tmp_path: Path) -> None:
    """B fills the cavity: pictures and charts of volumes had no score that says so."""
    truth = np.zeros((7, 7, 7), int)
    truth[1:6, 1:6, 1:6] = 1
    truth[3, 3, 3] = 0
    full = truth.copy()
    full[3, 3, 3] = 1
    made = {
        "gt": write(tmp_path / "gt", {"1": truth, "2": truth}),
        "a": write(tmp_path / "a", {"1": truth, "2": truth}),
        "b": write(tmp_path / "b", {"1": full, "2": full}),
    }
    found = compare(scored(made, num_classes=2))
    names = [column.name for column in shown_columns(found.paired)]
    assert "betti2_error" in names
    assert "betti2_matching_error" in names


def test_the_page_of_many_classes_says_which_diagrams_are_missing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 11, (2, 12, 12))
    names = ["1", "2"]
    words = [str(write(tmp_path / "gt", dict(zip(names, truth, strict=True))))]
    maps = []
    for name in "ab":
        soft = rng.dirichlet(np.ones(11), (2, 12, 12)).transpose(0, 3, 1, 2)
        words.append(str(write(tmp_path / name, dict(zip(names, soft.argmax(1), strict=True)))))
        folder = tmp_path / f"soft_{name}"
        folder.mkdir()
        for image, one in zip(names, soft, strict=True):
            np.save(folder / f"{image}.npy", one.astype(np.float32))
        maps.append(str(folder))
    out = tmp_path / "out"
    told = ["--metrics", "ece", "--num-classes", "11", "--out", str(out), "--quiet"]
    assert main(["compare", *words, "--probabilities", *maps, *told]) == 0
    page = (out / "report.html").read_text("utf-8")
    assert page.count("The last 3 of 11 classes are not drawn.") == 8
    with (out / "comparison.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
