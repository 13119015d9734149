"""``seglosses evaluate --coco``: perfect, shifted and wrong detections, masks, errors."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

pytest.importorskip("pycocotools")

from seglosses.cli import main
from seglosses.datasets.coco import brick_objects
from seglosses.evaluate.detections import average_precision, evaluate_coco
from seglosses.evaluate.detections_page import meaning

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def wall(shift: int = 0) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Two images of four bricks, and detections that are ``shift`` pixels off."""
    data: dict[str, Any] = {
        "categories": [{"id": 1, "name": "brick"}], "images": [], "annotations": []
    }  # fmt: skip
    found = []
    for key in (1, 2):
        mortar = np.ones((60, 90), bool)
        for x in (4, 46):
            for y in (5, 31):
                mortar[y : y + 20, x : x + 35] = False
        data["images"].append({"id": key, "file_name": f"{key}.png", "height": 60, "width": 90})
        for i, one in enumerate(brick_objects(mortar)[0]):
            data["annotations"].append({"id": 4 * key + i, "image_id": key, **one})
        moved = ndimage.shift(~mortar, (0, shift), order=0)
        for i, one in enumerate(brick_objects(~moved)[0]):
            keep = {k: one[k] for k in ("category_id", "bbox", "segmentation")}
            found.append({"image_id": key, "score": 0.9 - 0.01 * i, **keep})
    return data, found


def test_perfect_detections() -> None:
    data, found = wall()
    before = copy.deepcopy((data, found))
    values = average_precision(data, found)
    assert len(values) == 5 + 3 * 12
    # the bricks have 700 pixels: no object is medium or large
    assert {name for name, value in values.items() if np.isnan(value)} == {
        f"COCO {kind}{number} {size}"
        for kind in ("", "mask ", "boundary ")
        for number in ("AP", "AR")
        for size in ("medium", "large")
    }
    # one detection finds one of four bricks
    assert {values.pop(f"COCO {kind}AR 1") for kind in ("", "mask ", "boundary ")} == {0.25}
    assert {round(value, 12) for value in values.values() if not np.isnan(value)} == {1.0}
    assert (data, found) == before


