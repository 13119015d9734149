"""Hard skeletons: shape, topology, and a memory that is bounded and never shared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage import morphology

from seglosses.topology import skeleton, skeleton_memory

EIGHT = np.ones((3, 3))


@given(arrays(bool, (9, 11)))
def test_equals_scikit_image_and_keeps_components(mask: np.ndarray) -> None:
    got = skeleton.skeletonize(mask)
    np.testing.assert_array_equal(got, morphology.skeletonize(mask))
    assert not (got & ~mask).any()
    assert ndimage.label(got, EIGHT)[1] == ndimage.label(mask, EIGHT)[1]


@pytest.mark.parametrize("grain", [0, 1, 3])
@pytest.mark.parametrize("shape", [(120, 90), (9, 200), (150, 4)])
def test_components_thinned_side_by_side_equal_scikit_image(
    shape: tuple[int, int], grain: float
) -> None:
    rng = np.random.default_rng(0)
    for share in (0.002, 0.05, 0.3, 0.6):
        field = ndimage.gaussian_filter(rng.random(shape), grain)
        mask = field > np.quantile(field, 1 - share)
        np.testing.assert_array_equal(skeleton.skeletonize(mask), morphology.skeletonize(mask))


SIDES = st.integers(1, 7)


@given(st.tuples(SIDES, SIDES, SIDES).flatmap(lambda shape: arrays(bool, shape)))
def test_volumes_equal_scikit_image(mask: np.ndarray) -> None:
    published = morphology.skeletonize(mask, method="lee")
    got, vanished = skeleton._lee(mask)
    np.testing.assert_array_equal(got, published)
    lost = ndimage.label(mask, np.ones((3, 3, 3)))[1] - ndimage.label(got, np.ones((3, 3, 3)))[1]
    assert vanished == lost
    if not lost and 1 not in mask.shape:
        np.testing.assert_array_equal(skeleton.skeletonize(mask), published)


@pytest.mark.parametrize("grain", [0, 1, 2])
@pytest.mark.parametrize("shape", [(24, 30, 9), (3, 20, 40), (1, 30, 40)])
def test_larger_volumes_equal_scikit_image(shape: tuple[int, ...], grain: float) -> None:
    rng = np.random.default_rng(0)
    for share in (0.05, 0.3, 0.6, 0.95):
        field = ndimage.gaussian_filter(rng.random(shape), grain)
        mask = field > np.quantile(field, 1 - share)
        published = morphology.skeletonize(mask, method="lee")
        np.testing.assert_array_equal(skeleton._lee(mask)[0], published)
        if len(mask) == 1:
            np.testing.assert_array_equal(skeleton.lee_skeleton(mask[0]), published[0])


def test_a_volume_thins_to_a_line() -> None:
    bar = np.zeros((7, 7, 15), bool)
    bar[2:5, 2:5] = True
    got = skeleton.skeletonize(bar)
    assert got.any()
    assert got.sum(axis=(0, 1)).max() == 1


def test_no_component_is_lost_in_a_volume() -> None:
    # Lee's thinning deletes blocks of 2x2x2 and 4x6x6 entirely.
    mask = np.zeros((8, 12, 16), bool)
    mask[1:3, 1:3, 1:3] = mask[2:6, 5:11, 5:11] = mask[:2, :2, 13:15] = True
    got = skeleton.skeletonize(mask)
    assert not (got & ~mask).any()
    assert ndimage.label(got, np.ones((3, 3, 3)))[1] == 3
    assert skeleton.skeletonize(np.ones((2, 2, 2))).sum() == 1
    assert skeleton.skeletonize(np.ones((4, 6, 6))).sum() == 1


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("radius", [1, 2, 3, 4.5, 6])
def test_tubes_of_even_width_have_a_line(radius: float, axis: int) -> None:
    """A cylinder of 40 voxels whose centre lies between voxels: Lee's thinning deletes it."""
    y, x = np.mgrid[:18, :18] - 8.5
    disc = np.hypot(y, x) <= radius
    mask = np.moveaxis(np.broadcast_to(disc, (40, 18, 18)), 0, axis)
    assert not morphology.skeletonize(mask, method="lee").any()
    got = skeleton.skeletonize(mask)
    assert not (got & ~mask).any()
    places = np.argwhere(got)
    assert len(places) == np.unique(places[:, axis]).size >= 40 - 2 * radius
    # one voxel in each slice, in the middle
    assert (np.abs(np.delete(places, axis, 1) - 8.5) == 0.5).all()


