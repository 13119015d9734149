"""Distances at some pixels and erosions, with SciPy as oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from seglosses.primitives.nearest import distances_at, eroded


def scipy_to(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return ndimage.distance_transform_edt(~mask, sampling=spacing)


@given(
    array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=9).flatmap(
        lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
    ),
    st.tuples(*[st.sampled_from([0.5, 0.7, 1.0, 3.25])] * 3),
)
def test_distances_at_places_are_those_of_the_map(
    both: tuple[np.ndarray, np.ndarray], spacing: tuple[float, ...]
) -> None:
    places, mask = both
    lengths = spacing[: mask.ndim]
    expected = scipy_to(mask, lengths)[places]
    np.testing.assert_allclose(distances_at(places, mask, lengths), expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(300, 5), (5, 300), (1, 200), (200, 1), (64, 64)])
def test_distances_at_places_far_from_a_mask(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for share in (0.001, 0.02, 0.5):
        places, mask = rng.random(shape) < 0.3, rng.random(shape) < share
        mask.flat[0] = True
        expected = scipy_to(mask, (0.7, 2.0))[places]
        np.testing.assert_allclose(distances_at(places, mask, (0.7, 2.0)), expected)


@given(
    arrays(bool, array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=12)), st.integers(1, 4)
)
def test_eroded_equals_scipy(mask: np.ndarray, width: int) -> None:
    square = np.ones((3,) * mask.ndim)
    expected = ndimage.binary_erosion(mask, square, iterations=width)
    np.testing.assert_array_equal(eroded(mask, width), expected)


def test_places_have_the_shape_of_the_mask() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        distances_at(np.zeros(3), np.zeros(4))
