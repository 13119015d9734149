"""Columns of topology: pieces and loops, their numbers, their places, and centrelines."""

from __future__ import annotations

from collections.abc import Callable

from seglosses import metrics
from seglosses.evaluate.columns import Column
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample


def _betti(dimension: int) -> Callable[[Sample, Options], float]:
    return lambda sample, options: metrics.betti_error(sample.pair, dimension)


def _windowed(dimension: int) -> Callable[[Sample, Options], float]:
    def measure(sample: Sample, options: Options) -> float:
        return metrics.windowed_betti_errors(sample.pair, window=options.window)[dimension]

    return measure


def _matching(dimension: int) -> Callable[[Sample, Options], float]:
    return lambda sample, options: metrics.betti_matching_error(
        sample.pair, dimension, tie_breaking=options.tie_breaking
    )


TOPOLOGY: tuple[Column, ...] = (
    Column(
        "betti0_error",
        "Betti-0 error",
        "topology",
        "lower",
        "|difference of the numbers of components|; an empty mask has 0",
        _betti(0),
        headline=True,
    ),
    Column(
        "betti1_error",
        "Betti-1 error",
        "topology",
        "lower",
        "|difference of the numbers of loops|; background at the image border is no hole",
        _betti(1),
        headline=True,
    ),
    Column(
        "betti2_error",
        "Betti-2 error",
        "topology",
        "lower",
        "|difference of the numbers of cavities|",
        _betti(2),
        dimensions=(3,),
        headline=True,
    ),
    Column(
        "betti0_error_window",
        "Betti-0 error, windows",
        "topology",
        "lower",
        "mean Betti-0 error of windows of {window} pixels, not padded",
        _windowed(0),
    ),
    Column(
        "betti1_error_window",
        "Betti-1 error, windows",
        "topology",
        "lower",
        "mean Betti-1 error of windows of {window} pixels, not padded; windows cut loops",
        _windowed(1),
    ),
    Column(
        "euler_error",
        "Euler error",
        "topology",
        "lower",
        "|difference of components - loops + cavities|",
        lambda sample, options: metrics.euler_error(sample.pair),
    ),
    Column(
        "betti0_matching_error",
        "Betti-0 matching error",
        "topology",
        "lower",
        "components of either mask without counterpart in the union; tie breaking: {tie_breaking}",
        _matching(0),
    ),
    Column(
        "betti1_matching_error",
        "Betti-1 matching error",
        "topology",
        "lower",
        "loops of either mask without counterpart in the union; tie breaking: {tie_breaking}",
        _matching(1),
        headline=True,
    ),
    Column(
        "betti2_matching_error",
        "Betti-2 matching error",
        "topology",
        "lower",
        "cavities of either mask without counterpart in the union; tie breaking: {tie_breaking}",
        _matching(2),
        dimensions=(3,),
        headline=True,
    ),
    Column(
        "diu",
        "DIU",
        "topology",
        "lower",
        "kernel and cokernel of the inclusion of the intersection in the union, in homology "
        "(Topograph's authors also call it the Topograph score)",
        lambda sample, options: metrics.diu(sample.pair),
    ),
    Column(
        "cldice",
        "clDice",
        "topology",
        "higher",
        "centreline Dice of hard masks, scikit-image skeletons",
        lambda sample, options: metrics.cldice(sample.pair),
        headline=True,
    ),
)
"""The group `topology`."""
