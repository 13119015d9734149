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
