"""Betti matching under every option, against the long ways and against a matching by the book.

Options that the C++ engine does not have are checked in three ways: the short ways of labels and
masks against those that take any images, with two threads and remembered labels, index by index;
the T-construction of an intersection against the engine on the framed complement, which is a union
there; and small images against ``tests/topology/oracle.py``, a reduction of whole boundary matrices
in pure Python.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from seglosses.topology import Matching, betti_matching, matching, volumes
from seglosses.topology.label_bars import LabelBars

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.topology import oracle

# The oracle keeps columns as Python sets.
SMALL = 150
KNOWN = LabelBars(1000)


class Options(NamedTuple):
    """One choice of every option."""

    filtration: str
    construction: str
    comparison: str
    image_intervals: str
    relative: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Options:
        """A random choice."""
        pick = rng.integers(0, 2, 5)
        return cls(
            ("superlevel", "sublevel")[pick[0]],
            "VT"[pick[1]],
            ("union", "intersection")[pick[2]],
            ("all", "positive")[pick[3]],
            bool(pick[4]),
        )


def differs(a: NDArray[Any], b: NDArray[Any], options: Options) -> list[str]:
    """Which of the other ways find something else."""
    named: dict[str, Any] = options._asdict()
    found = betti_matching(a, b, **named)
    wrong = []
    with (
        mock.patch.object(volumes, "_label_among", return_value=None),
        mock.patch.object(matching, "as_masks", return_value=None),
    ):
        if not same(found, betti_matching(a, b, **named)):
            wrong.append("the way without a label")
    if a.ndim == 3 and not same(found, betti_matching(a, b, threads=2, remembered=KNOWN, **named)):
        wrong.append("two threads and remembered labels")
    if a.size <= SMALL and by_the_book(a, b, options) != [
        set(map(tuple, rows.tolist())) for rows in found.matched
    ]:
        wrong.append("the book")
    return wrong


def same(one: Matching, two: Matching) -> bool:
    """Whether two matchings are equal but for the order of bars."""
    if one.essential != two.essential:
        return False
    columns = ("matched", "unmatched_a", "unmatched_b")
    return all(
        set(map(tuple, x.tolist())) == set(map(tuple, y.tolist())) and len(x) == len(y)
        for name in columns
        for x, y in zip(getattr(one, name), getattr(two, name), strict=True)
    )


def by_the_book(a: NDArray[Any], b: NDArray[Any], options: Options) -> list[set[tuple[int, ...]]]:
    """Matched bars by dimension, as flat indices."""
    dual = options.construction == "T"
    images = [np.asarray(x, np.float64) for x in (a, b)]
    if options.filtration == "superlevel":
        images = [-x for x in images]
    oldest = [x.ravel()[::-1].argmin() if dual else x.argmin() for x in images]
    margin = int(options.relative) + int(dual)
    # The comparison has a surrounding of its own.
    framed = [*images, (np.minimum if options.comparison == "union" else np.maximum)(*images)]
    if options.relative:
        framed = [np.pad(x, 1, constant_values=x.min()) for x in framed]
    if dual:
        oldest = [a.size - 1 - k for k in oldest]
        frame = min((-x).min() for x in framed) - 1
        framed = [np.pad(-x, 1, constant_values=frame) for x in framed]
    pixels = np.pad(np.arange(a.size).reshape(a.shape), margin, constant_values=-1).ravel()
    union = (options.comparison == "union") != dual
    positive = options.image_intervals == "positive"
    *pair, third = framed
    bars = oracle.matching(*pair, union=union, positive=positive, comparison=third)
    found = []
    for group in bars[::-1] if dual else bars:
        rows = set()
        for row in group:
            # The frame's own cavity stands for the component that never dies.
            if dual and framed[0].flat[row[0]] == frame:
                continue
            places = [
                int(pixels[k]) if pixels[k] >= 0 else int(oldest[i // 2]) for i, k in enumerate(row)
            ]
            if dual:
                places = [places[i] for i in (1, 0, 3, 2)]
            rows.add(tuple(places))
        found.append(rows)
    return found


def framed_complement(image: NDArray[Any]) -> NDArray[Any]:
    """What the engine matches for the T-construction of an intersection of sublevel sets."""
    return np.pad(-np.asarray(image, np.float64), 1, constant_values=-2.0)