def test_boundaries_are_stricter_than_masks() -> None:
    data, found = wall(shift=4)  # IoU 31 / 39 = 0.79: right up to 0.75, six of ten thresholds
    values = average_precision(data, found)
    assert values["AP"] == pytest.approx(0.6)
    assert values["mask AP"] == pytest.approx(0.6)
    # of a band 2 pixels wide the long sides overlap, the short ones do not
    assert values["boundary AP"] < 0.6


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, found = wall()
    found = found[:6]  # two of eight are missed
    found.append({**found[0], "bbox": [0, 0, 10, 4], "score": 0.5})  # and one is wrong
    found.append({**found[0], "score": 0.01})  # below the threshold
    pred, truth, out = tmp_path / "pred.json", tmp_path / "gt.json", tmp_path / "out"
    pred.write_text(
        json.dumps([{k: v for k, v in f.items() if k != "segmentation"} for f in found])
    )
    truth.write_text(json.dumps(data))
    assert main(["evaluate", "--coco", str(pred), str(truth), "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert "mask AP" not in summary
    # recall 6 / 8: 76 of the 101 recalls that pycocotools reads are reached with precision 1
    assert summary["AP"] == pytest.approx(76 / 101)
    assert summary["recall"] == pytest.approx(6 / 8)
    assert summary["precision"] == pytest.approx(6 / 7)
    assert summary["iou_mean"] == 1
    rows = (out / "detections.csv").read_text().splitlines()
    assert rows[0] == "image,category_id,score,iou,giou"
    assert len(rows) == 1 + 7
    assert "recall" in capsys.readouterr().out
    report = (out / "report.html").read_text()
    assert "Reliability" in report
    # 0.90 and 0.89 of two images, 0.88 and 0.87 of one
    assert "6 detections: score 0.888, share of right detections 1" in report
    # three charts, and the two images with an error
    assert report.count("<svg") == 3 + 2
    assert ">1.2<" not in report, "no axis of a share goes beyond 1"


def test_no_detections(tmp_path: Path) -> None:
    data, _ = wall()
    pred, truth = tmp_path / "pred.json", tmp_path / "gt.json"
    pred.write_text("[]")
    truth.write_text(json.dumps(data))
    values = evaluate_coco(pred, truth, out=tmp_path / "out")
    assert values["AP"] == 0
    assert values["recall"] == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["iou_mean"] is None


@pytest.mark.parametrize(
    ("pred", "truth", "message"),
    [
        ("[]", "[]", "expected a COCO data set"),
        ("{}", None, "expected a list of detections"),
        ('[{"image_id": 1}]', None, "expected a list of detections"),
        (
            '[{"image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]',
            None,
            "1 images of",
        ),
    ],
)
def test_wrong_files(
    pred: str, truth: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pred.json").write_text(pred)
    (tmp_path / "gt.json").write_text(json.dumps(wall()[0]) if truth is None else truth)
    words = [str(tmp_path / "pred.json"), str(tmp_path / "gt.json"), "--out", str(tmp_path / "o")]
    assert main(["evaluate", "--coco", *words]) == 2
    assert message in capsys.readouterr().err


def files(folder: Path, data: Any, found: Any) -> list[str]:
    """Write both files; their names."""
    names = []
    for name, content in (("pred.json", found), ("gt.json", data)):
        (folder / name).write_text(json.dumps(content))
        names.append(str(folder / name))
    return names


def test_a_crowd_takes_no_part_in_any_number(tmp_path: Path) -> None:
    data, found = wall()
    alone = evaluate_coco(*files(tmp_path, data, found), out=tmp_path / "alone")
    runs = [82 * 60, 8 * 60]
    crowd = {"image_id": 1, "category_id": 1, "bbox": [82, 0, 8, 60], "area": 480, "iscrowd": 1}
    data["annotations"].insert(0, {**crowd, "segmentation": {"size": [60, 90], "counts": runs}})
    for y in range(0, 50, 10):
        counts = [83 * 60 + y, 9, 51, 9, 51, 9, 90 * 60 - (85 * 60 + y + 9)]
        found.insert(
            0,
            {
                "image_id": 1,
                "category_id": 1,
                "score": 0.95,
                "bbox": [83, y, 3, 9],
                "segmentation": {"size": [60, 90], "counts": counts},
            },
        )
    values = evaluate_coco(*files(tmp_path, data, found), out=tmp_path / "crowd")
    for kind in ("", "mask ", "boundary "):
        # COCO takes the best detection first, and then sees that it lies in the crowd
        assert values.pop(f"COCO {kind}AR 1") == alone.pop(f"COCO {kind}AR 1") / 2
    assert values == pytest.approx(alone, nan_ok=True)
    notes = json.loads((tmp_path / "crowd" / "summary.json").read_text())["notes"]
    assert notes == ["5 detections lie in crowd regions and are neither right nor wrong"]


def test_pictures_tell_detections_in_crowds_from_right_ones(tmp_path: Path) -> None:
    """One object missed, one detection in a crowd: nothing is right."""
    boxes = {"object": [10, 10, 20, 20], "crowd": [60, 10, 30, 30]}
    objects = [
        {"image_id": 1, "category_id": 1, "bbox": box, "iscrowd": int(name == "crowd")}
        for name, box in boxes.items()
    ]
    data = {
        "images": [{"id": 1, "file_name": "a/x.png", "width": 100, "height": 60}],
        "categories": [{"id": 1, "name": "brick"}],
        "annotations": [{"id": place + 1, **one} for place, one in enumerate(objects)],
    }
    found = [{"image_id": 1, "category_id": 1, "score": 0.9, "bbox": [65, 15, 10, 10]}]
    evaluate_coco(*files(tmp_path, data, found), out=tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    words = "a/x.png: 0 right, 0 false positives, 1 of 1 objects missed, 1 in crowd regions"
    assert page.count(words) == 2
    assert "in a crowd region: neither" in page
    found[0]["bbox"] = [10, 10, 20, 21]
    found.append({**found[0], "bbox": [0, 40, 10, 10]})
    evaluate_coco(*files(tmp_path, data, found), out=tmp_path / "found")
    page = (tmp_path / "found" / "report.html").read_text("utf-8")
    assert page.count("a/x.png: 1 right, 1 false positives, 0 of 1 objects missed<") == 1


def test_a_limit_of_detections_is_said_wherever_it_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, found = wall()
    names = files(tmp_path, data, found)
    out = tmp_path / "out"
    words = ["evaluate", *names, "--coco", "--out", str(out)]
    assert main([*words, "--max-detections", "1", "--verbose"]) == 0
    limit = "the best detection of each image and class"
    page, printed = (out / "report.html").read_text("utf-8"), capsys.readouterr().out
    for text in (page, printed):
        assert "all detections" not in text
        assert f"average precision of boxes, over IoU 0.50 to 0.95, {limit}" in text
    assert page.count(f"Of boxes, {limit}, mean over classes") == 1
    assert json.loads((out / "summary.json").read_text())["max_detections"] == 1
    assert main(words) == 0
    assert "max_detections" not in json.loads((out / "summary.json").read_text())
    assert "AP, AP50, AP75" in capsys.readouterr().out


def test_two_hundred_boxes_of_a_class(tmp_path: Path) -> None:
    boxes = [[5.0 * (i % 20), 5.0 * (i // 20), 4.0, 4.0] for i in range(200)]
    rows = [{"image_id": 0, "category_id": 0, "bbox": box} for box in boxes]
    data = {"images": [{"id": 0}], "categories": [{"id": 0}], "annotations": rows}
    found = [{**row, "score": 1 - i / 1000} for i, row in enumerate(rows)]
    values = evaluate_coco(*files(tmp_path, data, found), out=tmp_path / "all")
    assert values["AP"] == pytest.approx(1)
    # half of the objects: 51 of the 101 recalls
    assert values["COCO AP"] == pytest.approx(51 / 101)
    assert values["COCO AR 10"] == pytest.approx(0.05)
    assert values["recall"] == 1
    some = evaluate_coco(*files(tmp_path, data, found), out=tmp_path / "some", max_detections=100)
    assert some["AP"] == pytest.approx(51 / 101)
    assert some["recall"] == 0.5
    with pytest.raises(ValueError, match="max_detections must be at least 1"):
        evaluate_coco(*files(tmp_path, data, found), out=tmp_path, max_detections=0)


def test_low_scores_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, found = wall()
    for one in found:
        one["score"] /= 100
    words = ["evaluate", "--coco", *files(tmp_path, data, found), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "note: 8 of 8 detections score at most 0.05 and are left out" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["AP", "COCO mask AP75", "boundary AP", "COCO AR small", "d_ece"])
def test_every_number_says_what_it_is(name: str) -> None:
    assert len(meaning(name)) > 20
    assert ("at most 100" in meaning(name)) == name.startswith("COCO")


def test_numbers_are_printed_by_the_names_of_the_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = {
        "images": [{"id": 1, "file_name": "1.png", "width": 40, "height": 40}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "area": 16}
        ],
        "categories": [{"id": 1, "name": "car"}],
    }
    found = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "score": 0.5}]
    words = [str(path) for path in files(tmp_path, truth, found)]
    assert main(["evaluate", "--coco", *words, "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = dict(line.rsplit(maxsplit=1) for line in lines if not line.startswith(("note", "rep")))
    assert shown["mean IoU"] == "1.0000"
    assert shown["COCO AP large"] == "undefined"
    assert {"D-ECE", "LaECE", "KDE-ECE", "mean GIoU"} <= set(shown)
    assert main(["evaluate", *words, "--out", str(tmp_path / "labels")]) == 2
    assert "or detections in JSON with --coco" in capsys.readouterr().err


def test_names_of_images_are_no_formulas(tmp_path: Path) -> None:
    truth = {
        "images": [{"id": 1, "file_name": "=1+1", "width": 9, "height": 9}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "area": 16}
        ],
        "categories": [{"id": 1, "name": "car"}],
    }
    found = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "score": 0.5}]
    for name, content in (("gt", truth), ("pred", found)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    evaluate_coco(tmp_path / "pred.json", tmp_path / "gt.json", out=tmp_path / "out")
    rows = (tmp_path / "out" / "detections.csv").read_text().splitlines()
    assert rows[1].startswith("'=1+1,1,")


@pytest.mark.parametrize("crowds", [True, False])
def test_a_truth_without_objects_has_no_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], crowds: bool
) -> None:
    data, found = wall()
    for one in data["annotations"]:
        one["iscrowd"] = 1
    data["annotations"] = data["annotations"] if crowds else []
    for name, content in (("gt", data), ("pred", found)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    words = [str(tmp_path / f"{name}.json") for name in ("pred", "gt")]
    assert main(["evaluate", "--coco", *words, "--out", str(tmp_path / "out")]) == 1
    only = "8 crowd regions and no object" if crowds else "no object"
    assert f"gt.json holds {only} in 2 images" in capsys.readouterr().out
