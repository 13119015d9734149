"""Bottlenecks against all pairs of paths, ridges by hand and against the watershed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.topology.flooding import bottleneck_shares, ridge_pixels


def naive_level(height: NDArray[np.float64], a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Highest level at which two pixels are connected."""
    for level in np.sort(height, axis=None)[::-1]:
        labels, _ = ndimage.label(height >= level)
        if labels[a] and labels[a] == labels[b]:
            return float(level)
    raise AssertionError


@given(
    array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=4).flatmap(
        lambda shape: st.tuples(
            st.permutations(range(int(np.prod(shape)))),
            arrays(np.int64, shape, elements=st.integers(0, 2)),
        )
    )
)
def test_bottlenecks_of_all_pairs(pair: tuple[list[int], NDArray[np.int64]]) -> None:
    order, labels = pair
    height = np.array(order, np.float64).reshape(labels.shape)
    between, within = np.zeros(labels.shape), np.zeros(labels.shape)
    for a, b in itertools.combinations(np.ndindex(labels.shape), 2):
        if labels[a] and labels[b]:
            counts = within if labels[a] == labels[b] else between
            counts[height == naive_level(height, a, b)] += 1
    shares = bottleneck_shares(height, labels)
    for share, count in zip(shares, (between, within), strict=True):
        np.testing.assert_allclose(share, count / max(count.sum(), 1))


def test_windows_stand_alone() -> None:
    height = np.random.default_rng(0).random((6, 7))
    labels = np.random.default_rng(1).integers(0, 3, (6, 7))
    between, within = bottleneck_shares(height, labels, window=4)
    corner = (slice(4, 8), slice(4, 8))
    alone = bottleneck_shares(height[corner], labels[corner])
    np.testing.assert_array_equal(between[corner], alone[0])
    np.testing.assert_array_equal(within[corner], alone[1])


def test_ridges_separate_cells_in_the_middle_of_lines() -> None:
    cells = np.zeros((30, 40))
    cells[10:15] = 1
    ridge = ridge_pixels(cells)
    assert (ridge.sum(0)[3:-3] == 1).all()
    assert np.flatnonzero(ridge.any(1)).tolist() == [12]
    _, count = ndimage.label(~ridge)
    assert count == 2


def test_shallow_basins_are_no_basins() -> None:
    height = np.array([[0.0, 0.5, 0.45, 0.9, 0.1]])
    assert np.flatnonzero(ridge_pixels(height, least=0.1)).tolist() == [3]
    assert np.flatnonzero(ridge_pixels(height, least=0.01)).tolist() == [1, 3]
    assert not ridge_pixels(height, least=0.85).any()
    assert not ridge_pixels(np.zeros((4, 5))).any()


def test_ridges_in_volumes_are_walls() -> None:
    wall = np.zeros((4, 5, 9))
    wall[..., 4] = 0.8
    ridge = ridge_pixels(wall)
    assert ridge[..., 4].all()
    assert ridge.sum() == 20


@pytest.mark.parametrize("shape", [(12, 16), (4, 6, 7)])
def test_order_in_memory_is_irrelevant(shape: tuple[int, ...]) -> None:
    # a transposed map once had its neighbours looked up outside of it
    height = np.random.default_rng(2).random(shape)
    np.testing.assert_array_equal(ridge_pixels(np.asfortranarray(height)), ridge_pixels(height))
    labels = np.random.default_rng(3).integers(0, 3, shape)
    turned = bottleneck_shares(np.asfortranarray(height), np.asfortranarray(labels))
    for found, expected in zip(turned, bottleneck_shares(height, labels), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_border() -> None:
    with pytest.raises(ValueError, match="labels must be"):
        bottleneck_shares(np.zeros((2, 2)), np.zeros((2, 3), int))


def test_a_basin_as_deep_as_the_least_is_shallow() -> None:
    height = np.array([[0.0, 0.5, 0.25, 1.0, 0.0]])
    assert np.flatnonzero(ridge_pixels(height, least=0.25)).tolist() == [3]
    assert np.flatnonzero(ridge_pixels(height, least=0.2)).tolist() == [1, 3]
