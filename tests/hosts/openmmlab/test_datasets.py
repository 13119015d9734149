from __future__ import annotations

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from PIL import Image

from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.hosts.openmmlab.datasets import TopoMortarDataset


@pytest.fixture(scope="module")
def bricks(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "bricks"
    write_dataset(root, BrickSet(size=(48, 64), train=5, val=1, test=1))
    return root


def test_the_255_of_a_file_is_mortar_and_not_ignored(bricks):
    pytest.importorskip("mmseg.datasets")
    steps = [dict(type="LoadImageFromFile"), dict(type="LoadAnnotations")]
    with DefaultScope.overwrite_default_scope("mmseg"):
        dataset = TopoMortarDataset(str(bricks), "train", pipeline=steps)
        sample = dataset[0]
    with Image.open(dataset.get_data_info(0)["seg_map_path"]) as file:
        values = np.asarray(file)
    assert set(np.unique(values)) == {0, 255}
    assert np.array_equal(sample["gt_seg_map"], (values == 255).astype(np.uint8))
    assert sample["img"].shape == (48, 64, 3)


@pytest.mark.parametrize("labels", ["accurate", "noisy", "pseudo"])
def test_kind_of_labels_chooses_the_folder(bricks, labels):
    dataset = TopoMortarDataset(str(bricks), "train", labels=labels)
    assert f"/train/{labels}/" in dataset.get_data_info(0)["seg_map_path"]


def test_sizes_and_groups(bricks):
    assert len(TopoMortarDataset(str(bricks), "train")) == 5
    assert len(TopoMortarDataset(str(bricks), "train", train_size="small")) == 1
    test = TopoMortarDataset(str(bricks), "test", groups=["shadows"])
    assert [info["group"] for info in test] == ["shadows"]


def test_classes_are_named(bricks):
    assert TopoMortarDataset(str(bricks), "val").metainfo["classes"] == ("brick", "mortar")


def test_real_images_have_their_published_groups(shared_data):
    dataset = TopoMortarDataset(str(shared_data / "topomortar"), "test", groups=["indistr"])
    assert {info["group"] for info in dataset} == {"indistr"}
    assert len(dataset) == 25


def test_a_wrong_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="expected a folder with train/"):
        TopoMortarDataset(str(tmp_path), "train")
