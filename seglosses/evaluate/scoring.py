"""Scores of one image: one pair of masks per class, and every column computed from it."""

from __future__ import annotations

import numpy as np

from seglosses.evaluate.listing import PairFiles
from seglosses.evaluate.loading import LabelMaps, load
from seglosses.evaluate.sample import Sample
from seglosses.evaluate.settings import COUNTS, Settings
from seglosses.metrics import Pair

__all__ = ["COUNTS", "LabelMaps", "Settings", "load", "score", "score_class"]


def score(files: PairFiles, settings: Settings) -> list[dict[str, float]]:
    """Scores of one image, one row per class in the order of ``settings.classes``.

    Args:
        files: Where its files lie.
        settings: What to measure, and how to read values.

    Returns:
        Rows with every number that ``settings.stored()`` names.

    Raises:
        ValueError: As :func:`load`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from seglosses.evaluate.codes import LabelCode
        >>> code = LabelCode({0: 0, 1: 1}, "")
        >>> settings = Settings(2, {1: "cell"}, code, code, ("iou",))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "001.npy"
        ...     np.save(path, np.array([[1, 0]]))
        ...     rows = score(PairFiles("001", path, path), settings)
        >>> rows
        [{'iou': 1.0, 'tp': 1, 'fp': 0, 'fn': 0, 'pixels': 2}]
    """
    maps = load(files, settings)
    return [score_class(maps, index, settings) for index in settings.classes]


def score_class(maps: LabelMaps, index: int, settings: Settings) -> dict[str, float]:
    """Scores of one class of one image.

    Args:
        maps: The image.
        index: Index of the class.
        settings: What to measure.

    Returns:
        Every number that ``settings.stored()`` names; all metrics are NaN where the policy for
        empty masks leaves the class out, and counts and sums never are.

    Example:
        >>> from seglosses.evaluate.codes import LabelCode
        >>> code, pixels = LabelCode({}, ""), np.array([[1, 1]], np.int16)
        >>> maps = LabelMaps(pixels, np.array([[1, 0]], np.int16), None)
        >>> score_class(maps, 1, Settings(2, {1: "cell"}, code, code, ("iou",)))
        {'iou': 0.5, 'tp': 1, 'fp': 1, 'fn': 0, 'pixels': 2}
    """
    pred, target = maps.masks(index)
    pair = Pair(
        pred,
        target,
        spacing=maps.spacing,
        connectivity=settings.connectivity,
        empty=settings.empty,
    )
    valid = maps.valid(index)
    prob = None if maps.prob is None else maps.prob[index]
    sample = Sample(pair, target, valid, prob)
    # The quirks of a foreign schema are not ours to change.
    row = {
        column.name: float("nan")
        if pair.left_out and column.group != "topomortar"
        else float(column.measure(sample, settings.options))
        for column in settings.chosen()
    }
    for column in settings.chosen():
        if column.pooled is not None:
            sums = column.pooled.sums(sample, settings.options)
            row |= dict(zip(column.parts(settings.options), sums.tolist(), strict=True))
    row["tp"] = pair.true_positives
    row["fp"] = pair.false_positives
    row["fn"] = pair.false_negatives
    row["pixels"] = int(np.count_nonzero(valid))
    return row
