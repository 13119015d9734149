"""Which bars belong together where their lengths do not say: by the pixels that they share.

All bars of a mask are alike, so the matching of barcodes leaves a choice among the pieces that lie
in one component of the union. Of masks the pairs here are those that
:func:`seglosses.topology.matching_error` counts, and of each group the pair that shares most.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from seglosses.topology import label_components

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Tied:
    """Features of one dimension of two masks, each given by the flat index of a pixel of it.

    Attributes:
        matched: Places in the prediction and in the label; a common pixel where there is one.
        spurious: Places of what only the prediction has.
        missing: Places of what only the label has.
    """

    matched: list[tuple[int, int]]
    spurious: list[int]
    missing: list[int]


def match_masks(pred: Mask, target: Mask, dimension: int, *, full: bool) -> Tied:
    """Match the components, or the holes (in 3D cavities), of two masks.

    Args:
        pred: (H, W) or (D, H, W).
        target: Of that shape.
        dimension: 0 for components, ``ndim - 1`` for what they enclose.
        full: Whether the foreground is 8-connected (26-connected).

    Returns:
        As many matched, spurious and missing features as
        :func:`seglosses.topology.matching_error` counts with ``count_essential``.

    Example:
        >>> pred = np.array([[1, 0, 1, 1, 1]], bool)  # a splinter and the long piece of a line
        >>> match_masks(pred, np.ones((1, 5), bool), 0, full=True)
        Tied(matched=[(3, 3)], spurious=[0], missing=[])
    """
    holes = dimension > 0
    neighbours = {2: (4, 8), 3: (6, 26)}[pred.ndim][full != holes]
    sides = [_regions(~mask if holes else mask, neighbours, holes) for mask in (pred, target)]
    width = int(sides[1].max(initial=0)) + 2  # labels begin at -1
    codes = (sides[0].astype(np.int64).ravel() + 1) * width + sides[1].ravel() + 1
    shared, sizes = np.unique(codes, return_counts=True)
    lefts, rights = shared // width - 1, shared % width - 1
    pieces = dict(
        zip(zip(lefts.tolist(), rights.tolist(), strict=True), sizes.tolist(), strict=True)
    )
    if holes:
        group = _groups_by_overlap(pieces)
    else:
        union = label_components(pred | target, connectivity=neighbours)[0].ravel()
        group = {}
        for side, labels in enumerate(sides):
            flat = labels.ravel()
            first = np.unique(flat, return_index=True)
            group |= {(side, int(label)): int(union[at]) for label, at in zip(*first, strict=True)}
    members: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for (side, label), number in group.items():
        if label > 0:
            members[number][side].append(label)
    outside = {group[key] for key in ((0, -1), (1, -1)) if key in group} if holes else set()
    return _chosen(members, outside, pieces, sides, codes, width)


def _regions(mask: Mask, neighbours: int, enclosed: bool) -> Labels:
    """Numbered regions; of what is enclosed, -1 for those that reach the border."""
    if not enclosed:
        return label_components(mask, connectivity=neighbours)[0]
    labels = label_components(np.pad(mask, 1, constant_values=True), connectivity=neighbours)[0]
    outer = labels.flat[0]
    inner = labels[tuple(slice(1, -1) for _ in mask.shape)]
    return np.where(inner == outer, np.int32(-1), inner)


def _groups_by_overlap(pieces: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Group of each region (side, label): regions that share pixels are of one group."""
    nodes: dict[tuple[int, int], int] = {}
    # beyond the image both lie outside
    for left, right in [*pieces, (-1, -1)]:
        for key in ((0, left), (1, right)):
            if key[1] != 0:
                nodes.setdefault(key, len(nodes))
    edges = [
        (nodes[0, left], nodes[1, right])
        for left, right in [*pieces, (-1, -1)]
        if left != 0 and right != 0
    ]
    rows, columns = np.array(edges, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges), np.int8), (rows, columns)), shape=(len(nodes),) * 2)
    number = connected_components(graph, directed=False)[1]
    return {key: int(number[place]) for key, place in nodes.items()}


def _chosen(
    members: dict[int, tuple[list[int], list[int]]],
    outside: set[int],
    pieces: dict[tuple[int, int], int],
    sides: list[Labels],
    codes: NDArray[np.int64],
    width: int,
) -> Tied:
    first, second = (_middles(labels.ravel().astype(np.int64)) for labels in sides)
    common = _middles(codes)
    shared: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    where = {label: number for number, (left, _) in members.items() for label in left}
    for (left, right), size in pieces.items():
        if left > 0 and right > 0:
            shared[where[left]].append((size, -left, -right))
    found = Tied([], [], [])
    for number, (lefts, rights) in members.items():
        pair = None
        if lefts and rights and number not in outside:
            if shared[number]:
                _, a, b = max(shared[number])
                pair = (-a, -b)
                place = common[(pair[0] + 1) * width + pair[1] + 1]
                found.matched.append((place, place))
            else:  # they only touch
                pair = (lefts[0], rights[0])
                found.matched.append((first[pair[0]], second[pair[1]]))
        found.spurious.extend(first[label] for label in lefts if pair is None or label != pair[0])
        found.missing.extend(second[label] for label in rights if pair is None or label != pair[1])
    return found


def _middles(labels: NDArray[np.int64]) -> dict[int, int]:
    """A pixel of each label, in the middle of its pixels in their order."""
    order = np.argsort(labels, kind="stable")
    values, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    return {
        int(value): int(order[start + count // 2])
        for value, start, count in zip(values, starts, counts, strict=True)
    }
