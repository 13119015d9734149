"""Soft skeletons against a naive recurrence, by hand, and what backward keeps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn import functional as F

from seglosses.primitives import soft_skeleton as module
from seglosses.primitives.soft_skeleton import soft_skeleton


def naive_erode(x: Tensor) -> Tensor:
    if x.dim() == 4:
        return torch.minimum(
            -F.max_pool2d(-x, (3, 1), 1, (1, 0)), -F.max_pool2d(-x, (1, 3), 1, (0, 1))
        )
    axes = [
        -F.max_pool3d(-x, size, 1, pad)
        for size, pad in (((3, 1, 1), (1, 0, 0)), ((1, 3, 1), (0, 1, 0)), ((1, 1, 3), (0, 0, 1)))
    ]
    return torch.stack(axes).amin(0)


def naive_open(x: Tensor) -> Tensor:
    pool = F.max_pool2d if x.dim() == 4 else F.max_pool3d
    return pool(naive_erode(x), 3, 1, 1)


def naive_skeleton(x: Tensor, iterations: int) -> Tensor:
    skeleton = F.relu(x - naive_open(x))
    for _ in range(iterations):
        x = naive_erode(x)
        delta = F.relu(x - naive_open(x))
        skeleton = skeleton + F.relu(delta - skeleton * delta)
    return skeleton


@pytest.mark.parametrize("shape", [(2, 3, 9, 13), (1, 2, 1, 7), (2, 1, 5, 6, 7), (1, 1, 1, 8, 9)])
@pytest.mark.parametrize("iterations", [0, 1, 4])
def test_value_and_gradient_of_the_published_recurrence(
    shape: tuple[int, ...], iterations: int
) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    upstream = torch.rand(shape, generator=generator, dtype=torch.float64)
    ours, naive = soft_skeleton(x, iterations), naive_skeleton(x, iterations)
    torch.testing.assert_close(ours, naive)
    (gradient,) = torch.autograd.grad(ours, x, upstream)
    (expected,) = torch.autograd.grad(naive, x, upstream)
    torch.testing.assert_close(gradient, expected)


def test_gradcheck_on_untied_input() -> None:
    order = torch.randperm(30, generator=torch.Generator().manual_seed(2))
    x = ((order.double() + 1) / 32).view(1, 1, 5, 6).requires_grad_()
    assert gradcheck(lambda image: soft_skeleton(image, 2), x)


def test_masks_take_the_cheap_path_to_the_same_skeleton() -> None:
    mask = torch.rand(2, 2, 14, 15, generator=torch.Generator().manual_seed(3)) > 0.4
    for iterations in (0, 3):
        soft = soft_skeleton(mask.float(), iterations)
        assert torch.equal(soft_skeleton(mask, iterations), soft.bool())
        assert soft_skeleton(mask.byte(), iterations).dtype == torch.uint8


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.rand(3, 2, 8, 8, generator=torch.Generator().manual_seed(4), requires_grad=True)
    whole = soft_skeleton(x, 2)
    (gradient,) = torch.autograd.grad(whole.square().sum(), x)
    monkeypatch.setattr(module, "CHUNK_ELEMENTS", 1)
    pieces = soft_skeleton(x, 2)
    assert torch.equal(whole, pieces)
    assert torch.equal(torch.autograd.grad(pieces.square().sum(), x)[0], gradient)


def test_a_bar_needs_as_many_erosions_as_its_half_width() -> None:
    bar = torch.zeros(1, 1, 11, 24)
    bar[..., 3:8, :] = 1  # from border to border, half-width 2
    assert soft_skeleton(bar, 1).sum() == 0
    for iterations in (2, 6):
        skeleton = soft_skeleton(bar, iterations)
        assert skeleton.sum() == skeleton[0, 0, 5].sum() == 24


def test_constant_and_empty_maps_have_no_skeleton() -> None:
    for value in (0.0, 0.5, 1.0):
        assert soft_skeleton(torch.full((1, 1, 6, 7), value), 3).sum() == 0
    assert soft_skeleton(torch.zeros(0, 2, 4, 4), 3).shape == (0, 2, 4, 4)


@pytest.mark.parametrize("iterations", [1, 50])
def test_backward_keeps_the_input_alone(iterations: int) -> None:
    kept: list[int] = []
    x = torch.rand(1, 2, 16, 16, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.untyped_storage().data_ptr()) or t, lambda t: t
    ):
        soft_skeleton(x, iterations)
    assert kept == [x.untyped_storage().data_ptr()]


def test_border() -> None:
    with pytest.raises(ValueError, match="add axes of size 1"):
        soft_skeleton(torch.zeros(4, 4))
    with pytest.raises(ValueError, match="must not be negative"):
        soft_skeleton(torch.zeros(1, 1, 4, 4), -1)
