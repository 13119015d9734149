"""The IoU by data set, image and class."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.metrics.fine_grained import fine_grained

# Counts of five random 8x8 images with four classes, and what the reference code of the paper
# (zifuwanggg/JDTLosses, MetricGroup) gives for them in percent.
TP = [[22, 10, 8, 0], [19, 22, 0, 9], [7, 12, 8, 7], [21, 8, 12, 9], [0, 9, 20, 12]]
FP = [[5, 8, 5, 6], [1, 4, 7, 2], [6, 1, 4, 3], [3, 1, 6, 4], [5, 5, 4, 9]]
FN = [[13, 3, 8, 0], [6, 3, 0, 5], [3, 3, 3, 5], [3, 4, 4, 3], [0, 6, 12, 5]]


@pytest.mark.parametrize(
    ("beta", "expected"),
    [
        # mIoU D, I, C, IQ, CQ, I1, C1
        (1.0, (54.12567, 56.28393, 56.27941, 49.96481, 47.94574, 46.90476, 43.24977)),
        # mDice
        (2.0, (69.97062, 71.30525, 71.32137, 66.15755, 64.40734, 63.55209, 60.31721)),
    ],
)
def test_equals_the_reference(beta: float, expected: tuple[float, ...]) -> None:
    got = 100 * np.array(fine_grained(TP, FP, FN, beta=beta))
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_accuracy_is_what_no_false_positive_counts_against() -> None:
    # Acc and mAcc D, I, C, IQ, CQ, I1, C1 of the same reference
    tp, fn = np.array(TP), np.array(FN)
    assert 100 * tp.sum() / (tp + fn).sum() == pytest.approx(70.72369, abs=1e-4)
    got = 100 * np.array(fine_grained(tp, np.zeros_like(tp), fn))
    expected = (70.23174, 70.00497, 70.12897, 65.62981, 62.32394, 63.26007, 57.79762)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_class_that_never_occurs_is_left_out() -> None:
    # The reference gives NaN for D and C here.
    counts = np.array([[[4, 0]], [[1, 0]], [[0, 0]]])
    assert fine_grained(*counts) == pytest.approx((0.8,) * 7)


def test_nothing_at_all_is_undefined() -> None:
    assert np.isnan(fine_grained([[0]], [[0]], [[0]])).all()
    with pytest.raises(ValueError, match="three"):
        fine_grained([1], [1], [1])
