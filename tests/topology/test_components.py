"""Components, Betti numbers and the Euler number, against hand counts and gudhi."""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.topology import (
    betti_numbers,
    components,
    euler_number,
    label_components,
    window_betti_numbers,
)
from seglosses.topology.components import label_by_cc3d, label_runs
from seglosses.topology.overlaps import component_overlaps, label_boxes

CONNECTIVITIES = {2: (4, 8), 3: (6, 26)}

masks = st.integers(2, 3).flatmap(
    lambda ndim: hnp.arrays(
        np.bool_, hnp.array_shapes(min_dims=ndim, max_dims=ndim, min_side=1, max_side=6)
    )
)

volumes = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7))


def gudhi_betti(mask: NDArray[Any], connectivity: int) -> tuple[int, ...]:
    gudhi = pytest.importorskip("gudhi")
    values = np.where(mask, 0.0, 1.0)
    full = connectivity == CONNECTIVITIES[mask.ndim][1]
    cells = {"top_dimensional_cells": values} if full else {"vertices": values}
    cubes = gudhi.CubicalComplex(**cells)
    cubes.compute_persistence()
    counts = []
    for dim in range(mask.ndim):
        bars = cubes.persistence_intervals_in_dimension(dim).reshape(-1, 2)
        counts.append(int(((bars[:, 0] <= 0.5) & (bars[:, 1] > 0.5)).sum()))
    return tuple(counts)


@settings(max_examples=60)
@given(mask=masks, full=st.booleans())
def test_betti_numbers_and_euler_agree_with_gudhi(mask: NDArray[Any], full: bool) -> None:
    connectivity = CONNECTIVITIES[mask.ndim][full]
    numbers = betti_numbers(mask, connectivity=connectivity)
    assert numbers == gudhi_betti(mask, connectivity)
    alternating = sum((-1) ** dim * count for dim, count in enumerate(numbers))
    assert euler_number(mask, connectivity=connectivity) == alternating


@settings(max_examples=40)
@given(mask=masks)
def test_the_default_is_the_larger_connectivity(mask: NDArray[Any]) -> None:
    assert betti_numbers(mask) == betti_numbers(mask, connectivity=CONNECTIVITIES[mask.ndim][1])


def test_a_background_region_at_the_border_is_no_hole() -> None:
    #  1 1 1
    #  1 0 0   the background leaves through the right border
    #  1 1 1
    cup = np.ones((3, 3), bool)
    cup[1, 1:] = False
    assert betti_numbers(cup) == (1, 0)
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    assert betti_numbers(ring) == (1, 1)


def test_a_diagonal_gap_in_a_ring_closes_only_with_eight_neighbours() -> None:
    ring = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)
    assert betti_numbers(ring) == (1, 1)
    assert betti_numbers(ring, connectivity=4) == (4, 0)


def test_hollow_cube_and_torus() -> None:
    shell = np.ones((3, 3, 3), bool)
    shell[1, 1, 1] = False
    assert betti_numbers(shell) == betti_numbers(shell, connectivity=6) == (1, 0, 1)
    torus = np.zeros((3, 5, 5), bool)
    torus[1, 1:4, 1:4] = True
    torus[1, 2, 2] = False
    assert betti_numbers(torus) == betti_numbers(torus, connectivity=6) == (1, 1, 0)


@pytest.mark.parametrize("shape", [(4, 5), (1, 1), (3, 4, 5), (0, 3)])
def test_empty_masks_have_no_topology(shape: tuple[int, ...]) -> None:
    mask = np.zeros(shape, bool)
    assert betti_numbers(mask) == (0,) * len(shape)
    assert euler_number(mask) == 0
    assert label_components(mask)[1] == 0


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    "shape", [(40, 33), (1, 70), (70, 1), (1, 1), (9, 20, 17), (1, 9, 30), (30, 1, 9), (4, 70, 1)]
)
def test_labels_equal_scipy(
    shape: tuple[int, ...], full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "_cc3d", lambda: None)  # which would label the volumes
    rng = np.random.default_rng(0)
    ndim = len(shape)
    connectivity = CONNECTIVITIES[ndim][full]
    structure = ndimage.generate_binary_structure(ndim, ndim if full else 1)
    for share in (0.02, 0.2, 0.4, 0.6, 0.9):
        mask = rng.random(shape) < share
        labels, count = label_components(mask, connectivity=connectivity)
        expected, theirs = ndimage.label(mask, structure)
        assert count == theirs
        # SciPy numbers components otherwise in places; ours come in the order of first pixels.
        first = np.unique(labels[labels > 0], return_index=True)[1]
        assert (np.diff(first) > 0).all()
        pairs = np.unique(np.stack([labels[mask], expected[mask]]), axis=1)
        assert pairs.shape[1] == count


