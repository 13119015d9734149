"""From scores of runs to the rows of a table: means, spreads, tests, intervals, effect sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seglosses.benchmark.results import METRICS, Scores
from seglosses.benchmark.settings import SETS, Setting
from seglosses.evaluate.spread import nanmean
from seglosses.report.statistics import Floats, cliffs_delta, holm, sign_flip_test, t_interval

Stat: TypeAlias = Literal["image", "paper"]
NAN = float("nan")
LEVEL = 0.05


@dataclass(frozen=True)
class Row:
    """One metric of one loss in one setting.

    Attributes:
        setting: ``framework/labels/size``.
        set: ``ID`` or ``OOD``.
        metric: Name of the metric.
        loss: Name of the loss.
        mean: Over images and runs; of OOD the mean of the groups' means.
        std: ``paper``: over images x runs, n - 1; ``image``: over images after averaging runs.
            Of OOD the mean of the groups' spreads.
        bold: Better than the baseline, and p below 0.05; of ``image`` over runs too: the 95 %
            interval of the difference over runs does not hold 0.
        images_only: Of ``image``: better with p below 0.05 over images, but not over runs.
        p: ``paper``: one-sided sign flips over images x runs. ``image``: two-sided sign flips over
            images, with Holm's correction over the losses and metrics of the set. NaN for the
            baseline, and against a baseline that was scored on images of another size.
        p_single: ``image``: before the correction.
        images: Number of images of the set; of a loss beside the baseline, those that both define.
        runs: Number of runs.
        low: Lower end of the 95 % interval of the mean over runs (Student).
        high: Upper end.
        difference: Mean over runs of this loss minus the baseline with the same seed.
        difference_low: Lower end of its 95 % interval over runs (Student).
        difference_high: Upper end.
        delta: Cliff's delta to the baseline over images, positive where this loss is better.
        ratio: Median over images divided by that of the baseline; NaN where that is 0.
        protocol: Size of the images and length of the trainings.
    """

    setting: str
    set: str
    metric: str
    loss: str
    mean: float
    std: float
    bold: bool = False
    p: float = NAN
    p_single: float = NAN
    images: int = 0
    runs: int = 0
    low: float = NAN
    high: float = NAN
    difference: float = NAN
    difference_low: float = NAN
    difference_high: float = NAN
    delta: float = NAN
    ratio: float = NAN
    images_only: bool = False
    protocol: str = ""


def compare(
    setting: Setting, metrics: Sequence[str], stat: Stat, *, flips: int = 10_000, seed: int = 0
) -> list[Row]:
    """All rows of a setting: ID, then OOD, metric by metric, the baseline first.

    Args:
        setting: The losses and images.
        metrics: Names of the metrics, in the order of the scores' last axis.
        stat: ``'paper'``, TopoMortar's protocol; or ``'image'``, where an image counts once.
        flips: Number of sign flips.
        seed: Of the sign flips.

    Returns:
        One row per set, metric and loss.

    Example:
        >>> from pathlib import Path
        >>> values = np.array([[[4.0], [2.0]], [[6.0], [2.0]]])  # two runs, two images
        >>> one = Scores("s", "a", ("1", "2"), ("071", "072"), values, ({}, {}), Path())
        >>> setting = Setting("s", (one,), np.array(["indistr", "indistr"]))
        >>> row = compare(setting, ["Betti0Error"], "image")[0]
        >>> row.mean, row.images, row.runs  # of 5 and 2
        (3.5, 2, 2)
    """
    rows: list[Row] = []
    for chosen in SETS:
        masks = setting.members(chosen)
        if masks:
            rows += _compare_set(setting, chosen, masks, metrics, stat, flips, seed)
    return rows


def _compare_set(
    setting: Setting,
    chosen: str,
    masks: Sequence[NDArray[np.bool_]],
    metrics: Sequence[str],
    stat: Stat,
    flips: int,
    seed: int,
) -> list[Row]:
    base = setting.baseline
    keys = [(name, one) for name in metrics for one in setting.losses]
    places = {name: index for index, name in enumerate(metrics)}
    rows = []
    columns: list[Floats] = []
    for name, one in keys:
        place = places[name]
        row = _describe(one, masks, place, stat)
        row = replace(row, setting=setting.name, set=chosen, metric=name)
        gaps = np.full_like(_gaps(base, base, masks, place, stat), NAN)
        if one is not base and one.image_size == base.image_size:
            row = _against(row, one, base, masks, place)
            gaps = _gaps(one, base, masks, place, stat)
        columns.append(gaps)
        rows.append(row)
    length = max(map(len, columns))
    stacked = np.stack([np.pad(c, (0, length - len(c)), constant_values=NAN) for c in columns], 1)
    side: Literal["two-sided", "one-sided"] = "one-sided" if stat == "paper" else "two-sided"
    single = sign_flip_test(stacked, alternative=side, flips=flips, seed=seed)
    p = single if stat == "paper" else holm(single)
    starts = {row.metric: row for row in reversed(rows) if row.loss == base.loss}
    tested = []
    for index, row in enumerate(rows):
        ahead = _better(row, starts[row.metric], stat, float(np.nansum(columns[index])))
        better = bool(p[index] < LEVEL) and ahead
        sure = stat == "paper" or _better_over_runs(row)
        tested.append(
            replace(
                row,
                p=float(p[index]),
                p_single=NAN if stat == "paper" else float(single[index]),
                bold=better and sure,
                images_only=better and not sure,
            )
        )
    return tested


def _better_over_runs(row: Row) -> bool:
    """Whether the interval of the difference over runs lies on the better side of 0."""
    if METRICS[row.metric].higher:
        return row.difference_low > 0
    return row.difference_high < 0


def _better(row: Row, base: Row, stat: Stat, gap: float) -> bool:
    """Whether what is tested is better; the published rule looks at means of two decimals."""
    if stat == "paper":
        gap = round(row.mean, 2) - round(base.mean, 2)
    return gap > 0 if METRICS[row.metric].higher else gap < 0


def _describe(one: Scores, masks: Sequence[NDArray[np.bool_]], place: int, stat: Stat) -> Row:
    values = one.values[..., place]
    pooled = values if stat == "paper" else nanmean(values, axis=0)[None]
    runs = macro(values, masks)
    low, high = t_interval(runs)
    middle = float(np.mean([nanmean(pooled[:, mask].ravel(), axis=0) for mask in masks]))
    # runs that leave other images undefined have another mean than the images together
    low, high = min(low, middle), max(high, middle)
    return Row(
        setting="", set="", metric="", loss=one.loss,
        mean=middle,
        std=float(np.mean([_std(pooled[:, mask]) for mask in masks])),
        images=int(sum(mask.sum() for mask in masks)), runs=len(one.seeds), low=low, high=high,
        protocol=one.protocol,
    )  # fmt: skip


def _against(
    row: Row, one: Scores, base: Scores, masks: Sequence[NDArray[np.bool_]], place: int
) -> Row:
    """The row with differences over runs and effect sizes over images, where both are defined."""
    ours, theirs = one.values[..., place], base.values[..., place]
    left, right = paired_runs(one, base)
    by_run = macro(ours[left] - theirs[right], masks)
    low, high = t_interval(by_run)
    inside = np.any(masks, axis=0)
    mine, its = nanmean(ours[:, inside], axis=0), nanmean(theirs[:, inside], axis=0)
    both = np.isfinite(mine) & np.isfinite(its)
    mine, its = mine[both], its[both]
    middle = float(np.median(its)) if its.size else NAN
    delta = cliffs_delta(mine, its)
    return replace(
        row,
        images=int(both.sum()),
        difference=float(nanmean(by_run, axis=0)),
        difference_low=low,
        difference_high=high,
        delta=delta if METRICS[row.metric].higher else 0.0 - delta,
        ratio=float(np.median(mine)) / middle if middle > 0 else NAN,
    )


def _gaps(
    one: Scores, base: Scores, masks: Sequence[NDArray[np.bool_]], place: int, stat: Stat
) -> Floats:
    """Paired differences whose sum the sign flips test."""
    ours, theirs = one.values[..., place], base.values[..., place]
    if stat == "paper":
        left, right = paired_runs(one, base)
        return np.asarray((ours[left] - theirs[right])[:, np.any(masks, axis=0)].ravel())
    gap = nanmean(ours, axis=0) - nanmean(theirs, axis=0)
    known = np.isfinite(gap)
    # Groups count alike, however many of their images both define; so a sum is a macro-average.
    return np.concatenate([gap[mask] / max(1, (mask & known).sum()) for mask in masks])


def paired_runs(one: Scores, base: Scores) -> tuple[list[int], list[int]]:
    """Places of the seeds that both have.

    Args:
        one: Runs of a loss.
        base: Runs of the baseline.

    Returns:
        Positions in ``one.seeds`` and in ``base.seeds``, pair by pair.

    Example:
        >>> from pathlib import Path
        >>> nothing = np.zeros((2, 1, 1))
        >>> one = Scores("s", "a", ("1", "2"), ("071",), nothing, ({}, {}), Path())
        >>> base = Scores("s", "b", ("2", "3"), ("071",), nothing, ({}, {}), Path())
        >>> paired_runs(one, base)
        ([1], [0])
    """
    both = [seed for seed in one.seeds if seed in base.seeds]
    return [one.seeds.index(seed) for seed in both], [base.seeds.index(seed) for seed in both]


def macro(values: Floats, masks: Sequence[NDArray[np.bool_]]) -> Floats:
    """Mean of the groups' means, a number per run.

    Args:
        values: (runs, images).
        masks: Images of each group, (images,).

    Returns:
        (runs,).

    Example:
        >>> groups = [np.array([True, False, False]), np.array([False, True, True])]
        >>> macro(np.array([[1.0, 2.0, 4.0]]), groups)  # 1 and 3
        array([2.])
    """
    return np.asarray(np.mean([nanmean(values[:, mask], axis=1) for mask in masks], axis=0))


def _std(values: Floats) -> float:
    fine = values[np.isfinite(values)]
    return float(fine.std(ddof=1)) if fine.size > 1 else math.nan
