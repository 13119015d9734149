"""Matching of components and holes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seglosses.metrics import Pair
from seglosses.metrics.structures import holes, structure_errors

MASKS = arrays(bool, (8, 8))


def count(labels: np.ndarray) -> int:
    return len(np.unique(labels[labels > 0]))


@given(MASKS, MASKS, st.sampled_from([4, 8]))
def test_surplus_is_the_difference_of_betti_numbers(
    pred: np.ndarray, target: np.ndarray, connectivity: int
) -> None:
    pair = Pair(pred, target, connectivity=connectivity)
    errors = structure_errors(pair)
    (b0, b1), (t0, t1) = pair.betti
    assert count(errors.spurious_components) - count(errors.missing_components) == b0 - t0
    assert count(errors.spurious_holes) - count(errors.missing_holes) == b1 - t1


@given(MASKS)
def test_a_mask_agrees_with_itself(mask: np.ndarray) -> None:
    errors = structure_errors(Pair(mask, mask))
    for labels in vars(errors).values():
        assert not labels.any()


def test_largest_overlap_is_matched_first() -> None:
    # The long target piece overlaps both predicted pieces; the one with three pixels wins.
    target = np.array([[1, 1, 1, 1, 1, 1]])
    pred = np.array([[1, 1, 0, 1, 1, 1]])
    errors = structure_errors(Pair(pred, target))
    np.testing.assert_array_equal(errors.spurious_components > 0, [[1, 1, 0, 0, 0, 0]])
    assert not errors.missing_components.any()


def test_a_cavity_is_a_hole_in_3d() -> None:
    solid = np.ones((3, 3, 3), bool)
    hollow = solid.copy()
    hollow[1, 1, 1] = False
    errors = structure_errors(Pair(solid, hollow))
    assert np.argwhere(errors.missing_holes).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(("connectivity", "expected"), [(4, 1), (8, 0)])
def test_diagonal_leak_depends_on_connectivity(connectivity: int, expected: int) -> None:
    mask = np.ones((3, 3), bool)
    mask[1, 1] = mask[0, 0] = False
    assert count(holes(mask, connectivity)) == expected
