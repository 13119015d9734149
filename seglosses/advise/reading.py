"""Label maps of a folder, read as `seglosses evaluate` reads them, one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from seglosses.advise.agreement import agreement
from seglosses.advise.profile import ClassProfile, Profile
from seglosses.advise.source import (
    Source,
    foreground,
    ground,
    in_own_words,
    pairs_of,
    said,
    settings_of,
    spread,
    stored,
)
from seglosses.evaluate.codes import IGNORED, UnknownValuesError
from seglosses.evaluate.listing import PairFiles, printable
from seglosses.evaluate.loading import LabelMaps, load
from seglosses.evaluate.settings import Settings
from seglosses.metrics import Pair
from seglosses.metrics.error_kinds import Wrong, wrong
from seglosses.metrics.shapes import Shape, measure
from seglosses.topology import label_components


@dataclass
class _Totals:
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    spacings: list[tuple[float, ...]] = field(default_factory=list)
    ignored: int = 0
    pixels: int = 0
    touching: Counter[tuple[int, int]] = field(default_factory=Counter)

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """The median, axis by axis, of the files which state one."""
        if not self.spacings:
            return None
        return tuple(float(edge) for edge in np.median(self.spacings, axis=0))


def survey(source: Source, *, progress: bool = False) -> tuple[Profile, list[PairFiles], Settings]:
    """Measure a folder.

    Args:
        source: Where label maps lie.
        progress: Show a bar.

    Returns:
        The profile, the files that were measured, in the order of the profile's shapes, and how
        they were read.

    Raises:
        ValueError: When folders or values are wrong, or no file can be read.
    """
    if source.limit < 1:
        raise ValueError(f"expected a limit of at least 1, got {source.limit}")
    pairs, failures = pairs_of(source)
    wishes, regions = said(source)
    settings = settings_of(pairs, wishes, predicted=source.pred is not None)
    chosen = spread(pairs, source.limit)
    names = foreground(settings)
    classes = [ClassProfile(index, name) for index, name in names.items()]
    totals = _Totals()
    found: dict[int, list[Wrong]] = {index: [] for index in names}
    measured, first = [], ""
    for files in tqdm(chosen, desc="measure", unit="image", disable=not progress):
        try:
            maps = load(files, settings)
        except (ValueError, MemoryError) as error:
            failures.append((files.name, in_own_words(printable(str(error)))))
            first = first or failures[-1][1]
            continue
        measured.append(files)
        _look(maps, classes, totals)
        if source.pred is not None:
            for index in names:
                found[index].append(_wrong(maps, index, settings))
    if not measured:
        raise ValueError(f"no label map could be read; the first problem: {first}")
    shape, alike = Counter(totals.shapes).most_common(1)[0]
    annotators = None
    if source.second is not None:
        annotators, apart = agreement(source.second, source, wishes, settings, tuple(names))
        failures += apart
    profile = Profile(
        ndim=settings.ndim,
        images=len(measured),
        found=len(pairs),
        shape=shape,
        other_shapes=len(measured) - alike,
        ignored=totals.ignored / max(totals.pixels, 1),
        classes=tuple(classes),
        num_classes=settings.num_classes,
        touching={(names[a], names[b]): count for (a, b), count in totals.touching.most_common()},
        annotators=annotators,
        errors={} if source.pred is None else {one.index: _errors(found, one) for one in classes},
        failures=tuple(failures),
        regions=regions,
        files=replace(stored(pairs, settings), spacing=totals.spacing),
        ground=ground(settings, wishes),
    )
    return profile, measured, settings


def _look(maps: LabelMaps, classes: Sequence[ClassProfile], totals: _Totals) -> None:
    target = closed(maps.target, [one.index for one in classes])
    valid = int(np.count_nonzero(target != IGNORED))
    totals.shapes.append(target.shape)
    totals.pixels += target.size
    totals.ignored += int(np.count_nonzero(maps.target == IGNORED))
    if maps.spacing is not None:
        totals.spacings.append(tuple(float(edge) for edge in maps.spacing))
    present = set(np.unique(target).tolist())
    for one in classes:
        shape = measure(target == one.index, valid) if one.index in present else _empty(valid)
        one.shapes.append(shape)
    if len(classes) > 1:
        _touch(target, {one.index for one in classes}, totals.touching)


def _empty(valid: int) -> Shape:
    return measure(np.zeros((1, 1), bool), valid)


def _touch(target: NDArray[np.int16], wanted: set[int], touching: Counter[tuple[int, int]]) -> None:
    """Count faces between pixels of two foreground classes."""
    for axis in range(target.ndim):
        along = np.moveaxis(target, axis, 0)
        one, two = along[1:], along[:-1]
        differ = one != two
        low = np.minimum(one[differ], two[differ]).astype(np.int64)
        high = np.maximum(one[differ], two[differ]).astype(np.int64)
        codes, counts = np.unique(low * 2**16 + high, return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            pair = divmod(code, 2**16)
            if pair[0] in wanted and pair[1] in wanted:
                touching[pair] += count


def closed(target: NDArray[np.int16], classes: Sequence[int]) -> NDArray[np.int16]:
    """Labels whose ignored pixels within one class are of it: they are no holes of its shape.

    Pieces that touch the border of the image, or are larger than the class, stay ignored.

    Args:
        target: Class indices, with ignored ones.
        classes: Those that are measured.

    Returns:
        Class indices.

    Example:
        >>> closed(np.array([[1, 1, 1], [1, -1, 1], [1, 1, 1]], np.int16), [1])[1]
        array([1, 1, 1], dtype=int16)
    """
    ignored = target == IGNORED
    if not ignored.any():
        return target
    pieces, count = label_components(ignored)
    least, most = np.full(count + 1, 2**15), np.full(count + 1, -1)
    inner = np.ones(count + 1, bool)
    for axis in range(target.ndim):
        along, of = np.moveaxis(target, axis, 0), np.moveaxis(pieces, axis, 0)
        for one, two in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
            edge = (of[one] > 0) & (of[two] == 0)
            places, labels = of[one][edge].astype(np.int64), along[two][edge].astype(np.int64)
            np.minimum.at(least, places, labels)
            np.maximum.at(most, places, labels)
        inner[of[0]] = inner[of[-1]] = False
    room = np.bincount(target[~ignored].astype(np.int64), minlength=2**15)
    own = inner & np.isin(most, list(classes)) & (least == most)
    own &= np.bincount(pieces.ravel(), minlength=count + 1) <= room[most]
    filled = np.where(own, most, IGNORED)
    return np.where(ignored, filled[pieces], target).astype(target.dtype)


def _wrong(maps: LabelMaps, index: int, settings: Settings) -> Wrong:
    """Errors of a class; ignored pixels are as predicted, and join what they touch."""
    pred, target = maps.masks(index)
    free = ~maps.valid(index) & replace(maps, target=maps.pred).masks(index)[1]
    return wrong(
        Pair(
            pred | free,
            target | free,
            spacing=maps.spacing,
            connectivity=settings.connectivity,
            empty=settings.empty,
        )
    )


def _errors(found: Mapping[int, Sequence[Wrong]], one: ClassProfile) -> list[dict[str, float]]:
    """Of each image, with the missed components below the median size of all."""
    middle = one.size()
    return [
        each.numbers() | {"missed_small": float(sum(size < middle for size in each.missed_sizes))}
        for each in found[one.index]
    ]


def read(files: PairFiles, settings: Settings) -> Iterator[LabelMaps]:
    """The label maps of an image once more, for pictures; nothing where it cannot be read.

    Args:
        files: Where they lie.
        settings: How they are read.

    Yields:
        One pair of label maps, or none.
    """
    try:
        yield load(files, settings)
    except (ValueError, UnknownValuesError, MemoryError):
        return
