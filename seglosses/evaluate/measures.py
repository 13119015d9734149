"""All columns, and how to choose among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seglosses import metrics
from seglosses.evaluate import topomortar
from seglosses.evaluate.calibration_columns import CALIBRATION
from seglosses.evaluate.columns import Column
from seglosses.evaluate.diagram_columns import DIAGRAMS
from seglosses.evaluate.graph_columns import GRAPHS
from seglosses.evaluate.lesion_columns import LESIONS
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample
from seglosses.evaluate.topology_columns import TOPOLOGY


def _line(part: str) -> Callable[[Sample, Options], float]:
    def measure(sample: Sample, options: Options) -> float:
        scores = sample.pair.remember(
            ("lines", options.tolerance),
            lambda: metrics.line_scores(sample.pair, tolerance=options.tolerance),
        )
        return float(getattr(scores, part))

    return measure


COLUMNS: tuple[Column, ...] = (
    Column(
        "dice",
        "Dice",
        "overlap",
        "higher",
        "2 TP / (2 TP + FP + FN)",
        lambda sample, options: metrics.dice(sample.pair),
        headline=True,
    ),
    Column(
        "iou",
        "IoU",
        "overlap",
        "higher",
        "TP / (TP + FP + FN)",
        lambda sample, options: metrics.iou(sample.pair),
        headline=True,
    ),
    Column(
        "hd95",
        "HD95",
        "boundary",
        "lower",
        "95th percentile of the surface distances of both directions, pooled (medpy, TopoMortar)",
        lambda sample, options: metrics.hd95(sample.pair),
        headline=True,
    ),
    Column(
        "hd95_directed",
        "HD95, directed",
        "boundary",
        "lower",
        "larger one of the two directed 95th percentiles of surface distances (MONAI)",
        lambda sample, options: metrics.hd95_directed(sample.pair),
    ),
    Column(
        "assd",
        "ASSD",
        "boundary",
        "lower",
        "mean surface distance of both directions, pooled (medpy, MONAI)",
        lambda sample, options: metrics.assd(sample.pair),
    ),
    Column(
        "nsd_half",
        "NSD@{half:g}",
        "boundary",
        "higher",
        "share of surface pixels within {half:g} of the other surface (MONAI)",
        lambda sample, options: metrics.nsd(sample.pair, tolerance=options.tolerance / 2),
    ),
    Column(
        "nsd",
        "NSD@{tolerance:g}",
        "boundary",
        "higher",
        "share of surface pixels within {tolerance:g} of the other surface (MONAI)",
        lambda sample, options: metrics.nsd(sample.pair, tolerance=options.tolerance),
    ),
    Column(
        "nsd_length",
        "NSD@{tolerance:g}, by length",
        "boundary",
        "higher",
        "share of contour length (3D: surface area) within {tolerance:g} of the other (DeepMind)",
        lambda sample, options: metrics.nsd_length(sample.pair, tolerance=options.tolerance),
        hidden=True,
    ),
    Column(
        "boundary_iou",
        "Boundary IoU",
        "boundary",
        "higher",
        "IoU of the inner bands along the boundaries, width {width}, 3x3 erosions",
        lambda sample, options: metrics.boundary_iou(sample.pair, width=options.boundary_width),
    ),
    Column(
        "boundary_f",
        "Boundary F@{tolerance:g}",
        "boundary",
        "higher",
        "harmonic mean of the shares of surface pixels within {tolerance:g} of the other surface",
        lambda sample, options: metrics.boundary_f(sample.pair, tolerance=options.tolerance),
    ),
    *TOPOLOGY,
    Column(
        "rand_error",
        "Adapted Rand error",
        "cells",
        "lower",
        "1 - F of pixel pairs; regions: components of the {regions}, those of the truth count",
        lambda sample, options: metrics.adapted_rand(sample.pair, regions=options.regions).error,
        most=1.0,
    ),
    Column(
        "voi_split",
        "VoI split",
        "cells",
        "lower",
        "H(prediction | truth) in bits; regions: components of the {regions}",
        lambda sample, options: (
            metrics.variation_of_information(sample.pair, regions=options.regions).split
        ),
    ),
    Column(
        "voi_merge",
        "VoI merge",
        "cells",
        "lower",
        "H(truth | prediction) in bits; regions: components of the {regions}",
        lambda sample, options: (
            metrics.variation_of_information(sample.pair, regions=options.regions).merge
        ),
    ),
    Column(
        "pq",
        "PQ",
        "cells",
        "higher",
        "panoptic quality, IoU > 0.5 matches; regions: components of the {regions}",
        lambda sample, options: metrics.panoptic_quality(sample.pair, regions=options.regions).pq,
    ),
    Column(
        "line_correctness",
        "Correctness@{tolerance:g}",
        "lines",
        "higher",
        "share of predicted centreline within {tolerance:g} of the true one",
        _line("correctness"),
    ),
    Column(
        "line_completeness",
        "Completeness@{tolerance:g}",
        "lines",
        "higher",
        "share of true centreline within {tolerance:g} of the predicted one",
        _line("completeness"),
    ),
    Column(
        "line_quality",
        "Line quality@{tolerance:g}",
        "lines",
        "higher",
        "correctness x completeness / (correctness + completeness - product)",
        _line("quality"),
    ),
    *GRAPHS,
    *LESIONS,
    *DIAGRAMS,
    *CALIBRATION,
    *(
        Column(name, name, "topomortar", better, meaning, measure, dimensions=(2,), hidden=True)
        for name, better, meaning, measure in topomortar.MEASURES
    ),
)


def choose_columns(
    names: Sequence[str] | None = None,
    *,
    ndim: int = 2,
    probabilities: bool = False,
    options: Options | None = None,
) -> tuple[Column, ...]:
    """Columns by group or by name, in the order of :data:`COLUMNS`.

    Args:
        names: Groups and column names; None for all that are not hidden and can be computed.
        ndim: Dimension of the images.
        probabilities: Whether there are probability maps.
        options: Written into titles and meanings.

    Returns:
        The columns, with options written out.

    Raises:
        ValueError: For a name that is neither, listing what there is, or that needs probability
            maps or images of another dimension.

    Example:
        >>> [column.name for column in choose_columns(["hd95", "overlap"])]
        ['dice', 'iou', 'hd95']
    """
    shown = options or Options()
    possible = [
        column
        for column in COLUMNS
        if ndim in column.dimensions and (probabilities or not column.needs_probabilities)
    ]
    if names is None:
        return tuple(column.described(shown) for column in possible if not column.hidden)
    for name in names or ["(none)"]:
        if not any(name in (column.name, column.group) for column in COLUMNS):
            raise ValueError(
                f"unknown metric {name}: expected groups "
                f"({', '.join(dict.fromkeys(column.group for column in COLUMNS))}) or names "
                f"({', '.join(column.name for column in COLUMNS)})"
            )
        if not any(name in (column.name, column.group) for column in possible):
            raise ValueError(f"{name} needs probability maps or images that are not {ndim}D")
    chosen = [column for column in possible if {column.name, column.group} & set(names)]
    return tuple(column.described(shown) for column in chosen)