def test_a_cell_between_voxels_goes_to_one_of_the_mask() -> None:
    """The corner at which two voxels meet; the other two voxels around it are background."""
    mask = np.zeros((2, 2, 1), bool)
    mask[0, 1] = mask[1, 0] = True
    cells = np.zeros((5, 5, 3), bool)
    cells[2, 2, 1] = True
    assert skeleton._as_cells(mask)[2, 2, 1]
    got = skeleton._as_voxels(cells, mask)
    assert got.sum() == 1
    assert not (got & ~mask).any()


@given(st.integers(0, 2**32 - 1))
def test_lost_components_are_thinned_within_themselves(seed: int) -> None:
    """Random masks that are symmetric, so that many have even sides."""
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(2, 8, 3)) < rng.uniform(0.3, 0.98)
    mask |= mask[::-1, ::-1, ::-1]
    got = skeleton.skeletonize(mask)
    assert not (got & ~mask).any()
    cube = np.ones((3, 3, 3))
    labels, count = ndimage.label(mask, cube)
    for number in range(1, count + 1):
        assert ndimage.label(got & (labels == number), cube)[1] == 1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_slice_is_a_plane(axis: int) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(0).random((24, 24)), 2) > 0.5
    got = skeleton.skeletonize(np.expand_dims(mask, axis))
    np.testing.assert_array_equal(got.squeeze(axis), skeleton.skeletonize(mask))


def test_results_are_the_callers_own() -> None:
    mask = np.ones((5, 9), bool)
    first = skeleton.skeletonize(mask)
    expected = first.copy()
    first[:] = True
    np.testing.assert_array_equal(skeleton.skeletonize(mask), expected)


def test_same_content_in_another_shape_is_another_mask() -> None:
    mask = np.ones((2, 18), bool)
    skeleton.skeletonize(mask)
    assert skeleton.skeletonize(mask.reshape(6, 6)).shape == (6, 6)


def test_the_memory_answers_and_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    skeleton.clear_cache()
    monkeypatch.setattr(skeleton_memory, "CACHE_BYTES", 40)
    masks = [np.roll(np.eye(8, dtype=bool), shift, axis=1) for shift in range(8)]
    for mask in masks:
        skeleton.skeletonize(mask)
    assert skeleton_memory._memory.size <= 40
    assert len(skeleton_memory._memory.packed) == 5

    def fail(_: np.ndarray) -> np.ndarray:
        raise AssertionError("thinned again")

    monkeypatch.setattr(skeleton, "thin", fail)
    skeleton.skeletonize(masks[-1])
    with pytest.raises(AssertionError, match="thinned again"):
        skeleton.skeletonize(masks[0])
    skeleton.clear_cache()
    assert skeleton_memory._memory.size == 0


def test_empty_and_wrong_shapes() -> None:
    assert not skeleton.skeletonize(np.zeros((3, 3))).any()
    with pytest.raises(ValueError, match="2 or 3 axes"):
        skeleton.skeletonize(np.zeros(3))


def test_tube_is_the_thick_skeleton_inside_the_mask() -> None:
    mask = np.zeros((15, 15), bool)
    mask[7, 2:13] = True
    mask[2:13, 7] = True
    assert np.array_equal(skeleton.tube(mask, 2), mask)
    mask[1:14, 1:14] = True
    thin = skeleton.skeletonize(mask).sum()
    assert thin < skeleton.tube(mask, 1).sum() < skeleton.tube(mask, 2).sum() < mask.sum()
    with pytest.raises(ValueError, match="radius must not be negative"):
        skeleton.tube(mask, -1)
