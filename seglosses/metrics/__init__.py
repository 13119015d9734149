"""Metrics of label maps: NumPy in, numbers out.

A :class:`Pair` holds one predicted and one true mask and measures each expensive statistic once;
a metric is a short reading of it::

    pair = Pair(pred == 1, target == 1, spacing=(0.5, 0.5))
    hd95(pair), cldice(pair), betti_error(pair, 0)

:class:`Scores` takes batches of a validation and gives what ``seglosses evaluate`` gives of files.
It needs torch, and is loaded when it is asked for.
"""

from __future__ import annotations

from typing import Any

from seglosses._moved import from_above
from seglosses.metrics.boundary import (
    assd,
    boundary_f,
    boundary_iou,
    hd95,
    hd95_directed,
    nsd,
)
from seglosses.metrics.calibration import (
    Bins,
    boundary_band,
    brier_score,
    expected_calibration_error,
    reliability,
)
from seglosses.metrics.cells import adapted_rand, panoptic_quality, variation_of_information
from seglosses.metrics.contour import nsd_length
from seglosses.metrics.diagrams import DiagramDistances, construction_of, diagram_distances
from seglosses.metrics.empty import EmptyPolicy
from seglosses.metrics.explanations import attribution_iou, energy_pointing_game
from seglosses.metrics.graphs import (
    GraphScores,
    apls,
    edge_scores,
    junction_scores,
    topo_scores,
)
from seglosses.metrics.inclusion import diu
from seglosses.metrics.lesions import LesionMatching, LesionScores, lesion_scores
from seglosses.metrics.lines import LineScores, cldice, line_scores
from seglosses.metrics.overlap import dice, iou
from seglosses.metrics.pair import Pair
from seglosses.metrics.run_length import RunLength, centerline_hd, expected_run_length
from seglosses.metrics.structures import StructureErrors, structure_errors
from seglosses.metrics.temperature import (
    classwise_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    scaled_probabilities,
)
from seglosses.metrics.topology import (
    TieBreaking,
    betti_error,
    betti_matching_error,
    euler_error,
    windowed_betti_errors,
)

__all__ = [
    "Bins",
    "DiagramDistances",
    "EmptyPolicy",
    "GraphScores",
    "LesionMatching",
    "LesionScores",
    "LineScores",
    "Pair",
    "RunLength",
    "Scores",
    "StructureErrors",
    "TieBreaking",
    "adapted_rand",
    "apls",
    "assd",
    "attribution_iou",
    "betti_error",
    "betti_matching_error",
    "boundary_band",
    "boundary_f",
    "boundary_iou",
    "brier_score",
    "centerline_hd",
    "classwise_calibration_error",
    "cldice",
    "construction_of",
    "diagram_distances",
    "dice",
    "diu",
    "edge_scores",
    "energy_pointing_game",
    "euler_error",
    "expected_calibration_error",
    "expected_run_length",
    "fit_temperature",
    "hd95",
    "hd95_directed",
    "iou",
    "junction_scores",
    "lesion_scores",
    "line_scores",
    "negative_log_likelihood",
    "nsd",
    "nsd_length",
    "panoptic_quality",
    "reliability",
    "scaled_probabilities",
    "structure_errors",
    "topo_scores",
    "variation_of_information",
    "windowed_betti_errors",
]


def __getattr__(name: str) -> Any:
    """The one name that lies higher: functions of label maps need neither torch nor tables."""
    return from_above(__name__, name)
