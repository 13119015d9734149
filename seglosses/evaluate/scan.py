"""A look into some files before they are scored: values, and how many axes they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seglosses.evaluate.codes import distinct
from seglosses.evaluate.colours import colours_of
from seglosses.evaluate.files import as_labels, open_labels
from seglosses.evaluate.labels import Reading
from seglosses.evaluate.listing import PairFiles

SAMPLES = 16


@dataclass
class Seen:
    """What some files hold.

    Args:
        pred: Values of predictions.
        target: Values of the ground truth.
        dimensions: How many files have how many axes, that of a single slice left out.
        single_slices: Number of volumes of one slice.
    """

    pred: set[int] = field(default_factory=set)
    target: set[int] = field(default_factory=set)
    dimensions: Counter[int] = field(default_factory=Counter)
    single_slices: int = 0

    @property
    def ndim(self) -> int:
        """Number of axes that most files have.

        Example:
            >>> Seen(dimensions=Counter({3: 2, 2: 1})).ndim
            3
        """
        return self.dimensions.most_common(1)[0][0] if self.dimensions else 2


def look(pairs: Sequence[PairFiles], said: Reading) -> Seen:
    """Look into some files, and into all of a side that shows no foreground in these.

    Files that cannot be read are reported when they are scored.

    Args:
        pairs: All files.
        said: What is known about their values; a side whose values have a map is looked at for
            its axes only.

    Returns:
        What was seen.
    """
    seen = Seen()
    step = max(1, len(pairs) // SAMPLES)
    for files in pairs[::step]:
        _add(seen, seen.pred, files.pred, said)
        _add(seen, seen.target, files.target, said)
    if said.num_classes not in (None, 2) or said.colours is not None:
        return seen
    rest = [files for index, files in enumerate(pairs) if index % step]
    pred_map, target_map = said.maps()
    if pred_map is None and seen.pred <= {0}:
        for files in rest:
            _add(seen, seen.pred, files.pred, said)
    if target_map is None and seen.target <= {0, said.ignore_index}:
        for files in rest:
            _add(seen, seen.target, files.target, said)
    return seen


def _add(seen: Seen, values: set[int], path: Path, said: Reading) -> None:
    try:
        file = open_labels(path)
        if said.colours is None or colours_of(file) is None:
            values.update(distinct(as_labels(file)))
    except (ValueError, MemoryError):
        return
    single = not file.in_colour and len(file.shape) == 3 and 1 in file.shape
    seen.dimensions[len(file.shape) - single] += 1
    seen.single_slices += single
