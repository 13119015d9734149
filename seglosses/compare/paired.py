"""Paired scores of two folders: differences with intervals, tests, wins and losses."""

from __future__ import annotations

import filecmp
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.columns import Column
from seglosses.evaluate.listing import ITK_ENDINGS, NIFTI_ENDINGS, ending
from seglosses.evaluate.result import Evaluation
from seglosses.evaluate.spread import (
    Interval,
    clipped_gain,
    interval_of_classes,
    nanmean,
    of_classes,
    of_scores,
)
from seglosses.evaluate.summary import MACRO, counted
from seglosses.report.bootstrap import mean_interval
from seglosses.report.statistics import holm, sign_flip_test

Floats = NDArray[np.float64]
NAN = float("nan")
STATING = frozenset((*NIFTI_ENDINGS, *ITK_ENDINGS))
"""Endings of files that may state the edges of a pixel."""


@dataclass(frozen=True)
class PairedRow:
    """One metric of one class under two folders, over the images where both define it.

    Attributes:
        first: Name of the folder that is compared with.
        second: Name of the folder that is compared.
        cls: Name of the class, or that of the mean of classes.
        metric: Name of the column.
        title: Name for readers.
        better: Whether ``'higher'`` or ``'lower'`` is better.
        mean_first: Mean of the first.
        mean_second: Mean of the second.
        difference: Mean of the second minus the first.
        low: Lower end of its 95 % interval, studentised bootstrap over images; NaN without one.
        high: Upper end.
        p: Two-sided sign flips over images.
        p_holm: Corrected for all tests of its table.
        wins: Images on which the second is better.
        losses: Images on which it is worse.
        ties: Images on which both are equal.
        n: Number of images.
    """

    first: str
    second: str
    cls: str
    metric: str
    title: str
    better: str
    mean_first: float
    mean_second: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    wins: int
    losses: int
    ties: int
    n: int

    @property
    def won(self) -> bool:
        """Whether the second is better, and the corrected p below 0.05."""
        ahead = self.difference > 0 if self.better == "higher" else self.difference < 0
        return ahead and self.p_holm < 0.05

    @property
    def lost(self) -> bool:
        """Whether the second is worse, and the corrected p below 0.05."""
        return self.p_holm < 0.05 and not self.won


class Paired:
    """Scores of the images that every folder has, in one order.

    Args:
        evaluations: Evaluation by name of the folder, against one ground truth.

    Raises:
        ValueError: Classes, ground truth or what the scores depend on differ, or no image or no
            metric is common to all.
    """

    def __init__(self, evaluations: Mapping[str, Evaluation]) -> None:
        self.evaluations = dict(evaluations)
        (name, one), *others = self.evaluations.items()
        self.classes = one.table.classes
        for other, evaluation in others:
            if evaluation.table.classes != self.classes:
                raise ValueError(
                    f"expected the same classes in all folders, got {', '.join(self.classes)} for "
                    f"{name} and {', '.join(evaluation.table.classes)} for {other}; say "
                    "--num-classes and --classes"
                )
            _refuse_other_settings((name, one), (other, evaluation))
        tables = [evaluation.table for evaluation in self.evaluations.values()]
        common = set(tables[0].images).intersection(*(table.images for table in tables[1:]))
        self.images = [image for image in tables[0].images if image in common]
        for other, evaluation in others:
            _refuse_other_truth((name, one), (other, evaluation), common)
        names = [{column.name for column in e.columns} for e in self.evaluations.values()]
        shared = names[0].intersection(*names[1:])
        self.columns = [column for column in one.columns if column.name in shared]
        twice = {column.name for column in self.columns if self._repeats(column.name, shared)}
        self.columns = [column for column in self.columns if column.name not in twice]
        if not self.images or not self.columns:
            raise ValueError(
                f"nothing to compare: {len(self.images)} images and {len(self.columns)} metrics "
                "are common to all folders"
            )
        self.inside = counted(self.classes, one.settings.outside)

    def _repeats(self, column: str, shared: set[str]) -> bool:
        """Whether errors of windows are those of whole images, none of which is larger."""
        whole = column.removesuffix("_window")
        if whole == column or whole not in shared:
            return False
        both = [(self.matrix(n, column), self.matrix(n, whole)) for n in self.evaluations]
        # zero is zero in windows of any size
        wrong = any((windows > 0).any() for windows, _ in both)
        return wrong and all(np.array_equal(*pair, equal_nan=True) for pair in both)

    def matrix(self, name: str, column: str) -> Floats:
        """Scores of a folder, (images, classes).

        Args:
            name: Of the folder.
            column: Name of the metric.

        Returns:
            In the order of ``images`` and ``classes``.
        """
        table = self.evaluations[name].table
        places = {image: place for place, image in enumerate(table.images)}
        return table.matrix(column)[[places[image] for image in self.images]]

    def gain(self, first: str, second: str, column: str, better: str) -> Floats:
        """How much better the second is, (images, classes); NaN where one is undefined."""
        gap = self.matrix(second, column) - self.matrix(first, column)
        return gap if better == "higher" else -gap


Named: TypeAlias = tuple[str, Evaluation]
SAME = ("options", "empty", "connectivity", "ignore_affine", "regions")
"""Settings that a score depends on whatever the files are."""


