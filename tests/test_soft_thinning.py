"""Differentiable thinning: topology, thinness, gradients, noise."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from seglosses.soft_thinning import soft_thinning
from seglosses.topology import betti_numbers


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10)))
def test_skeleton_lies_in_the_mask_and_has_its_topology(mask: NDArray) -> None:
    thin = soft_thinning(torch.from_numpy(mask)[None, None], 10)[0, 0].numpy()
    assert thin.dtype == bool
    assert not (thin & ~mask).any()
    assert betti_numbers(thin) == betti_numbers(mask)


def test_blocks_are_peeled_layer_by_layer() -> None:
    block = torch.zeros(1, 1, 13, 13)
    block[..., 1:12, 1:12] = 0.8
    sizes = [soft_thinning(block, k).sum().item() for k in range(7)]
    assert sizes[0] == 121
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == sizes[-2] < 40  # diagonals and spurs, one pixel wide


def test_gradient_reaches_the_neighbours_of_a_decision() -> None:
    """A gap of one pixel: raising it would join the two lines, so its slope is not zero."""
    line = torch.full((1, 1, 3, 7), 0.1)
    line[..., 1, :] = 0.9
    line[..., 1, 3] = 0.3
    line.requires_grad_()
    soft_thinning(line, 2).sum().backward()
    assert line.grad[0, 0, 1, 3] != 0
    assert line.grad[0, 0, 1, 1] == 1
    assert torch.isfinite(line.grad).all()


def test_noise_flips_uncertain_pixels_only() -> None:
    torch.manual_seed(0)
    sure, unsure = torch.full((1, 1, 20, 20), 1 - 1e-6), torch.full((1, 1, 20, 20), 0.45)
    assert torch.equal(soft_thinning(sure, 0, noise=0.3), torch.ones_like(sure))
    assert 0.2 < soft_thinning(unsure, 0, noise=0.3).mean() < 0.48
    assert soft_thinning(unsure, 0).sum() == 0


def test_border() -> None:
    with pytest.raises(ValueError, match="needs images"):
        soft_thinning(torch.zeros(1, 1, 3, 3, 3))
    with pytest.raises(ValueError, match="must not be negative"):
        soft_thinning(torch.zeros(1, 1, 3, 3), -1)
