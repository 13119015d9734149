"""Geometry of box pairs: by hand, against one-dimensional brute force, at the edges."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seglosses.primitives.box_pairs import per_pair
from seglosses.primitives.boxes import LIMIT, Comparison, pairwise_iou

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
    pair = Comparison(torch.tensor([a]).float(), torch.tensor([b]).float())
    mine, other = cells(a, dim), cells(b, dim)
    assert pair.intersection.item() == len(mine & other)
    assert pair.union.item() == len(mine | other)
    hull = [min(a[i], b[i]) for i in range(dim)] + [max(a[i], b[i]) for i in range(dim, 2 * dim)]
    assert pair.hull.prod(0).item() == len(cells(hull, dim))
    assert pair.iou.item() == pytest.approx(len(mine & other) / max(len(mine | other), 1))


def test_sides_and_offsets_keep_their_axis() -> None:
    pair = Comparison(torch.tensor([[0.0, 0, 4, 2]]), torch.tensor([[1.0, 5, 2, 9]]))
    assert pair.side.T.tolist() == [[4, 2]]
    assert pair.target_side.T.tolist() == [[1, 4]]
    # centres (2, 1) and (1.5, 7)
    assert pair.offset.T.tolist() == [[-0.5, 6]]
    assert pair.hull.T.tolist() == [[4, 9]]


def test_inverted_box_is_empty_at_its_lower_corner() -> None:
    pair = Comparison(torch.tensor([[3.0, 3, 1, 1]]), torch.tensor([[0.0, 0, 2, 2]]))
    assert pair.iou.item() == 0
    assert pair.union.item() == 4
    assert pair.hull.T.tolist() == [[3, 3]]
    assert pair.side.T.tolist() == [[0, 0]]


def test_huge_boxes_are_cut_off() -> None:
    pair = Comparison(torch.tensor([[-1e30, -1e30, 1e30, 1e30]]), torch.tensor([[0.0, 0, 2, 2]]))
    assert pair.side.T.tolist() == [[pytest.approx(2 * LIMIT)] * 2]
    assert pair.iou.item() == pytest.approx(1 / LIMIT**2, rel=1e-6, abs=0)


def test_two_points_apart_do_not_overlap() -> None:
    assert Comparison(torch.zeros(1, 4), torch.ones(1, 4)).iou.item() == 0


def test_each_quantity_is_measured_once() -> None:
    pair = Comparison(torch.rand(3, 4), torch.rand(3, 4))
    assert pair.iou is pair.iou
    assert pair.hull is pair.hull


def everything(pair: Comparison) -> Tensor:
    """Reads all that depends on the prediction, each axis with another factor."""
    axes = torch.arange(1.0, pair.dim + 1, dtype=pair.target_side.dtype).unsqueeze(1)
    lengths = axes * (pair.hull + 2 * pair.offset.square() + 3 * pair.side.sqrt())
    return lengths.sum(0) + pair.intersection.square() + pair.union + pair.iou


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_per_pair_agrees_with_autograd(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # 20 pairs are three blocks, one of them short
    monkeypatch.setattr("seglosses.primitives.box_pairs.BLOCK", 8)
    torch.manual_seed(dim)
    pred, target = (torch.rand(20, 2 * dim, dtype=torch.float64) for _ in range(2))
    for boxes in (pred, target):
        boxes[:, dim:] += boxes[:, :dim] + 0.1
    pred[:5] += 5  # apart
    pred.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: per_pair(everything, p, target), (pred,))
    whole = target.clone().requires_grad_()
    weight = torch.rand(20, dtype=torch.float64)
    (fast,) = torch.autograd.grad((per_pair(everything, pred, target) * weight).sum(), pred)
    (plain,) = torch.autograd.grad((per_pair(everything, pred, whole) * weight).sum(), pred)
    torch.testing.assert_close(fast, plain)


@pytest.mark.parametrize("name", ["side", "offset", "hull", "intersection", "union", "iou"])
def test_each_quantity_brings_its_own_gradient(name: str) -> None:
    torch.manual_seed(0)
    pred, target = torch.rand(8, 4, dtype=torch.float64), torch.rand(8, 4, dtype=torch.float64)
    pred[:, 2:] += pred[:, :2] + 0.1
    target[:, 2:] += target[:, :2] + 0.1
    pred.requires_grad_()

    def read(pair: Comparison) -> Tensor:
        value: Tensor = getattr(pair, name)
        return value if value.dim() == 1 else 2 * value[0] + value[1]

    assert torch.autograd.gradcheck(lambda p: per_pair(read, p, target), (pred,))


def test_equal_boxes_are_at_rest() -> None:
    boxes = torch.tensor([[0.1, 0.3, 7.7, 9.1]], requires_grad=True)
    per_pair(lambda pair: pair.iou + pair.hull.sum(0) * 0, boxes, boxes.detach()).backward()
    assert boxes.grad is not None
    assert boxes.grad.abs().max() < 1e-7


def test_inverted_corners_are_pushed_apart() -> None:
    boxes = torch.tensor([[3.0, 0, 1, 2]], requires_grad=True)
    target = torch.tensor([[0.0, 0, 2, 2]])
    for leaf in (target, target.clone().requires_grad_()):
        (grad,) = torch.autograd.grad(per_pair(lambda pair: pair.side[0], boxes, leaf), boxes)
        assert grad.tolist() == [[-1, 0, 1, 0]]


def test_sixteen_bytes_a_box_are_saved() -> None:
    value = per_pair(everything, torch.rand(2000, 4, requires_grad=True), torch.rand(2000, 4))
    saved = value.grad_fn.saved_tensors  # type: ignore[union-attr]
    assert sum(t.numel() * t.element_size() for t in saved) == 16 * 2000


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("few", [0, 100])
def test_kernels_and_columns_have_the_gradient_of_autograd(
    few: int, dims: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seglosses.primitives.box_pairs.FEW", few)
    torch.manual_seed(0)
    # whole numbers, so that sides coincide, and boxes touch or have no volume
    pred, target = (torch.randint(0, 5, (60, 2 * dims)).to(dtype) for _ in range(2))
    pred[:, dims:] += pred[:, :dims]
    target[:, dims:] += target[:, :dims] + 1
    pred[:3] = pred[:3].flip(1)
    leaf, other = pred.clone().requires_grad_(), pred.clone().requires_grad_()
    ours, wanted = per_pair(everything, leaf, target), everything(Comparison(other, target))
    torch.testing.assert_close(ours, wanted)
    ours.sum().backward()
    wanted.sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad)


@pytest.mark.at_hand
def test_few_pairs_have_second_derivatives() -> None:
    torch.manual_seed(0)
    pred, target = torch.rand(20, 4).double(), torch.rand(20, 4).double()
    pred[:, 2:] += pred[:, :2]
    target[:, 2:] += target[:, :2]
    found = []
    for measure in (per_pair, lambda reading, *boxes: reading(Comparison(*boxes))):
        leaf = pred.clone().requires_grad_()
        (slope,) = torch.autograd.grad(
            measure(everything, leaf, target).sum(), leaf, create_graph=True
        )
        found.append(torch.autograd.grad(slope.square().sum(), leaf)[0])
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_corners_that_are_no_number_cost_what_they_cost_autograd(bad: float) -> None:
    target = torch.tensor([[0.0, 0, 2, 2]])
    for place in range(4):
        pred = torch.tensor([[1.0, 1, 3, 3]])
        pred[0, place] = bad
        ours = per_pair(everything, pred.clone().requires_grad_(), target)
        wanted = everything(Comparison(pred, target))
        torch.testing.assert_close(ours, wanted, equal_nan=True)


def test_pairwise_iou_is_the_aligned_one_for_every_pair() -> None:
    torch.manual_seed(0)
    boxes = torch.rand(7, 6)
    boxes[:, 3:] += boxes[:, :3]
    table = pairwise_iou(boxes, boxes[:4])
    assert table.shape == (7, 4)
    for i in range(4):
        expected = Comparison(boxes, boxes[i].expand(7, 6)).iou
        torch.testing.assert_close(table[:, i], expected)


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (2, 3)), ((2, 4), (2, 6)), ((2, 0), (2, 0)), ((), (2, 4))]
)
def test_wrong_shapes_are_refused(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="boxes must be"):
        Comparison(torch.zeros(a), torch.zeros(b))
