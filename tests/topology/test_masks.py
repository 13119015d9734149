"""The short cut of two masks: the same bars and matches as the forests, and counts by the book."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from seglosses.topology import Matching, betti_matching, betti_numbers
from seglosses.topology import matching as matching_module
from seglosses.topology.masks import as_masks, count_features

ROW = np.array([[1, 0, 1, 1, 0, 1]], bool)


@st.composite
def mask_pairs(draw):
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=11))
    first = draw(hnp.arrays(np.bool_, shape))
    change = draw(hnp.arrays(np.bool_, shape))
    return first, first ^ change if draw(st.booleans()) else change


def in_order(found: Matching) -> list[list[list[int]]]:
    columns = (*found.matched, *found.unmatched_a, *found.unmatched_b)
    return [sorted(rows.tolist()) for rows in columns]


@pytest.mark.parametrize("filtration", ["superlevel", "sublevel"])
@pytest.mark.parametrize("construction", ["V", "T"])
@given(masks=mask_pairs())
@example(masks=(ROW, ~ROW))
@example(masks=(ROW.T, np.roll(ROW.T, 1)))
@example(masks=(np.ones((3, 3), bool), np.ones((3, 3), bool)))
@example(masks=(np.zeros((2, 3), bool), np.ones((2, 3), bool)))
def test_the_short_cut_finds_what_the_forests_find(masks, construction, filtration) -> None:
    images = [np.where(mask, 0.75, -0.5) for mask in masks]
    short = betti_matching(*images, construction=construction, filtration=filtration)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching_module, "as_masks", lambda *images: None)
        long = betti_matching(*images, construction=construction, filtration=filtration)
    assert in_order(short) == in_order(long)
    assert short.essential == long.essential


@pytest.mark.parametrize("construction", ["V", "T"])
@given(masks=mask_pairs())
@example(masks=(ROW, ~ROW))
def test_counts_are_those_of_labelled_arrays(masks, construction) -> None:
    *sides, both = count_features(*masks, construction)
    connectivity = {"V": 4, "T": 8}[construction]
    assert sides == [betti_numbers(mask, connectivity=connectivity) for mask in masks]
    box, cross = np.ones((3, 3)), ndimage.generate_binary_structure(2, 1)
    inner, outer = (cross, box) if construction == "V" else (box, cross)
    labels, count = ndimage.label(masks[0] | masks[1], inner)
    touched = [set(labels[mask].tolist()) for mask in masks]
    assert both[0] == sum(k in touched[0] and k in touched[1] for k in range(1, count + 1))
    backgrounds = [
        ndimage.label(np.pad(~mask, 1, constant_values=True), outer)[0] for mask in masks
    ]
    assert both[1] == overlapping_groups(*backgrounds) - 1


def overlapping_groups(first: np.ndarray, second: np.ndarray) -> int:
    """Connected groups of regions that overlap; label 0 is no region."""
    merged: list[set] = []
    for x, y in set(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)):
        if x and y:
            pair = {("first", x), ("second", y)}
            near = [group for group in merged if group & pair]
            merged = [group for group in merged if not group & pair] + [pair.union(*near)]
    return len(merged)


def test_two_values_make_masks_and_three_do_not() -> None:
    image = np.array([[0.1, 0.9, 0.1]], np.float32)
    assert as_masks(image, image, "sublevel")[0].tolist() == [[True, False, True]]
    constant = np.full_like(image, 0.5)
    assert as_masks(image, constant, "superlevel") is None
    assert as_masks(constant, constant, "superlevel")[1].all()
    # Values that float32 cannot tell apart are different values.
    assert as_masks(image, image.astype(np.float64) + 1e-12, "superlevel") is None
