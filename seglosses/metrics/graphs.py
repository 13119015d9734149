"""Roads, vessels and neurites as graphs: are the routes, the junctions and the edges right?

The graph of a mask is that of its centreline: ends and junctions, joined by lines. Pixels of a
junction that touch are one node.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree

from seglosses.metrics.matched_points import (
    Indices,
    count_fitted,
    matched_points,
    near_pairs,
    nearest_pixels,
)
from seglosses.metrics.pair import Pair
from seglosses.topology.line_graphs import LineGraph, line_graph


class GraphScores(NamedTuple):
    """Precision, recall and their harmonic mean.

    Attributes:
        precision: Share of what is predicted that is right.
        recall: Share of what is true that is found.
        f1: Their harmonic mean.
    """

    precision: float
    recall: float
    f1: float


def graphs(pair: Pair) -> tuple[LineGraph, LineGraph]:
    """The graphs of the centrelines of prediction and target, made once per pair.

    Args:
        pair: The two masks.

    Returns:
        Two graphs, in the unit of the spacing.

    Example:
        >>> [len(graph.nodes) for graph in graphs(Pair([[1, 1, 1]], [[1, 0, 1]]))]
        [2, 2]
    """
    return pair.remember(
        "graphs",
        lambda: (
            line_graph(pair.skeletons.pred, pair.spacing),
            line_graph(pair.skeletons.target, pair.spacing),
        ),
    )


def apls(pair: Pair, *, tolerance: float, step: float = 50.0, shortest: float = 10.0) -> float:
    """Average path length similarity: are routes as long as they should be?

        S(G, H) = 1 - mean over routes (a, b) of G of min(1, |L_G(a, b) - L_H(a', b')| / L_G(a, b))
        apls    = harmonic mean of S(target, pred) and S(pred, target)

    Routes run between all nodes and points at most `step` apart along the edges; a' is the pixel
    of the other centreline nearest to a. A route that the other graph lacks, or whose end is
    farther than the tolerance from it, is wrong altogether.

    Args:
        pair: The two masks.
        tolerance: Distance up to which an end finds its counterpart, in the unit of the spacing.
        step: Distance of points along the edges.
        shortest: Length from which on routes count.

    Returns:
        A number in [0, 1]; where neither graph has a route see ``pair.empty``.

    References:
        Van Etten et al., SpaceNet, arXiv:1807.01232; the definition of CosmiQ/apls (4a78807) with
        its step, shortest route and harmonic mean. It snaps 4 metres, and to edges, not pixels.

    Example:
        >>> whole, broken = [[1] * 30], [[1] * 14 + [0] + [1] * 15]
        >>> apls(Pair(whole, whole), tolerance=2), apls(Pair(broken, whole), tolerance=2)
        (1.0, 0.0)
    """
    pred, target = graphs(pair)
    sides = [_similarity(own, other, tolerance, step, shortest)
             for own, other in ((target, pred), (pred, target))]  # fmt: skip
    if sides == [None, None]:
        return _nothing(pair)
    one, two = (side or 0.0 for side in sides)
    return 2 * one * two / (one + two) if one + two else 0.0


def _similarity(
    own: LineGraph, other: LineGraph, tolerance: float, step: float, shortest: float
) -> float | None:
    controls = own.controls(step)
    lengths = own.path_lengths(controls)
    routes = np.triu(np.isfinite(lengths) & (lengths >= shortest), 1)
    if not routes.any():
        return None
    near = nearest_pixels(own.points[controls], other, tolerance)
    found = near >= 0
    theirs = np.full(lengths.shape, np.inf)
    theirs[np.ix_(found, found)] = other.path_lengths(near[found])
    wanted = lengths[routes]
    return float(1 - np.minimum(1, np.abs(wanted - theirs[routes]) / wanted).mean())


def topo_scores(
    pair: Pair, *, tolerance: float, step: float = 50.0, reach: float = 300.0
) -> GraphScores:
    """TOPO: is what can be reached from a place the same in both graphs?

    From each node of the target, and from points at most `step` apart along its edges, the pixels
    within `reach` along the centreline are holes; those of the prediction, from the nearest pixel
    on, are marbles. A marble fits one hole within the tolerance, the nearest two first.

        recall    = fitted holes / holes         of all places together
        precision = fitted marbles / marbles     of the places near a predicted centreline

    Args:
        pair: The two masks.
        tolerance: Distance in the unit of the spacing, for places and marbles.
        step: Distance of places along the edges.
        reach: Length of the paths.

    Returns:
        Precision, recall and F1 in [0, 1], 0 without any marble; with an empty mask see
        ``pair.empty``.

    References:
        Biagioni and Eriksson, Inferring road maps from GPS traces, TRR 2012; one to one as in
        songtaohe/Sat2Graph (7ca4a34), which draws marbles every few metres of longitude and
        latitude and leaves out places near the border of its region.

    Example:
        >>> gap = [[1] * 10 + [0] + [1] * 9]
        >>> scores = topo_scores(Pair(gap, [[1] * 20]), tolerance=0)  # seen from both ends
        >>> scores.precision, scores.recall  # 10 + 9 marbles in 20 + 20 holes
        (1.0, 0.475)
    """
    if pair.pred_empty or pair.target_empty:
        return GraphScores(*(pair.undefined(perfect=1.0, worst=0.0),) * 3)
    pred, target = graphs(pair)
    pairs = near_pairs(pred, target, tolerance)
    seeds = target.controls(step)
    starts = nearest_pixels(target.points[seeds], pred, tolerance)
    fitted = holes = marbles = 0
    for seed, start in zip(seeds, starts, strict=True):
        there = target.within(int(seed), reach)
        holes += int(there.sum())
        if start >= 0:
            here = pred.within(int(start), reach)
            marbles += int(here.sum())
            fitted += count_fitted(pairs[:, here[pairs[0]] & there[pairs[1]]])
    return _scores(fitted, marbles, fitted, holes)


def junction_scores(pair: Pair, *, tolerance: float) -> GraphScores:
    """Are junctions where they should be, with as many edges as they should have?

    Junctions (three edges or more) are matched one to one within the tolerance, as many as
    possible at the smallest sum of distances. A junction of the target counts the share of its
    edges that its partner has, one of the prediction the share of its edges that are not too many.

        recall = mean of min(deg v, deg u) / deg v,   precision = mean of min(deg v, deg u) / deg u

    Args:
        pair: The two masks.
        tolerance: Distance in the unit of the spacing.

    Returns:
        Precision, recall and F1 in [0, 1]; where neither mask has a junction see ``pair.empty``.

    References:
        Bastani et al., RoadTracer, CVPR 2018 (mitroadmaps/roadtracer, fb6019a), which tells edges
        apart by their angles at a distance, and gathers junctions within 50 pixels; here edges
        are counted.

    Example:
        >>> import numpy as np
        >>> cross = np.zeros((9, 9))
        >>> cross[4], cross[:, 4] = 1, 1
        >>> tee = cross.copy()
        >>> tee[5:] = 0
        >>> junction_scores(Pair(tee, cross), tolerance=1)  # three of four
        GraphScores(precision=1.0, recall=0.75, f1=0.8571428571428571)
    """
    pred, target = graphs(pair)
    forks = [np.flatnonzero(graph.degrees >= 3) for graph in (pred, target)]
    if not len(forks[0]) + len(forks[1]):
        return GraphScores(*(_nothing(pair),) * 3)
    ours, theirs = matched_points(pred.nodes[forks[0]], target.nodes[forks[1]], tolerance)
    degrees = pred.degrees[forks[0][ours]], target.degrees[forks[1][theirs]]
    both = np.minimum(*degrees)
    right, found = float((both / degrees[0]).sum()), float((both / degrees[1]).sum())
    return _scores(right, len(forks[0]), found, len(forks[1]))


def edge_scores(pair: Pair, *, tolerance: float) -> GraphScores:
    """Do edges join the nodes that they should join?

    Ends, junctions and lone pixels are matched one to one within the tolerance. An edge is right
    when the partners of its two nodes are joined as well; of several edges between the same nodes
    as many are right as both graphs have. A closed line without a node is right when all of it and
    of its partner lie within the tolerance of each other.

    Args:
        pair: The two masks.
        tolerance: Distance in the unit of the spacing.

    Returns:
        Precision, recall and F1 in [0, 1]; where neither mask has an edge see ``pair.empty``.

    References:
        Edges of predicted graphs are scored in Shit et al., Relationformer, ECCV 2022,
        arXiv:2203.10202, as boxes around them; here graphs are read off masks, and the nodes of an
        edge are compared.

    Example:
        >>> gap = [[1] * 10 + [0] * 3 + [1] * 7]
        >>> edge_scores(Pair(gap, [[1] * 20]), tolerance=1)  # neither half joins both ends
        GraphScores(precision=0.0, recall=0.0, f1=0.0)
    """
    pred, target = graphs(pair)
    if not len(pred.ends) + len(target.ends):
        return GraphScores(*(_nothing(pair),) * 3)
    ours, theirs = matched_points(pred.nodes, target.nodes, tolerance)
    partner = np.full(len(pred.nodes), -1, np.intp)
    partner[ours] = theirs
    wanted, found = _joined(target.ends), _joined(partner[pred.ends[pred.ends[:, 0] >= 0]])
    right = sum(min(count, found.get(nodes, 0)) for nodes, count in wanted.items())
    right += _loops(pred, target, tolerance)
    return _scores(right, len(pred.ends), right, len(target.ends))


def _joined(ends: Indices) -> dict[tuple[int, int], int]:
    """How many edges join each pair of nodes, both of which are known."""
    known = np.sort(ends[(ends >= 0).all(axis=1)], axis=1)
    pairs, counts = np.unique(known, axis=0, return_counts=True)
    return {(int(a), int(b)): int(n) for (a, b), n in zip(pairs, counts, strict=True)}


def _loops(pred: LineGraph, target: LineGraph, tolerance: float) -> int:
    """Number of closed lines that lie within the tolerance of their partner, and it of them."""
    sides = [
        [KDTree(graph.points[graph.chains[edge]]) for edge in np.flatnonzero(graph.ends[:, 0] < 0)]
        for graph in (pred, target)
    ]
    near = np.zeros((len(sides[0]), len(sides[1])), bool)
    for row, column in np.ndindex(near.shape):
        near[row, column] = _close(sides[0][row], sides[1][column], tolerance)
    return int(near[linear_sum_assignment(near, maximize=True)].sum())


def _close(one: KDTree, two: KDTree, tolerance: float) -> bool:
    return all(bool((a.query(b.data)[0] <= tolerance).all()) for a, b in ((one, two), (two, one)))


def _nothing(pair: Pair) -> float:
    return 1.0 if pair.empty == "perfect" and not pair.left_out else float("nan")


def _scores(right: float, predicted: float, found: float, wanted: float) -> GraphScores:
    precision = right / predicted if predicted else 0.0
    recall = found / wanted if wanted else 0.0
    both = precision + recall
    return GraphScores(precision, recall, 2 * precision * recall / both if both else 0.0)
