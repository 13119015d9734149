"""Centrelines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.morphology import skeletonize

from seglosses.metrics import Pair, cldice, line_scores

MASKS = arrays(bool, (8, 9))


@given(MASKS, MASKS)
def test_cldice_equals_its_formula(pred: np.ndarray, target: np.ndarray) -> None:
    assume(pred.any() and target.any())
    skeleton, true_skeleton = skeletonize(pred), skeletonize(target)
    precision = (skeleton & target).sum() / skeleton.sum()
    sensitivity = (true_skeleton & pred).sum() / true_skeleton.sum()
    both = precision + sensitivity
    expected = 2 * precision * sensitivity / both if both else 0.0
    assert cldice(Pair(pred, target)) == pytest.approx(expected)


@given(MASKS, MASKS)
def test_line_scores_equal_counting_with_a_disk(pred: np.ndarray, target: np.ndarray) -> None:
    assume(pred.any() and target.any())
    disk = np.square(np.indices((5, 5)) - 2).sum(axis=0) <= 4
    lines = [skeletonize(mask) for mask in (pred, target)]
    near = [ndimage.binary_dilation(line, disk) for line in lines]
    correct = (lines[0] & near[1]).sum()
    complete = (lines[1] & near[0]).sum()
    got = line_scores(Pair(pred, target), tolerance=2)
    assert got.correctness == pytest.approx(correct / lines[0].sum())
    assert got.completeness == pytest.approx(complete / lines[1].sum())


def test_quality_counts_both_kinds_of_errors() -> None:
    # Half of the prediction is right and a quarter of the truth is found: 1 / (2 + 4 - 1).
    pred, target = np.zeros((2, 1, 40), bool)
    pred[0, :4] = True
    target[0, 2:10] = True
    got = line_scores(Pair(pred, target), tolerance=0)
    assert got == pytest.approx((0.5, 0.25, 0.2), abs=0.06)
    assert line_scores(Pair(pred, target[:, ::-1]), tolerance=1) == (0, 0, 0)
    assert line_scores(Pair(pred, np.zeros_like(pred)), tolerance=1) == (0, 0, 0)


def test_the_tolerance_of_lines_has_the_unit_of_the_spacing() -> None:
    # two lines, two rows apart: 1 in the unit of the first spacing, 4 in that of the second
    pred, target = np.zeros((2, 7, 9), bool)
    pred[2, 1:8] = target[4, 1:8] = True
    assert line_scores(Pair(pred, target, spacing=(0.5, 1)), tolerance=1) == (1, 1, 1)
    assert line_scores(Pair(pred, target, spacing=(2, 1)), tolerance=3) == (0, 0, 0)
