"""Bricks as COCO objects: by hand, back through pycocotools, the command, the real labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from seglosses.cli import main
from seglosses.datasets.coco import brick_objects, run_lengths, to_coco
from seglosses.datasets.topomortar import list_samples, read_mask
from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.topology import label_components


@pytest.fixture(scope="module")
def bricks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "bricks"
    write_dataset(root, BrickSet(size=(64, 96), train=3, val=1, test=1))
    return root


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_runs_go_down_the_columns(mask: np.ndarray) -> None:
    runs = run_lengths(mask)
    values = np.arange(len(runs)) % 2 == 1
    assert np.array_equal(np.repeat(values, runs).reshape(mask.shape, order="F"), mask)
    assert all(run > 0 for run in runs[1:])


def test_corners_do_not_join_and_crumbs_are_counted() -> None:
    mortar = np.ones((6, 8), bool)
    mortar[0:2, 0:3] = False  # 6 pixels
    mortar[2:5, 3:5] = False  # 6 pixels, touches the first at a corner
    mortar[5, 7] = False  # a crumb
    objects, crumbs = brick_objects(mortar, min_area=2)
    assert crumbs == 1
    assert [o["bbox"] for o in objects] == [[0, 0, 3, 2], [3, 2, 2, 3]]
    assert [o["area"] for o in objects] == [6, 6]
    assert brick_objects(np.ones((4, 4), bool)) == ([], 0)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_masks_come_back_through_pycocotools(bricks: Path, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    data, _ = to_coco(bricks, "train", min_area=1)
    path = tmp_path / "train.json"
    path.write_text(json.dumps(data))
    api = coco.COCO(str(path))
    for image, sample in zip(data["images"], list_samples(bricks, "train"), strict=True):
        assert (bricks / image["file_name"]) == sample.image
        found = api.loadAnns(api.getAnnIds(image["id"]))
        masks = [api.annToMask(one).astype(bool) for one in found]
        assert np.array_equal(np.any(masks, 0), ~read_mask(sample.label))
        assert len(found) == label_components(~read_mask(sample.label), connectivity=4)[1]
        for one, mask in zip(found, masks, strict=True):
            x, y, w, h = one["bbox"]
            assert mask[y : y + h, x : x + w].sum() == mask.sum() == one["area"]


def test_command_writes_every_split(
    bricks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["to-coco", str(bricks), "--labels", "noisy", "--out", str(tmp_path)]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["test.json", "train.json", "val.json"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    train = json.loads((tmp_path / "train.json").read_text())
    assert f"3 images, {len(train['annotations'])} bricks" in lines[0]
    assert len({one["id"] for one in train["annotations"]}) == len(train["annotations"]) > 20


def test_missing_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["to-coco", str(tmp_path)]) == 2
    assert "expected a folder with train/" in capsys.readouterr().err


def test_real_labels(shared_data: Path) -> None:
    data, crumbs = to_coco(shared_data / "topomortar", "val")
    assert len(data["images"]) == 20
    sides = np.array([one["bbox"][2:] for one in data["annotations"]])
    # bricks are wider than high, and labels have few crumbs
    assert len(sides) == 3759
    assert crumbs == 15
    assert np.median(sides[:, 0]) > 2 * np.median(sides[:, 1])
