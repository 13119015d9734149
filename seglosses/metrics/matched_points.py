"""Points and pixels of two graphs of lines, matched within a tolerance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree

from seglosses.topology.line_graphs import LineGraph

Indices = NDArray[np.intp]


def nearest_pixels(points: NDArray[np.float64], graph: LineGraph, tolerance: float) -> Indices:
    """The pixel of a graph nearest to each point, -1 beyond the tolerance."""
    if not len(graph.points):
        return np.full(len(points), -1, np.intp)
    distances, pixels = KDTree(graph.points).query(points)
    return np.where(distances <= tolerance, pixels, -1)


def near_pairs(pred: LineGraph, target: LineGraph, tolerance: float) -> Indices:
    """Pixels of both graphs within the tolerance of each other, (2, n), the nearest first."""
    trees = KDTree(pred.points), KDTree(target.points)
    near = trees[0].sparse_distance_matrix(trees[1], tolerance, output_type="ndarray")
    order = np.lexsort((near["j"], near["i"], near["v"]))
    return np.stack([near["i"][order], near["j"][order]])


def count_fitted(pairs: Indices) -> int:
    """Number of pairs that are left when each pixel has one partner, the first of its pairs."""
    count = 0
    while pairs.size:
        place = np.arange(pairs.shape[1])
        both = np.ones(pairs.shape[1], bool)
        free = np.ones(pairs.shape[1], bool)
        for side in pairs:
            first = np.empty(int(side.max()) + 1, np.intp)
            first[side[::-1]] = place[::-1]
            both &= first[side] == place
        count += int(both.sum())
        for side in pairs:
            taken = np.zeros(int(side.max()) + 1, bool)
            taken[side[both]] = True
            free &= ~taken[side]
        pairs = pairs[:, free]
    return count


def matched_points(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], tolerance: float
) -> tuple[Indices, Indices]:
    """As many pairs within the tolerance as there can be, at the smallest sum of distances."""
    distances = np.linalg.norm(ours[:, None] - theirs[None], axis=-1)
    far = (distances.size + 1.0) * (tolerance + 1.0)
    rows, columns = linear_sum_assignment(np.where(distances <= tolerance, distances, far))
    near = distances[rows, columns] <= tolerance
    return rows[near], columns[near]
