"""Average precision beside pycocotools' own program, with every library that may compute ours."""

from __future__ import annotations

import contextlib
import copy
import io
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pycocotools")

from pycocotools import mask as codec
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from seglosses.evaluate.coco_precision import average_precision, backend

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = (
    *("AP", "AP50", "AP75", "AP small", "AP medium", "AP large"),
    *("AR 1", "AR 10", "AR 100", "AR small", "AR medium", "AR large"),
)


@pytest.fixture(params=["faster-coco-eval", "pycocotools"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each library in turn."""
    if request.param == "faster-coco-eval":
        pytest.importorskip("faster_coco_eval")
    else:
        monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    assert backend() == request.param


def case(seed: int, *, masks: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Images, some empty, with crowds, objects of all sizes, and scores of which many are equal."""
    rng = np.random.default_rng(seed)
    data: dict[str, Any] = {
        "images": [{"id": int(i), "height": 160, "width": 200} for i in rng.permutation(9)[:5]],
        "categories": [{"id": 3}, {"id": 1}, {"id": 8}],
        "annotations": [],
    }
    found: list[dict[str, Any]] = []

    def shape(box: list[float]) -> dict[str, Any]:
        if not masks:
            return {}
        x, y, w, h = box
        corners = [x, y, x + w, y, x + w, y + h, x, y + h / 2]
        packed = codec.merge(codec.frPyObjects([corners], 160, 200))
        return {"segmentation": {**packed, "counts": packed["counts"].decode()}}

    for image in data["images"]:
        for _ in range(rng.choice([0, 0, 4, 9])):
            side = float(rng.choice([6, 20, 40, 120]))
            box = [*rng.integers(0, 60, 2).astype(float).tolist(), side, side * 0.8 + 2]
            row = {"image_id": image["id"], "category_id": int(rng.choice([1, 3, 8]))}
            crowd = int(rng.random() < 0.2)
            data["annotations"].append(
                {
                    **row,
                    "id": len(data["annotations"]) + 1,
                    "bbox": box,
                    "area": box[2] * box[3] * 0.7,
                    "iscrowd": crowd,
                    **shape(box),
                }
            )
            for _ in range(rng.integers(0, 4)):
                near = (np.array(box) + rng.choice([-2, 0, 0, 3], 4)).clip(1).tolist()
                found.append({**row, "bbox": near, **shape(near)})
        for _ in range(rng.choice([0, 3, 14])):
            box = [*rng.integers(0, 80, 2).astype(float).tolist(), 30.0, 20.0]
            row = {"image_id": image["id"], "category_id": int(rng.choice([1, 3, 8]))}
            found.append({**row, "bbox": box, **shape(box)})
    for one in found:
        one["score"] = float(rng.choice([0.2, 0.5, 0.5, 0.9]))
    return data, found


def published(data: dict[str, Any], found: list[dict[str, Any]], kind: str) -> list[float]:
    """What pycocotools prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = copy.deepcopy({"info": {}, "licenses": [], **data})
        api.createIndex()
        if kind == "segm":
            found = [{k: v for k, v in one.items() if k != "bbox"} for one in found]
        evaluator = COCOeval(api, api.loadRes(copy.deepcopy(found)), kind)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return [float("nan") if value == -1 else float(value) for value in evaluator.stats]


@pytest.mark.parametrize("masks", [False, True], ids=["boxes", "masks"])
@given(seed=st.integers(0, 10**6))
def test_the_published_numbers(masks: bool, seed: int) -> None:
    data, found = case(seed, masks=masks)
    if not found:
        return
    values = average_precision(data, found)
    kinds = {"bbox": ""} | ({"segm": "mask "} if masks and data["annotations"] else {})
    for kind, word in kinds.items():
        theirs = published(data, found, kind)
        ours = [values[f"COCO {word}{name}"] for name in NAMES]
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9, err_msg=kind)


def test_ids_from_zero() -> None:
    data = {
        "images": [{"id": 0}, {"id": 1}],
        "categories": [{"id": 0}],
        "annotations": [
            {"id": i, "image_id": i % 2, "category_id": 0, "bbox": [9 * i, 0, 6, 6], "area": 36}
            for i in range(4)
        ],
    }
    found = [
        {**{k: one[k] for k in ("image_id", "category_id", "bbox")}, "score": 0.9 - one["id"] / 9}
        for one in data["annotations"]
    ]
    assert average_precision(data, found)["AP"] == pytest.approx(1)


def test_a_detection_in_a_crowd_is_no_error_of_its_boundary() -> None:
    square = [[10, 10, 40, 10, 40, 40, 10, 40]]
    all_of_it = [[0, 0, 99, 0, 99, 99, 0, 99]]
    row = {"image_id": 1, "category_id": 1}
    data = {
        "images": [{"id": 1, "height": 99, "width": 99}, {"id": 2, "height": 99, "width": 99}],
        "categories": [{"id": 1}],
        "annotations": [
            {**row, "segmentation": all_of_it, "iscrowd": 1},
            {**row, "image_id": 2, "segmentation": square},
        ],
    }
    found = [
        {**row, "segmentation": square, "score": 0.9},
        {**row, "image_id": 2, "segmentation": square, "score": 0.8},
    ]
    assert average_precision(data, found)["boundary AP"] == pytest.approx(1)


def test_classes_without_objects_do_not_count() -> None:
    data = {
        "images": [{"id": 1}],
        "categories": [{"id": 1}, {"id": 2}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4]}],
    }
    found = [{"image_id": 1, "category_id": k, "bbox": [0, 0, 4, 4], "score": 0.5} for k in (1, 2)]
    assert average_precision(data, found)["AP"] == pytest.approx(1)
