"""Matching of two volumes, by the shortest way that their values allow, in one thread or two."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seglosses.topology.bars import Filtered
from seglosses.topology.filtration import Construction, Filtration, dense_keys
from seglosses.topology.forests import Forest
from seglosses.topology.halves import compare_with_label, match_beside_label, tell_halves
from seglosses.topology.images import Image, image_of, match_images
from seglosses.topology.induced import match_by_cells, match_by_edges
from seglosses.topology.memory import ALWAYS_FITS, fitting

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from seglosses.topology.label_bars import LabelBars
    from seglosses.topology.sides import Ints

    Items = tuple[NDArray[Any], NDArray[Any]]

# Bytes a voxel that a matching needs at its peak, in one thread and with reductions side by side:
# of any two volumes, and beside a label. More noise makes more columns; these are for pure noise.
OF_VOLUMES, BESIDE_LABEL = (125, 160), (125, 170)
REMEDY = "match windows of it, such as BettiMatchingLoss(window=128), or a crop"


class Way(NamedTuple):
    """How two volumes are compared."""

    construction: Construction
    relative: bool
    union: bool
    exact: bool  #: whether empty image intervals match
    threads: int
    remembered: LabelBars | None = None

    @property
    def larger(self) -> bool:
        """Whether sublevel sets of the comparison contain those of the inputs, in the engine.

        The duality behind 'T' turns inclusions around.
        """
        return self.union == (self.construction == "V")


def threads_that_fit(a: NDArray[Any], b: NDArray[Any], threads: int) -> int:
    """How many of two threads the memory that is free allows for a pair of volumes.

    Args:
        a: First volume.
        b: Second volume.
        threads: Threads that may be used.

    Returns:
        1 or 2.

    Raises:
        MemoryError: Where the volumes are too large for one thread.
    """
    if a.size < ALWAYS_FITS:
        return min(threads, 2)
    costs = OF_VOLUMES if _label_among([a, b]) is None else BESIDE_LABEL
    return 1 + fitting(a.shape, costs[:threads], REMEDY)


def match_volumes(
    keys: list[Ints], filtration: Filtration, way: Way
) -> tuple[tuple[Filtered, Filtered], list[Items]]:
    """Filter two volumes and match their features.

    Args:
        keys: Keys of both, (D, H, W); taken out of the list.
        filtration: ``'superlevel'`` or ``'sublevel'``.
        way: How they are compared.

    Returns:
        Both volumes, and the features of both that belong together, by dimension of the engine.
    """
    which = _label_among(keys)
    keys[:] = _dense(keys, which)
    if filtration == "superlevel":
        _turn_around(keys)
    # The surrounding of a comparison by its own oldest value is that of neither half.
    if which is not None and (way.union or not way.relative):
        volume, label, items = _beside_label([keys.pop(1 - which)], [keys.pop()], way)
        if which == 0:
            return (label, volume), [(two, one) for one, two in items]
        return (volume, label), items
    return _beside_each_other(keys, way)


def _turn_around(keys: list[Ints]) -> None:
    # apart, for the name of the last one would keep all of them alive
    for key in keys:
        np.invert(key, out=key)


def _beside_label(
    volume_key: list[Ints], label_key: list[Ints], way: Way
) -> tuple[Filtered, Filtered, Any]:
    # Each list gives its key away, so that no copy outlives what is made of it.
    one, two = _together(
        way.threads, lambda: _filter(volume_key.pop(), way), lambda: _filter(label_key.pop(), way)
    )
    shape = tuple(size + 2 * two.frame.margin for size in two.frame.shape)
    tell_halves(one, two)
    components, halves, cavities = compare_with_label(one, two, shape, larger=way.larger)
    loops = one.loops, two.loops
    name = b""
    if way.remembered is not None:
        name = way.remembered.digest(halves.older != 0, shape, dual=two.frame.dual)
        loops[1].recall(way.remembered.get(name))

    def rest() -> tuple[Items, Items, Any]:
        around = _match_forests((one, two), (components, cavities), way)
        return *around, halves.links(*loops)

    # What needs no reduction of the volume itself first: then little is in memory at a time.
    (lowest, highest, links), _ = _together(way.threads, rest, lambda: loops[0].bars)
    if way.remembered is not None:
        way.remembered.put(name, loops[1].bars)
    middle = match_beside_label(*loops, halves, links, exact=way.exact)
    return one, two, [lowest, middle, highest]


def _beside_each_other(keys: list[Ints], way: Way) -> tuple[tuple[Filtered, Filtered], list[Items]]:
    joined = [(np.minimum if way.union else np.maximum)(*keys)]
    same = [k for k in (0, 1) if np.array_equal(joined[0], keys[k])]
    # Each list gives its key away, so that no copy outlives what is made of it.
    key_two, key_one = [keys.pop()], [keys.pop()]

    def second() -> tuple[Filtered, Filtered | None]:
        return _filter(key_two.pop(), way), None if same else _filter(joined.pop(), way)

    one, (two, third) = _together(way.threads, lambda: _filter(key_one.pop(), way), second)
    third = third or (one, two)[same[0]]

    one_at_a_time = Lock()

    def follow(part: Filtered) -> Image:
        part.loops.find()
        # An image needs half as much memory again as the reduction before it. Two of them side by
        # side would decide how much is needed in all, one beside the other's reduction does not.
        with one_at_a_time:
            image = image_of(part.loops, third.loops, larger=way.larger)
            if part is not third:
                part.settle(1)
        return image

    # the forests first, for they need no memory from there on
    lowest, highest = _match_forests(
        (one, two), (third.features[0], third.features[2]), way, way.threads
    )
    image_two, image_one = _together(way.threads, lambda: follow(two), lambda: follow(one))
    middle = match_images(image_one, image_two, third.loops, larger=way.larger, exact=way.exact)
    return (one, two), [lowest, middle, highest]


def _filter(key: Ints, way: Way) -> Filtered:
    return Filtered.of(key, construction=way.construction, relative=way.relative)


def _match_forests(
    inputs: tuple[Filtered, Filtered], comparison: Any, way: Way, threads: int = 1
) -> tuple[Items, Items]:
    """Match components and cavities, after which the forests need no memory."""

    def matched(dim: int, third: Any) -> Items:
        one, two = (part.features[dim] for part in inputs)
        assert isinstance(one, Forest)
        assert isinstance(two, Forest)
        match = match_by_cells if (third.side.flip != 0) == way.larger else match_by_edges
        items = match(one, two, third, exact=way.exact)
        if third is not one and third is not two:
            third.forget(bars=True)
        for part in inputs:
            part.settle(dim)
        return items

    components, cavities = comparison
    return _together(threads, lambda: matched(0, components), lambda: matched(2, cavities))


def _together(threads: int, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Run two functions, side by side where there are threads for it."""
    if threads < 2:
        return first(), second()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(second)
        return first(), other.result()


def _label_among(keys: list[NDArray[Any]] | list[Ints]) -> int | None:
    """Which volume has two values that bound all those of the other one."""
    ends = [(key.min(), key.max()) for key in keys]
    for which, other in ((1, 0), (0, 1)):
        low, high = ends[which]
        if low < high and low <= ends[other][0] and ends[other][1] <= high:
            key = keys[which]
            few = key.ravel()[:: key.size // 64 + 1]
            if all(((part == low) | (part == high)).all() for part in (few, key)):
                return which
    return None


def _dense(keys: list[Ints], which: int | None) -> list[Ints]:
    if which is None:
        return dense_keys(*keys)[0]
    label = keys[which]
    ends = np.array([label.min(), label.max()])
    (volume, levels), _ = dense_keys(keys[1 - which], ends)
    dense = np.where(label == ends[0], levels[0], levels[1])
    return [dense, volume] if which == 0 else [volume, dense]
