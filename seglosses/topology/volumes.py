"""Filtrations of two volumes and of their comparison, by the shortest way that the values allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seglosses.topology.bars import Filtered
from seglosses.topology.filtration import Construction, Filtration, dense_keys
from seglosses.topology.forests import Forest
from seglosses.topology.halves import Halves, compare_with_label, tell_halves
from seglosses.topology.tunnels import Loops

if TYPE_CHECKING:
    from seglosses.topology.sides import Ints

Features = tuple[Forest, Loops | Halves, Forest]


def filter_volumes(
    keys: list[Ints],
    filtration: Filtration,
    construction: Construction,
    *,
    relative: bool,
    union: bool,
) -> tuple[Filtered, Filtered, Features | None]:
    """Filter two volumes, and what they are compared with.

    Args:
        keys: Keys of both, (D, H, W).
        filtration: ``'superlevel'`` or ``'sublevel'``.
        construction: ``'V'`` or ``'T'``.
        relative: Whether to surround each with its own oldest value.
        union: Whether the comparison contains both, or both contain it.

    Returns:
        Both volumes, and the features of the comparison; None where one of them has no bars, so
        that nothing can be matched.
    """
    which = _label_among(keys)
    keys = _dense(keys, which)
    if filtration == "superlevel":
        keys = [~key for key in keys]
    one, two = (Filtered.of(key, construction=construction, relative=relative) for key in keys)
    volume, label = (two, one) if which == 0 else (one, two)
    # The surrounding of a comparison by its own oldest value is that of neither half.
    halved = which is not None and (union or not relative)
    if halved:
        tell_halves(volume, label)
    if not (one.bars and two.bars):
        return one, two, None
    if halved:
        return (
            one,
            two,
            compare_with_label(
                volume,
                label,
                tuple(size + 2 * label.frame.margin for size in keys[0].shape),
                larger=union == (construction == "V"),
                label_first=which == 0,
            ),
        )
    joined = (np.minimum if union else np.maximum)(*keys)
    for key, part in zip(keys, (one, two), strict=True):
        if np.array_equal(joined, key):
            return one, two, part.volume
    third = Filtered.of(joined, construction=construction, relative=relative)
    return one, two, third.volume


def _label_among(keys: list[Ints]) -> int | None:
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
