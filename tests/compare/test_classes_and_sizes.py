"""Means of several classes, and objects by their size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seglosses.compare import compare
from tests.compare.made import scored, write


def test_objects_by_size(folders: dict[str, Path]) -> None:
    small, large = compare(scored(folders, num_classes=2, metrics=["dice"]), sizes=[10]).size_rows
    assert (small.size, small.objects, small.smallest) == ("up to 10", 4, 4)
    assert (large.size, large.objects, large.largest) == ("above 10", 4, 25)
    # of the four small objects B covers three, A none; of the large ones B lacks one
    assert (small.coverage_first, small.coverage_second) == (0, 0.75)
    assert (large.coverage_first, large.coverage_second) == (1, 0.75)
    assert (small.wins, small.losses, small.ties) == (3, 0, 1)
    assert (large.wins, large.losses, large.ties) == (0, 1, 3)
    assert (small.missed_first, small.missed_second) == (4, 1)
    assert (small.spurious_first, small.spurious_second) == (1, 0)
    assert large.spurious_first == 0


def test_thirds_hold_every_object(folders: dict[str, Path]) -> None:
    rows = compare(scored(folders, num_classes=2, metrics=["dice"])).size_rows
    # an object of the size of a limit lies below it
    assert [(row.size, row.objects) for row in rows] == [("up to 4", 4), ("above 4", 4)]
    assert sum(row.spurious_first for row in rows) == 1


def test_classes_and_their_mean(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = {str(i): rng.integers(0, 3, (16, 16)) for i in range(5)}
    noisy = {
        name: {k: np.where(rng.random(v.shape) < share, 0, v) for k, v in truth.items()}
        for name, share in (("a", 0.5), ("b", 0.2))
    }
    folders = {"gt": write(tmp_path / "gt", truth)}
    folders |= {name: write(tmp_path / name, masks) for name, masks in noisy.items()}
    evaluations = scored(folders, metrics=["dice"], num_classes=3)
    found = compare(evaluations)
    (row,) = found.rows
    assert row.cls == "mean of classes"
    # the means are those of the evaluations, and the mean of classes that of the classes
    assert row.mean_first == pytest.approx(evaluations["a"].mean("dice"))
    assert row.difference == pytest.approx(np.mean([one.difference for one in found.class_rows]))
    assert [one.cls for one in found.class_rows] == ["0", "1", "2"]
    assert (row.wins, row.n) == (5, 5)


def test_images_on_which_nothing_differs_win_nothing(tmp_path: Path) -> None:
    """Class 2 is in one of eight images, and B is better there; all else is equal."""
    truth, first = np.zeros((8, 20, 20), int), np.zeros((8, 20, 20), int)
    truth[:, 2:8, 2:8] = first[:, 2:8, 2:8] = 1
    truth[0, 10:18, 10:18] = first[0, 10:14, 10:18] = 2
    second = first.copy()
    second[0] = truth[0]
    masks = {"gt": truth, "a": first, "b": second}
    folders = {name: write(tmp_path / name, dict(enumerate(masks[name]))) for name in masks}
    (row,) = compare(scored(folders, metrics=["dice"], num_classes=3, classes=[1, 2])).rows
    assert (row.wins, row.losses, row.ties, row.n) == (1, 0, 7, 8)
    # a half of 64 pixels: Dice 2/3 of class 2, class 1 is right
    assert row.difference == pytest.approx(1 / 6)
    assert row.p == 1.0
    assert np.isnan(row.low)  # how much class 2 varies is not known from one image


def test_spurious_objects_of_every_size_are_counted(tmp_path: Path) -> None:
    """Sizes that no true object has, and a class that is nowhere true."""
    truth, first, second = (np.zeros((20, 20), int) for _ in range(3))
    truth[2:8, 2:8] = first[2:8, 2:8] = second[2:8, 2:8] = 1
    first[15, 1:4], first[18, 10], second[18, 18] = 1, 2, 2
    masks = {"gt": truth, "a": first, "b": second}
    folders = {name: write(tmp_path / name, {"1": mask}) for name, mask in masks.items()}
    found = compare(scored(folders, metrics=["dice"], num_classes=3, classes=[1, 2]), sizes=[10])
    assert [
        (row.cls, row.size, row.objects, row.spurious_first, row.spurious_second)
        for row in found.size_rows
    ] == [("1", "up to 10", 0, 1, 0), ("1", "above 10", 1, 0, 0), ("2", "up to 10", 0, 1, 1)]
    assert "nan" not in "".join(found.as_markdown().split())
