"""Whether probabilities mean what they say, one class against the rest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seglosses.primitives.distance import Spacing, two_sided_distance
from seglosses.primitives.masks import Mask, as_mask


class Bins(NamedTuple):
    """Reliability diagram: what falls into each bin of probability.

    Args:
        pixels: Number of pixels.
        prob: Sum of probabilities.
        target: Number of pixels of the class.

    Example:
        >>> found = reliability([0.25, 0.25, 1.0], [0, 1, 1], bins=2)
        >>> found.pixels.tolist(), found.prob.tolist(), found.target.tolist()
        ([2.0, 1.0], [0.5, 1.0], [1.0, 1.0])
    """

    pixels: NDArray[np.float64]
    prob: NDArray[np.float64]
    target: NDArray[np.float64]

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Surplus of probability in each bin, in pixels.

        Example:
            >>> reliability([0.25, 0.25, 1.0], [0, 1, 1], bins=2).gaps
            array([-0.5,  0. ])
        """
        return self.prob - self.target


def reliability(
    prob: ArrayLike, target: ArrayLike, *, valid: ArrayLike | None = None, bins: int = 15
) -> Bins:
    """Count pixels in bins of equal width, (0, 1/n], ..., with 0 in the first.

    Args:
        prob: Probability of the class, (*S), in [0, 1].
        target: Boolean mask of the class, (*S).
        valid: Boolean mask of the pixels that count, None for all.
        bins: Number of bins.

    Returns:
        Sums a bin; those of several images may be added up.

    Raises:
        ValueError: When shapes differ or a number is no probability.

    Example:
        >>> reliability([0.2, 0.3, 0.9], [0, 1, 1], bins=2).pixels
        array([2., 1.])
    """
    scores, mask = _check(prob, target, valid, bins)
    place = np.clip(np.ceil(scores * bins) - 1, 0, bins - 1).astype(np.int64)
    return Bins(
        np.bincount(place, minlength=bins).astype(np.float64),
        np.bincount(place, scores, bins).astype(np.float64),
        np.bincount(place, mask, bins).astype(np.float64),
    )


def expected_calibration_error(bins: Bins) -> float:
    """Expected calibration error of a reliability diagram.

        ECE = sum_b n_b / n |mean probability_b - share of the class_b|

    Bins hold fewer pixels in one image than in many, and chance alone opens their gaps: a mean
    of the ECEs of images is larger than the ECE of their bins added up.

    Args:
        bins: Of :func:`reliability`.

    Returns:
        A number in [0, 1]; NaN without a pixel.

    References:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017; the class-wise form, equal
        to torchmetrics' `binary_calibration_error` and netcal's ECE of binary labels.

    Example:
        >>> round(expected_calibration_error(reliability([0.2, 0.3, 0.9], [0, 1, 1], bins=2)), 6)
        0.2
    """
    total = bins.pixels.sum()
    if total == 0:
        return float("nan")
    return float(np.abs(bins.gaps).sum() / total)


def brier_score(prob: ArrayLike, target: ArrayLike, *, valid: ArrayLike | None = None) -> float:
    """Mean squared difference of probability and label.

        brier = mean (p - y)^2

    Args:
        prob: Probability of the class, (*S), in [0, 1].
        target: Boolean mask of the class, (*S).
        valid: Boolean mask of the pixels that count, None for all.

    Returns:
        A number in [0, 1]; NaN without a pixel.

    References:
        Brier, 1950; equal to scikit-learn's `brier_score_loss` of binary labels.

    Example:
        >>> brier_score([0.5, 1.0], [1, 1])
        0.125
    """
    scores, mask = _check(prob, target, valid, 1)
    return float(np.square(scores - mask).mean()) if scores.size else float("nan")


def boundary_band(target: ArrayLike, *, width: float, spacing: Spacing = None) -> Mask:
    """Pixels on both sides of a mask's boundary, no farther from the other side than `width`.

    Args:
        target: Boolean mask, (*S).
        width: Distance in the unit of the spacing.
        spacing: Edge lengths of a pixel.

    Returns:
        Boolean band, (*S); empty when the mask is empty or full, for it has no boundary.

    Example:
        >>> boundary_band([[0, 0, 1, 1, 1]], width=1).astype(int)
        array([[0, 1, 1, 0, 0]])
    """
    distances = two_sided_distance(target, spacing)
    return np.asarray((distances > 0) & (distances <= width))


def _check(
    prob: ArrayLike, target: ArrayLike, valid: ArrayLike | None, bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scores, mask = np.asarray(prob, np.float64), as_mask(target, "target")
    if scores.shape != mask.shape:
        raise ValueError(f"probabilities {scores.shape} and target {mask.shape} differ in shape")
    if bins < 1:
        raise ValueError(f"expected at least 1 bin, got {bins}")
    if valid is not None:
        counted = as_mask(valid, "mask of valid pixels")
        scores, mask = scores[counted], mask[counted]
    scores = scores.ravel()
    if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
        raise ValueError("expected probabilities in [0, 1]; apply the softmax or sigmoid first")
    return scores, mask.ravel().astype(np.float64)
