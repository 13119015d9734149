"""Surface distances: equal to the packages whose definitions they name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from seglosses.metrics import Pair, hd95, hd95_directed

SHAPES = array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=8)
PAIRS = SHAPES.flatmap(lambda shape: st.tuples(arrays(bool, shape), arrays(bool, shape)))
SPACINGS = st.tuples(*[st.sampled_from([0.5, 1.0, 2.0, 3.25])] * 3)


@given(PAIRS, SPACINGS)
def test_hd95_equals_medpy(pair: tuple[np.ndarray, np.ndarray], spacing: tuple) -> None:
    medpy = pytest.importorskip("medpy.metric.binary", reason="oracle of the pooled HD95")
    pred, target = pair
    assume(pred.any() and target.any())
    lengths = spacing[: pred.ndim]
    expected = medpy.hd95(pred, target, voxelspacing=lengths)
    assert hd95(Pair(pred, target, spacing=lengths)) == pytest.approx(expected, rel=1e-5)


def test_both_definitions_of_hd95_differ() -> None:
    # Distances from P: (0,); from T: 0, 1, ..., 9. Pooled (0, 0, 1, ..., 9) has 11 numbers, the
    # 95th percentile lies at 9.5: 8 + 0.5. Directed: at 0.95 * 9 = 8.55 of (0, ..., 9).
    target = np.ones((1, 10), bool)
    pred = np.zeros((1, 10), bool)
    pred[0, 0] = True
    assert hd95(Pair(pred, target)) == pytest.approx(8.5)
    assert hd95_directed(Pair(pred, target)) == pytest.approx(8.55)
    assert hd95(Pair(pred, target), percentile=100) == 9
