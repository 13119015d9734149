"""Walls: their Betti numbers come from the bricks and must equal gudhi's and the labelling's."""

from __future__ import annotations

import gudhi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.datasets.geometry import build_wall
from seglosses.datasets.masonry import BONDS, Masonry
from seglosses.datasets.walls import betti_of_bricks, break_joints, cover
from seglosses.topology.skeleton import skeletonize


def labelled(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Betti numbers by labelling: foreground 8-connected, background 4-connected and framed."""
    components = ndimage.label(mask, np.ones((3, 3)))[1]
    return components, ndimage.label(np.pad(~mask, 1, constant_values=True))[1] - 1


def by_gudhi(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Betti numbers by gudhi: foreground pixels are closed squares that enter at 0."""
    complex_ = gudhi.CubicalComplex(top_dimensional_cells=np.where(mask, 0.0, 1.0))
    complex_.compute_persistence()
    b0, b1 = (*complex_.persistent_betti_numbers(0.0, 0.5), 0, 0)[:2]
    return b0, b1


def masonry(bond: str) -> Masonry:
    return Masonry(bond, 48.0, 130.0, 10.0, 9.0, rounding=4.0, rough=1.0, jitter=0.03)


sizes = st.tuples(st.integers(16, 110), st.integers(16, 110))
seeds = st.integers(0, 2**32)


@given(size=sizes, seed=seeds, oblique=st.booleans(), breaks=st.integers(0, 6))
def test_betti_numbers_equal_gudhi_and_labelling(
    size: tuple[int, int], seed: int, oblique: bool, breaks: int
) -> None:
    rng = np.random.default_rng(seed)
    wall = break_joints(build_wall(size, rng, oblique=oblique), breaks, rng)
    assert wall.betti == labelled(wall.mask) == by_gudhi(wall.mask)


@given(size=sizes, seed=seeds, data=st.data())
def test_betti_numbers_behind_things(size: tuple[int, int], seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    region = np.zeros(size, bool)
    for _ in range(data.draw(st.integers(1, 3))):
        top, left = (data.draw(st.integers(0, length - 1)) for length in size)
        region[top : top + data.draw(st.integers(1, 40)), left : left + 30] = True
    wall = cover(break_joints(build_wall(size, rng), 3, rng), region)
    assert not wall.mask[region].any()
    assert wall.betti == labelled(wall.mask) == by_gudhi(wall.mask)


def test_a_bridge_closes_a_ring_of_mortar() -> None:
    # Four bricks around a cross, joined pairwise in a ring: the middle of the cross is an island.
    bricks = np.zeros((11, 11), np.int32)
    bricks[1:5, 1:5], bricks[1:5, 6:10] = 1, 2
    bricks[6:10, 1:5], bricks[6:10, 6:10] = 3, 4
    assert betti_of_bricks(bricks) == (1, 4)
    bricks[2, 5], bricks[7, 5], bricks[5, 2], bricks[5, 7] = 1, 3, 1, 2
    assert betti_of_bricks(bricks, ((1, 2), (3, 4), (1, 3), (2, 4))) == (2, 1)


@pytest.mark.parametrize("bond", BONDS)
def test_bricks_are_whole_and_apart(bond: str) -> None:
    wall = build_wall((150, 190), np.random.default_rng(5), masonry=masonry(bond))
    pieces, count = ndimage.label(wall.bricks > 0)
    assert count == wall.bricks.max() > 10
    assert all(len(np.unique(wall.bricks[pieces == piece])) == 1 for piece in range(1, count + 1))


def test_bonds_differ() -> None:
    masks = [
        build_wall((96, 96), np.random.default_rng(1), masonry=masonry(bond)).mask for bond in BONDS
    ]
    same = [np.array_equal(a, b) for i, a in enumerate(masks) for b in masks[:i]]
    assert not any(same)


def test_breaking_a_joint_changes_the_euler_number_by_one() -> None:
    whole = build_wall((128, 128), np.random.default_rng(11))
    broken = break_joints(whole, 4, np.random.default_rng(2))
    assert len(broken.links) == 4
    assert (whole.mask & ~broken.mask).any()
    assert not (broken.mask & ~whole.mask).any()
    assert broken.betti[0] - broken.betti[1] == whole.betti[0] - whole.betti[1] + 4


@pytest.mark.slow
def test_widths_and_area_follow_topomortar() -> None:
    # TopoMortar's 50 training labels, measured in the same way (twice the distance on the skeleton
    # minus 1): 5/25/50/75/95 % are 3/3/5/9/13 px, and 31 % of the pixels are mortar.
    widths, shares = [], []
    for seed in range(30):
        mask = build_wall((512, 512), np.random.default_rng(seed)).mask
        distance = ndimage.distance_transform_edt(mask)
        widths.append(2 * distance[skeletonize(mask)] - 1)
        shares.append(mask.mean())
    assert abs(np.mean(shares) - 0.31) < 0.03
    percentiles = np.percentile(np.concatenate(widths), [5, 25, 50, 75, 95])
    assert np.all(abs(percentiles - [3, 3, 5, 9, 13]) <= 2)


def test_small_images_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 x 16"):
        build_wall((15, 64), np.random.default_rng(0))
