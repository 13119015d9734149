"""Listing the TopoMortar layout: generated, the shared part, and as its authors publish it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.datasets.topomortar import (
    GROUPS,
    find_root,
    list_samples,
    read_betti_numbers,
    read_mask,
    read_small,
)


def test_lists_train_val_and_test(pristine: Path) -> None:
    train = list_samples(pristine)
    assert [sample.id for sample in train] == ["001", "002", "003", "004", "005"]
    assert {sample.group for sample in train} == {"indistr"}
    assert train[0].image == pristine / "train/images/001.png"
    assert train[0].label == pristine / "train/accurate/001.png"
    assert len(list_samples(pristine, "val", "noisy")) == 2
    test = list_samples(pristine, "test")
    assert [sample.group for sample in test] == list(GROUPS)
    assert [sample.id for sample in list_samples(pristine, "test", groups=["shadows"])] == ["013"]


def test_labels_and_small_set(pristine: Path) -> None:
    small = list_samples(pristine, labels="pseudo", train_size="small")
    assert [sample.id for sample in small] == read_small(pristine)
    assert len(small) == 1
    assert small[0].label.parent == pristine / "train/pseudo"
    # The size concerns training alone.
    assert len(list_samples(pristine, "val", train_size="small")) == 2


def test_published_folder(bricks: Path, tmp_path: Path) -> None:
    # The repository of the authors: everything in dataset/, the small set in a YAML file.
    (tmp_path / "clone").mkdir()
    folder = bricks.rename(tmp_path / "clone" / "dataset")
    (folder / "train_small.txt").unlink()
    (folder / "splits_small.yaml").write_text(
        "1:\n  test:\n  - dataset/test/images/008.png\n  train:\n  - dataset/train/images/004.png\n"
        "  - dataset/train/images/002.png\n  val:\n  - dataset/val/images/006.png\n"
    )
    assert find_root(tmp_path / "clone") == folder
    small = list_samples(tmp_path / "clone", train_size="small")
    assert [sample.id for sample in small] == ["002", "004"]


def test_without_groups_and_betti_numbers(bricks: Path) -> None:
    (bricks / "dataset_types.txt").unlink()
    (bricks / "betti_numbers.csv").unlink()
    assert {sample.group for sample in list_samples(bricks, "test")} == {"unknown"}
    assert read_betti_numbers(bricks) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "testing"}, "expected split to be one of train, val, test"),
        ({"labels": "gold"}, "expected labels to be one of accurate, noisy, pseudo"),
        ({"train_size": "tiny"}, "expected train_size to be one of large, small"),
        ({"groups": ["rain"]}, "expected a list of groups among indistr"),
        ({"groups": "angles"}, "expected a list of groups among indistr"),
        ({"split": "test", "labels": "noisy"}, re.escape("test/noisy, got none")),
        ({"groups": ["angles"]}, "no image of the groups"),
    ],
)
def test_wrong_arguments_are_named(pristine: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list_samples(pristine, **options)


def test_no_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="seglosses bricks ROOT"):
        list_samples(tmp_path)


def test_missing_partner_is_named(bricks: Path) -> None:
    (bricks / "train/accurate/003.png").unlink()
    (bricks / "train/images/004.png").unlink()
    with pytest.raises(ValueError, match=r"2 ids have an image .* 003, 004; run"):
        list_samples(bricks)


def test_small_set_with_a_missing_image_is_named(bricks: Path) -> None:
    (bricks / "train_small.txt").write_text("002\n777\n")
    with pytest.raises(ValueError, match=r"1 ids have .* 777"):
        list_samples(bricks, train_size="small")
    (bricks / "train_small.txt").unlink()
    with pytest.raises(ValueError, match=r"expected train_small\.txt"):
        list_samples(bricks, train_size="small")


def test_masks(tmp_path: Path) -> None:
    path = tmp_path / "label.png"
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(path)
    assert read_mask(path).tolist() == [[False, True], [True, False]]
    Image.fromarray(np.array([[0, 1], [255, 0]], np.uint8)).save(path)
    with pytest.raises(ValueError, match="expected the values 0 and 255, got 1 others"):
        read_mask(path)
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)
    with pytest.raises(ValueError, match="expected a label with one channel"):
        read_mask(path)


def test_real_part(shared_data: Path) -> None:
    root = shared_data / "topomortar"
    assert len(list_samples(root)) == 50
    assert len(list_samples(root, "val", "pseudo")) == 20
    assert [sample.id for sample in list_samples(root, labels="noisy", train_size="small")] == [
        "001", "009", "011", "024", "036", "041", "043", "045", "048", "049",
    ]  # fmt: skip
    test = list_samples(root, "test")
    assert len(test) == 37
    assert len([sample for sample in test if sample.group == "indistr"]) == 25
    assert len(list_samples(root, "test", groups=GROUPS[1:])) == 12
    assert read_betti_numbers(root)["078"] == (1, 68)
