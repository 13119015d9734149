"""Writing generated data sets: layout, reuse, completion after an interruption, refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from seglosses import cli
from seglosses.datasets import write
from seglosses.datasets.bricks import brick_sample
from seglosses.datasets.topomortar import GROUPS, read_betti_numbers, read_mask
from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.topology import betti_numbers

SMALL = BrickSet(size=(32, 48), train=5, val=2, test=1, seed=3)


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_layout(pristine: Path) -> None:
    names = set(contents(pristine))
    expected = {
        f"train/{kind}/00{i}.png"
        for i in range(1, 6)
        for kind in ("images", "accurate", "noisy", "pseudo")
    }
    expected |= {
        f"val/{kind}/00{i}.png"
        for i in (6, 7)
        for kind in ("images", "accurate", "noisy", "pseudo")
    }
    expected |= {
        f"test/{kind}/{i:03d}.png" for i in range(8, 15) for kind in ("images", "accurate")
    }
    expected |= {"train_small.txt", "dataset_types.txt", "betti_numbers.csv", "manifest.json"}
    assert names == expected
    with (pristine / "dataset_types.txt").open() as file:
        assert [row["group"] for row in csv.DictReader(file)][7:] == list(GROUPS)
    with Image.open(pristine / "train/images/001.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (48, 32))
    with Image.open(pristine / "train/noisy/001.png") as picture:
        assert picture.mode == "L"
        assert {value for _, value in picture.getcolors()} == {0, 255}


def test_betti_numbers_are_those_of_the_files(pristine: Path) -> None:
    published = read_betti_numbers(pristine)
    assert len(published) == 7
    for name, numbers in published.items():
        assert numbers == betti_numbers(read_mask(pristine / f"test/accurate/{name}.png"))


def test_second_run_makes_nothing(bricks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(bricks)

    def fail(*_: object) -> None:
        raise AssertionError("a sample was generated again")

    monkeypatch.setattr(write, "brick_sample", fail)
    assert write_dataset(bricks, SMALL) == write.Written(made=0, reused=14)
    assert contents(bricks) == before


def test_damage_is_mended(bricks: Path) -> None:
    before = contents(bricks)
    (bricks / "train/noisy/002.png").unlink()
    (bricks / "test/accurate/009.png").write_bytes(b"damaged")
    (bricks / "train_small.txt").unlink()
    assert write_dataset(bricks, SMALL).made == 2
    assert contents(bricks) == before


def test_an_interrupted_run_is_completed(
    pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "set"

    def interrupt(size: tuple[int, int], seed: int, group: str) -> object:
        if group == "graffiti":
            raise KeyboardInterrupt
        return brick_sample(size, seed, group)

    with monkeypatch.context() as patch:
        patch.setattr(write, "brick_sample", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_dataset(root, SMALL)
    assert not (root / "betti_numbers.csv").exists()
    assert write_dataset(root, SMALL) == write.Written(made=4, reused=10)
    assert contents(root) == contents(pristine)


def test_other_parameters_and_strange_folders_are_refused(bricks: Path, tmp_path: Path) -> None:
    before = contents(bricks)
    with pytest.raises(ValueError, match="choose another folder, or delete this one"):
        write_dataset(bricks, BrickSet(size=(32, 48), train=5, val=2, test=1, seed=4))
    assert contents(bricks) == before
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="did not write"):
        write_dataset(tmp_path / "strange", SMALL)
    (bricks / "manifest.json").write_text("{}")
    with pytest.raises(ValueError, match="expected a manifest"):
        write_dataset(bricks, SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"val": 0}, "at least one image"),
        ({"seed": -1}, "seed of 0"),
        ({"size": (8, 64)}, "8 x 64"),
    ],
)
def test_wrong_parameters_are_named(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BrickSet(**options)


def test_small_set_is_a_fifth_and_differs_by_seed() -> None:
    first, second = BrickSet(seed=0).small(), BrickSet(seed=1).small()
    assert len(set(first)) == len(set(second)) == 10
    assert first == sorted(first) != second
    assert set(first) <= {f"{number:03d}" for number in range(1, 51)}


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "set"
    words = ["bricks", str(root), "--size", "24x32", "--train", "2", "--val", "1", "--test", "1"]
    assert cli.main(words) == 0
    assert (
        "2 train, 1 val and 7 test images of 24 x 32; 10 made, 0 reused" in capsys.readouterr().out
    )
    parameters = json.loads((root / "manifest.json").read_text())["parameters"]
    assert parameters == {
        "size": [24, 32], "train": 2, "val": 1, "test": 1, "seed": 0, "generator": write.GENERATOR,
    }  # fmt: skip
    assert cli.main([*words, "--seed", "5"]) == 2
    assert "choose another folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["bricks", str(root), "--size", "big"])
    assert "expected a size like 128 or 96x128" in capsys.readouterr().err
