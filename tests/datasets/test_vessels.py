"""Vessels have the Betti numbers that they are drawn with."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.datasets.vessels import vessel_sample
from seglosses.topology import betti_numbers


@pytest.mark.parametrize("seed", range(12))
def test_betti_numbers_are_those_of_the_graph(seed) -> None:
    sample = vessel_sample(36 + seed, seed=seed, trees=1 + seed % 3, loops=seed % 5)
    for connectivity in (6, 26):
        assert betti_numbers(sample.mask, connectivity=connectivity) == sample.betti
    assert sample.betti[0] == 1 + seed % 3
    assert sample.image[sample.mask].mean() > sample.image[~sample.mask].mean() + 0.5


def test_a_seed_says_everything() -> None:
    one, two = (vessel_sample(30, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    assert (vessel_sample(30, seed=6).mask != one.mask).any()


def test_border() -> None:
    with pytest.raises(ValueError, match="at least 24 voxels"):
        vessel_sample(20, seed=0)
    with pytest.raises(ValueError, match="trees=0"):
        vessel_sample(30, seed=0, trees=0)
