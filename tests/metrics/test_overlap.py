"""Overlap of masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis.extra.numpy import arrays

from seglosses.metrics import Pair, dice, iou


@given(arrays(bool, (5, 6)), arrays(bool, (5, 6)))
def test_dice_and_iou_equal_medpy(pred: np.ndarray, target: np.ndarray) -> None:
    medpy = pytest.importorskip("medpy.metric.binary", reason="oracle of Dice and IoU")
    assume(pred.any() or target.any())
    pair = Pair(pred, target)
    assert dice(pair) == pytest.approx(medpy.dc(pred, target))
    assert iou(pair) == pytest.approx(medpy.jc(pred, target))
