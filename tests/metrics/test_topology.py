"""Topology of masks: gudhi, the induced matching and chain-level homology as oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import euler_number

from seglosses.metrics import (
    Pair,
    betti_error,
    betti_matching_error,
    diu,
    euler_error,
    windowed_betti_errors,
)
from seglosses.topology import betti_numbers, matching_error

MASKS = arrays(bool, (8, 9))
CONNECTIVITY = st.sampled_from([4, 8])


@given(MASKS, MASKS)
def test_betti_errors_equal_gudhi(pred: np.ndarray, target: np.ndarray) -> None:
    gudhi = pytest.importorskip("gudhi", reason="oracle of Betti numbers")
    assume(pred.any() and target.any())

    def betti(mask: np.ndarray) -> list[int]:
        # Closed top-dimensional cells: pixels touch at corners; the outside is background.
        cells = np.pad(np.where(mask, 0.0, 1.0), 1, constant_values=1.0)
        cubes = gudhi.CubicalComplex(top_dimensional_cells=cells)
        cubes.compute_persistence()
        intervals = [cubes.persistence_intervals_in_dimension(k) for k in (0, 1)]
        return [len([1 for birth, death in bars if birth < 1 <= death]) for bars in intervals]

    expected = np.abs(np.subtract(betti(pred), betti(target)))
    pair = Pair(pred, target)
    assert [betti_error(pair, 0), betti_error(pair, 1)] == expected.tolist()


def test_an_empty_mask_has_no_component() -> None:
    # gudhi and TopoMortar count one, so an empty prediction of one component would be perfect.
    target = np.ones((3, 3), bool)
    assert betti_error(Pair(np.zeros((3, 3)), target), 0) == 1


@given(MASKS, MASKS, CONNECTIVITY)
def test_euler_error_equals_scikit_image(
    pred: np.ndarray, target: np.ndarray, connectivity: int
) -> None:
    expected = abs(
        euler_number(pred, connectivity=connectivity // 4)
        - euler_number(target, connectivity=connectivity // 4)
    )
    assert euler_error(Pair(pred, target, connectivity=connectivity)) == expected


@given(MASKS, MASKS, st.integers(1, 9))
def test_windows_tile_the_image(pred: np.ndarray, target: np.ndarray, window: int) -> None:
    errors = []
    for top in range(0, 8, window):
        for left in range(0, 9, window):
            place = slice(top, top + window), slice(left, left + window)
            errors.append(
                np.abs(np.subtract(betti_numbers(pred[place]), betti_numbers(target[place])))
            )
    got = windowed_betti_errors(Pair(pred, target), window=window)
    assert got == pytest.approx(tuple(np.mean(errors, axis=0)))


def test_windows_need_a_size() -> None:
    with pytest.raises(ValueError, match="at least 1 pixel"):
        windowed_betti_errors(Pair([[1]], [[1]]), window=0)


@given(MASKS, MASKS, CONNECTIVITY)
def test_matching_error_lies_between_its_bounds(
    pred: np.ndarray, target: np.ndarray, connectivity: int
) -> None:
    pair = Pair(pred, target, connectivity=connectivity)
    for dimension in (0, 1):
        error = betti_matching_error(pair, dimension)
        total = pair.betti[0][dimension] + pair.betti[1][dimension]
        assert betti_error(pair, dimension) <= error <= total
        assert (error - total) % 2 == 0


FLIPS = (np.asarray, np.fliplr, np.flipud, np.transpose)


@given(MASKS, MASKS, CONNECTIVITY, st.sampled_from(FLIPS))
def test_matching_error_does_not_depend_on_ties(pred, target, connectivity, flip) -> None:
    pair = Pair(pred, target, connectivity=connectivity)
    turned = Pair(flip(pred), flip(target), connectivity=connectivity)
    for dimension in (0, 1):
        error = betti_matching_error(pair, dimension)
        assert betti_matching_error(turned, dimension) == error


@pytest.mark.parametrize("flip", FLIPS)
def test_only_components_that_meet_are_matched(flip) -> None:
    # A is predicted only, B labelled only, C and D are both: 3 + 3 components, 2 matched.
    pred, target = flip(np.array([[1, 0, 0, 0, 1, 0, 1]])), flip(np.array([[0, 0, 1, 0, 1, 0, 1]]))
    assert betti_matching_error(Pair(pred, target), 0) == 2


def test_the_released_count_may_match_what_never_meets() -> None:
    # As above. All merges tie, so A may be joined to B first and both count as one feature.
    pair = Pair([[1, 0, 0, 0, 1, 0, 1]], [[0, 0, 1, 0, 1, 0, 1]])
    assert betti_matching_error(pair, 0, tie_breaking="released") == 0


# The union is a figure of eight. The prediction lacks the bar between its holes: one loop, around
# both. The label is open on the right: one loop, around the left hole. They are different loops.
AROUND_BOTH = np.array([[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]])
AROUND_LEFT = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 0, 0], [1, 1, 1, 1, 1]])


@pytest.mark.parametrize("flip", FLIPS)
def test_loops_around_different_holes_do_not_match(flip) -> None:
    pair = Pair(flip(AROUND_BOTH), flip(AROUND_LEFT))
    assert betti_error(pair, 1) == 0
    assert [betti_matching_error(pair, k) for k in (0, 1)] == [0, 2]


def test_the_released_count_of_loops_changes_in_a_mirror() -> None:
    errors = [
        betti_matching_error(Pair(flip(AROUND_BOTH), flip(AROUND_LEFT)), 1, tie_breaking="released")
        for flip in (np.asarray, np.fliplr)
    ]
    assert errors == [2, 0]


@pytest.mark.parametrize("flip", FLIPS)
def test_a_bar_in_a_ring_leaves_one_loop_matched(flip) -> None:
    # 2 + 1 loops of the figure of eight and of the ring around both holes, 1 of them shared.
    pair = Pair(flip(AROUND_BOTH | AROUND_LEFT), flip(AROUND_BOTH))
    assert betti_matching_error(pair, 1) == 1


@given(MASKS, MASKS)
def test_released_numbers_are_those_of_the_whole_image(pred, target) -> None:
    frame = np.pad(pred, 3), np.pad(target, 3)
    expected = matching_error(*frame, tie_breaking="released").by_dimension
    pair = Pair(*frame)
    got = tuple(betti_matching_error(pair, k, tie_breaking="released") for k in (0, 1))
    assert got == expected


def test_unknown_tie_breaking() -> None:
    with pytest.raises(ValueError, match="none, released"):
        betti_matching_error(Pair([[1]], [[1]]), 0, tie_breaking="mine")


def test_matching_error_sees_what_betti_numbers_miss() -> None:
    ring = np.zeros((5, 12), bool)
    ring[1:4, 1:4] = True
    ring[2, 2] = False
    moved = ring[:, ::-1]
    pair = Pair(ring, moved)
    assert [betti_error(pair, k) for k in (0, 1)] == [0, 0]
    assert [betti_matching_error(pair, k) for k in (0, 1)] == [2, 2]
    assert diu(pair) == 4  # nothing is shared, and the union has two components and two loops
