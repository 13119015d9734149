"""Bootstrap distributions of the fine-grained scores, images drawn with replacement."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.fine_grained import QUANTILES
from seglosses.report.statistics import divide, resampled_ratios, resampled_worst

Floats = NDArray[np.float64]


def fine_grained_spread(tp: Floats, fp: Floats, fn: Floats, *, beta: float) -> dict[str, Floats]:
    """Distributions of the readings of :class:`seglosses.metrics.fine_grained.FineGrained`.

    Args:
        tp: True positives, (images, classes).
        fp: False positives.
        fn: False negatives.
        beta: 1 for the IoU, 2 for the Dice coefficient.

    Returns:
        Scores of the resamples by the name of the reading, (RESAMPLES,) each; those of the whole
        set are a ratio of sums, see :func:`seglosses.report.statistics.resampled_ratios`.

    Example:
        >>> one = np.ones((4, 1))
        >>> spread = fine_grained_spread(one, one, 0 * one, beta=1)  # every image has IoU 1/2
        >>> {name: np.unique(scores).tolist() for name, scores in spread.items()}["image_worst"]
        [0.5]
    """
    shown = np.where(tp + fn > 0, divide(beta * tp, beta * tp + fp + fn), np.nan)
    of_images = nanmean(shown, axis=1)
    percents, several = [*QUANTILES, 1], shown.shape[1] > 1
    worst = resampled_worst(of_images, percents)
    by_class = [resampled_worst(scores, percents) for scores in shown.T] if several else [worst]
    of_classes = nanmean(np.stack(by_class), axis=0)
    return {
        "image": resampled_means(of_images[:, None])[:, 0],
        "cls": nanmean(resampled_means(shown), axis=1),
        "image_worst": worst[:, :-1].mean(axis=1),
        "class_worst": of_classes[:, :-1].mean(axis=1),
        "image_lowest": worst[:, -1],
        "class_lowest": of_classes[:, -1],
    }


def resampled_means(scores: Floats) -> Floats:
    """Bootstrap distributions of the means of many columns at once.

    Args:
        scores: (images, columns); NaNs are left out.

    Returns:
        Means, (RESAMPLES, columns).

    Example:
        >>> np.unique(resampled_means(np.array([[0.5, np.nan], [0.5, 2.0]]))[:, 0])
        array([0.5])
    """
    defined = np.isfinite(scores)
    return resampled_ratios(np.where(defined, scores, 0.0), defined.astype(np.float64))


def nanmean(values: Floats, axis: int) -> Floats:
    """Mean of the defined values; NaN where there is none.

    Args:
        values: Numbers, some of them NaN.
        axis: Along which to average.

    Returns:
        Means, without that axis.

    Example:
        >>> nanmean(np.array([[1.0, np.nan], [np.nan, np.nan]]), axis=1)
        array([ 1., nan])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis))
