"""Features of windows of maps and what became of them, found on the host."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.losses.topology.bars import sides_of, windows
from seglosses.losses.topology.form import Side
from seglosses.primitives.host import host_function
from seglosses.topology import betti_matching_batch
from seglosses.topology.filtration import Construction, Filtration
from seglosses.topology.label_bars import LabelBars
from seglosses.topology.matching import ImageIntervals

Index = NDArray[np.int64]


#: What became of a feature.
MATCHED, NEVER_DYING, SURPLUS, MISSING = range(4)


@host_function
def matched_features(
    prob: NDArray[np.floating],
    target: NDArray[np.generic],
    *,
    levels: tuple[Filtration, ...],
    essential: bool,
    window: Side | None,
    crop: Side | None,
    remember: int,
    threads: int | None,
    construction: Construction,
    image_intervals: ImageIntervals,
) -> Index:
    """Features of every window of every map (f, 7).

    Columns: birth and death in the prediction, birth and death in the label (flat indices into the
    whole batch), the map that the feature belongs to, the probability that its birth should have
    where it is wrong (0 for superlevel sets, 1 for sublevel sets), and what became of it.
    """
    shape = prob.shape[2:]
    pred, label = prob.reshape(-1, *shape), target.astype(prob.dtype).reshape(-1, *shape)
    pixels = np.arange(math.prod(shape)).reshape(shape)
    known = _given or (known_labels(remember) if remember else None)
    places = []
    for row in range(len(pred)):
        box = _drawn_box(shape, crop)
        lengths = tuple(part.stop - part.start for part in box)
        places += [(row, _within(box, part)) for part in windows(lengths, window)]
    first, second = ([m[r][p] for r, p in places] for m in (pred, label))
    found = [np.zeros((0, 7), np.int64)]
    for level in levels:
        matchings = betti_matching_batch(
            first,
            second,
            threads=threads,
            filtration=level,
            construction=construction,
            image_intervals=image_intervals,
            remembered=known,
        )
        for (row, part), matching in zip(places, matchings, strict=True):
            index = pixels[part].ravel()
            oldest = np.array([matching.essential] if essential else [], np.int64).reshape(-1, 2)
            groups = {
                MATCHED: np.concatenate(matching.matched),
                NEVER_DYING: np.repeat(oldest, 2, axis=1),
                SURPLUS: np.tile(np.concatenate(matching.unmatched_a), 2),
                MISSING: np.tile(np.concatenate(matching.unmatched_b), 2),
            }
            for kind, group in groups.items():
                tail = np.broadcast_to([row, level == "sublevel", kind], (len(group), 3))
                found.append(np.concatenate([index[group] + row * pixels.size, tail], axis=1))
    return np.concatenate(found)


@host_function
def label_loops(
    label: NDArray[np.generic],
    *,
    levels: tuple[Filtration, ...],
    window: Side | None,
    construction: Construction,
) -> NDArray[np.int32]:
    """Loops of the windows of a label (*S) as whole numbers (2, *S), for workers of a loader.

    There is room for all of them, but in windows of a few voxels: then there is none.
    """
    boxes = [label[part].astype(np.float32) for part in windows(label.shape, window)]
    known = LabelBars(len(boxes) * len(levels))
    middle = [np.full(box.shape, 0.5, np.float32) for box in boxes]
    for level in levels:
        # beside a volume that has nothing, all that is reduced is the label
        betti_matching_batch(
            middle, boxes, threads=1, filtration=level, construction=construction, remembered=known
        )
    return known.packed(2 * label.size).reshape(2, *label.shape)


@contextmanager
def given_loops(rows: Tensor) -> Iterator[None]:
    """Let matchings find what :func:`label_loops` made of their labels (N, K, 2, *S)."""
    global _given
    before = _given
    _given = LabelBars.unpacked(rows.flatten(2).flatten(0, 1).cpu().numpy())
    try:
        yield
    finally:
        _given = before


_given: LabelBars | None = None


@lru_cache(maxsize=4)
def known_labels(size: int) -> LabelBars:
    """Labels that are remembered, by their number."""
    return LabelBars(size)


def _drawn_box(shape: tuple[int, ...], crop: Side | None) -> tuple[slice, ...]:
    """A box at random, the whole map where it is not larger."""
    box = []
    for side, length in zip(sides_of(crop, shape), shape, strict=True):
        start = int(torch.randint(length - side + 1, (), device="cpu")) if side < length else 0
        box.append(slice(start, min(start + side, length)))
    return tuple(box)


def _within(box: tuple[slice, ...], part: tuple[slice, ...]) -> tuple[slice, ...]:
    """A window of a box, as a place in the map."""
    return tuple(
        slice(whole.start + own.start, min(whole.start + own.stop, whole.stop))
        for whole, own in zip(box, part, strict=True)
    )
