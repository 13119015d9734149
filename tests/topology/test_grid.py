"""Kernels of the grid: padded places back into the image, whatever the sides."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.topology.kernels.grid import top_pixels

# a row of 49 ends where 49 * (1 / 49) is less than 1
SHAPES = [(1, 1), (5, 47), (47, 5), (3, 2, 47), (2, 47, 47), (1, 96, 1)]


@pytest.mark.parametrize("margin", [1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_place_comes_back(shape, margin) -> None:
    sides = tuple(length + 2 * margin for length in shape)
    expected = np.full(sides, -7)
    expected[(slice(margin, -margin),) * len(shape)] = np.arange(np.prod(shape)).reshape(shape)
    cells = np.arange(expected.size)
    found = np.empty(expected.size, np.int64)
    key = np.zeros(expected.size, np.int32)
    top_pixels(key, cells, 1, np.zeros((1, 1), int), np.array(shape), margin, -7, found)
    assert np.array_equal(found, expected.ravel())


def test_the_preferred_pixel_is_taken_among_equals() -> None:
    padded = np.zeros((4, 4), np.int32)
    padded[1:3, 1:3] = [[3, 3], [1, 2]]
    cells = 2 * np.array([5, 5, 6, 9]) + [0, 1, 1, 0]
    picks = np.array([[1, 0], [0, 4]])
    found = np.empty(4, np.int64)
    top_pixels(padded.ravel(), cells, 2, picks, np.array([2, 2]), 1, -1, found)
    # right before itself: 3 ties with 3; itself before below; the same; 2 beats 1
    assert found.tolist() == [1, 0, 1, 3]
