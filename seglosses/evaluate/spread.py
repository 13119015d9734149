"""Intervals of means over images, of means over classes, and of the fine-grained scores."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.fine_grained import QUANTILES, fine_grained
from seglosses.report.bootstrap import (
    TAIL,
    divide,
    mean_interval,
    percentile_interval,
    resampled_worst,
)

Floats = NDArray[np.float64]
Interval = tuple[float, float]
NONE: Interval = (float("nan"), float("nan"))


def deviations(numerator: Floats, denominator: Floats) -> Floats:
    """What each image adds to the error of a ratio of sums; of a mean, where bottoms are 1 or 0.

    Args:
        numerator: (images, classes).
        denominator: (images, classes).

    Returns:
        ``(a - ratio b) / mean of b``, (images, classes); NaN where an image has no denominator.

    Example:
        >>> deviations(np.array([[1.0], [3.0]]), np.array([[1.0], [1.0]])).ravel()
        array([-1.,  1.])
    """
    counts = denominator > 0
    ratio = divide(numerator.sum(axis=0), denominator.sum(axis=0))
    mean = divide(denominator.sum(axis=0), counts.sum(axis=0).astype(np.float64))
    with np.errstate(invalid="ignore"):
        return np.where(counts, (numerator - ratio * denominator) / mean, np.nan)


def of_scores(scores: Floats) -> Floats:
    """:func:`deviations` of plain means.

    Args:
        scores: (images, columns); NaNs are left out.

    Returns:
        Scores minus their mean.

    Example:
        >>> of_scores(np.array([[1.0], [np.nan], [3.0]])).ravel()
        array([-1., nan,  1.])
    """
    return scores - nanmean(scores, axis=0)


def of_classes(found: Floats, inside: Sequence[int] | None = None) -> Floats:
    """What each image adds to a mean over classes: their mean over images is that mean.

    Args:
        found: What it adds to each class, such as :func:`deviations`, (images, classes).
        inside: Classes that the mean holds; None for all.

    Returns:
        (images,); NaN where no class is defined.

    Example:
        >>> of_classes(np.array([[-1.0, np.nan], [1.0, -2.0], [np.nan, 2.0]]))  # 3 / 2 of each half
        array([-0.75, -0.75,  1.5 ])
    """
    chosen = found if inside is None else found[:, list(inside)]
    known = np.isfinite(chosen)
    images, shown = known.any(axis=1), known.any(axis=0)
    weights = divide(np.full(shown.shape, float(images.sum())), known.sum(axis=0).astype(float))
    summed = np.where(known, chosen * weights, 0.0).sum(axis=1)
    return np.where(images, summed / max(int(shown.sum()), 1), np.nan)


def deviations_of_classes(found: Floats, inside: Sequence[int] | None = None) -> Floats:
    """Deviations of a mean over classes, for its interval.

    With N images, n of which show a class, the deviations of the class are lengthened by
    ``sqrt(n / (n - 1) * (N - 1) / N)``: those of few images lie too close to their own mean.

    Args:
        found: Of :func:`deviations`, (images, classes).
        inside: Classes that the mean holds; None for all.

    Returns:
        (images,); NaN where no class is defined, and everywhere where a class is known from one
        image: nobody can tell how much it varies.

    Example:
        >>> found = np.array([[-1.0, np.nan], [1.0, -2.0], [np.nan, 2.0]])  # sqrt(2 * 2 / 3)
        >>> deviations_of_classes(found).round(3)
        array([-0.866, -0.866,  1.732])
        >>> deviations_of_classes(found[:2])
        array([nan, nan])
    """
    chosen = found if inside is None else found[:, list(inside)]
    known = np.isfinite(chosen)
    shown, images = known.sum(axis=0), int(known.any(axis=1).sum())
    if (shown == 1).any():
        return np.full(len(found), np.nan)
    longer = np.sqrt(divide(shown * (images - 1.0), np.maximum(shown - 1.0, 0.0) * images))
    return of_classes(chosen * longer)


def freedom_of_classes(found: Floats, inside: Sequence[int] | None = None) -> float | None:
    """Degrees of freedom of the spread of a mean over classes, where some are in few images.

    With v the variance of the mean of a class that n images show (Welch and Satterthwaite)::

        (sum of v)^2 / sum of v^2 / (n - 1)

    Args:
        found: Of :func:`deviations`, (images, classes).
        inside: Classes that the mean holds; None for all.

    Returns:
        A number below that of the images minus one; None where it is not.

    Example:
        >>> rare = np.full((9, 2), np.nan)
        >>> rare[:, 0], rare[:2, 1] = 0.0, [-1.0, 1.0]  # two images say how much the mean varies
        >>> freedom_of_classes(rare)
        1.0
    """
    chosen = found if inside is None else found[:, list(inside)]
    known = np.isfinite(chosen)
    shown = known.sum(axis=0).astype(np.float64)
    chosen, fewer = chosen[:, shown > 1], shown[shown > 1] - 1
    spread = np.nansum(np.square(chosen), axis=0) / (fewer * (fewer + 1))
    below = float((np.square(spread) / fewer).sum())
    most = int(known.any(axis=1).sum()) - 1
    freedom = float(np.square(spread.sum())) / below if below > 0 else float(most)
    return freedom if freedom < most else None


def intervals(
    means: Floats, found: Floats, inside: Sequence[int], *, better: str, most: float | None = None
) -> list[Interval]:
    """Intervals of the means of classes and, where there are several, of their mean.

    Args:
        means: Means or ratios, (classes,).
        found: Their :func:`deviations`, (images, classes).
        inside: Classes that the mean of classes holds.
        better: 'higher' for scores, 'lower' for errors and distances, all from 0 on.
        most: Largest value that there is; None for 1 where higher is better, else for no end.

    Returns:
        Lower and upper ends, within what the scores can be.

    Example:
        >>> scores = np.array([[0.5], [0.75], [1.0]])
        >>> (low, high), = intervals(scores.mean(axis=0), of_scores(scores), [0], better="higher")
        >>> round(low, 3), high  # Student's: 0.75 -+ 4.303 x 0.25 / sqrt(3), and no score above 1
        (0.129, 1.0)
    """
    ends = [mean_interval(float(mean), found[:, index]) for index, mean in enumerate(means)]
    middles = [float(mean) for mean in means]
    if len(means) > 1:
        middles.append(float(nanmean(means[list(inside)], axis=0)))
        ends.append(interval_of_classes(middles[-1], found, inside))
    return [
        clipped(mean, both, better, most=most) for mean, both in zip(middles, ends, strict=True)
    ]


def interval_of_classes(
    mean: float, found: Floats, inside: Sequence[int] | None = None
) -> Interval:
    """Interval of a mean over classes.

    Args:
        mean: The mean.
        found: :func:`deviations` of the classes, (images, classes).
        inside: Classes that the mean holds; None for all.

    Returns:
        Lower and upper end; NaNs where a class is known from one image.

    Example:
        >>> both = np.array([[-1.0, 1.0], [1.0, -1.0], [0.0, 0.0]])
        >>> interval_of_classes(0.5, both)  # what one class gains the other loses
        (0.5, 0.5)
    """
    freedom = freedom_of_classes(found, inside)
    return mean_interval(mean, deviations_of_classes(found, inside), freedom=freedom)


def clipped(mean: float, ends: Interval, better: str, *, most: float | None = None) -> Interval:
    """An interval within the range of a score.

    Args:
        mean: The score.
        ends: Its interval.
        better: As in :func:`intervals`.
        most: Largest value that there is; None for 1 where higher is better, else for no end.

    Returns:
        The part of the interval in which scores can lie.

    Example:
        >>> clipped(0.95, (0.875, 1.25), "higher"), clipped(0.5, (-1.0, 2.0), "lower")
        ((0.875, 1.0), (0.0, 2.0))
        >>> clipped(0.875, (-1.0, 2.75), "higher", most=np.inf)  # a length
        (0.0, 2.75)
    """
    low, high = ends
    reach = _reach(better, most)
    return max(low, 0.0) if mean >= 0 else low, min(high, reach) if mean <= reach else high


def _reach(better: str, most: float | None) -> float:
    if most is None:
        return 1.0 if better == "higher" else float("inf")
    return most


def clipped_gain(
    means: Interval, ends: Interval, better: str, *, most: float | None = None
) -> Interval:
    """An interval of the difference of two scores, within the range of such a difference.

    Args:
        means: The score that is taken off, and the one that it is taken off.
        ends: Interval of the second minus the first.
        better: As in :func:`intervals`.
        most: Largest value that there is; None for 1 where higher is better, else for no end.

    Returns:
        The part of the interval in which differences can lie.

    Example:
        >>> clipped_gain((0.5, 0.25), (-2.5, 0.5), "higher")
        (-1.0, 0.5)
        >>> clipped_gain((0.5, 0.25), (-2.5, 0.5), "lower")  # an error has no upper end
        (-2.5, 0.5)
    """
    reach = _reach(better, most)
    low, high = ends
    return (max(low, -reach), min(high, reach)) if max(means) <= reach else ends


def fine_grained_intervals(
    tp: Floats, fp: Floats, fn: Floats, *, beta: float
) -> dict[str, Interval]:
    """Intervals of the readings of :class:`seglosses.metrics.fine_grained.FineGrained`.

    The mean of the lowest scores has one where its smallest share holds
    :data:`seglosses.report.bootstrap.TAIL` images: below, a bootstrap knows nothing of the tail.

    Args:
        tp: True positives, (images, classes).
        fp: False positives.
        fn: False negatives.
        beta: 1 for the IoU, 2 for the Dice coefficient.

    Returns:
        Lower and upper end by the name of the reading, NaNs where there is no valid interval.

    Example:
        >>> one = np.ones((4, 1))
        >>> found = fine_grained_intervals(one, one, 0 * one, beta=1)  # every image has IoU 1/2
        >>> found["image"], found["image_lowest"]
        ((0.5, 0.5), (nan, nan))
    """
    shown = np.where(tp + fn > 0, divide(beta * tp, beta * tp + fp + fn), np.nan)
    of_images = nanmean(shown, axis=1)
    (image,) = intervals(
        nanmean(of_images[:, None], axis=0), of_scores(of_images[:, None]), [0], better="higher"
    )
    every, scores = range(shown.shape[1]), fine_grained(tp, fp, fn, beta=beta)
    return {
        "image": image,
        "cls": intervals(nanmean(shown, axis=0), of_scores(shown), every, better="higher")[-1],
        "image_worst": _lowest([of_images], QUANTILES, scores.image_worst),
        "class_worst": _lowest(list(shown.T), QUANTILES, scores.class_worst),
        "image_lowest": _lowest([of_images], (1,), scores.image_lowest),
        "class_lowest": _lowest(list(shown.T), (1,), scores.class_lowest),
    }


def _lowest(columns: Sequence[Floats], percents: Sequence[int], mean: float) -> Interval:
    """Percentile interval of the mean over columns and shares of their lowest scores, with it."""
    held = [int(np.isfinite(scores).sum()) for scores in columns]
    if min(count for count in held if count or not any(held)) * min(percents) / 100 < TAIL:
        return NONE
    spread = np.stack([resampled_worst(scores, percents) for scores in columns])
    low, high = percentile_interval(nanmean(spread.mean(axis=2), axis=0))
    return min(low, mean), max(high, mean)


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
