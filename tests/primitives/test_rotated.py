"""Rotated boxes: exact overlap against clipped polygons, gradients, frames, Gaussians."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seglosses.primitives.boxes import Comparison
from seglosses.primitives.rotated import GaussianPair, RotatedComparison

Point = tuple[float, float]


def outline(box: list[float]) -> list[Point]:
    x, y, w, h, angle = box
    cos, sin = math.cos(angle), math.sin(angle)
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    return [(x + cos * w / 2 * u - sin * h / 2 * v, y + sin * w / 2 * u + cos * h / 2 * v)
            for u, v in signs]  # fmt: skip


def clipped(polygon: list[Point], start: Point, end: Point) -> list[Point]:
    """The part of a polygon to the left of a line (Sutherland and Hodgman)."""

    def height(p: Point) -> float:
        (x0, y0), (x1, y1) = start, end
        return (x1 - x0) * (p[1] - y0) - (y1 - y0) * (p[0] - x0)

    kept: list[Point] = []
    for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a, b = height(p), height(q)
        if a >= 0:
            kept.append(p)
        if a * b < 0:
            t = a / (a - b)
            kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return kept


def overlap(first: list[float], second: list[float]) -> float:
    polygon, edges = outline(first), outline(second)
    for start, end in zip(edges, edges[1:] + edges[:1], strict=True):
        polygon = clipped(polygon, start, end)
        if not polygon:
            return 0.0
    corners = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in corners) / 2


side = st.floats(0.1, 30)
box = st.tuples(st.floats(-20, 20), st.floats(-20, 20), side, side, st.floats(-7, 7)).map(list)
SPECIAL = st.sampled_from([0.0, math.pi / 2, math.pi, -math.pi / 2, 1e-9, 2 * math.pi])


@given(box, box)
def test_overlap_is_that_of_clipped_polygons(first: list[float], second: list[float]) -> None:
    pair = RotatedComparison(*(torch.tensor([b], dtype=torch.float64) for b in (first, second)))
    assert float(pair.intersection) == pytest.approx(overlap(first, second), abs=1e-9)


@given(box, SPECIAL, st.booleans())
def test_boxes_that_share_edges(first: list[float], turn: float, half: bool) -> None:
    second = [*first[:4], first[4] + turn]
    if half:
        second[2] /= 2
    exact, area = overlap(first, second), first[2] * first[3]
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        for a, b in ((first, second), (second, first)):
            pair = RotatedComparison(*(torch.tensor([each], dtype=dtype) for each in (a, b)))
            assert float(pair.intersection) == pytest.approx(exact, abs=tolerance * (1 + area))


def boxes(n: int, seed: int = 0, angle: float = 3.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    parts = [20 * torch.rand(n, 2, generator=generator), torch.rand(n, 2, generator=generator)]
    turned = angle * (torch.rand(n, 1, generator=generator) - 0.5)
    return torch.cat([parts[0], 1 + 15 * parts[1], turned], 1).double()


def test_straight_boxes_are_those_of_corners() -> None:
    pred, target = boxes(200, angle=0), boxes(200, 1, angle=0)
    corners = [torch.cat([b[:, :2] - b[:, 2:4] / 2, b[:, :2] + b[:, 2:4] / 2], 1)
               for b in (pred, target)]  # fmt: skip
    turned, straight = RotatedComparison(pred, target), Comparison(*corners)
    torch.testing.assert_close(turned.intersection, straight.intersection)
    torch.testing.assert_close(turned.iou, straight.iou)
    torch.testing.assert_close(turned.hull.T, straight.hull)
    torch.testing.assert_close(turned.offset.T, -straight.offset)


def test_the_gradient_of_the_overlap_is_exact() -> None:
    pred, target = boxes(40).requires_grad_(), boxes(40, 1)
    assert torch.autograd.gradcheck(lambda p: RotatedComparison(p, target).intersection, pred)


def test_far_boxes_keep_their_digits() -> None:
    near, target = boxes(50).float(), boxes(50, 1).float()
    step = torch.tensor([8192.0, -8192, 0, 0, 0])
    far = RotatedComparison(near + step, target + step).iou
    torch.testing.assert_close(far, RotatedComparison(near, target).iou, atol=2e-3, rtol=0)


def test_gaussians_are_those_of_both_covariances() -> None:
    pred, target = boxes(30, angle=8), boxes(30, 1, angle=8)
    pair = GaussianPair(pred, target)

    def covariance(box: Tensor) -> Tensor:
        cos, sin = box[4].cos(), box[4].sin()
        turn = torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])])
        return turn @ (box[2:4] / 2).square().diag() @ turn.T

    for row in range(30):
        own, other = covariance(pred[row]), covariance(target[row])
        move = pred[row, :2] - target[row, :2]
        torch.testing.assert_close(pair.joint_det[row], torch.linalg.det(own + other))
        torch.testing.assert_close(pair.volume[row].square(), torch.linalg.det(own))
        for distance, matrix in ((pair.own_distance, own), (pair.joint_distance, own + other)):
            torch.testing.assert_close(distance[row], move @ torch.linalg.solve(matrix, move))


@pytest.mark.parametrize("shape", [(3, 4), (5,), (2, 3, 5)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected rotated boxes \(n, 5\)"):
        RotatedComparison(torch.zeros(shape), torch.zeros(shape))
