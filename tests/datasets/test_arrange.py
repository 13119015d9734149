"""Two folders and a list of splits become the layout that trainings read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.cli import main
from seglosses.datasets.topomortar import list_samples, read_groups, read_mask


def _folders(top: Path, names: list[str], value: int = 1) -> tuple[Path, Path, Path]:
    images, labels, splits = top / "images", top / "labels", top / "splits.csv"
    images.mkdir()
    labels.mkdir()
    for index, name in enumerate(names):
        Image.fromarray(np.full((4, 6), 10 * index, np.uint8)).save(images / f"{name}.jpg")
        mask = np.zeros((4, 6), np.uint8)
        mask[index, 1:3] = value
        Image.fromarray(mask).save(labels / f"{name}.png")
    kinds = ["train", "val", "test", "test"]
    rows = [f"{name},{kind}\n" for name, kind in zip(names, kinds, strict=True)]
    splits.write_text("ID,split\n" + "".join(rows))
    return images, labels, splits


@pytest.mark.parametrize("value", [1, 7, 255])
def test_every_image_and_mask_lands_in_its_split(tmp_path: Path, value: int) -> None:
    images, labels, splits = _folders(tmp_path, ["a", "b", "c", "d"], value)
    out = tmp_path / "out"
    assert main(["arrange", *map(str, (images, labels, splits, out))]) == 0
    found = {s: [x.id for x in list_samples(out, s)] for s in ("train", "val", "test")}
    assert found == {"train": ["a"], "val": ["b"], "test": ["c", "d"]}
    mask = read_mask(out / "test" / "accurate" / "c.png")
    assert np.argwhere(mask).tolist() == [[2, 1], [2, 2]]
    assert read_groups(out) == {"c": "indistr", "d": "indistr"}
    with Image.open(out / "val" / "images" / "b.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (6, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,split\na,train\n", "columns ID,split"),
        ("ID,split\na,train\na,val\n", "twice"),
        ("ID,split\na,training\n", "expected one of train, val, test"),
        ("ID,split\na,train\nb,test\n", "no image for val"),
        ("ID,split\na,train\nb,val\nz,test\n", "1 ids have no picture"),
        ("ID,split,group\na,train,\nb,val,\nc,test,mars\n", "expected one of indistr"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    images, labels, splits = _folders(tmp_path, ["a", "b", "c", "d"])
    splits.write_text(text)
    assert main(["arrange", *map(str, (images, labels, splits, tmp_path / "out"))]) == 2
    assert message in capsys.readouterr().err


def test_masks_of_three_values_or_another_size_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels, splits = _folders(tmp_path, ["a", "b", "c", "d"])
    words = ["arrange", *map(str, (images, labels, splits, tmp_path / "out"))]
    Image.fromarray(np.array([[0, 1, 2, 0, 0, 0]] * 4, np.uint8)).save(labels / "a.png")
    assert main(words) == 2
    assert "one mask for each class" in capsys.readouterr().err
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(labels / "a.png")
    assert main(words) == 2
    assert "4 x 6 as its picture" in capsys.readouterr().err
