"""Warping by simple points: the table and the volume test against definitions, Betti numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.topology import betti_numbers
from seglosses.topology.kernels.simple import _is_simple_3d, simple_table
from seglosses.topology.warping import _RING, critical_pixels, warp_towards

pairs = array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


def test_table_of_simple_pixels() -> None:
    table = simple_table()
    for code in range(256):
        mask = np.zeros((3, 3), bool)
        for k, (row, column) in enumerate(_RING):
            mask[1 + row, 1 + column] = code >> k & 1
        _, fore = ndimage.label(mask, np.ones((3, 3)))
        mask[1, 1] = True
        back, _ = ndimage.label(~mask)
        faces = {back[0, 1], back[1, 0], back[1, 2], back[2, 1]} - {0}
        assert table[code] == (fore == 1 and len(faces) == 1), code


@given(arrays(bool, (3, 3, 3)))
def test_voxels_are_simple_when_betti_numbers_stay(cube: NDArray[np.bool_]) -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[1:4, 1:4, 1:4] = cube
    offsets = (np.indices((3, 3, 3)).reshape(3, -1).T - 1) @ np.array([25, 5, 1])
    scratch = np.zeros(27, np.uint8), np.zeros(27, np.int64)
    simple = _is_simple_3d(mask.ravel(), 62, offsets, *scratch)
    numbers = []
    for value in (False, True):
        mask[2, 2, 2] = value
        numbers.append(betti_numbers(mask))
    assert simple == (numbers[0] == numbers[1])


@given(pairs)
def test_warping_keeps_the_topology(pair: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> None:
    mask, goal = pair
    warped = warp_towards(mask, goal)
    assert betti_numbers(warped) == betti_numbers(mask)
    assert not ((warped != mask) & (mask == goal)).any()
    critical = critical_pixels(mask, goal)
    assert np.array_equal(critical, critical_pixels(goal, mask))
    assert not critical[mask == goal].any()
    if betti_numbers(mask) != betti_numbers(goal):
        assert critical.any()


def test_by_hand() -> None:
    line = np.zeros((24, 24), bool)
    line[10:13] = True
    broken = line.copy()
    broken[:, 11] = False
    assert critical_pixels(line, line).sum() == 0
    assert critical_pixels(broken, line).sum() == 3
    # one row wider up to both borders: the published rule leaves 2 pixels there
    wider = line.copy()
    wider[13] = True
    assert critical_pixels(wider, line).sum() == 0
    assert critical_pixels(wider[None], line[None]).shape == (1, 24, 24)


@pytest.mark.parametrize("shape", [(9, 13), (4, 6, 7)])
def test_order_in_memory_is_irrelevant(shape: tuple[int, ...]) -> None:
    start, goal = np.random.default_rng(0).random((2, *shape)) < 0.6
    transposed = warp_towards(np.asfortranarray(start), np.asfortranarray(goal))
    np.testing.assert_array_equal(transposed, warp_towards(start, goal))


def test_border() -> None:
    for call in (warp_towards, critical_pixels):
        with pytest.raises(ValueError, match="one shape"):
            call(np.zeros((2, 2), bool), np.zeros((2, 3), bool))
