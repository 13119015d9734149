"""Columns of barcodes as they are: distances of persistence diagrams."""

from __future__ import annotations

from collections.abc import Callable

from seglosses import metrics
from seglosses.evaluate.columns import Column
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample


def _distance(kind: str, dimension: int) -> Callable[[Sample, Options], float]:
    def measure(sample: Sample, options: Options) -> float:
        assert sample.prob is not None
        prob = sample.prob
        construction = metrics.construction_of(sample.pair.connectivity)
        found = sample.pair.remember(
            ("diagrams", construction),
            lambda: metrics.diagram_distances(prob, sample.target, construction=construction),
        )
        return float(getattr(found, kind)[dimension])

    return measure


DIAGRAMS: tuple[Column, ...] = tuple(
    Column(
        f"{kind}{dimension}",
        f"{kind.capitalize()} distance, {what}",
        "barcodes",
        "lower",
        f"{said} distance of the diagrams of the class's probability and of its label, {what}; "
        "superlevel sets, the component that never dies ending at 0, largest coordinate, "
        f"{'' if kind == 'bottleneck' else 'order 1, '}ignored pixels as predicted (gudhi)",
        _distance(kind, dimension),
        dimensions=(3,) if dimension == 2 else (2, 3),
        needs_probabilities=True,
        hidden=True,
    )
    for kind, said in (("bottleneck", "bottleneck"), ("wasserstein", "Wasserstein"))
    for dimension, what in enumerate(("components", "loops", "cavities"))
)
"""The group `barcodes`."""
