"""TopoMortar's columns with TopoMortar's quirks, and nowhere else.

In their scores an empty mask has one component, HD95 is 9999999 when a mask is empty, and clDice
is undefined when neither skeleton meets the other mask.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from seglosses import metrics
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample
from seglosses.evaluate.table import Table
from seglosses.metrics.topology import window_betti_numbers

NO_DISTANCE = 9999999
WINDOW = 128
ORDER = (
    "Betti0ErrorLocal_mortar",
    "Betti0Error_mortar",
    "Betti1ErrorLocal_mortar",
    "Betti1Error_mortar",
    "Dice_mortar",
    "HD95_mortar",
    "clDice_mortar",
)
Measure = Callable[[Sample, Options], float]


def _as_they_count(numbers: tuple[int, ...], dimension: int) -> int:
    return max(numbers[0], 1) if dimension == 0 else numbers[dimension]


def _error(dimension: int) -> Measure:
    def measure(sample: Sample, options: Options) -> float:
        pred, target = (_as_they_count(numbers, dimension) for numbers in sample.pair.betti)
        return abs(pred - target)

    return measure


def _local_error(dimension: int) -> Measure:
    def measure(sample: Sample, options: Options) -> float:
        windows = sample.pair.remember(
            ("window numbers", WINDOW),
            lambda: list(window_betti_numbers(sample.pair, window=WINDOW)),
        )
        errors = [
            abs(_as_they_count(pred, dimension) - _as_they_count(target, dimension))
            for pred, target in windows
        ]
        return float(np.mean(errors))

    return measure


def _dice(sample: Sample, options: Options) -> float:
    pair = sample.pair
    return float("nan") if pair.pred_empty and pair.target_empty else metrics.dice(pair)


def _hd95(sample: Sample, options: Options) -> float:
    if sample.pair.pred_empty or sample.pair.target_empty:
        return NO_DISTANCE
    return metrics.hd95(sample.pair)


def _cldice(sample: Sample, options: Options) -> float:
    score = (
        0.0 if sample.pair.pred_empty or sample.pair.target_empty else metrics.cldice(sample.pair)
    )
    return score or float("nan")


MEASURES: tuple[tuple[str, Literal["higher", "lower"], str, Measure], ...] = (
    ("Betti0Error_mortar", "lower", "|difference of components|, an empty mask has 1", _error(0)),
    ("Betti1Error_mortar", "lower", "|difference of loops|", _error(1)),
    ("Betti0ErrorLocal_mortar", "lower", "mean over windows of 128 pixels", _local_error(0)),
    ("Betti1ErrorLocal_mortar", "lower", "mean over windows of 128 pixels", _local_error(1)),
    ("Dice_mortar", "higher", "Dice", _dice),
    ("HD95_mortar", "lower", "pooled 95th percentile; 9999999 when a mask is empty", _hd95),
    ("clDice_mortar", "higher", "clDice; undefined when no skeleton meets the mask", _cldice),
)


def write_csv(table: Table, path: Path) -> None:
    """Write the scores of the only class in the layout of TopoMortar's CSV files.

    Args:
        table: Scores that hold the columns of the group `topomortar`.
        path: File to write.

    Raises:
        ValueError: When there is more than one class.
    """
    if len(table.classes) != 1:
        raise ValueError(f"TopoMortar has one class, got {', '.join(table.classes)}")
    columns = [table.matrix(name)[:, 0] for name in ORDER]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["ID", *ORDER])
        for index, image in enumerate(table.images):
            row = [float(values[index]) for values in columns]
            counts = {"Betti0Error_mortar", "Betti1Error_mortar"}
            cells = [
                str(int(value)) if name in counts else "" if value != value else repr(value)
                for name, value in zip(ORDER, row, strict=True)
            ]
            writer.writerow([image, *cells])
