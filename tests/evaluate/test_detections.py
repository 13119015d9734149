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
    assert values == {
        name: pytest.approx(1) for name in ("AP", "AP50", "AP75", "mask AP", "boundary AP")
    }
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
    assert "5 detections" in report or "6 detections" in report or "4 detections" in report


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
