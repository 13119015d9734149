"""The IoU by data set, image and class."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.metrics.fine_grained import fine_grained


def test_a_class_that_never_occurs_is_left_out() -> None:
    # The reference gives NaN for D and C here.
    counts = np.array([[[4, 0]], [[1, 0]], [[0, 0]]])
    assert fine_grained(*counts) == pytest.approx((0.8,) * 7)


def test_nothing_at_all_is_undefined() -> None:
    assert np.isnan(fine_grained([[0]], [[0]], [[0]])).all()
    with pytest.raises(ValueError, match="three"):
        fine_grained([1], [1], [1])


def test_the_worst_images_are_a_share_of_those_that_have_a_score() -> None:
    # IoU of 0.1 to 1, of which the worst 10, 20, ... 100 % have the means 0.1, 0.15, ... 0.55; an
    # image in which the class is only predicted has no score
    right = np.array([*range(1, 11), 0])[:, None]
    over = np.array([*[0] * 10, 5])[:, None]
    scores = fine_grained(right, over, np.maximum(10 - right - 2 * over, 0))
    assert scores.image == pytest.approx(0.55)
    assert scores.image_worst == pytest.approx((0.1 + 0.55) / 2)
    assert scores.image_lowest == pytest.approx(0.1)
    assert scores.dataset == pytest.approx(55 / 105)
