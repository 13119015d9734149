"""Folders and summaries of nnU-Net: labels, regions, what is ignored, and its own numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from seglosses.cli import main
from seglosses.evaluate import evaluate
from seglosses.evaluate.nnunet import read_dataset

LABELS = {"background": 0, "tree": 1, "nest": 2, "ignore": 3}
REGIONS = {"background": 0, "whole": [1, 2], "nest": [2], "ignore": 3}


@pytest.fixture
def raw(tmp_path):
    """A data set in nnU-Net's layout; each test writes the labels that it is about."""

    def write(labels, cases, **more):
        for name, (pred, target) in cases.items():
            for folder, values in (("labelsTs", target), ("pred", pred)):
                (tmp_path / folder).mkdir(exist_ok=True)
                np.save(tmp_path / folder / f"{name}.npy", np.array(values, np.uint8))
        about = {"labels": labels, "file_ending": ".npy", **more}
        (tmp_path / "dataset.json").write_text(json.dumps(about))
        return tmp_path / "pred", tmp_path / "labelsTs"

    return write


CASES = {
    # tree: 1 right, 1 too many; nest: 1 right; one pixel ignored
    "a": ([[1, 1, 2, 2]], [[1, 0, 2, 3]]),
    # no tree in either, nest missed
    "a-b": ([[0, 0, 0, 0]], [[0, 0, 2, 2]]),
}


def test_labels_names_and_what_is_ignored_come_from_dataset_json(raw):
    result = evaluate(*raw(LABELS, CASES), metrics=["dice"])
    assert result.table.classes == ("background", "tree", "nest")
    assert result.mean("dice", "tree") == pytest.approx(2 / 3)  # 2 x 1 / (2 + 1)
    assert result.mean("dice_dataset", "nest") == pytest.approx(2 * 1 / (1 + 3))
    assert str(result.conventions["labels"]).endswith("dataset.json names them")


def test_regions_overlap(raw):
    folders = raw(REGIONS, CASES, regions_class_order=[1, 2])
    result = evaluate(*folders, metrics=["dice"])
    assert result.table.classes == ("whole", "nest")
    # whole: a has 3 and 2 pixels, all 2 found; a-b misses 2
    assert result.mean("dice_dataset", "whole") == pytest.approx(2 * 2 / (3 + 4))
    assert result.conventions["classes"] == {
        "0": "whole, labels 1, 2 together",
        "1": "nest, labels 2 together",
    }


def test_probabilities_of_regions_have_a_channel_each(raw, tmp_path):
    folders = raw(REGIONS, {"a": ([[1, 2]], [[1, 2]])})
    (tmp_path / "prob").mkdir()
    np.save(tmp_path / "prob" / "a.npy", np.array([[[0.5, 1.0]], [[0.0, 1.0]]]))
    result = evaluate(*folders, metrics=["brier"], probabilities=tmp_path / "prob")
    assert result.mean("brier", "whole") == pytest.approx(0.25 / 2)
    assert result.mean("brier", "nest") == 0


def test_the_summary_by_hand(raw, tmp_path):
    pred, target = raw(LABELS, CASES)
    evaluate(pred, target, out=tmp_path / "out", metrics=["dice"], schema="nnunet")
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    # nnU-Net orders files: "a-b.npy" comes before "a.npy"
    second, first = found["metric_per_case"]
    assert first["prediction_file"] == str(pred / "a.npy")
    assert first["reference_file"] == str(target / "a.npy")
    assert first["metrics"]["1"] == {
        "Dice": 2 / 3, "FN": 0, "FP": 1, "IoU": 0.5, "TN": 1, "TP": 1, "n_pred": 2, "n_ref": 1,
    }  # fmt: skip
    assert math.isnan(second["metrics"]["1"]["Dice"])
    assert second["metrics"]["2"]["FN"] == 2
    assert set(found["mean"]) == {"1", "2"}
    assert found["mean"]["1"]["Dice"] == 2 / 3
    assert found["mean"]["2"]["Dice"] == 0.5  # 1 and 0
    assert found["foreground_mean"]["Dice"] == (2 / 3 + 0.5) / 2


def test_the_summary_of_regions_has_their_tuples_as_keys(raw, tmp_path):
    folders = raw(REGIONS, CASES, regions_class_order=[1, 2])
    words = ["evaluate", *map(str, folders), "--out", str(tmp_path / "out"), "--schema", "nnunet"]
    assert main([*words, "--metrics", "iou", "--quiet"]) == 0
    found = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert set(found["mean"]) == {"(1, 2)", "(2,)"}


def test_options_of_the_user_win_over_a_file_that_lies_there(raw):
    folders = raw(LABELS, {"a": ([[0, 1]], [[1, 1]])})
    result = evaluate(*folders, metrics=["dice"], num_classes=2)
    assert result.table.classes == ("foreground",)
    assert "labels" not in result.conventions


def test_files_of_that_name_of_others_are_no_matter(raw, tmp_path):
    folders = raw(LABELS, {"a": ([[0, 1]], [[1, 1]])})
    (tmp_path / "dataset.json").write_text('{"labels": {"0": "background", "1": "spleen"}}')
    assert evaluate(*folders, metrics=["dice"]).table.classes == ("foreground",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dataset_json": "dataset.json", "num_classes": 2}, "says which classes there are"),
        ({"ignore_index": 9}, r"ignore_index 9, but .*dataset.json has 3"),
        ({"schema": "nnunet", "classes": [1]}, "every foreground label, and 2 would be missing"),
        ({"schema": "monai"}, "expected the schema nnunet or topomortar"),
    ],
)
def test_contradictions_are_refused(raw, tmp_path, options, words):
    folders = raw(LABELS, CASES)
    if "dataset_json" in options:
        options = {**options, "dataset_json": tmp_path / options["dataset_json"]}
    with pytest.raises(ValueError, match=words):
        evaluate(*folders, **options)


def test_values_that_dataset_json_does_not_name_are_an_error(raw):
    with pytest.raises(ValueError, match="values without a meaning, 7 in 1 file"):
        evaluate(*raw(LABELS, {"a": ([[1, 7]], [[1, 2]])}), metrics=["dice"])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"background": 0, "tree": 2}, r"without a gap, got \[0, 2\]"),
        ({"background": 1, "tree": 0}, "no dataset.json of nnU-Net v2.*background is not 0"),
        ({"background": 0, "tree": "one"}, "not whole numbers"),
        ({"tree": 1}, "KeyError"),
    ],
)
def test_a_wrong_dataset_json_is_named(tmp_path, labels, words):
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({"labels": labels}))
    with pytest.raises(ValueError, match=words):
        read_dataset(path)
