"""Betti matching error of two masks: how many features of one have no counterpart in the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from seglosses.topology.components import check_connectivity, check_mask, label_components
from seglosses.topology.counts import euler_number
from seglosses.topology.filtration import Construction, check_choice
from seglosses.topology.masks import count_features
from seglosses.topology.matching import betti_matching
from seglosses.topology.memory import fitting
from seglosses.topology.shared_loops import shared_loops

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Mask = NDArray[np.bool_]
    Labels = NDArray[np.int32]

# What two masks of volumes need at their peak.
BYTES_A_VOXEL = 120

TieBreaking = Literal["none", "released"]


@dataclass(frozen=True)
class MatchingError:
    """Matched and unmatched features of a prediction and a label, by dimension.

    Attributes:
        matched: Features that are the same in both.
        unmatched_pred: Features of the prediction without counterpart (spurious).
        unmatched_target: Features of the label without counterpart (missing).
    """

    matched: tuple[int, ...]
    unmatched_pred: tuple[int, ...]
    unmatched_target: tuple[int, ...]

    @property
    def by_dimension(self) -> tuple[int, ...]:
        """Unmatched features of both sides: components, loops and, in 3D, cavities."""
        return tuple(x + y for x, y in zip(self.unmatched_pred, self.unmatched_target, strict=True))

    @property
    def total(self) -> int:
        """Unmatched features of all dimensions: the Betti matching error."""
        return sum(self.by_dimension)


def matching_error(
    pred: ArrayLike,
    target: ArrayLike,
    *,
    connectivity: int | None = None,
    tie_breaking: TieBreaking = "none",
    count_essential: bool = False,
) -> MatchingError:
    """Count the features of two masks that correspond through their union.

    All bars of a mask have length one, so the error is a count. The induced matching itself has to
    choose among ties and changes when both images are flipped. With ``"none"`` what is counted
    needs no choice: the features of the union that come from both masks,

        matched[d] = dim( image of H_d(pred) in H_d(union)  intersected with  that of H_d(target) ).

    For components these are the components of the union that both masks touch, and for holes (in 3D
    cavities) the connected groups of background components of the two masks that overlap, without
    the outside. Loops of volumes are counted by linear algebra, see
    :mod:`seglosses.topology.shared_loops`.

    Args:
        pred: Predicted mask, booleans or integers, (H, W) or (D, H, W).
        target: Label of the same shape.
        connectivity: Of the foreground: 4 or 8 in 2D, 6 or 26 in 3D. None means 8 or 26, but 4 or 6
            with ``'released'``, the only one that the released programs know.
        tie_breaking: ``'none'``, or ``'released'`` for the numbers of the released programs.
        count_essential: Whether the one component that every non-empty mask has is a feature, too.
            By default it is not, as in the released programs; then a prediction without any
            foreground misses one component less than the label has.

    Returns:
        The counts. Two empty masks have none.

    Raises:
        ValueError: For floats, different shapes, another number of axes, or an unknown option, and
            for ``count_essential`` with ``'released'``, which has no such count.
        MemoryError: Where volumes are too large for the memory that is free.

    References:
        Stucki et al., Topologically Faithful Image Segmentation via Induced Matching of Persistence
        Barcodes, ICML 2023, arXiv:2211.15272.

    Example:
        >>> target = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 0, 0], [1, 1, 1, 0, 0]])
        >>> pred = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 0, 1]])
        >>> error = matching_error(pred, target)  # the ring is broken, an island is too many
        >>> error.unmatched_pred, error.unmatched_target, error.total
        ((1, 0), (0, 1), 2)
    """
    check_choice("tie_breaking", tie_breaking, ("none", "released"))
    first, second = check_mask(pred), check_mask(target)
    if first.shape != second.shape:
        raise ValueError(f"expected two masks of one shape, got {first.shape} and {second.shape}")
    released = tie_breaking == "released"
    if released and count_essential:
        raise ValueError(
            "expected count_essential=False with tie_breaking='released'; use tie_breaking='none'"
        )
    sparse_default = released and connectivity is None
    full = not sparse_default and check_connectivity(connectivity, first.ndim)
    if first.size == 0:
        zeros = (0,) * first.ndim
        return MatchingError(zeros, zeros, zeros)
    if released:
        return _counted_by_matching(first, second, full)
    return _counted_by_labels(first, second, full, count_essential)


def _counted_by_matching(first: Mask, second: Mask, full: bool) -> MatchingError:
    construction: Construction = "T" if full else "V"
    found = betti_matching(first, second, construction=construction)
    columns = (found.matched, found.unmatched_a, found.unmatched_b)
    return MatchingError(*(tuple(len(bars) for bars in column) for column in columns))


def _counted_by_labels(first: Mask, second: Mask, full: bool, essential: bool) -> MatchingError:
    if first.ndim == 2:
        sides, matched = _planar(first, second, full)
    else:
        sides, matched = _spatial(first, second, full)
    lost = 0 if essential else 1
    for bars in (*sides, matched):
        bars[0] = max(0, bars[0] - lost)
    rest = [tuple(n - m for n, m in zip(bars, matched, strict=True)) for bars in sides]
    return MatchingError(tuple(matched), rest[0], rest[1])


def _planar(first: Mask, second: Mask, full: bool) -> tuple[list[list[int]], list[int]]:
    """Features of two images, and those in common."""
    *sides, both = map(list, count_features(first, second, "T" if full else "V"))
    return sides, both


def _spatial(first: Mask, second: Mask, full: bool) -> tuple[list[list[int]], list[int]]:
    """Features of two volumes, and those in common."""
    fitting(first.shape, (BYTES_A_VOXEL,), "score a crop, or windows of it")
    connectivity = (6, 26)
    union, count = label_components(first | second, connectivity=connectivity[full])
    touched = [np.bincount(union[mask], minlength=count + 1) > 0 for mask in (first, second)]
    shared = int(np.count_nonzero(touched[0] & touched[1]))
    holes, sides = [], []
    for mask in (first, second):
        # The padding joins everything that touches the border into one outer component.
        background = np.pad(~mask, 1, constant_values=True)
        labels, regions = label_components(background, connectivity=connectivity[not full])
        holes.append(labels)
        components = label_components(mask, connectivity=connectivity[full])[1]
        euler = euler_number(mask, connectivity=connectivity[full])
        sides.append([components, components + regions - 1 - euler, regions - 1])
    both = shared_loops(first, second, full=full) if sides[0][1] and sides[1][1] else 0
    return sides, [shared, both, _groups(holes[0], holes[1]) - 1]


def _groups(first: Labels, second: Labels) -> int:
    """Connected groups of regions of two labelings that overlap; label 0 is no region."""
    both = (first > 0) & (second > 0)
    width = int(second.max()) + 1
    pairs = np.unique(first[both].astype(np.int64) * width + second[both])
    left, right = np.unique(pairs // width), np.unique(pairs % width)
    rows = np.searchsorted(left, pairs // width)
    columns = left.size + np.searchsorted(right, pairs % width)
    size = left.size + right.size
    graph = coo_array((np.ones(pairs.size, np.int8), (rows, columns)), shape=(size, size))
    return int(connected_components(graph, directed=False)[0])