def _refuse_other_settings(one: Named, other: Named) -> None:
    (first, mine), (second, its) = one, other
    told = {name: [getattr(each.settings, name) for each in (mine, its)] for name in SAME}
    told["spacing"] = [_edges(each) for each in (mine, its)]
    # what a file does not hold is read from the other side: only what both have can differ
    codes = [each.settings.target_code.classes for each in (mine, its)]
    shared = sorted(set(codes[0]) & set(codes[1]))
    told["values in the ground truth"] = [
        {value: code[value] for value in shared} for code in codes
    ]
    for name, (ours, theirs) in told.items():
        if ours != theirs:
            raise ValueError(
                f"expected evaluations with the same {name}, got {ours} for {first} and {theirs} "
                f"for {second}; score both anew with one"
            )


def _edges(evaluation: Evaluation) -> tuple[float, ...] | None:
    """Edges of a pixel; where neither user nor files state them they are 1."""
    known = evaluation.settings.spacing
    stated = any(ending(files.target) in STATING for files in evaluation.pairs)
    return (1.0,) * evaluation.settings.ndim if known is None and not stated else known


def _refuse_other_truth(one: Named, other: Named, images: Container[str]) -> None:
    (first, mine), (second, its) = one, other
    targets = {files.name: files.target for files in its.pairs}
    for files in mine.pairs:
        target = targets.get(files.name)
        if target is None or files.name not in images:
            continue
        if target.resolve() == files.target.resolve():
            continue
        if not (target.is_file() and files.target.is_file()):
            continue
        if not filecmp.cmp(target, files.target, shallow=False):
            raise ValueError(
                f"expected one ground truth for all folders, got {files.target} for {first} and "
                f"{target} for {second}, which differ; score both against one"
            )


def paired_rows(
    paired: Paired, pairs: Sequence[tuple[str, str]], *, flips: int = 10_000, seed: int = 0
) -> tuple[list[PairedRow], list[PairedRow]]:
    """The table of all metrics, and that of each class where there are several.

    A class that no mean holds, a background that was not asked for, has no row. Holm's
    correction counts all rows of a table: metrics and pairs, in the second also classes.

    Args:
        paired: The scores.
        pairs: Names of folders, each the one to compare with and the one that is compared.
        flips: Number of sign flips.
        seed: Of the sign flips.

    Returns:
        Rows of the (mean of the) classes, and rows of each class: none where there is one.
    """
    main: list[tuple[PairedRow, Floats]] = []
    parts: list[tuple[PairedRow, Floats]] = []
    for first, second in pairs:
        for row, flipped in _rows(paired, first, second):
            (parts if row.cls != _main(paired) else main).append((row, flipped))
    return _tested(main, flips, seed), _tested(parts, flips, seed)


def _main(paired: Paired) -> str:
    return paired.classes[0] if len(paired.classes) == 1 else MACRO


def _rows(paired: Paired, first: str, second: str) -> Iterator[tuple[PairedRow, Floats]]:
    """Rows without tests, each with what images add to its difference: their signs are flipped."""
    for column in paired.columns:
        before, after = (paired.matrix(name, column.name) for name in (first, second))
        gaps = after - before
        known = np.isfinite(gaps)
        means = [nanmean(np.where(known, side, np.nan), axis=0) for side in (before, after)]
        found = of_scores(gaps)
        head = (first, second), column
        for place in paired.inside:
            ends = tuple(float(side[place]) for side in means)
            mine = gaps[:, place]
            reach = mean_interval(ends[1] - ends[0], found[:, place])
            yield _row(head, paired.classes[place], ends, reach, mine), mine
        if len(paired.classes) > 1:
            inside = paired.inside
            ends = tuple(float(nanmean(side[inside], axis=0)) for side in means)
            reach = interval_of_classes(ends[1] - ends[0], found, inside)
            of_images = nanmean(gaps[:, inside], axis=1)
            yield _row(head, MACRO, ends, reach, of_images), of_classes(gaps, inside)


def _row(
    head: tuple[tuple[str, str], Column],
    cls: str,
    means: tuple[float, ...],
    reach: Interval,
    gaps: Floats,
) -> PairedRow:
    (first, second), column = head
    metric, title, better = column.name, column.title, column.better
    fine = gaps[np.isfinite(gaps)]
    up, down = int((fine > 1e-12).sum()), int((fine < -1e-12).sum())
    wins, losses = (up, down) if better == "higher" else (down, up)
    difference = means[1] - means[0]
    low, high = clipped_gain((means[0], means[1]), reach, better, most=column.most)
    return PairedRow(
        first, second, cls, metric, title, better, means[0], means[1], difference, low, high,
        NAN, NAN, wins, losses, fine.size - wins - losses, fine.size,
    )  # fmt: skip


def _tested(rows: Sequence[tuple[PairedRow, Floats]], flips: int, seed: int) -> list[PairedRow]:
    if not rows:
        return []
    p = sign_flip_test(np.column_stack([gaps for _, gaps in rows]), flips=flips, seed=seed)
    return [
        replace(row, p=float(single), p_holm=float(corrected))
        for (row, _), single, corrected in zip(rows, p, holm(p), strict=True)
    ]
