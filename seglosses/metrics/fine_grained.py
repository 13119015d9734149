"""Mean scores of a data set in three readings, and of its worst images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

QUANTILES = tuple(range(10, 101, 10))


class FineGrained(NamedTuple):
    """One score read in several ways; NaN where no image shows any class.

    Args:
        dataset: D: pixels of all images together, then the mean over classes.
        image: I: mean over the classes of an image, then over images.
        cls: C: mean over the images that show a class, then over classes.
        image_worst: Mean of I over the worst 10, 20, ..., 100 % of the images.
        class_worst: Mean of C over the worst 10, 20, ..., 100 % of the images of each class.
        image_lowest: I of the worst 1 % of the images (at least one).
        class_lowest: C of the worst 1 % of the images of each class (at least one).
    """

    dataset: float
    image: float
    cls: float
    image_worst: float
    class_worst: float
    image_lowest: float
    class_lowest: float


def fine_grained(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, *, beta: float = 1.0) -> FineGrained:
    """Read a ratio of counts by data set, image and class.

        score = beta TP / (beta TP + FP + FN)

    A class counts for an image when the ground truth shows it there; in the reading by data set
    when a prediction or the ground truth shows it anywhere.

    Args:
        tp: True positives, (images, classes).
        fp: False positives.
        fn: False negatives.
        beta: 1 for the IoU, 2 for the Dice coefficient.

    Returns:
        The seven numbers.

    Raises:
        ValueError: When the counts are not three matrices of one shape.

    References:
        Wang et al., Revisiting Evaluation Metrics for Semantic Segmentation, NeurIPS 2023,
        arXiv:2310.19252.

    Example:
        >>> scores = fine_grained([[9], [1]], [[0], [1]], [[1], [0]])  # IoU 0.9 and 0.5
        >>> round(scores.dataset, 4), scores.image, scores.image_lowest
        (0.8333, 0.7, 0.5)
    """
    right, over, under = (np.asarray(counts, np.float64) for counts in (tp, fp, fn))
    if right.ndim != 2 or not right.shape == over.shape == under.shape:
        raise ValueError(
            f"expected three (images, classes) matrices, got {right.shape}, {over.shape} and "
            f"{under.shape}"
        )
    right = beta * right
    total = right + over + under
    shown = np.where(right + under > 0, _ratio(right, total), np.nan)
    of_images = _means(shown, axis=1)
    return FineGrained(
        dataset=_mean(_ratio(right.sum(axis=0), total.sum(axis=0))),
        image=_mean(of_images),
        cls=_mean(_means(shown, axis=0)),
        image_worst=_mean(np.array([_worst(of_images, part) for part in QUANTILES])),
        class_worst=_mean(np.array([_mean(_worst_of_classes(shown, part)) for part in QUANTILES])),
        image_lowest=_worst(of_images, 1),
        class_lowest=_mean(_worst_of_classes(shown, 1)),
    )


def _worst_of_classes(shown: NDArray[np.float64], percent: float) -> NDArray[np.float64]:
    return np.array([_worst(scores, percent) for scores in shown.T])


def _worst(scores: NDArray[np.float64], percent: float) -> float:
    """Mean of the lowest percent of the defined scores, rounded down but at least one."""
    fine = np.sort(scores[np.isfinite(scores)])
    return _mean(fine[: max(1, int(percent * fine.size / 100))])


def _mean(values: NDArray[np.float64]) -> float:
    fine = values[np.isfinite(values)]
    return float(fine.mean()) if fine.size else float("nan")


def _means(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    defined = np.isfinite(values)
    return _ratio(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis).astype(float))


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out
