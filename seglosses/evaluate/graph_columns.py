"""Columns of graphs: routes, junctions, edges and runs of roads, vessels and neurites."""

from __future__ import annotations

import math
from collections.abc import Callable

from seglosses import metrics
from seglosses.evaluate.columns import Column
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample


def _apls(sample: Sample, options: Options) -> float:
    return metrics.apls(sample.pair, tolerance=options.tolerance, step=options.control_step)


def _topo(part: str) -> Callable[[Sample, Options], float]:
    def measure(sample: Sample, options: Options) -> float:
        given = {
            "tolerance": options.tolerance,
            "step": options.control_step,
            "reach": options.reach,
        }
        scores = sample.pair.remember(
            ("topo", *given.values()), lambda: metrics.topo_scores(sample.pair, **given)
        )
        return float(getattr(scores, part))

    return measure


def _junctions(part: str) -> Callable[[Sample, Options], float]:
    return lambda sample, options: float(
        getattr(metrics.junction_scores(sample.pair, tolerance=options.tolerance), part)
    )


def _edges(part: str) -> Callable[[Sample, Options], float]:
    return lambda sample, options: float(
        getattr(metrics.edge_scores(sample.pair, tolerance=options.tolerance), part)
    )


def _hd(percentile: float) -> Callable[[Sample, Options], float]:
    return lambda sample, options: metrics.centerline_hd(sample.pair, percentile=percentile)


_TOPO = (
    "of what is reached within {reach:g} along the centreline from points of the truth at most "
    "{control_step:g} apart, one to one within {tolerance:g} (Biagioni and Eriksson, Sat2Graph)"
)
_JUNCTION = (
    "junctions of centrelines matched one to one within {tolerance:g}, each with its share of "
    "edges; undefined where neither mask has one (RoadTracer, edges counted, not their angles)"
)
_EDGE = (
    "edges of centrelines that join matched nodes, nodes matched one to one within {tolerance:g}; "
    "undefined where neither mask has one (RNGDet, Relationformer)"
)

GRAPHS: tuple[Column, ...] = (
    Column(
        "apls",
        "APLS@{tolerance:g}",
        "graphs",
        "higher",
        "average path length similarity between nodes and points at most {control_step:g} apart "
        "along centrelines, snapped within {tolerance:g}, routes from 10 on, harmonic mean of both "
        "directions; undefined where neither mask has a route (CosmiQ/apls)",
        _apls,
        hidden=True,
    ),
    Column(
        "topo_precision",
        "TOPO precision@{tolerance:g}",
        "graphs",
        "higher",
        f"share {_TOPO}, that is also true",
        _topo("precision"),
        hidden=True,
    ),
    Column(
        "topo_recall",
        "TOPO recall@{tolerance:g}",
        "graphs",
        "higher",
        f"share {_TOPO}, that is also predicted",
        _topo("recall"),
        hidden=True,
    ),
    *(
        Column(
            f"{what}_{part}",
            f"{what.capitalize()} {part}@{{tolerance:g}}",
            "graphs",
            "higher",
            f"{said} of {meaning}",
            measure(part),
            hidden=True,
        )
        for what, meaning, measure in (
            ("junction", _JUNCTION, _junctions),
            ("edge", _EDGE, _edges),
        )
        for part, said in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"))
    ),
    Column(
        "erl",
        "ERL",
        "graphs",
        "higher",
        "expected run length along true centrelines: sum of squared lengths that one predicted "
        "component holds of one true one, over their length; runs of a predicted component that "
        "meets two true centrelines count as 0; components of the mask (funlib.evaluate)",
        lambda sample, options: metrics.expected_run_length(sample.pair).length,
        hidden=True,
        most=math.inf,
    ),
    Column(
        "erl_share",
        "ERL, share",
        "graphs",
        "higher",
        "expected run length over that of the truth itself",
        lambda sample, options: metrics.expected_run_length(sample.pair).share,
        hidden=True,
    ),
    Column(
        "centerline_hd",
        "Centreline HD",
        "graphs",
        "lower",
        "larger one of the two directed Hausdorff distances of centrelines",
        _hd(100.0),
        hidden=True,
    ),
    Column(
        "centerline_hd95",
        "Centreline HD95",
        "graphs",
        "lower",
        "larger one of the two directed 95th percentiles of distances of centrelines",
        _hd(95.0),
        hidden=True,
    ),
)
"""The group `graphs`."""