@given(mask=volumes, full=st.booleans())
def test_cc3d_gives_the_same_labels(mask: NDArray[Any], full: bool) -> None:
    cc3d = pytest.importorskip("cc3d")
    expected, count = label_runs(mask, full)
    for order in (mask, np.asfortranarray(mask), np.repeat(mask, 2, axis=0)[::2]):
        labels, many = label_by_cc3d(cc3d, order, full)
        assert many == count
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, expected)


def test_cc3d_labels_volumes_that_are_not_nearly_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[NDArray[Any]] = []

    def label(library: object, array: NDArray[Any], full: bool) -> tuple[NDArray[Any], int]:
        asked.append(array)
        return label_runs(array, full)

    monkeypatch.setattr(components, "label_by_cc3d", label)
    monkeypatch.setattr(components, "_cc3d", lambda: "cc3d")
    sparse = np.zeros((9, 9, 9), bool)
    sparse[0, 0, 0] = True
    for mask in (sparse, ~sparse[0], sparse[:0], ~sparse):
        label_components(mask)
    assert len(asked) == 1
    monkeypatch.setattr(components, "_cc3d", lambda: None)
    assert label_components(~sparse)[1] == len(asked) == 1


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", [(23, 31), (1, 9), (9, 1), (7, 8, 9), (5, 1, 9), (1, 6, 7)])
@pytest.mark.parametrize("window", [1, 3, 4, 50])
def test_windows_are_images_of_their_own(shape: tuple[int, ...], full: bool, window: int) -> None:
    mask = np.random.default_rng(0).random(shape) < 0.6
    connectivity = CONNECTIVITIES[len(shape)][full]
    corners = np.ndindex(*(-(-size // window) for size in shape))
    places = [tuple(slice(i * window, (i + 1) * window) for i in corner) for corner in corners]
    expected = [betti_numbers(mask[place], connectivity=connectivity) for place in places]
    found = window_betti_numbers(mask, window=window, connectivity=connectivity)
    assert found.tolist() == [list(numbers) for numbers in expected]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", [(23, 31), (1, 9), (9, 1), (7, 8, 9), (1, 6, 7)])
def test_overlaps_are_those_of_the_labels(shape: tuple[int, ...], full: bool) -> None:
    rng = np.random.default_rng(0)
    masks = rng.random(shape) < 0.5, rng.random(shape) < 0.4
    connectivity = CONNECTIVITIES[len(shape)][full]
    labels = [label_components(mask, connectivity=connectivity)[0] for mask in masks]
    counts = [rng.integers(1, 4, size) for size in shape]
    weights = functools.reduce(np.multiply.outer, counts)
    expected, found = np.zeros((2, int(labels[0].max()) + 1, int(labels[1].max()) + 1))
    np.add.at(expected, tuple(labels), weights)
    pieces = component_overlaps(*masks, connectivity=connectivity, counts=counts)
    np.add.at(found, (pieces[:, 0], pieces[:, 1]), pieces[:, 2])
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="one shape"):
        component_overlaps(masks[0], masks[1][:0])


@pytest.mark.parametrize("shape", [(40, 33), (1, 9), (0, 3)])
def test_boxes_are_those_of_scipy(shape: tuple[int, ...]) -> None:
    mask = np.random.default_rng(0).random(shape) < 0.3
    labels, boxes = label_boxes(mask)
    np.testing.assert_array_equal(labels, label_components(mask)[0])
    assert boxes == (ndimage.find_objects(labels) if labels.size else [])


def test_labels_follow_reading_order() -> None:
    labels, count = label_components(np.array([[0, 1, 0, 1], [1, 0, 0, 1]]), connectivity=4)
    assert count == 3
    assert labels.tolist() == [[0, 1, 0, 2], [3, 0, 0, 2]]
    assert labels.dtype == np.int32


def test_integers_count_as_foreground_unless_zero() -> None:
    assert betti_numbers(np.array([[255, 0, 2]], np.uint8)) == (2, 0)


@pytest.mark.parametrize(
    ("mask", "connectivity", "message"),
    [
        (np.zeros((2, 2)), None, "threshold it first"),
        (np.zeros(3, bool), None, "one image at a time"),
        (np.zeros((2, 2), bool), 26, "connectivity 4 or 8 in 2D"),
        (np.zeros((2, 2, 2), bool), 8, "connectivity 6 or 26 in 3D"),
    ],
)
def test_border(mask: NDArray[Any], connectivity: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        betti_numbers(mask, connectivity=connectivity)


def test_published_betti_numbers_of_topomortar(shared_data: Path) -> None:
    from PIL import Image

    root = shared_data / "topomortar"
    checked = 0
    for row in csv.DictReader((root / "betti_numbers.csv").read_text().splitlines()):
        for path in sorted(root.glob(f"*/accurate/{row['ID']}.png"))[:1]:
            with Image.open(path) as image:
                numbers = betti_numbers(np.asarray(image) > 0)
            assert numbers == (int(row["Betti0"]), int(row["Betti1"])), row
            checked += 1
    assert checked > 0
