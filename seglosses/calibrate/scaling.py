"""Fit a temperature on some images, and measure on the others what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.files import read_labels, read_probabilities
from seglosses.evaluate.listing import list_files, shorten
from seglosses.metrics import Bins, expected_calibration_error, reliability
from seglosses.metrics.temperature import (
    classwise_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    scaled_probabilities,
)

#: Pixels of an image that the fit looks at; more change its third digit.
_FITTED = 20_000


@dataclass(frozen=True)
class Scores:
    """How well probabilities fit the labels of the images that were held out.

    Args:
        likelihood: Mean of -log p of the label.
        classwise_ece: Mean over classes of the expected calibration error.
        ece: Expected calibration error of each class.
    """

    likelihood: float
    classwise_ece: float
    ece: tuple[float, ...]


@dataclass(frozen=True)
class Calibration:
    """A temperature and its worth.

    Args:
        temperature: Fitted on all images: divide logits by it.
        held_out_temperature: Fitted on every other image, by name.
        images: Number of images.
        measured: Number of images on which the scores were measured: the others.
        before: Their scores as they are.
        after: Their scores at ``held_out_temperature``.
        diagrams: Reliability diagrams of each class, before and after.
    """

    temperature: float
    held_out_temperature: float
    images: int
    measured: int
    before: Scores
    after: Scores
    diagrams: tuple[tuple[Bins, Bins], ...]

    def as_dict(self) -> dict[str, object]:
        """Everything but the diagrams, for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "diagrams"}


def calibrate(
    probabilities: str | Path,
    ground_truth: str | Path,
    *,
    num_classes: int = 2,
    ignore_index: int | None = 255,
    bins: int = 15,
) -> Calibration:
    """Fit one temperature to a folder of probability maps.

    Args:
        probabilities: Folder of NPY or NPZ maps (C, *S), or (*S) of the foreground.
        ground_truth: Folder of label maps of the same names.
        num_classes: C.
        ignore_index: Label of pixels that do not count.
        bins: Of the calibration errors.

    Returns:
        The temperature, and scores before and after on images that it was not fitted on.

    Raises:
        ValueError: For names without partner, fewer than two images, labels outside of the
            classes, and files that are no such maps.
    """
    maps = list_files(Path(probabilities), maps=True)
    labels = list_files(Path(ground_truth))
    alone = sorted(set(maps) ^ set(labels))
    if alone:
        raise ValueError(
            f"{len(alone)} names are in only one of {probabilities} and {ground_truth}:"
            f" {shorten(alone)}"
        )
    if len(maps) < 2:
        raise ValueError(
            f"expected two images or more, one to fit and one to measure, got {len(maps)} in"
            f" {probabilities}"
        )
    names = sorted(maps)

    def read(name: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return _pixels(maps[name], labels[name], num_classes, ignore_index)

    drawn = [_drawn(*read(name)) for name in names]
    held_out = _fit(drawn[::2])
    before = [_no_bins(bins)] * num_classes
    after, sums, pixels = list(before), np.zeros(2), 0
    for name in names[1::2]:
        prob, target = read(name)
        scaled = scaled_probabilities(prob, held_out)
        for place, now in ((0, prob), (1, scaled)):
            if target.size:
                sums[place] += negative_log_likelihood(now, target) * target.size
        pixels += target.size
        for label in range(num_classes):
            mask = target == label
            before[label] = _added(before[label], reliability(prob[label], mask, bins=bins))
            after[label] = _added(after[label], reliability(scaled[label], mask, bins=bins))
    means = sums / pixels if pixels else np.full(2, np.nan)
    return Calibration(
        _fit(drawn),
        held_out,
        len(names),
        len(names[1::2]),
        _scores(float(means[0]), before),
        _scores(float(means[1]), after),
        tuple(zip(before, after, strict=True)),
    )


def _pixels(
    prob: Path, label: Path, num_classes: int, ignore_index: int | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities (C, n) and labels (n,) of the pixels that count."""
    target = read_labels(label)[0].astype(np.int64)
    found = read_probabilities(prob, num_classes, target.shape).reshape(num_classes, -1)
    flat = target.ravel()
    seen = np.ones(flat.shape, bool) if ignore_index is None else flat != ignore_index
    kept, flat = np.clip(found[:, seen], 0, 1), flat[seen]
    if flat.size and not 0 <= flat.min() <= flat.max() < num_classes:
        raise ValueError(
            f"{label}: expected labels in [0, {num_classes}), got {flat.min()} to {flat.max()}; say"
            " --num-classes, or --ignore-index for a label that does not count"
        )
    return kept, flat


def _drawn(
    prob: NDArray[np.float32], target: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Evenly spaced pixels, all of a small image."""
    if target.size > _FITTED:
        place = np.linspace(0, target.size - 1, _FITTED).astype(np.int64)
        return prob[:, place], target[place]
    return prob, target


def _fit(drawn: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> float:
    return fit_temperature(
        np.concatenate([prob for prob, _ in drawn], 1), np.concatenate([y for _, y in drawn])
    )


def _no_bins(bins: int) -> Bins:
    return Bins(np.zeros(bins), np.zeros(bins), np.zeros(bins))


def _added(first: Bins, second: Bins) -> Bins:
    return Bins(*(a + b for a, b in zip(first, second, strict=True)))


def _scores(likelihood: float, diagrams: Sequence[Bins]) -> Scores:
    ece = tuple(expected_calibration_error(each) for each in diagrams)
    return Scores(likelihood, classwise_calibration_error(diagrams), ece)
