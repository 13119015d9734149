"""Distance maps and surfaces: hand-worked values, scipy as oracle, and the masks that break."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from seglosses.primitives import distance
from seglosses.primitives._kernels_distance import short_squares

MASKS = arrays(bool, array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=7))


def scipy_to(mask: np.ndarray, spacing: tuple[float, ...] | None = None) -> np.ndarray:
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return ndimage.distance_transform_edt(~mask, sampling=spacing)


@given(MASKS)
def test_distance_to_equals_scipy(mask: np.ndarray) -> None:
    np.testing.assert_allclose(distance.distance_to(mask), scipy_to(mask), rtol=1e-6)


@given(MASKS, st.tuples(*[st.floats(0.25, 4.0)] * 3))
def test_spacing_equals_scipy(mask: np.ndarray, spacing: tuple[float, ...]) -> None:
    lengths = spacing[: mask.ndim]
    got = distance.distance_to(mask, lengths)
    np.testing.assert_allclose(got, scipy_to(mask, lengths), rtol=1e-5)


def test_memory_order_does_not_matter() -> None:
    mask = np.random.default_rng(0).random((9, 6, 7)) > 0.9
    expected = distance.distance_to(mask, (3.0, 1.0, 0.5))
    got = distance.distance_to(np.asfortranarray(mask), (3.0, 1.0, 0.5))
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(
        distance.distance_to(mask[::2, ::-1]), distance.distance_to(mask[::2, ::-1].copy())
    )


@given(MASKS)
def test_two_sided_equals_the_sum_of_both_sides(mask: np.ndarray) -> None:
    expected = (
        scipy_to(mask) + scipy_to(~mask) if mask.any() and not mask.all() else np.zeros(mask.shape)
    )
    np.testing.assert_allclose(distance.two_sided_distance(mask), expected, rtol=1e-6)


@given(
    arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(-2, 4))
)
def test_inner_distances_equal_one_transform_a_label(labels: np.ndarray) -> None:
    expected = np.zeros(labels.shape)
    for value in np.unique(labels):
        mask = labels == value
        if not mask.all():
            expected[mask] = scipy_to(~mask)[mask]
    np.testing.assert_allclose(distance.inner_distances(labels), expected, rtol=1e-6)


def smooth_labels(shape: tuple[int, int], grain: float, levels: int) -> np.ndarray:
    field = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), grain)
    cuts = np.quantile(field, np.linspace(0, 1, levels + 1)[1:-1])
    return np.digitize(field, cuts).astype(np.uint8)


@pytest.mark.parametrize("shape", [(61, 83), (83, 61), (1, 70), (70, 1)])
@pytest.mark.parametrize("grain", [1, 3, 9])
def test_short_and_long_distances_agree(shape, grain: float, monkeypatch) -> None:
    labels = smooth_labels(shape, grain, 4)
    for spacing in (None, 0.7):
        monkeypatch.setattr(distance, "_SHORT", 256)
        short = distance.inner_distances(labels, spacing)
        to_class = distance.distance_to(labels == 2, spacing)
        monkeypatch.setattr(distance, "_SHORT", 0)
        np.testing.assert_allclose(short, distance.inner_distances(labels, spacing), rtol=1e-6)
        np.testing.assert_allclose(to_class, distance.distance_to(labels == 2, spacing), rtol=1e-6)


@pytest.mark.parametrize(
    "shape", [(256, 4), (4, 256), (200, 1), (1, 200), (1, 1), (90, 7), (256, 64)]
)
def test_distances_longer_than_a_side_equal_scipy(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        # Bars across the image: every column has both labels, some of them far apart.
        mask = np.zeros(shape, bool)
        for start in rng.integers(0, shape[0], 2):
            mask[start : start + 3] = True
        mask[:, rng.random(shape[1]) < 0.5] &= rng.random(shape[0])[:, None] < 0.9
        np.testing.assert_allclose(distance.distance_to(mask), scipy_to(mask), rtol=1e-6)
        both = scipy_to(mask) + scipy_to(~mask)
        expected = both if mask.any() and not mask.all() else np.zeros(shape)
        np.testing.assert_allclose(distance.two_sided_distance(mask), expected, rtol=1e-6)


def test_the_kernel_leaves_long_distances_to_others() -> None:
    labels = np.zeros((5, 300), np.uint8)
    labels[:, 0] = 1
    squares = np.empty(labels.shape, np.int32)
    assert not short_squares(labels, 256, squares)
    assert short_squares(labels[:, :257].copy(), 256, squares[:, :257].copy())
    assert distance.distance_to(labels).max() == 299


def test_label_255_is_a_label_like_any_other() -> None:
    labels = np.array([[0, 0, 255, 255, 1]], np.uint8)
    np.testing.assert_array_equal(distance.inner_distances(labels), [[2, 1, 1, 1, 1]])


# The 6x8 mask with two components and the map of the boundary loss' own code, two decimals
# (source: one_hot2dist of the boundary-loss repository, run on CPU).
PAPER_MASK = np.zeros((6, 8), bool)
PAPER_MASK[1:4, 2:6] = True
PAPER_MASK[5, 7] = True
PAPER_PHI = np.array(
    [
        [2.236, 1.414, 1, 1, 1, 1, 1.414, 2.236],
        [2, 1, 0, 0, 0, 0, 1, 2],
        [2, 1, 0, -1, -1, 0, 1, 2],
        [2, 1, 0, 0, 0, 0, 1, 2],
        [2.236, 1.414, 1, 1, 1, 1, 1.414, 1],
        [2.828, 2.236, 2, 2, 2, 2, 1, 0],
    ]
)
PAPER_BACKGROUND_ROW0 = [-1.236, -0.414, 0, 0, 0, 0, -0.414, -1.236]


def test_signed_distance_equals_the_boundary_loss() -> None:
    np.testing.assert_allclose(distance.signed_distance(PAPER_MASK), PAPER_PHI, atol=5e-4)
    background = distance.signed_distance(~PAPER_MASK)
    np.testing.assert_allclose(background[0], PAPER_BACKGROUND_ROW0, atol=5e-4)


def test_signed_distance_scales_with_spacing() -> None:
    got = distance.signed_distance(PAPER_MASK, 2.5)
    np.testing.assert_allclose(got, 2.5 * distance.signed_distance(PAPER_MASK), rtol=1e-6)


@given(MASKS, st.tuples(*[st.floats(0.25, 4.0)] * 3))
def test_the_rim_is_zero_for_any_spacing(mask: np.ndarray, spacing: tuple[float, ...]) -> None:
    phi = distance.signed_distance(mask, spacing[: mask.ndim])
    assert np.isfinite(phi).all()
    assert not phi[distance.surface(mask, border=False)].any()
    assert (phi[mask] <= 0).all()
    if mask.any() and not mask.all():
        assert (phi[~mask] > 0).all()


def test_anisotropic_depth_is_measured_below_the_rim() -> None:
    # A 5x5 block, rows 3 apart, columns 1: the centre lies 3 columns from the outside (3.0), its
    # nearest rim pixel 2 columns away has inside distance 1.0, so the depth is 2.
    mask = np.zeros((7, 7), bool)
    mask[1:6, 1:6] = True
    assert distance.signed_distance(mask, (3.0, 1.0))[3, 3] == -2.0


@given(
    arrays(np.int64, array_shapes(min_dims=1, max_dims=3, max_side=6), elements=st.integers(0, 3))
)
def test_maps_of_all_classes_equal_one_at_a_time(labels: np.ndarray) -> None:
    onehot = np.stack([labels == index for index in range(3)])
    expected = np.stack([distance.signed_distance(mask) for mask in onehot])
    np.testing.assert_array_equal(distance.signed_distances(onehot), expected)
    ignored = np.where(labels == 3, 255, labels)
    np.testing.assert_array_equal(distance.signed_label_distances(ignored, 3), expected)


@given(arrays(bool, (2, 4, 5)))
def test_overlapping_masks_are_kept_apart(masks: np.ndarray) -> None:
    expected = np.stack([distance.signed_distance(mask, (2.0, 1.0)) for mask in masks])
    np.testing.assert_allclose(distance.signed_distances(masks, (2.0, 1.0)), expected)


@pytest.mark.parametrize("value", [False, True])
def test_empty_and_full_masks_have_no_boundary(value: bool) -> None:
    mask = np.full((4, 5), value)
    assert not distance.signed_distance(mask).any()
    assert not distance.two_sided_distance(mask).any()
    assert not distance.signed_distances(mask[None]).any()
    assert not distance.surface(mask, border=False).any()
    assert distance.surface(mask).any() == value


@pytest.mark.parametrize("border", [True, False])
@given(mask=MASKS)
def test_surface_is_the_mask_minus_its_erosion(border: bool, mask: np.ndarray) -> None:
    inner = ndimage.binary_erosion(mask, border_value=0 if border else 1)
    np.testing.assert_array_equal(distance.surface(mask, border=border), mask & ~inner)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: distance.distance_to(np.zeros((2, 2, 2, 2))), "1, 2 or 3 axes"),
        (lambda: distance.distance_to(np.zeros((2, 2)), (1.0,)), "needs 2 positive numbers"),
        (lambda: distance.distance_to(np.zeros((2, 2)), 0.0), "positive"),
        (lambda: distance.signed_distances(np.zeros(3)), r"\(C, \*S\)"),
    ],
)
def test_errors_say_what_to_give(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_many_classes_with_long_and_short_distances_equal_scipy() -> None:
    coarse = np.random.default_rng(0).integers(0, 19, (8, 16))
    labels = np.kron(coarse, np.ones((32, 32), np.int64))
    onehot = np.stack([labels == index for index in range(19)])
    expected = [scipy_to(mask) - np.maximum(scipy_to(~mask) - 1, 0) for mask in onehot]
    np.testing.assert_allclose(distance.signed_distances(onehot), expected, atol=1e-4)
