"""Betti matching error: hand-made cases, laws, and the relation to the matching itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seglosses.topology import betti_numbers, matching_error


@st.composite
def mask_pairs(draw):
    ndim = draw(st.integers(2, 3))
    shape = draw(hnp.array_shapes(min_dims=ndim, max_dims=ndim, min_side=1, max_side=10 - 2 * ndim))
    return tuple(draw(hnp.arrays(np.bool_, shape)) for _ in range(2))


def ring(*gaps: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((6, 8), bool)
    mask[0:5, 0:5] = True
    mask[1:4, 1:4] = False
    for gap in gaps:
        mask[gap] = False
    return mask


def test_a_perfect_prediction_matches_everything() -> None:
    error = matching_error(ring(), ring())
    assert error.matched == (0, 1)
    assert error.total == 0


def test_a_gap_loses_the_loop_and_an_island_is_spurious() -> None:
    pred = ring((2, 4))
    pred[5, 7] = True
    error = matching_error(pred, ring())
    assert error.matched == (0, 0)
    assert error.unmatched_pred == (1, 0)
    assert error.unmatched_target == (0, 1)
    assert error.by_dimension == (1, 1)
    assert error.total == 2


def test_equal_betti_numbers_in_different_places_are_errors() -> None:
    other = np.roll(ring(), 3, axis=1)
    assert betti_numbers(other) == betti_numbers(ring())
    assert matching_error(other, ring()).by_dimension == (0, 2)


def test_a_bridge_across_a_ring_splits_its_hole() -> None:
    pred = ring()
    pred[2] |= np.arange(8) < 5
    error = matching_error(pred, ring())
    assert error.matched == (0, 1)
    assert error.unmatched_pred == (0, 1)


def test_the_counterexample_of_spurious_component_matches() -> None:
    # One component only in the prediction, one only in the label, two in both.
    pred = np.array([[1, 0, 0, 0, 1, 0, 1]], bool)
    target = np.array([[0, 0, 1, 0, 1, 0, 1]], bool)
    free = matching_error(pred, target)
    assert (free.matched[0], free.total) == (1, 2)
    assert matching_error(pred, target, count_essential=True).matched[0] == 2
    released = matching_error(pred, target, tie_breaking="released")
    assert (released.matched[0], released.total) == (2, 0)


def test_an_empty_prediction_misses_the_last_component_only_if_it_is_counted() -> None:
    empty = np.zeros_like(ring())
    assert matching_error(empty, ring()).unmatched_target == (0, 1)
    error = matching_error(empty, ring(), count_essential=True)
    assert error.unmatched_target == (1, 1)
    assert matching_error(empty, empty, count_essential=True).total == 0


@given(masks=mask_pairs(), full=st.booleans())
def test_counts_add_up_and_survive_flips(masks, full) -> None:
    pred, target = masks
    connectivity = {2: (4, 8), 3: (6, 26)}[pred.ndim][full]
    error = matching_error(pred, target, connectivity=connectivity)
    for mask, rest in ((pred, error.unmatched_pred), (target, error.unmatched_target)):
        bars = list(betti_numbers(mask, connectivity=connectivity))
        bars[0] = max(0, bars[0] - 1)
        assert [m + r for m, r in zip(error.matched, rest, strict=True)] == bars
        assert min(rest) >= 0
    if pred.ndim == 2:
        for turn in (np.flipud, np.fliplr, np.transpose):
            assert matching_error(turn(pred), turn(target), connectivity=connectivity) == error
    back = matching_error(target, pred, connectivity=connectivity)
    assert (back.unmatched_pred, back.unmatched_target) == (
        error.unmatched_target,
        error.unmatched_pred,
    )


@given(masks=mask_pairs())
def test_the_released_count_differs_only_in_what_ties_match(masks) -> None:
    pred, target = masks
    connectivity = {2: 4, 3: 6}[pred.ndim]
    free = matching_error(pred, target, connectivity=connectivity)
    released = matching_error(pred, target, tie_breaking="released")
    for dim in range(pred.ndim):
        surplus = released.matched[dim] - free.matched[dim]
        assert free.unmatched_pred[dim] - released.unmatched_pred[dim] == surplus
        assert free.unmatched_target[dim] - released.unmatched_target[dim] == surplus


def test_an_array_without_pixels_has_no_error() -> None:
    assert matching_error(np.zeros((0, 3), bool), np.zeros((0, 3), bool)).total == 0


@pytest.mark.parametrize(
    ("pred", "target", "options", "message"),
    [
        (np.zeros((2, 2), bool), np.zeros((2, 3), bool), {}, "one shape"),
        (np.zeros((2, 2)), np.zeros((2, 2)), {}, "threshold it first"),
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), {"tie_breaking": "x"}, "none, released"),
        (np.zeros((2, 2), bool), np.zeros((2, 2), bool), {"connectivity": 6}, "4 or 8"),
        (
            np.zeros((2, 2), bool),
            np.zeros((2, 2), bool),
            {"tie_breaking": "released", "count_essential": True},
            "count_essential=False",
        ),
    ],
)
def test_border(pred, target, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        matching_error(pred, target, **options)
