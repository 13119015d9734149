"""Barcodes against gudhi, with ties, constants, single rows and infinities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seglosses.topology import persistence

SIDES = {2: 7, 3: 4}


def images(ndim: int):
    shapes = hnp.array_shapes(min_dims=ndim, max_dims=ndim, min_side=1, max_side=SIDES[ndim])
    levels = st.sampled_from([-np.inf, -1.5, 0.0, 0.25, 0.5, 1.0, np.inf])
    soft = st.floats(-1, 1, width=32)
    return st.one_of(hnp.arrays(np.float32, shapes, elements=e) for e in (levels, soft))


def gudhi_bars(image: np.ndarray, construction: str) -> list[np.ndarray]:
    gudhi = pytest.importorskip("gudhi")
    name = "vertices" if construction == "V" else "top_dimensional_cells"
    cubes = gudhi.CubicalComplex(**{name: np.asarray(image, float)})
    cubes.compute_persistence()
    return [cubes.persistence_intervals_in_dimension(d).reshape(-1, 2) for d in range(image.ndim)]


def in_order(bars: np.ndarray) -> np.ndarray:
    return bars[np.lexsort(bars.T)]


def assert_same_bars(image: np.ndarray, construction: str, filtration: str) -> None:
    sign = -1.0 if filtration == "superlevel" else 1.0
    found = persistence(image, construction=construction, filtration=filtration)
    expected = gudhi_bars(sign * image, construction)
    for dim, (pairs, values) in enumerate(zip(found.pairs, found.values, strict=True)):
        np.testing.assert_array_equal(values, image.ravel()[pairs])
        bars = sign * np.asarray(values, float)
        if dim == 0:
            born = sign * float(image.ravel()[found.essential])
            bars = np.concatenate([bars, [[born, np.inf]]])
        np.testing.assert_array_equal(in_order(bars), in_order(expected[dim]))


@pytest.mark.parametrize("filtration", ["superlevel", "sublevel"])
@pytest.mark.parametrize("construction", ["V", "T"])
@given(image=images(2))
def test_2d_bars_are_those_of_gudhi(image: np.ndarray, construction: str, filtration: str) -> None:
    assert_same_bars(image, construction, filtration)


@pytest.mark.parametrize("filtration", ["superlevel", "sublevel"])
@pytest.mark.parametrize("construction", ["V", "T"])
@given(image=images(3))
def test_3d_bars_are_those_of_gudhi(image: np.ndarray, construction: str, filtration: str) -> None:
    assert_same_bars(image, construction, filtration)


def test_a_hollow_cube_and_a_ring_in_space() -> None:
    shell = np.ones((3, 3, 3))
    shell[1, 1, 1] = 0.2
    assert [len(p) for p in persistence(shell).pairs] == [0, 0, 1]
    assert persistence(shell).values[2].tolist() == [[1.0, 0.2]]
    ring = np.zeros((3, 5, 5))
    ring[1, 1:4, 1:4] = 0.9
    ring[1, 2, 2] = 0.1
    bars = persistence(ring)
    assert [len(p) for p in bars.pairs] == [0, 1, 0]
    assert bars.values[1].tolist() == [[0.9, 0.1]]


def test_the_weakest_pixel_of_a_ring_gives_birth_and_its_centre_death() -> None:
    ring = np.array([[0.9, 0.9, 0.9], [0.9, 0.1, 0.6], [0.9, 0.9, 0.9]])
    bars = persistence(ring)
    assert bars.pairs[1].tolist() == [[5, 4]]
    assert bars.values[1].tolist() == [[0.6, 0.1]]
    assert bars.pairs[0].shape == (0, 2)
    assert bars.essential == 0


def test_a_diagonal_ring_is_a_loop_only_with_eight_neighbours() -> None:
    ring = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    ((birth, death),) = persistence(ring, construction="T").pairs[1].tolist()
    assert ring.ravel()[birth]
    assert death == 4
    assert len(persistence(ring).pairs[1]) == 0
    assert len(persistence(ring).pairs[0]) == 3


@pytest.mark.parametrize("construction", ["V", "T"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (4, 5)])
def test_a_constant_image_has_only_its_essential_component(shape, construction) -> None:
    bars = persistence(np.full(shape, 0.5), construction=construction)
    assert [len(p) for p in bars.pairs] == [0] * len(shape)
    # the orders of ties are mirror images of each other
    assert bars.essential == (0 if construction == "V" else np.prod(shape) - 1)


def test_a_negative_zero_is_a_zero() -> None:
    row = np.array([[0.0, -0.0, 1.0]], np.float32)
    assert persistence(row, filtration="sublevel").essential == 0
    assert len(persistence(row, filtration="sublevel").pairs[0]) == 0


def test_doubles_that_single_precision_cannot_tell_apart_stay_apart() -> None:
    row = np.array([[1.0, 1.0 - 1e-12, 1.0]])
    assert persistence(row).pairs[0].tolist() == [[2, 1]]
    assert persistence(np.array([[2**40 + 1, 2**40, 2**40 + 1]])).pairs[0].tolist() == [[2, 1]]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int64, np.float16, np.float64])
def test_every_number_type_gives_the_same_bars(dtype) -> None:
    image = (np.random.default_rng(0).random((8, 8)) < 0.5).astype(dtype)
    expected = persistence(image.astype(np.float32))
    for pairs, wanted in zip(persistence(image).pairs, expected.pairs, strict=True):
        np.testing.assert_array_equal(pairs, wanted)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.array([[1.0, np.nan]]), {}, "NaN"),
        (np.zeros((0, 3)), {}, "at least one pixel"),
        (np.zeros(3), {}, "one image at a time"),
        (np.zeros((2, 2), complex), {}, "real numbers"),
        (np.zeros((2, 2)), {"filtration": "upper"}, "superlevel, sublevel"),
        (np.zeros((2, 2)), {"construction": "W"}, "V, T"),
    ],
)
def test_border(image, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        persistence(image, **options)


@pytest.mark.parametrize("construction", ["V", "T"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_every_component_is_born_at_a_pixel_of_its_own(construction, ndim) -> None:
    rng = np.random.default_rng(ndim)
    for _ in range(40):
        image = rng.integers(0, 3, rng.integers(1, 6, ndim))
        code = persistence(image, construction=construction)
        births = [*code.pairs[0][:, 0].tolist(), code.essential]
        assert len(set(births)) == len(births)
        assert image.flat[code.essential] == image.max()
