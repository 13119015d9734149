"""Graphs of skeletons, against networkx and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from seglosses.topology.line_graphs import line_graph
from seglosses.topology.skeleton import skeletonize

MASKS = st.one_of(arrays(bool, (9, 11)), arrays(bool, (4, 5, 6)))


def test_a_ring_with_a_tail_has_a_junction_and_an_end() -> None:
    ring = np.zeros((7, 12), bool)
    ring[1:6, 1:6] = True
    ring[2:5, 2:5] = False
    ring[3, 6:11] = True
    graph = line_graph(ring, (1.0, 2.0))
    assert sorted(graph.degrees.tolist()) == [1, 3]
    assert len(graph.chains) == 2
    assert sorted(map(tuple, np.sort(graph.ends).tolist())) in ([(0, 0), (0, 1)], [(0, 1), (1, 1)])
    # 16 pixels around, of which 8 steps are columns of length 2
    loop = next(c for c, (a, b) in zip(graph.chains, graph.ends, strict=True) if a == b)
    assert np.linalg.norm(np.diff(graph.points[loop], axis=0), axis=1).sum() == 8 + 16


def test_a_bend_is_no_triangle() -> None:
    bend = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], bool)
    graph = line_graph(bend)
    assert graph.degrees.tolist() == [1, 1]
    assert graph.steps.sum() / 2 == 4


def test_a_closed_line_is_an_edge_without_nodes() -> None:
    ring = ~np.pad(np.ones((2, 3), bool), 1, constant_values=False)
    graph = line_graph(ring)
    assert len(graph.nodes) == 0
    assert graph.ends.tolist() == [[-1, -1]]
    assert len(graph.controls(100.0)) == 1
    assert len(graph.controls(3.5)) == 4  # 14 steps around


@given(MASKS)
def test_pieces_and_loops_are_those_of_the_skeleton(mask: np.ndarray) -> None:
    skeleton = skeletonize(mask)
    graph = line_graph(skeleton)
    count = ndimage.label(skeleton, np.ones((3,) * mask.ndim))[1]
    closed = int((graph.ends[:, 0] < 0).sum())
    # nodes and edges, each closed line standing for a node with a loop
    parents = list(range(len(graph.nodes)))

    def find(node: int) -> int:
        while parents[node] != node:
            node = parents[node]
        return node

    for one, two in graph.ends.tolist():
        if one >= 0:
            parents[find(one)] = find(two)
    assert len({find(node) for node in range(len(graph.nodes))}) + closed == count
    held = np.concatenate([*graph.chains, graph.members, np.zeros(0, int)])
    inner = np.diff(graph.steps.indptr) == 2
    assert set(np.flatnonzero(inner)) <= set(held.tolist())  # every pixel of an edge is on one
    assert graph.degrees.sum() == 2 * (len(graph.ends) - closed)


@given(MASKS, st.sampled_from([1.5, 4.0]))
def test_path_lengths_equal_networkx(mask: np.ndarray, step: float) -> None:
    networkx = pytest.importorskip("networkx", reason="oracle of shortest paths")
    spacing = (1.0, 2.0, 0.5)[: mask.ndim]
    graph = line_graph(mask, spacing)
    theirs = networkx.Graph()
    theirs.add_nodes_from(range(len(graph.points)))
    places = np.argwhere(mask)
    for one in range(len(places)):
        for two in range(one):
            offset = places[one] - places[two]
            if np.abs(offset).max() != 1:
                continue
            corners = [tuple(places[two] + offset * part) for part in np.ndindex(*(2,) * mask.ndim)]
            between = {c for c in corners if c not in (tuple(places[one]), tuple(places[two]))}
            if not any(mask[corner] for corner in between):
                theirs.add_edge(one, two, weight=np.linalg.norm(offset * spacing))
    among = graph.controls(step)
    lengths = dict(networkx.all_pairs_dijkstra_path_length(theirs))
    expected = [[lengths[int(a)].get(int(b), np.inf) for b in among] for a in among]
    assert graph.path_lengths(among) == pytest.approx(np.reshape(expected, (len(among),) * 2))


def test_graphs_are_of_planes_and_volumes() -> None:
    with pytest.raises(ValueError, match="2 or 3 axes"):
        line_graph(np.ones(3, bool))
