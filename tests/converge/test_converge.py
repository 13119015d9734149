"""The descent of boxes: its cases, one step by hand, the published order, the command."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from seglosses.cli import main
from seglosses.converge import CASES, cases, corners, descend, half_time


def test_cases_are_all_shapes_at_every_place() -> None:
    anchors, targets = cases(3, seed=1)
    assert anchors.shape == targets.shape == (3 * 7**3, 4)
    assert len(torch.unique(anchors[:, :2], dim=0)) == 3
    assert len(torch.unique(targets, dim=0)) == 7
    assert len(torch.unique(torch.cat([anchors, targets], 1), dim=0)) == 3 * 7**3
    assert (anchors[:, :2] - 10).norm(dim=1).max() <= 3
    areas = (anchors[:, 2] * anchors[:, 3]).reshape(-1, 7)
    torch.testing.assert_close(areas[:7, 0], torch.tensor([0.5, 0.67, 0.75, 1, 1.33, 1.5, 2]))


def test_one_step_by_hand() -> None:
    box, goal = torch.tensor([[5.0, 1, 2, 2]]), torch.tensor([[1.0, 1, 2, 2]])
    errors = descend(CASES["DIoU, c frozen"], box, goal, steps=1)
    # one step is within the last tenth: rate 0.1 only counts below 0.8 of the steps, as 0 is;
    # d(rho^2 / c^2)/dx = 2 * 4 / 40, times 0.1 and 2 - IoU = 2
    np.testing.assert_allclose(errors, [4, 4 - 0.04], rtol=1e-6)


def test_published_order() -> None:
    anchors, targets = cases(2)
    area = {
        name: descend(CASES[name], anchors, targets).sum()
        for name in ("IoU", "GIoU", "DIoU", "DIoU, c frozen", "CIoU, c frozen")
    }
    assert area["IoU"] > 2 * area["GIoU"]
    assert area["GIoU"] > 1.1 * area["DIoU, c frozen"]
    assert area["GIoU"] > 1.1 * area["CIoU, c frozen"]
    assert area["DIoU"] > area["DIoU, c frozen"]


@pytest.mark.parametrize("name", CASES)
def test_every_loss_leaves_its_target_alone(name: str) -> None:
    _, targets = cases(1)
    errors = descend(CASES[name], targets[::49].clone(), targets[::49], steps=2)
    assert errors.max() < 1e-5


def test_corners() -> None:
    assert corners(torch.tensor([[3.0, 5, 4, 2]])).tolist() == [[1, 4, 5, 6]]


def test_half_time() -> None:
    assert half_time(np.array([2.0, 1.5, 0.9, 1.2])) == 2
    assert half_time(np.array([2.0, 1.5])) is None


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--points", "1", "--steps", "4", "--loss", "GIoU", "IoU", "--out", str(tmp_path)]
    assert main(["converge", *words]) == 0
    assert "343 cases, 4 steps" in capsys.readouterr().out
    with (tmp_path / "curves.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["step", "GIoU", "IoU"]
    assert len(rows) == 6
    assert rows[1][1] == rows[1][2]
    assert (tmp_path / "curves.svg").read_text().count("<polyline") == 2
    assert main(["converge", "--points", "0", "--out", str(tmp_path)]) == 2
