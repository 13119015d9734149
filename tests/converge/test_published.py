"""The authors' gradients: where they are ours and where not, and the figure that comes of them."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from seglosses.cli import main
from seglosses.converge import CASES, PUBLISHED, cases, follow
from seglosses.converge.descent import exact
from seglosses.converge.published import (
    published_ciou,
    published_diou,
    published_giou,
    published_iou,
)
from seglosses.losses import iou_loss

#: Edges 2 to 8, and one box that overlaps with each edge of it but one inside of the hull.
TARGET = torch.tensor([[5.0, 5, 6, 6]])
OVERLAPPING = torch.tensor([[4.0, 4.5, 5, 6]])
BESIDE = torch.tensor([[15.0, 5, 6, 6]])
TWICE = torch.tensor([1.0, 1, 2, 2])


def test_iou_is_ours_with_sides_twice() -> None:
    ours = exact(partial(iou_loss, mode="linear"))(OVERLAPPING, TARGET)
    torch.testing.assert_close(published_iou(OVERLAPPING, TARGET), ours * TWICE)


def test_giou_is_ours_with_sides_twice_where_boxes_overlap() -> None:
    ours = exact(CASES["GIoU"])(OVERLAPPING, TARGET)
    torch.testing.assert_close(published_giou(OVERLAPPING, TARGET), ours * TWICE)


def test_giou_does_not_pull_boxes_of_one_height_together() -> None:
    # 6 x 6 + 6 x 6 - (-4) x 6 = 96 = 16 x 6: the wrong union is the hull, whatever the gap
    assert published_giou(BESIDE, TARGET)[0, [0, 2]].abs().max() < 1e-6
    assert exact(CASES["GIoU"])(BESIDE, TARGET)[0, 2] < -0.01


def test_diou_is_ours_with_the_sign_turned() -> None:
    # offset -10, hull 16 x 6: 2 rho^2 / c^4 = 200 / 292^2; without the gradient of c the centre
    # moves by 2 * 10 / 292, and c adds 2 rho^2 / c^4 (16 + 6) where it should subtract 16 of it
    part, pull = 200 / 292**2, 20 / 292
    slope = published_diou(BESIDE, TARGET)[0]
    assert slope[0].item() == pytest.approx(pull + 22 * part)
    ours = exact(CASES["DIoU"])(BESIDE, TARGET)[0]
    assert ours[0].item() == pytest.approx(pull - 16 * part)
    # one end of the width moves the hull: half of (16 + 6), where half of 16 is right
    assert slope[2].item() == pytest.approx(-11 * part)
    assert ours[2].item() == pytest.approx(-8 * part)


def test_ciou_turns_without_the_square_of_the_sides() -> None:
    box = torch.tensor([[5.0, 5, 4, 8]])
    frozen = published_ciou(box, TARGET) - published_diou(box, TARGET)
    plain = exact(CASES["CIoU ungated"])(box, TARGET) - exact(CASES["DIoU"])(box, TARGET)
    torch.testing.assert_close(frozen, plain * (4**2 + 8**2))


def test_the_figure_of_the_paper() -> None:
    """Of 6.65e6 in the figure, IoU leaves about 5.9e6, GIoU 1.5e6 and the others below 1e4."""
    anchors, targets = (boxes[::3] for boxes in cases(10))
    iou, giou, diou, ciou = (follow(slope, anchors, targets) for slope in PUBLISHED.values())
    assert iou[-1] / iou[0] == pytest.approx(5.9 / 6.65, abs=0.02)
    assert giou[-1] / giou[0] == pytest.approx(1.5 / 6.65, abs=0.02)
    assert max(diou[-1], ciou[-1]) / diou[0] < 0.001
    assert (iou[1:] > giou[1:]).all()
    assert (giou[10:] > 1.05 * diou[10:]).all()
    assert ciou.sum() < diou.sum()


def test_command(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--points", "1", "--steps", "2", "--out", str(tmp_path)]
    assert main(["converge", "--published", *words]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in PUBLISHED)
    assert "c frozen" not in printed
