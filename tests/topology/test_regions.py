"""Regions of errors: by hand, against a naive count, against Betti numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.topology import betti_numbers
from seglosses.topology.regions import (
    critical_components,
    critical_regions,
    union_intersection_error,
)

Pixels = frozenset[tuple[int, ...]]

FULL = np.ones((3, 3), bool)
CROSS = ndimage.generate_binary_structure(2, 1)

masks = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8).flatmap(
    lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape))
)


def naive_regions(pred: NDArray[np.bool_], target: NDArray[np.bool_]) -> set[Pixels]:
    pred, target = np.pad(pred, 1), np.pad(target, 1)
    fore, _ = ndimage.label(pred & target, FULL)
    back, _ = ndimage.label(~pred & ~target, CROSS)
    found = set()
    for errors, structure in ((pred & ~target, FULL), (~pred & target, CROSS)):
        labels, count = ndimage.label(errors, structure)
        for k in range(1, count + 1):
            near_fore = set(fore[ndimage.binary_dilation(labels == k, FULL)]) - {0}
            near_back = set(back[ndimage.binary_dilation(labels == k, CROSS)]) - {0}
            if len(near_fore) != 1 or len(near_back) != 1:
                found.add(frozenset(map(tuple, (np.argwhere(labels == k) - 1).tolist())))
    return found


@given(masks)
def test_critical_regions_are_those_of_the_definition(
    pair: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> None:
    pred, target = pair
    labels = critical_regions(pred, target)
    ours = {
        frozenset(map(tuple, np.argwhere(labels == k).tolist()))
        for k in range(1, labels.max(initial=0) + 1)
    }
    assert ours == naive_regions(pred, target)


@given(masks)
def test_no_discrepancy_means_equal_betti_numbers(
    pair: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> None:
    pred, target = pair
    error = union_intersection_error(pred, target)
    inner, outer = betti_numbers(pred & target), betti_numbers(pred | target)
    assert error >= sum(abs(a - b) for a, b in zip(inner, outer, strict=True))
    assert (error - sum(inner) - sum(outer)) % 2 == 0
    assert union_intersection_error(target, pred) == error
    assert union_intersection_error(pred, pred) == 0


@pytest.mark.parametrize("connectivity", [4, 8])
def test_a_diagonal_pair_joins_by_connectivity_only(connectivity: int) -> None:
    target = np.eye(3, dtype=bool)
    pred = target.copy()
    pred[0, 1] = True
    joined = critical_regions(pred, target, connectivity=connectivity).max()
    # in 8-connectivity the line was one already and a corner pixel only makes it wider
    assert joined == (0 if connectivity == 8 else 1)
    assert union_intersection_error(pred, target, connectivity=connectivity) == joined


def test_critical_components_in_volumes() -> None:
    target = np.zeros((5, 5, 9), bool)
    target[2, 2] = True
    pred = target.copy()
    pred[2, 2, 4] = False  # splits
    pred[0, 0, 0] = True  # an island
    pred[2, 3, 1:4] = True  # only wider
    labels = critical_components(pred, target)
    assert np.argwhere(labels).tolist() == [[0, 0, 0], [2, 2, 4]]
    plane = critical_components(pred[2], target[2])
    assert np.array_equal(critical_components(pred[2:3], target[2:3])[0], plane)


def test_border() -> None:
    with pytest.raises(ValueError, match="one shape"):
        critical_regions(np.zeros((2, 2), bool), np.zeros((2, 3), bool))
    with pytest.raises(ValueError, match="critical_components"):
        critical_regions(np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool))
