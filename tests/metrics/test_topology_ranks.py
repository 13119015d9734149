"""Counts of matched features are ranks between homology groups, computed densely."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from seglosses.metrics import (
    Pair,
    betti_matching_error,
    diu,
)
from seglosses.topology import matching_error
from seglosses.topology.shared_loops import rank


def ranks(
    inner: np.ndarray, outer: np.ndarray, *more: np.ndarray
) -> tuple[list[int], list[int], list[int]]:
    """Betti numbers of two nested complexes of closed pixels and the ranks between them.

    By linear algebra over the field of two elements: cells, boundary matrices, and the rank of
    (cycles of the inner complex, boundaries of the outer one) less that of the boundaries. With
    more inner complexes, the rank of all of them together.
    """
    shape = tuple(2 * size + 1 for size in outer.shape)

    def cells(mask: np.ndarray) -> np.ndarray:
        grid = np.zeros(shape, bool)
        for y, x in np.argwhere(mask):
            grid[2 * y : 2 * y + 3, 2 * x : 2 * x + 3] = True
        return grid

    small, large = cells(inner), cells(outer)
    dimension = np.indices(shape).astype(int) % 2
    dimension = dimension.sum(axis=0)
    order = {tuple(place): index for index, place in enumerate(np.argwhere(large))}

    def boundaries(grid: np.ndarray, k: int) -> list[tuple[int, int]]:
        columns = []
        for y, x in np.argwhere(grid & (dimension == k)):
            faces = [(y, x - 1), (y, x + 1)] if x % 2 else []
            faces += [(y - 1, x), (y + 1, x)] if y % 2 else []
            columns.append((sum(1 << order[f] for f in faces), 1 << order[y, x]))
        return columns

    def reduce(columns: list[int]) -> int:
        pivots: dict[int, int] = {}
        for column in columns:
            while column:
                low = column.bit_length()
                if low not in pivots:
                    pivots[low] = column
                    break
                column ^= pivots[low]
        return len(pivots)

    def cycles(grid: np.ndarray, k: int) -> list[int]:
        pivots: dict[int, tuple[int, int]] = {}
        found = []
        for column, chain in boundaries(grid, k):
            while column and column.bit_length() in pivots:
                other, chained = pivots[column.bit_length()]
                column, chain = column ^ other, chain ^ chained
            if column:
                pivots[column.bit_length()] = (column, chain)
            else:
                found.append(chain)
        return found

    small_betti, large_betti, both = [], [], []
    for k in (0, 1):
        edges_small = [column for column, _ in boundaries(small, k + 1)]
        edges_large = [column for column, _ in boundaries(large, k + 1)]
        small_betti.append(len(cycles(small, k)) - reduce(edges_small))
        large_betti.append(len(cycles(large, k)) - reduce(edges_large))
        given = [chain for mask in (inner, *more) for chain in cycles(cells(mask), k)]
        both.append(reduce(edges_large + given) - reduce(edges_large))
    return small_betti, large_betti, both


@given(arrays(bool, (5, 6)), arrays(bool, (5, 6)))
def test_diu_is_kernel_and_cokernel_in_homology(pred: np.ndarray, target: np.ndarray) -> None:
    small, large, rank = ranks(pred & target, pred | target)
    expected = sum(small) + sum(large) - 2 * sum(rank)
    assert diu(Pair(pred, target)) == expected


@given(arrays(bool, (5, 6)), arrays(bool, (5, 6)))
def test_matched_features_are_shared_classes_of_the_union(
    pred: np.ndarray, target: np.ndarray
) -> None:
    union = pred | target
    first, _, rank = ranks(pred, union)
    second, _, other = ranks(target, union)
    _, _, together = ranks(pred, union, target)
    for k in (0, 1):
        shared = rank[k] + other[k] - together[k]  # dimension of the intersection of the images
        error = betti_matching_error(Pair(pred, target), k)
        assert error == first[k] + second[k] - 2 * shared


@pytest.mark.parametrize("connectivity", [6, 26])
@pytest.mark.parametrize("seed", range(8))
def test_counts_of_volumes_are_ranks_between_complexes(seed, connectivity) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 5, 3))
    pred, target = rng.random((2, *shape)) < rng.choice([0.5, 0.7, 0.85])
    full = connectivity == 26
    inner, outer = pred & target, pred | target
    few, many, kept = spatial_ranks(inner, outer, full=full)
    pair = Pair(pred, target, connectivity=connectivity)
    assert diu(pair) == sum(few) + sum(many) - 2 * sum(kept)
    one, _, ours = spatial_ranks(pred, outer, full=full)
    two, _, other = spatial_ranks(target, outer, full=full)
    _, _, together = spatial_ranks(pred, outer, target, full=full)
    shared = [a + b - c for a, b, c in zip(ours, other, together, strict=True)]
    error = matching_error(pred, target, connectivity=connectivity, count_essential=True)
    assert list(error.matched[:2]) == shared[:2]
    assert error.unmatched_pred[1] == one[1] - shared[1]
    assert error.unmatched_target[1] == two[1] - shared[1]
    turned = matching_error(pred[::-1, :, ::-1], target[::-1, :, ::-1], connectivity=connectivity)
    assert (
        turned.by_dimension == matching_error(pred, target, connectivity=connectivity).by_dimension
    )


def spatial_ranks(inner, outer, *more, full: bool) -> tuple[list[int], list[int], list[int]]:
    """As :func:`ranks`, of volumes of closed voxels (``full``) or of points."""

    def cells(mask: np.ndarray) -> set[tuple[int, ...]]:
        points = {tuple(2 * p) for p in np.argwhere(mask)}
        if full:
            return {
                tuple(a + b for a, b in zip(p, step, strict=True))
                for p in points
                for step in product((0, 1, 2), repeat=3)
            }
        found = set()
        for p in points:
            for step in product((0, 1), repeat=3):
                corners = product(*((0, 2) if s else (0,) for s in step))
                if all(tuple(a + b for a, b in zip(p, c, strict=True)) in points for c in corners):
                    found.add(tuple(a + b for a, b in zip(p, step, strict=True)))
        return found

    def faces(cell: tuple[int, ...]) -> frozenset[tuple[int, ...]]:
        return frozenset(
            (*cell[:k], cell[k] + side, *cell[k + 1 :])
            for k in range(3)
            if cell[k] % 2
            for side in (-1, 1)
        )

    def of(mask: np.ndarray, k: int) -> list[tuple[int, ...]]:
        return sorted(cell for cell in cells(mask) if sum(c % 2 for c in cell) == k)

    def cycles(mask: np.ndarray, k: int) -> list[frozenset]:
        pivots: dict = {}
        found = []
        for cell in of(mask, k):
            column, chain = faces(cell), frozenset([cell])
            while column and min(column) in pivots:
                other, chained = pivots[min(column)]
                column, chain = column ^ other, chain ^ chained
            if column:
                pivots[min(column)] = column, chain
            else:
                found.append(chain)
        return found

    few, many, kept = [], [], []
    for k in range(3):
        small, large = ([faces(c) for c in of(mask, k + 1)] for mask in (inner, outer))
        few.append(len(cycles(inner, k)) - rank(small))
        many.append(len(cycles(outer, k)) - rank(large))
        given = [chain for mask in (inner, *more) for chain in cycles(mask, k)]
        kept.append(rank(large + given) - rank(large))
    return few, many, kept
