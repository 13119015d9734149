"""Columns of calibration: of each image, and of the pixels of all images together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seglosses import metrics
from seglosses.evaluate.columns import Column, Pooled
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample

Floats = NDArray[np.float64]


def _diagram(sample: Sample, options: Options) -> metrics.Bins:
    return sample.reliability(options.bins)


def _diagram_at_boundaries(sample: Sample, options: Options) -> metrics.Bins:
    return sample.reliability(options.bins, band=options.band)


def _sums(bins: metrics.Bins) -> Floats:
    """Gaps, pixels and probabilities of each bin, and the number of pixels."""
    return np.concatenate([bins.gaps, bins.pixels, bins.prob, [bins.pixels.sum()]])


def diagram_of(sums: Floats) -> metrics.Bins:
    """The reliability diagram in the sums of images.

    Args:
        sums: What the columns of calibration errors add up, (3 bins + 1,).

    Returns:
        Pixels, probabilities and true pixels of each bin.

    Example:
        >>> one = metrics.reliability([0.25, 0.25, 1.0], [0, 1, 1], bins=2)
        >>> diagram_of(_sums(one)).target.tolist()
        [1.0, 1.0]
    """
    gaps, pixels, prob = sums[:-1].reshape(3, -1)
    return metrics.Bins(pixels, prob, prob - gaps)


def _shares(sums: Floats) -> Floats:
    """What images add to the absolute gaps of all of them: their own, with the sign of the sum."""
    gaps = sums[..., : (sums.shape[-1] - 1) // 3]
    return np.asarray((gaps * np.sign(gaps.sum(axis=0))).sum(axis=-1))


def _squares(sample: Sample, options: Options) -> Floats:
    pixels = sample.pixels
    return np.array([sample.brier() * pixels if pixels else 0.0, pixels])


def _three_a_bin(options: Options) -> int:
    return 3 * options.bins + 1


CALIBRATION: tuple[Column, ...] = (
    Column(
        "ece",
        "ECE",
        "calibration",
        "lower",
        "expected calibration error of the class's probability, {bins} bins; _dataset: bins of all "
        "images added up, which a mean over images exceeds",
        lambda sample, options: metrics.expected_calibration_error(_diagram(sample, options)),
        needs_probabilities=True,
        headline=True,
        most=1.0,
        pooled=Pooled(
            "ECE of all pixels",
            lambda sample, options: _sums(_diagram(sample, options)),
            _shares,
            _three_a_bin,
        ),
    ),
    Column(
        "ece_boundary",
        "ECE at boundaries",
        "calibration",
        "lower",
        "the same within {band:g} of a true boundary, on both sides",
        lambda sample, options: metrics.expected_calibration_error(
            _diagram_at_boundaries(sample, options)
        ),
        needs_probabilities=True,
        most=1.0,
        pooled=Pooled(
            "ECE at all boundaries",
            lambda sample, options: _sums(_diagram_at_boundaries(sample, options)),
            _shares,
            _three_a_bin,
        ),
    ),
    Column(
        "brier",
        "Brier score",
        "calibration",
        "lower",
        "mean squared difference of probability and label",
        lambda sample, options: sample.brier(),
        needs_probabilities=True,
        most=1.0,
        pooled=Pooled(
            "Brier score of all pixels",
            _squares,
            lambda sums: sums[..., 0],
            lambda options: 2,
        ),
    ),
)
"""The group `calibration`."""
