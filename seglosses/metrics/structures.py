"""Which components and holes are missing, and which are too many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.pair import Pair, other_connectivity
from seglosses.primitives.masks import Mask
from seglosses.topology import label_components


@dataclass(frozen=True)
class StructureErrors:
    """Labels of unmatched structures inside ``pair.box``; 0 elsewhere.

    Args:
        missing_components: Components of the target without a counterpart.
        spurious_components: Components of the prediction without a counterpart.
        missing_holes: Holes of the target without a counterpart (filled, opened or merged).
        spurious_holes: Holes of the prediction without a counterpart.
    """

    missing_components: NDArray[np.int32]
    spurious_components: NDArray[np.int32]
    missing_holes: NDArray[np.int32]
    spurious_holes: NDArray[np.int32]


def structure_errors(pair: Pair) -> StructureErrors:
    """Match components with components and holes with holes by overlap, one to one.

    The largest overlap is matched first. The surplus of spurious over missing components is the
    difference of the Betti-0 numbers, so unlike the Betti error this shows where it goes wrong,
    and counts a missing and a spurious one as two.

    In 3D a hole is a cavity.

    Args:
        pair: The two masks.

    Returns:
        The labels of whatever found no partner.

    Example:
        >>> errors = structure_errors(Pair([[1, 0, 0, 0, 1]], [[1, 0, 1, 0, 0]]))
        >>> errors.missing_components.tolist(), errors.spurious_components.tolist()
        ([[0, 0, 2, 0, 0]], [[0, 0, 0, 0, 2]])
    """
    pred, target = (
        np.asarray(side, np.int32) for side in (pair.components.pred, pair.components.target)
    )
    spurious, missing = _unmatched(pred, target)
    other = other_connectivity(pair.connectivity, pair.pred.ndim)
    pred_holes, target_holes = (holes(mask, other) for mask in (pair.pred, pair.target))
    spurious_holes, missing_holes = _unmatched(pred_holes, target_holes)
    return StructureErrors(missing, spurious, missing_holes, spurious_holes)


def holes(mask: Mask, connectivity: int) -> NDArray[np.int32]:
    """Label the background components that do not touch the border.

    Args:
        mask: Boolean mask, 2D or 3D.
        connectivity: Of the background.

    Returns:
        Labels from 1 on, 0 elsewhere, in the shape of the mask.

    Example:
        >>> holes(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool), 4).tolist()
        [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    """
    # The padding joins everything at the border into component 1, the first one met.
    labels, _ = label_components(np.pad(~mask, 1, constant_values=True), connectivity=connectivity)
    inner = labels[(slice(1, -1),) * mask.ndim]
    return np.asarray(np.maximum(inner - 1, 0), np.int32)


def _unmatched(
    first: NDArray[np.int32], second: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Keep the labels that a greedy one-to-one matching by overlap leaves alone."""
    both = (first > 0) & (second > 0)
    width = int(second.max(initial=0)) + 1
    codes, sizes = np.unique(
        first[both].astype(np.int64) * width + second[both], return_counts=True
    )
    taken_first, taken_second = {0}, {0}
    for code in codes[np.argsort(-sizes, kind="stable")]:
        one, two = divmod(int(code), width)
        if one not in taken_first and two not in taken_second:
            taken_first.add(one)
            taken_second.add(two)
    return _without(first, taken_first), _without(second, taken_second)


def _without(labels: NDArray[np.int32], gone: set[int]) -> NDArray[np.int32]:
    keep = np.arange(int(labels.max(initial=0)) + 1, dtype=np.int32)
    keep[list(gone)] = 0
    return np.asarray(keep[labels], np.int32)
