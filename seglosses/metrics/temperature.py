"""One temperature for all probabilities of a network, and calibration errors over classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.calibration import Bins, expected_calibration_error

Floats = NDArray[np.float64]
#: Probabilities of 0, whose logarithm no temperature could change, count as this one.
FLOOR = 1e-12


def classwise_calibration_error(bins: Sequence[Bins]) -> float:
    """Class-wise expected calibration error: the mean over classes of each one's.

    Args:
        bins: The reliability diagram of each class, see :func:`reliability`.

    Returns:
        A number in [0, 1]; NaN without a pixel.

    Raises:
        ValueError: Without a class.

    References:
        Kull et al., Beyond temperature scaling, NeurIPS 2019, arXiv:1910.12656.

    Example:
        >>> from seglosses.metrics import reliability
        >>> sure = reliability([1.0, 0.0], [1, 0], bins=2)
        >>> unsure = reliability([0.25, 0.25], [0, 0], bins=2)
        >>> classwise_calibration_error([sure, unsure])  # (0 + 1/4) / 2
        0.125
    """
    if not bins:
        raise ValueError("expected the diagrams of the classes, got none")
    return float(np.mean([expected_calibration_error(each) for each in bins]))


def scaled_probabilities(prob: NDArray[np.floating], temperature: float) -> Floats:
    """Probabilities whose logarithms are divided by a temperature.

        q = p^(1/T) / sum_c p_c^(1/T)

    Args:
        prob: (C, *S), with sums of 1.
        temperature: T, above 0; above 1 it makes less certain.

    Returns:
        (C, *S).

    Raises:
        ValueError: For another temperature.

    Example:
        >>> scaled_probabilities(np.array([[0.8], [0.2]]), 2.0).round(4).ravel().tolist()
        [0.6667, 0.3333]
    """
    if not 0 < temperature < np.inf:
        raise ValueError(f"expected a temperature above 0, got {temperature}")
    return np.asarray(_power(_logarithms(prob), 1 / temperature))


def _logarithms(prob: NDArray[np.floating]) -> Floats:
    return np.asarray(np.log(np.maximum(np.asarray(prob, np.float64), FLOOR)))


def _power(logs: Floats, sharpness: float) -> Floats:
    z = sharpness * logs
    z = np.exp(z - z.max(axis=0))
    return np.asarray(z / z.sum(axis=0))


def negative_log_likelihood(prob: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean of -log p of the label; NaN without a pixel.

    Args:
        prob: (C, n).
        labels: (n,).

    Example:
        >>> round(negative_log_likelihood(np.array([[0.5], [0.5]]), np.array([1])), 4)
        0.6931
    """
    if not labels.size:
        return float("nan")
    return float(-_logarithms(prob)[labels, np.arange(labels.size)].mean())


def fit_temperature(prob: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature under which the labels are most likely.

    The likelihood has one maximum in 1/T, where the mean log p of the label is the one that the
    scaled network expects; it is found by bisection.

    Args:
        prob: (C, n), with sums of 1.
        labels: (n,), in [0, C).

    Returns:
        T in [0.01, 100]; an end where the labels want more than that.

    Raises:
        ValueError: For other shapes, labels, or no pixel.

    References:
        Guo et al., On calibration of modern neural networks, ICML 2017, arXiv:1706.04599.

    Example:
        >>> prob = np.tile([[0.8], [0.2]], 3)  # right two times in three: p^(1/T) is 2 to 1
        >>> round(fit_temperature(prob, np.array([0, 0, 1])), 4)  # log 4 / log 2
        2.0
    """
    if prob.ndim != 2 or labels.shape != prob.shape[1:] or not labels.size:
        raise ValueError(
            f"expected probabilities (C, n) and labels (n,) of at least one pixel, got {prob.shape}"
            f" and {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= len(prob):
        raise ValueError(
            f"expected labels in [0, {len(prob)}), got {labels.min()} to {labels.max()}"
        )
    logs = _logarithms(prob)
    wanted = float(logs[labels, np.arange(labels.size)].mean())
    low, high = 0.01, 100.0  # of 1/T
    for _ in range(50):
        sharpness = float(np.sqrt(low * high))
        expected = float((_power(logs, sharpness) * logs).sum(axis=0).mean())
        low, high = (sharpness, high) if expected <= wanted else (low, sharpness)
    return 1 / float(np.sqrt(low * high))
