"""Differentiable thinning: topology, thinness, gradients, noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.primitives.soft_thinning import _simple_voxels, soft_thinning
from seglosses.topology import betti_numbers


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10)))
@example(np.ones((2, 2), bool))
def test_skeleton_lies_in_the_mask_and_has_its_topology(mask: NDArray) -> None:
    thin = soft_thinning(torch.from_numpy(mask)[None, None], 10)[0, 0].numpy()
    assert thin.dtype == bool
    assert not (thin & ~mask).any()
    assert betti_numbers(thin) == betti_numbers(mask)


@settings(max_examples=15)
@given(arrays(bool, array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)))
def test_skeleton_of_a_volume_has_its_topology(mask: NDArray) -> None:
    thin = soft_thinning(torch.from_numpy(mask)[None, None], 5)[0, 0].numpy()
    assert not (thin & ~mask).any()
    assert betti_numbers(thin) == betti_numbers(mask)
    if mask.shape[0] == 1:
        plane = soft_thinning(torch.from_numpy(mask)[None], 5)[0, 0].numpy()
        assert (thin[0] == plane).all()


def neighbourhood_is_simple(cube: NDArray) -> bool:
    """One 26-component around the middle, one 6-component of background among its 18 neighbours."""
    around = cube.copy()
    around[1, 1, 1] = False
    outside = ~around
    outside[1, 1, 1] = False
    outside[::2, ::2, ::2] = False
    labels, _ = ndimage.label(outside)
    faces = {labels[p] for p in [(0, 1, 1), (2, 1, 1), (1, 0, 1), (1, 2, 1), (1, 1, 0), (1, 1, 2)]}
    return ndimage.label(around, np.ones((3, 3, 3)))[1] == 1 and len(faces - {0}) == 1


@pytest.mark.parametrize("density", [0.1, 0.3, 0.5, 0.8])
def test_products_tell_simple_voxels(density: float) -> None:
    cubes = np.random.default_rng(0).random((400, 3, 3, 3)) < density
    neighbours = np.delete(cubes.reshape(-1, 27), 13, axis=1).T
    simple = _simple_voxels(1 - torch.from_numpy(neighbours).float())
    assert simple.tolist() == [float(neighbourhood_is_simple(cube)) for cube in cubes]


def test_published_skeleton_of_a_handle() -> None:
    """The authors' Skeletonize(probabilistic=False), both of its tests of simple points."""
    block = torch.zeros(1, 1, 7, 7, 7)
    block[..., 1:6, 1:6, 1:6] = 1
    block[..., 2:4, :, 2:5] = 0
    block[..., 6, 3, 3] = 1
    published = "132 133 134 231 235 331 335 432 434 533"
    found = soft_thinning(block)[0, 0].nonzero().tolist()
    assert " ".join("".join(map(str, voxel)) for voxel in found) == published


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
    volume = line.detach().unsqueeze(2).requires_grad_()
    soft_thinning(volume, 2).sum().backward()
    assert volume.grad[0, 0, 0, 1, 3] != 0
    assert torch.isfinite(volume.grad).all()


def test_noise_flips_uncertain_pixels_only() -> None:
    torch.manual_seed(0)
    sure, unsure = torch.full((1, 1, 20, 20), 1 - 1e-6), torch.full((1, 1, 20, 20), 0.45)
    assert torch.equal(soft_thinning(sure, 0, noise=0.3), torch.ones_like(sure))
    assert 0.2 < soft_thinning(unsure, 0, noise=0.3).mean() < 0.48
    assert soft_thinning(unsure, 0).sum() == 0


def test_border() -> None:
    with pytest.raises(ValueError, match="needs maps"):
        soft_thinning(torch.zeros(1, 3, 3))
    with pytest.raises(ValueError, match="must not be negative"):
        soft_thinning(torch.zeros(1, 1, 3, 3), -1)
