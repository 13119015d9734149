"""Matching, placement and calibration of detections: by hand, against the losses, goldens."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from seglosses.losses import giou_loss, iou_loss
from seglosses.metrics.detection import Matches, match, pairwise_overlaps, placement, pool
from seglosses.metrics.detection_calibration import (
    detection_ece,
    kernel_ece,
    localisation_ece,
    score_bins,
)


def test_overlaps_are_those_of_the_losses() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0, 10, (6, 4)) for _ in range(2))
    for boxes in (a, b):
        boxes[:, 2:] += boxes[:, :2]
    iou, giou = pairwise_overlaps(a, b)
    for i in range(6):
        pred = torch.tensor(a[i]).expand(6, 4)
        np.testing.assert_allclose(iou[i], 1 - iou_loss(pred, torch.tensor(b), mode="linear"))
        np.testing.assert_allclose(giou[i], 1 - giou_loss(pred, torch.tensor(b)))


def test_boxes_without_area() -> None:
    iou, giou = pairwise_overlaps([[1, 1, 1, 1]], [[1, 1, 1, 1], [0, 0, 2, 2]])
    assert iou.tolist() == [[0, 0]]
    assert giou.tolist() == [[-1, 0]]


def test_the_best_score_chooses_first_within_its_class() -> None:
    objects = [[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]]
    boxes = [[0, 0, 10, 8], [0, 0, 10, 9], [20, 0, 30, 6], [40, 0, 50, 4], [40, 0, 50, 10]]
    found = match(boxes, [0.5, 0.9, 0.7, 0.8, 0.6], [0, 0, 0, 0, 1], objects, [0, 0, 0])
    assert found.score.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5]
    # the fourth covers 0.4 only, the fifth is of another class, the first comes too late
    np.testing.assert_allclose(found.iou, [0.9, 0, 0.6, 0, 0])
    np.testing.assert_allclose(found.giou, [0.9, -1, 0.6, -1, -1])
    assert found.label.tolist() == [0, 0, 0, 1, 0]
    assert found.objects == 3
    values = placement(found)
    assert values["recall"] == pytest.approx(2 / 3)
    assert values["precision"] == pytest.approx(2 / 5)
    assert values["iou_mean"] == pytest.approx(0.75)
    assert values["iou_75"] == pytest.approx(0.5)


def test_a_taken_object_leaves_the_second_best() -> None:
    objects = [[0, 0, 10, 10], [0, 0, 10, 9]]
    boxes = [[0, 0, 10, 9], [0, 0, 10, 9]]
    found = match(boxes, [0.9, 0.8], [0, 0], objects, [0, 0])
    np.testing.assert_allclose(found.iou, [1, 0.9])


def test_nothing_found_and_nothing_to_find() -> None:
    nothing = match([], [], [], [], [])
    assert all(math.isnan(value) for value in placement(nothing).values())
    missed = placement(match([], [], [], [[0, 0, 1, 1]], [0]))
    assert missed["recall"] == 0
    wrong = placement(match([[0, 0, 1, 1]], [0.5], [0], [], []))
    assert wrong["precision"] == 0
    assert math.isnan(wrong["recall"])
    for error in (detection_ece, localisation_ece, kernel_ece):
        assert math.isnan(error([], []))


def test_pool_adds_images_up() -> None:
    one = match([[0, 0, 1, 1]], [0.5], [0], [[0, 0, 1, 1], [5, 5, 6, 6]], [0, 0])
    other = match([[0, 0, 1, 2]], [0.25], [1], [[0, 0, 1, 1]], [1])
    both = pool([one, other])
    assert both.score.tolist() == [0.5, 0.25]
    assert both.label.tolist() == [0, 1]
    assert both.objects == 3
    assert isinstance(pool([]), Matches)


def test_calibration_by_hand() -> None:
    score = [0.05, 0.15, 0.95, 0.92]
    iou = [0.0, 0.6, 0.8, 0.4]
    # bins of a tenth: |0 - .05|, |1 - .15|, and 1 of 2 against a mean of .935
    expected = (0.05 + 0.85 + 2 * abs(0.5 - 0.935)) / 4
    assert detection_ece(score, iou) == pytest.approx(expected)
    # right ones count their IoU: .05, |.6 - .15|, |.8 / 2 - .935|
    expected = (0.05 + 0.45 + 2 * 0.535) / 4
    assert localisation_ece(score, iou, bins=10) == pytest.approx(expected)
    # by class: (.05 + .45) / 2 and 0.535
    classes = localisation_ece(score, iou, [0, 0, 7, 7], bins=10)
    assert classes == pytest.approx((0.25 + 0.535) / 2)


def test_perfectly_calibrated_scores_have_no_error() -> None:
    rng = np.random.default_rng(0)
    score = rng.uniform(0.5, 1, 4000)
    assert localisation_ece(score, score) == pytest.approx(0)
    assert kernel_ece(score, score, bandwidth=0.001) < 0.01
    right = (rng.uniform(size=4000) < score).astype(float)
    assert detection_ece(score, right) < 0.03
    assert detection_ece(score, 1 - right) > 0.3


# KDE of the authors of arXiv:2312.06645 on forty scores and IoUs, drawn for the purpose
CONF = [
    *(0.511, 0.905, 0.180, 0.904, 0.331, 0.431, 0.795, 0.418, 0.545, 0.075),
    *(0.728, 0.534, 0.347, 0.760, 0.323, 0.458, 0.171, 0.413, 0.233, 0.286),
    *(0.725, 0.302, 0.487, 0.933, 0.915, 0.702, 0.537, 0.299, 0.195, 0.923),
    *(0.514, 0.154, 0.611, 0.749, 0.602, 0.876, 0.086, 0.526, 0.463, 0.106),
]
IOU = [
    *(0.414, 0.663, 0.110, 0.720, 0.218, 0.340, 0.641, 0.336, 0.411, 0.090),
    *(0.627, 0.443, 0.237, 0.645, 0.233, 0.410, 0.083, 0.376, 0.185, 0.166),
    *(0.564, 0.244, 0.403, 0.697, 0.677, 0.572, 0.406, 0.251, 0.194, 0.656),
    *(0.424, 0.184, 0.474, 0.559, 0.519, 0.713, 0.114, 0.404, 0.296, 0.079),
]


@pytest.mark.parametrize(
    ("bandwidth", "identity", "right"),
    [(0.01, 0.110726, 0.282927), (0.05, 0.111849, 0.235925), (0.1, 0.114906, 0.204177)],
)
def test_kernel_values(bandwidth: float, identity: float, right: float) -> None:
    assert kernel_ece(CONF, IOU, bandwidth=bandwidth) == pytest.approx(identity, abs=2e-6)
    hits = np.array(IOU) >= 0.5
    assert kernel_ece(CONF, hits, bandwidth=bandwidth) == pytest.approx(right, abs=2e-6)


def test_kernel_without_a_hit_is_the_mean_score() -> None:
    """The authors' logarithm of the target has no gradient here; the value is plain."""
    assert kernel_ece(CONF, np.zeros(40)) == pytest.approx(np.mean(CONF))


def test_scores_at_the_ends_have_a_bin_and_a_kernel() -> None:
    assert score_bins([0.0, 1.0], [0, 1], bins=4).pixels.tolist() == [1, 0, 0, 1]
    assert kernel_ece([0.0, 1.0, 0.0, 1.0], [0, 1, 0, 1]) == pytest.approx(0, abs=1e-3)


def test_border() -> None:
    with pytest.raises(ValueError, match="a target for each score"):
        score_bins([0.5], [1, 0])
    with pytest.raises(ValueError, match=r"scores must be in \[0, 1\]"):
        detection_ece([2.0], [1])
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        kernel_ece([0.5, 0.5], [1, 0], bandwidth=0)
    with pytest.raises(ValueError, match="expected a score and a label"):
        match([[0, 0, 1, 1]], [], [], [], [])
