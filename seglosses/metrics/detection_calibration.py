"""Whether the score of a detection is the chance that it is right, or the IoU that it reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln

from seglosses.metrics.calibration import Bins, expected_calibration_error
from seglosses.metrics.detection import Matches, placement

Array = NDArray[np.float64]


def score_bins(score: ArrayLike, target: ArrayLike, *, bins: int = 10) -> Bins:
    """Sums of scores and targets in bins of equal width, (0, 1/b], ..., with 0 in the first.

    Args:
        score: In [0, 1], (n,).
        target: What the score should be on average, (n,).
        bins: How many.

    Returns:
        A reliability diagram, whose "pixels" are detections.

    Raises:
        ValueError: when lengths differ, or a score is not in [0, 1].

    Example:
        >>> found = score_bins([0.1, 0.2, 0.9], [0, 0.5, 1], bins=2)
        >>> found.pixels.tolist(), found.target.tolist()
        ([2.0, 1.0], [0.5, 1.0])
    """
    s, t = _checked(score, target)
    place = np.clip(np.ceil(s * bins) - 1, 0, bins - 1).astype(np.int64)
    count, scores, targets = (
        np.bincount(place, weights, bins).astype(np.float64) for weights in (np.ones_like(s), s, t)
    )
    return Bins(count, scores, targets)


def detection_ece(
    score: ArrayLike, iou: ArrayLike, *, iou_threshold: float = 0.5, bins: int = 10
) -> float:
    """D-ECE by score: scores against precision in each bin.

    Args:
        score: (n,).
        iou: Of the match, 0 for none, (n,).
        iou_threshold: Least IoU of a right detection.
        bins: How many.

    Returns:
        The error in [0, 1]; NaN without detections.

    References:
        Kueppers et al., CVPRW 2020, arXiv:2004.13546 (there with places and sizes as well).

    Example:
        >>> detection_ece([0.8, 0.8], [0.9, 0.1])  # half of them are right
        0.30000000000000004
    """
    right = np.asarray(iou, np.float64) >= iou_threshold
    return expected_calibration_error(score_bins(score, right, bins=bins))


def localisation_ece(
    score: ArrayLike,
    iou: ArrayLike,
    label: ArrayLike | None = None,
    *,
    iou_threshold: float = 0.5,
    bins: int = 25,
) -> float:
    """LaECE: scores against precision times mean IoU of the right ones, averaged over classes.

    The product is the mean of IoU where wrong detections count zero.

    Args:
        score: (n,).
        iou: Of the match, 0 for none, (n,).
        label: Class of each detection, (n,); one class if absent.
        iou_threshold: Least IoU of a right detection.
        bins: How many.

    Returns:
        The error in [0, 1]; NaN without detections.

    References:
        Oksuz et al., Towards Building Self-Aware Object Detectors, CVPR 2023, arXiv:2307.00934.

    Example:
        >>> round(localisation_ece([0.8, 0.8], [0.8, 0.1]), 6)  # 0.8 - 1/2 0.8
        0.4
    """
    s, q = _checked(score, iou)
    names = np.zeros(len(s)) if label is None else np.asarray(label)
    target = np.where(q >= iou_threshold, q, 0.0)
    errors = [
        expected_calibration_error(score_bins(s[names == name], target[names == name], bins=bins))
        for name in np.unique(names)
    ]
    return float(np.mean(errors)) if errors else float("nan")


def kernel_ece(score: ArrayLike, target: ArrayLike, *, bandwidth: float = 0.05) -> float:
    r"""Calibration error without bins: a Beta kernel estimates the target at every score.

        error = mean_i | E[t | s_i] - s_i |,   E leaves detection i out

    The kernel of score s_j is the Beta density with parameters s_j / h + 1 and (1 - s_j) / h + 1.
    All pairs are compared, so memory grows with n^2.

    Args:
        score: (n,).
        target: In [0, 1], for example IoU or whether it is right, (n,).
        bandwidth: h; smaller follows the data more closely.

    Returns:
        The error in [0, 1]; NaN with fewer than two detections.

    Raises:
        ValueError: when lengths differ, or ``bandwidth`` is not positive.

    References:
        Popordanoska et al., Beyond Classification: Definition and Density-based Estimation of
        Calibration in Object Detection, WACV 2024, arXiv:2312.06645.

    Example:
        >>> kernel_ece([0.7, 0.7], [0.0, 1.0])  # each sees the other: |1 - 0.7| and |0 - 0.7|
        0.5
    """
    s, t = _checked(score, target)
    if not bandwidth > 0:
        raise ValueError(f"bandwidth must be positive, got {bandwidth}")
    if len(s) < 2:
        return float("nan")
    inside = np.clip(s, 1e-6, 1 - 1e-6)
    alpha, beta = inside / bandwidth + 1, (1 - inside) / bandwidth + 1
    log = np.outer(np.log(inside), alpha - 1) + np.outer(np.log1p(-inside), beta - 1)
    log -= betaln(alpha, beta)
    np.fill_diagonal(log, -np.inf)
    weight = np.exp(log - log.max(1, keepdims=True))
    return float(np.abs(weight @ t / weight.sum(1) - s).mean())


def detection_scores(
    matches: Matches,
    *,
    iou_threshold: float = 0.5,
    bandwidth: float = 0.05,
    kernel_limit: int = 4000,
) -> dict[str, float]:
    """Placement and calibration errors by name.

    Args:
        matches: Of all images.
        iou_threshold: Least IoU of a right detection.
        bandwidth: Of :func:`kernel_ece`, against IoU.
        kernel_limit: Detections, the best ones, that it compares with each other.

    Returns:
        The numbers of :func:`placement`, and ``d_ece``, ``la_ece`` and ``kde_ece``; NaN without a
        detection.

    Example:
        >>> from seglosses.metrics.detection import match
        >>> one = match([[0, 0, 2, 2]], [0.75], [0], [[0, 0, 2, 2]], [0])
        >>> detection_scores(one)["d_ece"]
        0.25
    """
    score, iou = matches.score, matches.iou
    best = np.argsort(-score, kind="stable")[:kernel_limit]
    return {
        **placement(matches),
        "d_ece": detection_ece(score, iou, iou_threshold=iou_threshold),
        "la_ece": localisation_ece(score, iou, matches.label, iou_threshold=iou_threshold),
        "kde_ece": kernel_ece(score[best], iou[best], bandwidth=bandwidth),
    }


def _checked(score: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    s, t = np.asarray(score, np.float64).ravel(), np.asarray(target, np.float64).ravel()
    if s.shape != t.shape:
        raise ValueError(f"expected a target for each score, got {len(s)} and {len(t)}")
    if len(s) and not (s.min() >= 0 and s.max() <= 1):
        raise ValueError(f"scores must be in [0, 1], got {s.min():g} to {s.max():g}")
    return s, t
