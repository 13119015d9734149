"""Betti matching against results of the released C++ program, and its own laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seglosses.topology import Matching, betti_matching, betti_matching_batch, persistence
from tests.topology.oracle import matching as by_the_book

SHAPES = {2: (1, 8), 3: (1, 4)}


@st.composite
def image_pairs(draw, ndim: int):
    low, high = SHAPES[ndim]
    shape = draw(hnp.array_shapes(min_dims=ndim, max_dims=ndim, min_side=low, max_side=high))
    levels = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    soft = st.floats(0, 1, width=32)
    kinds = [draw(st.sampled_from([levels, soft])) for _ in range(2)]
    return tuple(draw(hnp.arrays(np.float32, shape, elements=kind)) for kind in kinds)


def as_sets(matching: Matching) -> list[tuple[set, set, set]]:
    columns = (matching.matched, matching.unmatched_a, matching.unmatched_b)
    return [
        tuple({tuple(row) for row in rows.tolist()} for rows in dims)
        for dims in zip(*columns, strict=True)
    ]


def assert_laws(a: np.ndarray, b: np.ndarray, **options) -> None:
    found = betti_matching(a, b, **options)
    for dim in range(a.ndim):
        matched = found.matched[dim]
        for image, column, rest in (
            (a, matched[:, :2], found.unmatched_a[dim]),
            (b, matched[:, 2:], found.unmatched_b[dim]),
        ):
            bars = persistence(image, construction=options.get("construction", "V"))
            together = np.concatenate([column, rest]).tolist()
            assert sorted(together) == sorted(bars.pairs[dim].tolist())
    back = as_sets(betti_matching(b, a, **options))
    for (matched, rest_a, rest_b), (other, other_b, other_a) in zip(
        as_sets(found), back, strict=True
    ):
        assert {(*row[2:], *row[:2]) for row in matched} == other
        assert (rest_a, rest_b) == (other_a, other_b)


OPTIONS = [
    {},
    {"construction": "T"},
    {"comparison": "intersection"},
    {"image_intervals": "positive"},
]


@pytest.mark.parametrize("options", OPTIONS)
@given(images=st.one_of(image_pairs(2), image_pairs(3)))
def test_bars_are_matched_or_unmatched_and_order_does_not_matter(images, options) -> None:
    assert_laws(*images, **options)


@pytest.mark.parametrize("intervals", ["all", "positive"])
@pytest.mark.parametrize("comparison", ["union", "intersection"])
@given(images=st.one_of(image_pairs(2), image_pairs(3)))
def test_matches_are_those_of_boundary_matrices(images, comparison, intervals) -> None:
    found = betti_matching(
        *images, filtration="sublevel", comparison=comparison, image_intervals=intervals
    )
    expected = by_the_book(*images, union=comparison == "union", positive=intervals == "positive")
    assert [matched for matched, *_ in as_sets(found)] == expected


@given(image=image_pairs(2))
def test_an_image_matches_itself_entirely(image) -> None:
    for intervals in ("all", "positive"):
        found = betti_matching(image[0], image[0], image_intervals=intervals)
        for dim in range(2):
            assert len(found.unmatched_a[dim]) == len(found.unmatched_b[dim]) == 0
            np.testing.assert_array_equal(found.matched[dim][:, :2], found.matched[dim][:, 2:])


@given(images=image_pairs(2))
def test_matches_through_nonempty_intervals_are_among_all(images) -> None:
    every = as_sets(betti_matching(*images))
    some = as_sets(betti_matching(*images, image_intervals="positive"))
    for (more, *_), (fewer, *_) in zip(every, some, strict=True):
        assert fewer <= more


@given(images=image_pairs(2))
def test_superlevel_sets_are_the_sublevel_sets_of_the_negative(images) -> None:
    a, b = images
    assert as_sets(betti_matching(a, b)) == as_sets(betti_matching(-a, -b, filtration="sublevel"))


def test_an_island_is_unmatched_and_a_broken_ring_is_matched_through_its_gap() -> None:
    ring = np.zeros((5, 7))
    ring[0:3, 0:3] = 1.0
    ring[1, 1] = 0.0
    prediction = ring.copy()
    prediction[1, 2] = 0.3
    prediction[4, 6] = 0.8
    found = betti_matching(prediction, ring)
    ((birth, death),) = found.unmatched_a[0].tolist()
    assert (birth, prediction.ravel()[death]) == (34, 0.0)
    ((birth_a, death_a, birth_b, death_b),) = found.matched[1].tolist()
    assert (birth_a, death_a, death_b) == (9, 8, 8)
    assert ring.ravel()[birth_b] == 1.0
    assert [len(x) for x in (*found.unmatched_a[1:], *found.unmatched_b)] == [0, 0, 0]
    assert prediction.ravel()[found.essential[0]] == ring.ravel()[found.essential[1]] == 1.0


def test_two_rings_in_different_places_do_not_match() -> None:
    left, right = np.zeros((3, 7)), np.zeros((3, 7))
    left[:, :3] = right[:, 4:] = 1.0
    left[1, 1] = right[1, 5] = 0.0
    found = betti_matching(left, right)
    assert [len(x[1]) for x in (found.matched, found.unmatched_a, found.unmatched_b)] == [0, 1, 1]


def test_a_background_region_at_the_border_is_a_loop_only_when_relative() -> None:
    cup = np.ones((3, 4))
    cup[1, 1:] = 0.0
    assert len(betti_matching(cup, cup).matched[1]) == 0
    found = betti_matching(cup, cup, relative=True)
    assert len(found.matched[1]) == 1
    pixels = found.matched[1].ravel()
    assert pixels.min() >= 0
    assert pixels.max() < cup.size


def test_the_outside_of_a_relative_image_stands_for_its_oldest_pixel() -> None:
    image = np.array([[0.2, 0.2, 0.2], [0.2, 0.9, 0.2], [0.2, 0.2, 0.2]])
    # The frame has value 0.9; the ring of 0.2 between it and the centre is one hole.
    ((birth, death, *_),) = betti_matching(image, image, relative=True).matched[0].tolist()
    assert image.ravel()[birth] == 0.9
    assert image.ravel()[death] == 0.2


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (3, 4)])
def test_constant_images_have_nothing_to_match(shape) -> None:
    found = betti_matching(np.zeros(shape), np.ones(shape))
    assert [len(x) for x in (*found.matched, *found.unmatched_a, *found.unmatched_b)] == [0] * 6
    assert found.essential == (0, 0)


def test_a_batch_in_threads_is_the_pairs_one_by_one() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random((5, 9, 11), np.float32), rng.integers(0, 2, (5, 9, 11))
    single = [as_sets(betti_matching(x, y)) for x, y in zip(a, b, strict=True)]
    for threads in (1, 3, None):
        batch = betti_matching_batch(a, b, threads=threads)
        assert [as_sets(found) for found in batch] == single
    assert betti_matching_batch([], []) == []


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        (np.zeros((2, 2)), np.zeros((2, 3)), {}, "one shape"),
        (np.zeros((2, 2)), np.full((2, 2), np.nan), {}, "NaN"),
        (np.full((2, 2), np.inf), np.zeros((2, 2)), {}, "finite"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {"image_intervals": "some"}, "all, positive"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {"comparison": "sum"}, "union, intersection"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {"construction": "X"}, "V, T"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {"filtration": "x"}, "superlevel, sublevel"),
    ],
)
def test_border(a, b, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        betti_matching(a, b, **options)


def test_a_batch_needs_as_many_images_on_both_sides() -> None:
    with pytest.raises(ValueError, match="as many images"):
        betti_matching_batch(np.zeros((2, 3, 3)), np.zeros((1, 3, 3)))
