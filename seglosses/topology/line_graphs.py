"""The graph that a skeleton draws: junctions and ends, joined by lines of pixels."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from seglosses.primitives.distance import Spacing, spacing_of
from seglosses.primitives.masks import as_mask

Indices = NDArray[np.intp]
Floats = NDArray[np.float64]

#: rows of a table of path lengths that are computed at once
_ROWS = 64


@dataclass(frozen=True)
class LineGraph:
    """Pixels of a skeleton and the steps between them, as one graph and as nodes and edges.

    A node is an end, a junction or a lone pixel; pixels of a junction that touch are one node. An
    edge is what lies between two nodes. A closed line without a node is an edge with ends -1.

    Args:
        points: Places of the pixels, (n, d), in the unit of the spacing.
        steps: Lengths of the steps between pixels that touch, (n, n).
        nodes: Places of the nodes, (k, d), the mean of their pixels.
        degrees: Number of edges that end at each node, (k,).
        members: A pixel of each node, (k,).
        ends: The two nodes of each edge, (m, 2).
        chains: The pixels along each edge in order, its nodes' pixels included.
    """

    points: Floats
    steps: csr_matrix
    nodes: Floats
    degrees: Indices
    members: Indices
    ends: Indices
    chains: tuple[Indices, ...]

    def controls(self, step: float) -> Indices:
        """A pixel of each node, and pixels along the edges that are at most a step apart.

        Args:
            step: Distance along an edge.

        Returns:
            Indices of pixels, (c,).

        Example:
            >>> line_graph(np.ones((1, 9))).controls(4)  # both ends, and the middle
            array([0, 4, 8])
        """
        found = [self.members]
        for chain in self.chains:
            lengths = np.linalg.norm(np.diff(self.points[chain], axis=0), axis=1)
            way = np.concatenate([[0.0], np.cumsum(lengths)])
            pieces = int(np.ceil(way[-1] / step))
            inner = np.searchsorted(way, way[-1] * np.arange(1, pieces) / max(pieces, 1) - 1e-9)
            found.append(chain[inner])
            if chain[0] == chain[-1]:
                found.append(chain[:1])
        return np.unique(np.concatenate(found))

    def path_lengths(self, among: Indices) -> Floats:
        """Lengths of the shortest paths between some pixels.

        Args:
            among: Indices of pixels, (c,).

        Returns:
            (c, c), infinite where there is no path.

        Example:
            >>> line_graph(np.ones((1, 4))).path_lengths(np.array([0, 3]))
            array([[0., 3.],
                   [3., 0.]])
        """
        rows = [
            dijkstra(self.steps, indices=among[start : start + _ROWS])[:, among]
            for start in range(0, len(among), _ROWS)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, 0))

    def within(self, pixel: int, reach: float) -> NDArray[np.bool_]:
        """Which pixels have a path from a pixel that is no longer than a reach.

        Args:
            pixel: Index of the pixel.
            reach: Length of the path.

        Returns:
            Boolean, (n,), true for the pixel itself.

        Example:
            >>> line_graph(np.ones((1, 5))).within(0, 2)
            array([ True,  True,  True, False, False])
        """
        lengths = dijkstra(self.steps, indices=pixel, limit=reach * (1 + 1e-9))
        return np.asarray(np.isfinite(lengths), np.bool_)


def line_graph(skeleton: ArrayLike, spacing: Spacing = None) -> LineGraph:
    """The graph of a skeleton.

    Pixels touch at sides and corners, but there is no step over a corner (an edge in 3D) where a
    pixel of the skeleton fills that corner: so a bend is no triangle.

    Args:
        skeleton: Boolean mask, (H, W) or (D, H, W), one pixel wide.
        spacing: Edge lengths of a pixel.

    Returns:
        A :class:`LineGraph`; without nodes and edges for an empty skeleton.

    Raises:
        ValueError: When the skeleton has neither two nor three axes.

    Example:
        >>> graph = line_graph([[1, 0, 1], [0, 1, 0], [0, 1, 0]])  # a Y: three ends, a junction
        >>> graph.degrees.tolist(), graph.ends.tolist()
        ([1, 1, 3, 1], [[0, 2], [1, 2], [2, 3]])
    """
    mask = as_mask(skeleton)
    if mask.ndim not in (2, 3):
        raise ValueError(f"expected a skeleton with 2 or 3 axes, got shape {mask.shape}")
    lengths = np.array(spacing_of(mask.ndim, spacing))
    points = np.argwhere(mask) * lengths
    steps = _steps(mask, lengths)
    degrees = np.diff(steps.indptr)
    node = _nodes(steps, degrees)
    count = int(node.max(initial=-1)) + 1
    members = np.unique(node, return_index=True)[1][-count or len(node) :]
    sizes = np.bincount(node[node >= 0], minlength=count)
    places = (
        np.stack(
            [np.bincount(node[node >= 0], axis[node >= 0], count) for axis in points.T], axis=1
        )
        / np.maximum(sizes, 1)[:, None]
    )
    chains = _chains(steps, node)
    ends = np.array([(node[chain[0]], node[chain[-1]]) for chain in chains], np.intp).reshape(-1, 2)
    held = np.bincount(ends[ends >= 0].ravel(), minlength=count)
    return LineGraph(points, steps, places, held, members, ends, chains)


def _steps(mask: NDArray[np.bool_], lengths: Floats) -> csr_matrix:
    padded = np.pad(mask, 1)
    index = np.full(padded.shape, -1, np.intp)
    index[padded] = np.arange(np.count_nonzero(mask))
    inside = (slice(1, -1),) * mask.ndim
    sources, targets, sizes = [], [], []
    for offset in itertools.product((-1, 0, 1), repeat=mask.ndim):
        if offset <= (0,) * mask.ndim:
            continue
        moved = np.roll(index, [-step for step in offset], tuple(range(mask.ndim)))
        joined = padded & (moved >= 0)
        for part in itertools.product((0, 1), repeat=mask.ndim):
            way = tuple(step * taken for step, taken in zip(offset, part, strict=True))
            if any(way) and way != offset:
                joined &= ~np.roll(padded, [-step for step in way], tuple(range(mask.ndim)))
        joined = joined[inside]
        sources.append(index[inside][joined])
        targets.append(moved[inside][joined])
        sizes.append(np.full(len(sources[-1]), np.linalg.norm(offset * lengths)))
    one, two, size = np.concatenate(sources), np.concatenate(targets), np.concatenate(sizes)
    count = np.count_nonzero(mask)
    both = (np.concatenate([one, two]), np.concatenate([two, one]))
    return csr_matrix((np.concatenate([size, size]), both), (count, count))


def _nodes(steps: csr_matrix, degrees: Indices) -> Indices:
    """The node of each pixel in reading order, -1 along edges."""
    forks = degrees >= 3
    rows = np.repeat(np.arange(len(degrees)), degrees)
    among = forks[rows] & forks[steps.indices]
    links = csr_matrix((np.ones(among.sum()), (rows[among], steps.indices[among])), steps.shape)
    piece = connected_components(links, directed=False)[1] if len(degrees) else np.zeros(0, int)
    node = np.full(len(degrees), -1, np.intp)
    kept = degrees != 2
    _, first, inverse = np.unique(piece[kept], return_index=True, return_inverse=True)
    node[kept] = np.argsort(np.argsort(first))[inverse]
    return node


def _chains(steps: csr_matrix, node: Indices) -> tuple[Indices, ...]:
    neighbours = np.split(steps.indices, steps.indptr[1:-1])
    passed = np.zeros(len(node), bool)
    chains = []

    def walk(pixel: int, towards: int) -> None:
        chain = [pixel, towards]
        while node[chain[-1]] < 0 and chain[-1] != chain[0]:
            passed[chain[-1]] = True
            one, two = neighbours[chain[-1]]
            chain.append(int(two if one == chain[-2] else one))
        chains.append(np.array(chain, np.intp))

    for pixel in np.flatnonzero(node >= 0):
        for other in neighbours[pixel]:
            direct = node[other] >= 0 and node[other] != node[pixel] and pixel < other
            if direct or (node[other] < 0 and not passed[other]):
                walk(int(pixel), int(other))
    for pixel in np.flatnonzero(node < 0):
        if not passed[pixel]:
            passed[pixel] = True
            walk(int(pixel), int(neighbours[pixel][0]))
    return tuple(chains)
