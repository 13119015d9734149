"""Objects by size: which folder finds more of small, medium and large ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seglosses.compare.paired import Paired
from seglosses.evaluate.loading import load
from seglosses.evaluate.spread import clipped_gain, deviations
from seglosses.report.bootstrap import divide, mean_interval
from seglosses.report.statistics import holm, sign_flip_test

Floats = NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True)
class SizeRow:
    """Objects of one class and size under two folders.

    An object is a component of the true mask. Its coverage is the share of its pixels that a
    prediction has; a spurious object is a component of the prediction that meets no true pixel.

    Attributes:
        first: Name of the folder that is compared with.
        second: Name of the folder that is compared.
        cls: Name of the class.
        size: Which sizes, in words.
        smallest: Pixels (voxels) of the smallest objects of this row.
        largest: Pixels of the largest.
        objects: Number of true objects.
        images: Number of images that show them.
        coverage_first: Mean coverage of the objects by the first.
        coverage_second: By the second.
        difference: Second minus first.
        low: Lower end of its 95 % interval, studentised bootstrap over images.
        high: Upper end.
        p: Two-sided sign flips over images, the objects of an image together.
        p_holm: Corrected for all rows of the table.
        wins: Objects of which the second covers more.
        losses: Objects of which it covers less.
        ties: Objects of which both cover as much.
        missed_first: Objects that the first does not meet at all.
        missed_second: That the second does not meet.
        spurious_first: Spurious objects of this size of the first.
        spurious_second: Of the second.
    """

    first: str
    second: str
    cls: str
    size: str
    smallest: float
    largest: float
    objects: int
    images: int
    coverage_first: float
    coverage_second: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    wins: int
    losses: int
    ties: int
    missed_first: int
    missed_second: int
    spurious_first: int
    spurious_second: int


@dataclass
class _Objects:
    """Objects of one class in all images."""

    image: list[int] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    covered: dict[str, list[float]] = field(default_factory=dict)
    spurious: dict[str, list[int]] = field(default_factory=dict)


def size_rows(
    paired: Paired,
    pairs: Sequence[tuple[str, str]],
    *,
    limits: Sequence[float] | None = None,
    flips: int = 10_000,
    seed: int = 0,
) -> list[SizeRow]:
    """Rows of every class and size.

    Args:
        paired: The folders.
        pairs: Names of folders, each the one to compare with and the one that is compared.
        limits: Sizes in pixels (voxels) between the groups, rising; None for thirds of the true
            objects of each class.
        flips: Number of sign flips.
        seed: Of the sign flips.

    Returns:
        Rows, small objects first; none for sizes that neither a true nor a spurious object has.

    Raises:
        ValueError: Limits do not rise.
    """
    if limits is not None and (not limits or list(limits) != sorted(set(limits)) or limits[0] <= 0):
        raise ValueError(f"expected rising sizes above 0, got {list(limits)}")
    found = _read(paired)
    rows: list[SizeRow] = []
    columns: list[Floats] = []
    for first, second in pairs:
        for name, objects in found.items():
            sizes = np.array(objects.size, np.float64)
            edges = _edges(sizes) if limits is None else [0.0, *limits, np.inf]
            for low, high in pairwise(edges):
                row, sums = _row(paired, objects, (first, second), name, (low, high))
                if row.objects or row.spurious_first or row.spurious_second:
                    rows.append(row)
                    columns.append(sums)
    if not rows:
        return []
    p = sign_flip_test(np.column_stack(columns), flips=flips, seed=seed)
    return [
        replace(row, p=float(single), p_holm=float(corrected))
        for row, single, corrected in zip(rows, p, holm(p), strict=True)
    ]


def _edges(sizes: Floats) -> list[float]:
    """Limits of thirds; fewer groups where sizes are equal."""
    if not sizes.size:
        return [0.0, np.inf]
    inner = np.unique(np.quantile(sizes, [1 / 3, 2 / 3], method="lower"))
    # an object of the size of a limit lies below it
    return [0.0, *(float(edge) for edge in inner if edge < sizes.max()), np.inf]


def _read(paired: Paired) -> dict[str, _Objects]:
    """Objects of the classes that means hold, in all images, and what every folder has of them."""
    found = {paired.classes[place]: _Objects() for place in paired.inside}
    files = {
        name: {one.name: one for one in evaluation.pairs}
        for name, evaluation in paired.evaluations.items()
    }
    leading = next(iter(paired.evaluations))
    for number, image in enumerate(paired.images):
        for side, evaluation in paired.evaluations.items():
            settings = evaluation.settings
            maps = load(files[side][image], settings)
            indices = [list(settings.classes)[place] for place in paired.inside]
            for index, objects in zip(indices, found.values(), strict=True):
                both = maps.pair(index, settings)
                labels, pieces = both.components.target, both.components.pred
                sizes = np.bincount(labels.ravel())[1:]
                count = len(sizes)
                if side not in objects.covered:
                    objects.covered[side], objects.spurious[side] = [], []
                if side == leading:
                    objects.image += [number] * count
                    objects.size += sizes.tolist()
                inside = np.bincount(labels[both.pred], minlength=count + 1)[1:]
                objects.covered[side] += (inside / sizes).tolist()
                touched = np.unique(pieces[both.target & both.pred])
                areas = np.bincount(pieces.ravel())
                areas[0] = 0
                areas[touched] = 0
                objects.spurious[side] += areas[areas > 0].tolist()
    return found


def _row(
    paired: Paired,
    objects: _Objects,
    pair: tuple[str, str],
    cls: str,
    limits: tuple[float, float],
) -> tuple[SizeRow, Floats]:
    size = np.array(objects.size, np.float64)
    mine = (size > limits[0]) & (size <= limits[1])
    covered = [np.array(objects.covered[name], np.float64)[mine] for name in pair]
    gaps = covered[1] - covered[0]
    images, place = len(paired.images), np.array(objects.image, np.int64)[mine]
    sums = np.bincount(place, gaps, minlength=images).astype(np.float64)
    counts = np.bincount(place, minlength=images).astype(np.float64)
    difference = float(divide(sums.sum(keepdims=True), counts.sum(keepdims=True))[0])
    deviation = deviations(sums[:, None], counts[:, None])[:, 0]
    low, high = NAN, NAN
    if mine.any():
        low, high = clipped_gain((0.0, 1.0), mean_interval(difference, deviation), "higher")
    spurious = [
        int(((areas > limits[0]) & (areas <= limits[1])).sum())
        for areas in (np.array(objects.spurious[name], np.float64) for name in pair)
    ]
    row = SizeRow(
        *pair, cls, _words(limits),
        smallest=float(size[mine].min()) if mine.any() else NAN,
        largest=float(size[mine].max()) if mine.any() else NAN,
        objects=int(mine.sum()),
        images=int((counts > 0).sum()),
        coverage_first=float(covered[0].mean()) if mine.any() else NAN,
        coverage_second=float(covered[1].mean()) if mine.any() else NAN,
        difference=difference,
        low=low,
        high=high,
        p=NAN,
        p_holm=NAN,
        wins=int((gaps > 1e-12).sum()),
        losses=int((gaps < -1e-12).sum()),
        ties=int((np.abs(gaps) <= 1e-12).sum()),
        missed_first=int((covered[0] == 0).sum()),
        missed_second=int((covered[1] == 0).sum()),
        spurious_first=spurious[0],
        spurious_second=spurious[1],
    )  # fmt: skip
    return row, np.where(counts > 0, sums, np.nan)


def _words(limits: tuple[float, float]) -> str:
    low, high = limits
    if low == 0:
        return "all" if high == np.inf else f"up to {high:g}"
    return f"above {low:g}" if high == np.inf else f"above {low:g} to {high:g}"
