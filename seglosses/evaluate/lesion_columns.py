"""Columns per lesion: overlap, distance and detection of connected components."""

from __future__ import annotations

from collections.abc import Callable

from seglosses import metrics
from seglosses.evaluate.columns import Column
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample


def _lesion(part: str) -> Callable[[Sample, Options], float]:
    def measure(sample: Sample, options: Options) -> float:
        given = options.lesion_matching, options.smallest_lesion, options.lesion_dilation
        scores = sample.pair.remember(
            ("lesions", *given),
            lambda: metrics.lesion_scores(
                sample.pair, matching=given[0], smallest=given[1], dilation=given[2]
            ),
        )
        return float(getattr(scores, part))

    return measure


_RULE = (
    "lesions are components of the mask, matched as in {lesion_matching}: {lesion_rule}; true "
    "lesions up to a volume of {smallest_lesion:g} do not count"
)

LESIONS: tuple[Column, ...] = (
    Column(
        "lesion_dice",
        "Dice per lesion",
        "lesions",
        "higher",
        f"mean Dice of lesions; {_RULE}",
        _lesion("dice"),
        hidden=True,
    ),
    Column(
        "lesion_hd95",
        "HD95 per lesion",
        "lesions",
        "lower",
        f"mean of the larger directed 95th percentiles of surface distances of lesions; {_RULE}",
        _lesion("hd95"),
        hidden=True,
    ),
    Column(
        "lesion_f1",
        "F1 of lesions",
        "lesions",
        "higher",
        f"2 TP / (2 TP + FP + FN) of lesions; {_RULE}",
        _lesion("f1"),
        hidden=True,
    ),
    Column(
        "lesion_sensitivity",
        "Sensitivity of lesions",
        "lesions",
        "higher",
        f"share of true lesions that are found; {_RULE}",
        _lesion("sensitivity"),
        hidden=True,
    ),
    Column(
        "lesion_false_positives",
        "False positives per image",
        "lesions",
        "lower",
        f"number of predicted lesions without a true one; {_RULE}",
        _lesion("false_positives"),
        hidden=True,
    ),
)
"""The group `lesions`."""
