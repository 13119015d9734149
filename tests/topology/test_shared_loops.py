"""Cycles that stand for the loops of a volume."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from seglosses.topology import betti_numbers
from seglosses.topology.shared_loops import Space


def ends(code: int, shape: tuple[int, ...]) -> tuple[int, int]:
    """Padded voxels at the ends of an edge."""
    step = (shape[1] * shape[2], shape[2], 1)
    voxel, axis = divmod(code, 3)
    return voxel, voxel + step[axis]


@pytest.mark.parametrize("seed", range(6))
def test_cycles_are_closed_and_lie_in_the_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((4, 5, 6)) < 0.6
    padded = np.pad(mask, 1)
    space = Space.of(mask)
    edges, last = space.cycles()
    assert len(last) == betti_numbers(mask, connectivity=6)[1] > 0
    for birth, cycle in zip(space.births, np.split(edges, last[:-1]), strict=True):
        # the walk from both ends of an edge to the root counts what they share twice: no times
        once = [code for code, count in Counter(cycle.tolist()).items() if count % 2]
        assert birth in once
        touched = Counter(voxel for code in once for voxel in ends(code, padded.shape))
        assert set(touched.values()) <= {2, 4, 6}
        assert padded.ravel()[list(touched)].all()
