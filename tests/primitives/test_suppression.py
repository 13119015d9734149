"""DIoU-NMS: a slow version of it, greedy NMS at the limit, classes, edges."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seglosses.primitives.suppression import diou_nms

BOXES = torch.tensor(
    [
        [0.0, 0, 10, 10],
        [3.2, 0, 13.2, 10],
        [0.0, 0, 10, 12],
        [6.0, 0, 16, 10],
        [30.0, 30, 40, 40],
        [30.0, 30, 40, 41],
    ]
)
SCORES = torch.tensor([0.9, 0.85, 0.8, 0.7, 0.95, 0.6])


def slowly(
    boxes: list[list[float]], scores: list[float], threshold: float, beta: float
) -> list[int]:
    def value(a: list[float], b: list[float]) -> float:
        dim = len(a) // 2
        common, one, two, offset, hull = 1.0, 1.0, 1.0, 0.0, 0.0
        for i in range(dim):
            common *= max(min(a[dim + i], b[dim + i]) - max(a[i], b[i]), 0)
            one *= a[dim + i] - a[i]
            two *= b[dim + i] - b[i]
            offset += ((a[i] + a[dim + i] - b[i] - b[dim + i]) / 2) ** 2
            hull += (max(a[dim + i], b[dim + i]) - min(a[i], b[i])) ** 2
        iou = common / (one + two - common) if common else 0.0
        return iou - (offset / hull) ** beta if hull else iou

    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(value(boxes[k], boxes[i]) <= threshold for k in kept):
            kept.append(i)
    return kept


@st.composite
def detections(draw: st.DrawFn) -> tuple[list[list[float]], list[float]]:
    dim = draw(st.integers(1, 3))
    corners, sides = st.integers(0, 6), st.integers(0, 5)
    boxes = []
    for _ in range(draw(st.integers(0, 12))):
        low = [float(draw(corners)) for _ in range(dim)]
        boxes.append(low + [a + draw(sides) for a in low])
    boxes = boxes or [[0.0] * (2 * dim)]
    scores = [draw(st.integers(0, 4)) / 4 for _ in boxes]  # with ties
    return boxes, scores


@given(detections(), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.sampled_from([0.6, 1.0, math.inf]))
def test_agrees_with_a_slow_version(
    drawn: tuple[list[list[float]], list[float]], threshold: float, beta: float
) -> None:
    boxes, scores = drawn
    kept = diou_nms(torch.tensor(boxes), torch.tensor(scores), iou_threshold=threshold, beta=beta)
    assert kept.tolist() == slowly(boxes, scores, threshold, beta)


def crowd(n: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    corner = torch.rand(n, 2) * 100
    return torch.cat([corner, corner + 10 + torch.rand(n, 2) * 20], 1), torch.randperm(n) / n


def test_greedy_at_the_limit_is_mmcv() -> None:
    ops = pytest.importorskip("mmcv.ops")
    boxes, scores = crowd(600)
    for threshold in (0.3, 0.5, 0.7):
        _, expected = ops.nms(boxes, scores, threshold)
        kept = diou_nms(boxes, scores, iou_threshold=threshold, beta=math.inf)
        assert torch.equal(kept, expected)


def test_a_smaller_beta_keeps_more() -> None:
    boxes, scores = crowd(300)
    counts = [len(diou_nms(boxes, scores, beta=beta)) for beta in (math.inf, 1.0, 0.5, 0.2)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_classes_do_not_meet() -> None:
    boxes, scores = crowd(200)
    labels = torch.arange(200) % 3
    kept = diou_nms(boxes, scores, labels)
    assert (scores[kept].diff() < 0).all()
    for name in range(3):
        rows = (labels == name).nonzero().squeeze(1)
        alone = rows[diou_nms(boxes[rows], scores[rows])]
        assert torch.equal(kept[labels[kept] == name], alone)


def test_no_boxes() -> None:
    assert diou_nms(torch.zeros(0, 4), torch.zeros(0)).shape == (0,)
    assert diou_nms(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0)).shape == (0,)


def test_border() -> None:
    with pytest.raises(ValueError, match="expected boxes"):
        diou_nms(BOXES, SCORES[:3])
    with pytest.raises(ValueError, match="expected boxes"):
        diou_nms(BOXES, SCORES, torch.zeros(2))
    with pytest.raises(ValueError, match="iou_threshold must be"):
        diou_nms(BOXES, SCORES, iou_threshold=1.5)
    with pytest.raises(ValueError, match="beta positive"):
        diou_nms(BOXES, SCORES, beta=0)


def test_an_overlap_of_the_threshold_survives() -> None:
    # one centre and half of the area: 1/2 - 0
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0.5, 2, 1.5]])
    scores = torch.tensor([0.9, 0.8])
    assert diou_nms(boxes, scores, iou_threshold=0.5).tolist() == [0, 1]
    assert diou_nms(boxes, scores, iou_threshold=0.49).tolist() == [0]
