"""Geometry of box pairs: by hand, against one-dimensional brute force, at the edges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seglosses.boxes import Comparison, compare, pairwise_iou

sides = st.integers(0, 4)
places = st.integers(-3, 3)


def cells(box: list[int], dim: int) -> set[tuple[int, ...]]:
    """Unit cells of a box with whole corners."""
    found: set[tuple[int, ...]] = {()}
    for axis in range(dim):
        found = {(*c, i) for c in found for i in range(box[axis], box[axis + dim])}
    return found


@st.composite
def whole_pairs(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    dim = draw(st.integers(1, 3))
    boxes = []
    for _ in range(2):
        low = [draw(places) for _ in range(dim)]
        boxes.append(low + [a + draw(sides) for a in low])
    return dim, boxes[0], boxes[1]


@given(whole_pairs())
def test_volumes_count_the_cells(drawn: tuple[int, list[int], list[int]]) -> None:
    dim, a, b = drawn
    pair = compare(torch.tensor([a]).float(), torch.tensor([b]).float())
    mine, other = cells(a, dim), cells(b, dim)
    assert pair.intersection.item() == len(mine & other)
    assert pair.union.item() == len(mine | other)
    hull = [min(a[i], b[i]) for i in range(dim)] + [max(a[i], b[i]) for i in range(dim, 2 * dim)]
    assert pair.hull_volume.item() == len(cells(hull, dim))
    iou = len(mine & other) / len(mine | other) if mine | other else float(a == b)
    assert pair.iou.item() == pytest.approx(iou)


def test_sides_and_offsets_keep_their_axis() -> None:
    pair = compare(torch.tensor([[0.0, 0, 4, 2]]), torch.tensor([[1.0, 5, 2, 9]]))
    assert pair.side.T.tolist() == [[4, 2]]
    assert pair.target_side.T.tolist() == [[1, 4]]
    # centres (2, 1) and (1.5, 7)
    assert pair.offset.T.tolist() == [[-0.5, 6]]
    assert pair.hull.T.tolist() == [[4, 9]]
    assert pair.offset_square.item() == 36.25
    assert pair.hull_square.item() == 97


def test_inverted_box_has_no_volume_and_stays_in_its_hull() -> None:
    pair = compare(torch.tensor([[3.0, 3, 1, 1]]), torch.tensor([[0.0, 0, 2, 2]]))
    assert pair.iou.item() == 0
    assert pair.union.item() == 4
    assert pair.hull.T.tolist() == [[3, 3]]
    assert pair.side.T.tolist() == [[-2, -2]]


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_same_box_has_iou_one_without_gradient_even_without_volume(dim: int) -> None:
    box = torch.tensor([[5.0] * dim + [5.0] * dim, [0.1] * dim + [0.3] * dim], requires_grad=True)
    iou = compare(box, box.detach()).iou
    iou.sum().backward()
    assert iou.tolist() == [1, 1]
    assert box.grad is not None
    assert not box.grad.any()


def test_two_points_apart_do_not_overlap() -> None:
    assert compare(torch.zeros(1, 4), torch.ones(1, 4)).iou.item() == 0


def test_each_quantity_is_measured_once() -> None:
    pair = compare(torch.rand(3, 4), torch.rand(3, 4))
    assert pair.iou is pair.iou
    assert pair.hull is pair.hull


def test_pairwise_iou_is_the_aligned_one_for_every_pair() -> None:
    torch.manual_seed(0)
    boxes = torch.rand(7, 6)
    boxes[:, 3:] += boxes[:, :3]
    table = pairwise_iou(boxes, boxes[:4])
    assert table.shape == (7, 4)
    for i in range(4):
        expected = compare(boxes, boxes[i].expand(7, 6)).iou
        torch.testing.assert_close(table[:, i], expected)


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (2, 3)), ((2, 4), (2, 6)), ((2, 0), (2, 0)), ((), (2, 4))]
)
def test_wrong_shapes_are_refused(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="boxes must be"):
        Comparison(torch.zeros(a), torch.zeros(b))
