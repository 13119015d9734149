"""Every metric of masks as the laws examine it, and what breaks one by its definition."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seglosses import metrics
from seglosses.laws.masks import Metric
from seglosses.metrics import Pair

# Between the distances that pixels can have at the spacings of random trials, so that rounding
# moves no pixel across it.
_TOLERANCE = 1.57


def _one(measure: Callable[[Pair], float]) -> Callable[[Pair], tuple[float, ...]]:
    return lambda pair: (float(measure(pair)),)


def _structures(pair: Pair) -> tuple[float, ...]:
    errors = metrics.structure_errors(pair)
    return tuple(float(len(np.unique(labels[labels > 0]))) for labels in vars(errors).values())


def _probabilities(pair: Pair) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    pred, target = pair.uncropped()
    return np.where(pred, 0.75, 0.125), target


def _calibration(pair: Pair) -> tuple[float, ...]:
    bins = metrics.reliability(*_probabilities(pair))
    return (metrics.expected_calibration_error(bins), *bins.pixels)


def _classwise(pair: Pair) -> tuple[float, ...]:
    prob, target = _probabilities(pair)
    both = [metrics.reliability(prob, target), metrics.reliability(1 - prob, ~target)]
    return (metrics.classwise_calibration_error(both),)


def _band(pair: Pair) -> tuple[float, ...]:
    target = pair.uncropped()[1]
    band = metrics.boundary_band(target, width=_TOLERANCE, spacing=pair.spacing)
    return (float(np.count_nonzero(band)),)


def _cells(regions: str) -> dict[str, Metric]:
    def rand(pair: Pair) -> tuple[float, ...]:
        return tuple(metrics.adapted_rand(pair, regions=regions))  # type: ignore[arg-type]

    def information(pair: Pair) -> tuple[float, ...]:
        return tuple(metrics.variation_of_information(pair, regions=regions))  # type: ignore[arg-type]

    def panoptic(pair: Pair) -> tuple[float, ...]:
        return tuple(metrics.panoptic_quality(pair, regions=regions))  # type: ignore[arg-type]

    examined = (
        Metric(f"adapted_rand({regions})", rand, perfect=(0.0, 1.0, 1.0)),
        Metric(f"variation_of_information({regions})", information, perfect=(0.0, 0.0)),
        Metric(f"panoptic_quality({regions})", panoptic),
    )
    return {metric.name: metric for metric in examined}


def _explanations(pair: Pair) -> tuple[float, ...]:
    pred, target = pair.uncropped()
    attribution = np.where(pred, 1.0, -0.5)
    return (
        metrics.attribution_iou(attribution, target),
        metrics.energy_pointing_game(attribution, target),
    )


_RULES = ("panoptica", "brats", "autopet", "cc")


def _lesions() -> list[Metric]:
    def measure(matching: str) -> Callable[[Pair], tuple[float, ...]]:
        return lambda pair: tuple(metrics.lesion_scores(pair, matching=matching, dilation=1))  # type: ignore[arg-type]

    perfect = (1.0, 0.0, 1.0, 1.0, 0.0)
    return [Metric(f"lesion_scores({rule})", measure(rule), perfect=perfect) for rule in _RULES]


def _matching(dimension: int, dims: tuple[int, ...], tie_breaking: str = "none") -> Metric:
    def measure(pair: Pair) -> tuple[float, ...]:
        return (float(metrics.betti_matching_error(pair, dimension, tie_breaking=tie_breaking)),)  # type: ignore[arg-type]

    words = "" if tie_breaking == "none" else ", released"
    name = f"betti_matching_error({dimension}{words}) in {dims[-1]}D"
    return Metric(name, measure, dims, perfect=(0.0,))


def _betti(dimension: int, dims: tuple[int, ...] = (2, 3)) -> Metric:
    return Metric(
        f"betti_error({dimension})",
        lambda pair: (float(metrics.betti_error(pair, dimension)),),
        dims,
        perfect=(0.0,),
    )


#: every function of a pair that ``seglosses.metrics`` exports, with its readings, by name
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("dice", _one(metrics.dice), perfect=(1.0,)),
        Metric("iou", _one(metrics.iou), perfect=(1.0,)),
        Metric("hd95", _one(metrics.hd95), perfect=(0.0,)),
        Metric("hd95_directed", _one(metrics.hd95_directed), perfect=(0.0,)),
        Metric("assd", _one(metrics.assd), perfect=(0.0,)),
        Metric("nsd", _one(lambda pair: metrics.nsd(pair, tolerance=_TOLERANCE)), perfect=(1.0,)),
        Metric(
            "nsd_length",
            _one(lambda pair: metrics.nsd_length(pair, tolerance=_TOLERANCE)),
            perfect=(1.0,),
        ),
        Metric(
            "boundary_f",
            _one(lambda pair: metrics.boundary_f(pair, tolerance=_TOLERANCE)),
            perfect=(1.0,),
        ),
        Metric(
            "boundary_iou", _one(lambda pair: metrics.boundary_iou(pair, width=2)), perfect=(1.0,)
        ),
        Metric("cldice", _one(metrics.cldice), perfect=(1.0,)),
        Metric(
            "line_scores",
            lambda pair: tuple(metrics.line_scores(pair, tolerance=_TOLERANCE)),
            perfect=(1.0, 1.0, 1.0),
        ),
        Metric(
            "apls",
            _one(lambda pair: metrics.apls(pair, tolerance=_TOLERANCE, step=3, shortest=2)),
        ),
        Metric(
            "topo_scores",
            lambda pair: tuple(metrics.topo_scores(pair, tolerance=_TOLERANCE, step=3, reach=6)),
            perfect=(1.0, 1.0, 1.0),
        ),
        Metric(
            "junction_scores",
            lambda pair: tuple(metrics.junction_scores(pair, tolerance=_TOLERANCE)),
        ),
        Metric("edge_scores", lambda pair: tuple(metrics.edge_scores(pair, tolerance=_TOLERANCE))),
        Metric("expected_run_length", lambda pair: tuple(metrics.expected_run_length(pair))),
        Metric("centerline_hd", _one(metrics.centerline_hd), perfect=(0.0,)),
        *_lesions(),
        Metric("attribution_iou, energy_pointing_game", _explanations, perfect=(1.0, 1.0)),
        Metric(
            "construction_of, diagram_distances",
            lambda pair: tuple(itertools.chain(*metrics.diagram_distances(*pair.uncropped()))),
        ),
        _betti(0),
        _betti(1),
        _betti(2, (3,)),
        Metric("euler_error", _one(metrics.euler_error), perfect=(0.0,)),
        Metric("windowed_betti_errors", lambda pair: metrics.windowed_betti_errors(pair, window=4)),
        _matching(0, (2, 3)),
        _matching(1, (2,)),
        _matching(1, (3,)),
        _matching(2, (3,)),
        _matching(0, (2, 3), "released"),
        Metric("diu", _one(metrics.diu), perfect=(0.0,)),
        Metric("structure_errors", _structures, perfect=(0.0, 0.0, 0.0, 0.0)),
        *_cells("background").values(),
        *_cells("foreground").values(),
        Metric("brier_score", _one(lambda pair: metrics.brier_score(*_probabilities(pair)))),
        Metric("reliability, expected_calibration_error", _calibration),
        Metric("classwise_calibration_error", _classwise),
        Metric("boundary_band", _band),
    )
}

_THINNING = "thinning peels sides in a fixed order, so skeletons of mirror images differ"
_CANVAS = "background counts, and a larger canvas has more of it"
_WINDOWS = "windows are laid from the first pixel on"
_TIES = "components of equal overlap are matched in reading order"
_MISSED = "a lesion without a partner is as far away as the canvas is large"
_NEAREST = "a pixel as near to two lesions belongs to one of them in reading order"
_TRUTH = "one side is the truth: its regions, or its pixels, are what is asked for"
_RELEASED = "ties are broken in reading order, as released"
_NAMES = "the two numbers or kinds of error change places too"
_GRAPHS = (
    "apls",
    "topo_scores",
    "junction_scores",
    "edge_scores",
    "expected_run_length",
    "centerline_hd",
)
_CALIBRATION = (
    "brier_score",
    "classwise_calibration_error",
    "reliability, expected_calibration_error",
)
_MOVES = (
    "axes_may_change_places",
    "mirror_images_score_the_same",
    "turned_images_score_the_same",
)
_MARGINS, _EXCHANGE = "empty_margins_do_not_matter", "masks_may_change_places"
#: (metric, law) to the reason why it does not hold
EXEMPT_METRICS: dict[tuple[str, str], str] = {
    **{("cldice", law): _THINNING for law in _MOVES},
    **{("line_scores", law): _THINNING for law in _MOVES},
    **{(name, law): _THINNING for name in _GRAPHS for law in _MOVES},
    **{("windowed_betti_errors", law): _WINDOWS for law in (*_MOVES[1:], _MARGINS)},
    **{("structure_errors", law): _TIES for law in _MOVES},
    **{("betti_matching_error(0, released) in 3D", law): _RELEASED for law in (*_MOVES, _MARGINS)},
    **{(name, _MARGINS): _CANVAS for name in (*_CALIBRATION, "boundary_band")},
    **{(name, _EXCHANGE): _TRUTH for name in (*_CALIBRATION, "boundary_band")},
    **{(name, _MARGINS): _CANVAS for name in _cells("background")},
    **{
        (name, _EXCHANGE): _TRUTH
        for regions in ("background", "foreground")
        for name in _cells(regions)
        if not name.startswith("panoptic")
    },
    **{
        (name, _EXCHANGE): _NAMES
        for name in ("line_scores", "structure_errors", "junction_scores", "edge_scores")
    },
    **{
        (f"lesion_scores({rule})", law): reason
        for rule in _RULES
        for law, reason in ((_EXCHANGE, _TRUTH), (_MARGINS, _MISSED))
    },
    **{("lesion_scores(cc)", law): _NEAREST for law in _MOVES},
    ("attribution_iou, energy_pointing_game", _EXCHANGE): _TRUTH,
    **{(name, _EXCHANGE): _TRUTH for name in ("topo_scores", "expected_run_length")},
}
