"""COCO files as tools write them: what is legal is read, what is not is named."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from pycocotools import mask as codec

from seglosses.evaluate.coco_files import read_json, read_pair
from seglosses.evaluate.coco_masks import _runs
from seglosses.evaluate.detections import average_precision

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SQUARE = [[10, 10, 40, 10, 40, 40, 10, 40]]
ROW = {"image_id": 7, "category_id": 3}


def rle(polygons: list[list[float]] = SQUARE) -> dict[str, Any]:
    """Compressed run lengths of a 60 x 80 image, as text."""
    packed = codec.merge(codec.frPyObjects(polygons, 60, 80))
    return {"size": [60, 80], "counts": packed["counts"].decode()}


def plain() -> dict[str, Any]:
    """The square as a list of run lengths: 30 pixels in each of the columns 10 to 39."""
    runs = [10 * 60 + 10, *[30, 30] * 29, 30]
    return {"size": [60, 80], "counts": [*runs, 60 * 80 - sum(runs)]}


def data_set(*annotations: dict[str, Any], **image: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a.png", "height": 60, "width": 80, **image}],
        "categories": [{"id": 3, "name": "brick"}, {"id": 90, "name": "tile"}],
        "annotations": list(annotations),
    }


BOX = {"bbox": [10, 10, 30, 30]}
NULLS = {"id": None, "area": None, "iscrowd": None, "segmentation": None}


@pytest.mark.parametrize(
    ("annotation", "result"),
    [
        (BOX, BOX),
        ({**BOX, "id": 0, "iscrowd": False, "area": 900}, BOX),
        ({**BOX, **NULLS}, {**BOX, "segmentation": None}),
        ({**BOX, "segmentation": []}, BOX),
        ({"segmentation": SQUARE}, BOX),
        ({"segmentation": SQUARE, "bbox": None}, BOX),
        ({"segmentation": SQUARE, "bbox": []}, {"bbox": [], "segmentation": rle()}),
        ({"segmentation": rle(), **BOX}, {"segmentation": rle()}),
        ({"segmentation": plain(), **BOX}, {"segmentation": plain()}),
        ({"segmentation": plain(), **BOX}, {"segmentation": SQUARE}),
        ({"segmentation": [[10.0, 10, 40, 10, 40, 40], [10, 10, 40, 40, 10, 40]]}, BOX),
    ],
)
@pytest.mark.parametrize("sized", [True, False])
def test_legal_rows(annotation: dict[str, Any], result: dict[str, Any], sized: bool) -> None:
    image = {} if sized else {"height": None, "width": None}
    data = data_set({**ROW, **annotation}, {**ROW, **annotation}, **image)
    found = [{**ROW, **result, "score": 0.9}, {**ROW, **result, "score": 0.5}]
    before = copy.deepcopy((data, found))
    values = average_precision(data, found)
    assert values["AP"] == pytest.approx(1)
    both = annotation.get("segmentation") and result.get("segmentation")
    assert ("mask AP" in values) == bool(both)
    if both:
        assert values["mask AP"] == pytest.approx(1)
    assert (data, found) == before, "what is given stays as it is"


def test_areas_are_those_of_masks_where_there_are_any() -> None:
    triangle = [[0, 0, 40, 0, 40, 40]]
    pair = read_pair(
        data_set({**ROW, "segmentation": triangle}, {**ROW, **BOX}, {**ROW, **BOX, "area": 5}), []
    )
    areas = [one["area"] for one in pair.objects]
    assert areas == [codec.area(rle(triangle)), 900, 5]
    assert pair.objects[0]["bbox"] == pytest.approx([0, 0, 40, 40], abs=1)


def test_ids_may_be_text_repeated_or_missing() -> None:
    data = data_set(
        {**ROW, **BOX, "id": 1}, {**ROW, "bbox": [50, 0, 9, 9], "id": 1}, {**ROW, **BOX}
    )
    found = [{"image_id": "7", "category_id": "3", "score": 0.5, **BOX}]
    pair = read_pair(data, found, predictions="pred.json", truth="gt.json")
    assert [one["id"] for one in pair.objects] == [1, 2, 3]
    assert len(pair.notes) == 2
    assert "image ids of pred.json are str where those of gt.json are int" in pair.notes[0]
    numbers = [{"image_id": 7, "category_id": 3, "score": 0.5, **BOX}]
    words = {
        **data,
        "images": [{"id": "b"}, {"id": "7"}],
        "annotations": [{**ROW, "image_id": "b", **BOX}],
    }
    assert read_pair(words, numbers).found[0]["image_id"] == 1


def test_an_image_without_a_size_has_no_diagonal() -> None:
    data = data_set({**ROW, "segmentation": SQUARE}, height=None)
    found = [{**ROW, "segmentation": SQUARE, "score": 1}]
    assert "boundary AP" not in average_precision(data, found)
    assert "boundary AP is left out: 1 images" in read_pair(data, found).notes[0]
    found[0]["segmentation"] = rle()
    assert average_precision(data, found)["boundary AP"] == pytest.approx(1)


def test_polygons_beyond_every_image_need_its_size() -> None:
    wide = [[0, 0, 9e5, 0, 9e5, 9e5]]
    data = data_set({**ROW, "segmentation": wide}, height=None)
    found = [{**ROW, "segmentation": SQUARE, "score": 0.5}]
    with pytest.raises(ValueError, match=r"image 7 of gt\.json reach to row 900000.*state its"):
        read_pair(data, found, truth="gt.json")
    data["images"][0]["height"] = 60
    assert read_pair(data, found).masks


def test_what_has_no_mask_is_said() -> None:
    objects = ({**ROW, "segmentation": SQUARE}, {**ROW, **BOX})
    found = [{**ROW, "segmentation": rle(), "score": 0.9}]
    pair = read_pair(data_set(*objects), found, truth="gt.json")
    assert not pair.masks
    assert "1 of 2 have none, the first is annotations[1].segmentation of gt.json" in pair.notes[0]
    empty = data_set(objects[0], {**ROW, **BOX, "segmentation": []})
    assert "empty list of polygons" in read_pair(empty, found).notes[0]
    # of two objects the one with pixels is found
    assert average_precision(empty, found)["mask AP"] == pytest.approx(51 / 101)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bbox": []}, r"annotations\[1\].bbox of gt.json: expected \[x, y, width, height\]"),
        ({"bbox": [1, 2, 3]}, r"annotations\[1\].bbox of gt.json"),
        ({"bbox": [1, 2, 3, float("nan")]}, r"annotations\[1\].bbox of gt.json"),
        ({"bbox": [40, 40, -30, 30]}, r"sides of at least 0"),
        ({"bbox": None}, r"annotations\[1\] of gt.json lacks bbox and segmentation; add it"),
        ({"image_id": 8}, r"annotations\[1\].image_id of gt.json: gt.json has no image"),
        ({"image_id": None}, r"annotations\[1\] of gt.json lacks image_id"),
        ({"image_id": [7]}, r"expected the id of an image"),
        ({"category_id": 4}, r"gt.json has no category with the id 4; add it, or remove"),
        ({"iscrowd": 2}, r"annotations\[1\].iscrowd of gt.json: expected 0 or 1"),
        ({"bbox": [True, True, True, True]}, r"annotations\[1\].bbox of gt.json"),
        ({"bbox": [1e308, 0, 1e308, 5]}, r"none beyond 1,000,000"),
        ({"area": -5}, r"annotations\[1\].area of gt.json: expected at least 0, got -5"),
        ({"area": "big"}, r"annotations\[1\].area of gt.json: expected a finite number"),
        ({"segmentation": [[1, 2, 3, 4]]}, r"at least three corners.* polygon 0 is \[1, 2, 3, 4\]"),
        ({"segmentation": [1, 2, 3, 4, 5, 6]}, r"put the polygon into a list of its own"),
        ({"segmentation": [[0, 0, 1, 0, 1, "x"]]}, r"finite numbers"),
        ({"segmentation": [[0, 0, 1e9, 0, 1e9, 1e9]]}, r"up to 1,000,000; polygon 0"),
        ({"segmentation": [[0, 0, 10**400, 0, 5, 5]]}, r"up to 1,000,000; polygon 0"),
        ({"segmentation": "mask.png"}, r"expected a list of polygons, or run lengths"),
        ({"segmentation": {"size": [60, 80]}}, r"expected a list of polygons, or run lengths"),
        ({"segmentation": {**rle(), "size": [80, 60]}}, r"its size is 80 x 60.* is 60 x 80"),
        ({"segmentation": {"size": [60, 80], "counts": [4, 5]}}, r"do not add up to the 4800"),
        ({"segmentation": {"size": [60, 80], "counts": "zz"}}, r"do not add up to the 4800"),
        ({"segmentation": {"size": [60, 80], "counts": 9}}, r"do not add up to the 4800"),
    ],
)
def test_illegal_annotations_are_named(change: dict[str, Any], words: str) -> None:
    data = data_set(
        {**ROW, "segmentation": SQUARE}, {**ROW, **BOX, "segmentation": SQUARE, **change}
    )
    if change.get("bbox", 0) in ([], None):
        del data["annotations"][1]["segmentation"]
    found = [{**ROW, "score": 0.5, "segmentation": rle()}]
    if "segmentation" not in data["annotations"][1]:
        found[0] |= BOX
    with pytest.raises(ValueError, match=words):
        read_pair(data, found, truth="gt.json", predictions="pred.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"category_id": 0},
            r"1 category ids of pred.json are not in gt.json: \[0\]; it has \[3, 90\]",
        ),
        (
            {"image_id": "a.png"},
            r"1 images of pred.json are not in gt.json: \['a.png'\]; image_id is",
        ),
        ({"image_id": "07"}, r"not in gt.json: \['07'\]"),
        ({"score": None}, r"\[1\] of pred.json lacks score"),
        ({"score": float("inf")}, r"\[1\].score of pred.json: expected a finite number"),
        ({"score": "0.5"}, r"\[1\].score of pred.json"),
        ({"bbox": "10 10 20 20"}, r"\[1\].bbox of pred.json"),
    ],
)
def test_illegal_results_are_named(change: dict[str, Any], words: str) -> None:
    found = [{**ROW, **BOX, "score": 0.5}, {**ROW, **BOX, "score": 0.5, **change}]
    with pytest.raises(ValueError, match=words):
        read_pair(data_set({**ROW, **BOX}), found, truth="gt.json", predictions="pred.json")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "expected a COCO data set"),
        ({**data_set(), "images": None}, "expected a COCO data set"),
        ({**data_set(), "images": [{"id": 1}, {"id": 1}]}, r"images\[1\] of gt.json has the id 1"),
        ({**data_set(), "images": ["a.png"]}, r"images\[0\] of gt.json has no id"),
        ({**data_set(), "categories": [{"name": "x"}]}, r"categories\[0\] of gt.json has no id"),
        (data_set({**ROW, **BOX}, height=0), r"images\[0\] of gt.json: expected height and width"),
    ],
)
def test_illegal_data_sets_are_named(data: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_pair(data, [], truth="gt.json")


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gt.json"
    path.write_text(json.dumps(data_set())[:-9])
    with pytest.raises(ValueError, match=r"gt\.json is not a JSON file: .*line 1"):
        read_json(path)
    for text in ("[" * 100_000, f"[{'9' * 5000}]"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"gt\.json is not a JSON file"):
            read_json(path)
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert read_json(path) == {}, "with a mark of byte order, as Windows writes it"


def test_compressed_run_lengths_are_decoded_as_the_c_code_does() -> None:
    rng = np.random.default_rng(0)
    for density in (0.0, 0.02, 0.5, 1.0):
        for shape in ((1, 1), (40, 3), (3, 400), (257, 61)):
            mask = np.asfortranarray(rng.random(shape) < density).astype(np.uint8)
            packed = codec.encode(mask)
            runs = _runs(packed["counts"].decode())
            flat = np.repeat(np.arange(len(runs)) % 2, runs)
            assert (flat.reshape(shape, order="F") == mask).all()


def test_random_bytes_never_reach_the_c_code() -> None:
    rng = np.random.default_rng(0)
    good, refused = rle()["counts"], 0
    for _ in range(300):
        letters = list(good)
        letters[rng.integers(len(letters))] = chr(rng.integers(33, 127))
        changed = {"size": [60, 80], "counts": "".join(letters)}
        data = data_set({**ROW, "segmentation": changed})
        try:
            pair = read_pair(data, [])
        except ValueError:
            refused += 1
        else:
            assert codec.decode(changed).sum() == pair.objects[0]["area"]
    assert 100 < refused < 300
