"""What predictions get wrong, in the kinds that losses can tell apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.metrics.pair import Pair
from seglosses.metrics.structures import structure_errors
from seglosses.primitives.distance import distance_to, surface
from seglosses.primitives.masks import Mask
from seglosses.topology import betti_numbers, label_components

RIM = 2.0
"""Distance in pixels up to which a wrong pixel only moves a boundary."""

KINDS = {
    "breaks": "a true component is in several pieces, or a true loop is open",
    "islands": "a predicted component touches nothing true",
    "merged": "a predicted component joins true ones, closes a loop that is none, or fills a hole",
    "pinholes": "a hole inside of what is true",
    "missed": "a true component has no predicted pixel",
}
"""Kinds that are counted, each with what it is."""

PIXELS = {
    "rim": f"within {RIM:g} pixels of where both agree",
    "leak": "predicted beyond the rim, in a component that touches a true one",
    "bridge": "predicted beyond the rim, between true components that it joins",
    "gap": "true beyond the rim, in a component that was found",
    "island": "in predicted components that touch nothing true",
    "miss": "in true components that were not found",
}
"""Where wrong pixels lie; each has one place."""


@dataclass(frozen=True)
class Wrong:
    """Errors of one class of one image: counts of :data:`KINDS` and pixels of :data:`PIXELS`.

    Attributes:
        breaks: Pieces too many of true components, and loops (in 3D tunnels and cavities) that are
            open.
        islands: Components of the prediction without a true pixel.
        merged: True components joined to another one, loops that are none, and holes that are
            filled. Tunnels of a volume are compared by number, in each group of components that
            touch, as far as the foreground's two connectivities agree.
        pinholes: Holes, in 3D also tunnels, of the prediction inside of the true mask.
        missed: Components of the truth without a predicted pixel.
        missed_sizes: Their pixels.
        components: True components, for comparison.
        rim: Wrong pixels, see :data:`PIXELS`.
        leak: The same.
        bridge: The same.
        gap: The same.
        island: The same.
        miss: The same.
    """

    breaks: int
    islands: int
    merged: int
    pinholes: int
    missed: int
    missed_sizes: tuple[int, ...]
    components: int
    rim: int
    leak: int
    bridge: int
    gap: int
    island: int
    miss: int

    def numbers(self) -> dict[str, float]:
        """All counts by name."""
        found = asdict(self)
        del found["missed_sizes"]
        return {name: float(value) for name, value in found.items()}


def wrong(pair: Pair) -> Wrong:
    """Sort the errors of a prediction.

    Args:
        pair: Both masks, 2D or 3D.

    Returns:
        Counts; all 0 where both masks agree.

    Example:
        >>> found = wrong(Pair([[1, 1, 0, 1, 1, 0, 0, 1]], [[1, 1, 1, 1, 1, 0, 0, 0]]))
        >>> found.breaks, found.islands, found.merged, found.missed  # a gap and an island
        (1, 1, 0, 0)
    """
    pred, true = (
        np.asarray(side, np.int32) for side in (pair.components.pred, pair.components.target)
    )
    pieces = _partners(true, pred)
    joined = _partners(pred, true)
    sizes = np.bincount(true.ravel(), minlength=len(pieces))[1:]
    missed = pieces[1:] == 0
    structures = structure_errors(pair)
    holes, closed = _mostly(structures.spurious_holes, pair.target)
    filled, opened = _mostly(structures.missing_holes, pair.pred)
    broken, tied, pierced = _tunnels(pair)
    places = _places(pair, pred, true, pieces, joined)
    return Wrong(
        breaks=int(np.maximum(pieces[1:] - 1, 0).sum()) + opened + broken,
        islands=int(np.count_nonzero(joined[1:] == 0)),
        merged=int(np.maximum(joined[1:] - 1, 0).sum()) + closed + filled + tied,
        pinholes=holes + pierced,
        missed=int(missed.sum()),
        missed_sizes=tuple(sizes[missed].tolist()),
        components=len(sizes),
        **places,
    )


def rim_pixels(one: Mask, two: Mask) -> int:
    """How many of the pixels in which two masks differ lie near the boundaries of both.

    Args:
        one: Mask (*S).
        two: Mask (*S).

    Returns:
        Pixels within :data:`RIM` of either boundary; 0 where a mask has none.

    Example:
        >>> one, two = np.zeros((1, 20), bool), np.zeros((1, 20), bool)
        >>> one[:, :6], two[:, :5], two[:, 15:] = True, True, True
        >>> rim_pixels(one, two)  # the sixth pixel; the last five are far from one's boundary
        1
    """
    edges = surface(one, border=False), surface(two, border=False)
    if not all(edge.any() for edge in edges):
        return 0
    near = np.logical_and(*(distance_to(edge) <= RIM for edge in edges))
    return int(np.count_nonzero((one != two) & near))


def _partners(of: NDArray[np.int32], among: NDArray[np.int32]) -> NDArray[np.int64]:
    """With how many components of ``among`` each component of ``of`` shares pixels, from 0 on."""
    both = (of > 0) & (among > 0)
    width = int(among.max(initial=0)) + 1
    codes = np.unique(of[both].astype(np.int64) * width + among[both])
    return np.bincount(codes // width, minlength=int(of.max(initial=0)) + 1)


def _mostly(holes: NDArray[np.int32], mask: Mask) -> tuple[int, int]:
    """How many holes lie mostly in a mask, and how many do not."""
    place = holes > 0
    if not place.any():
        return 0, 0
    count = np.bincount(holes[place])
    within = np.bincount(holes[place], weights=mask[place])
    there = count > 0
    inside = there & (2 * within > count)
    return int(inside.sum()), int((there & ~inside).sum())


def _tunnels(pair: Pair) -> tuple[int, int, int]:
    """Tunnels that are opened, closed or filled, and pierced, group by group; none in 2D."""
    counts = np.zeros(3, np.int64)
    if pair.pred.ndim == 2:
        return 0, 0, 0
    groups, _ = label_components(pair.pred | pair.target, connectivity=pair.connectivity)
    for index, box in enumerate(ndimage.find_objects(groups), start=1):
        one, two = (side[box] & (groups[box] == index) for side in (pair.pred, pair.target))
        if one.any() and two.any() and not np.array_equal(one, two):
            # voxels that touch at an edge or a corner close tunnels of noise, which one sees alone
            counts += np.minimum(*(_kinds_of_tunnels(one, two, each) for each in (6, 26)))
    opened, closed, pierced = counts.tolist()
    return opened, closed, pierced


def _kinds_of_tunnels(pred: Mask, true: Mask, connectivity: int) -> NDArray[np.int64]:
    """Of the tunnels that one side has more: what is not in both did it, or what is in either."""
    mine, its, either, both = (
        betti_numbers(side, connectivity=connectivity)[1]
        for side in (pred, true, pred | true, pred & true)
    )
    lost, gained = max(its - mine, 0), max(mine - its, 0)
    filled = min(lost, max(its - either, 0))
    pierced = min(gained, max(both - its, 0))
    return np.array([lost - filled, gained - pierced + filled, pierced])


def _places(
    pair: Pair,
    pred: NDArray[np.int32],
    true: NDArray[np.int32],
    pieces: NDArray[np.int64],
    joined: NDArray[np.int64],
) -> dict[str, int]:
    surplus, lacking = pair.pred & ~pair.target, pair.target & ~pair.pred
    island = surplus & (joined == 0)[pred]
    miss = lacking & (pieces == 0)[true]
    agreed = pair.pred & pair.target
    near = np.zeros(agreed.shape, bool)
    if agreed.any():
        near = distance_to(agreed) <= RIM
    surplus, lacking = surplus & ~island, lacking & ~miss
    beyond = surplus & ~near
    bridge = _bridges(beyond & (joined > 1)[pred], np.where(agreed, true, 0))
    return {
        "rim": int(np.count_nonzero((surplus | lacking) & near)),
        "leak": int(np.count_nonzero(beyond)) - bridge,
        "bridge": bridge,
        "gap": int(np.count_nonzero(lacking & ~near)),
        "island": int(np.count_nonzero(island)),
        "miss": int(np.count_nonzero(miss)),
    }


def _bridges(beyond: Mask, found: NDArray[np.int32]) -> int:
    """Pixels beyond the rim in pieces that reach two or more true components."""
    if not beyond.any():
        return 0
    pieces, count = label_components(beyond)
    # a box around a pixel next to the rim reaches over it
    size = 2 * (int(RIM) + 1) + 1
    high = ndimage.maximum_filter(found, size=size, mode="constant", cval=0)
    away = np.where(found == 0, np.iinfo(np.int32).max, found)
    low = ndimage.minimum_filter(away, size=size, mode="constant", cval=np.iinfo(np.int32).max)
    reached = beyond & (high > 0)
    ends = np.concatenate([np.stack([pieces[reached], side[reached]]) for side in (low, high)], 1)
    ends = np.unique(ends, axis=1)
    joins = np.bincount(ends[0], minlength=count + 1) > 1
    return int(np.count_nonzero(joins[pieces] & beyond))
