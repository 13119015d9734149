"""Classes that images lack count in no mean of the metric shells; nothing seen is no score."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
import torch

from seglosses.hosts.openmmlab.scores import SegmentationScores
from seglosses.hosts.openmmlab.topology_metric import TopologyMetric
from seglosses.metrics.empty import POLICIES

RING = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0]])
NOTHING = np.zeros_like(RING)


def sample(pred: np.ndarray, target: np.ndarray) -> dict:
    return {
        "pred_sem_seg": {"data": torch.tensor(pred)[None]},
        "gt_sem_seg": {"data": torch.tensor(target)[None]},
    }


def evaluated(metric, samples: list[dict], classes: tuple[str, ...] = ("wall", "mortar")) -> dict:
    metric.dataset_meta = {"classes": classes}
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_absent_from_both_is_in_no_mean() -> None:
    batch = [sample(RING * 0, RING), sample(NOTHING, NOTHING)]
    scores = evaluated(SegmentationScores(metrics=["dice", "betti1_error"]), batch)
    assert (scores["scores/dice"], scores["scores/betti1_error"]) == (0, 1)
    assert scores["scores/undefined"] == 1
    errors = evaluated(TopologyMetric(window=None), batch)
    assert errors["topology/betti1_error"] == 1
    assert errors["topology/undefined"] == 1
    before = evaluated(TopologyMetric(window=None, empty="perfect"), batch)
    assert before["topology/betti1_error"] == 0.5
    assert "topology/undefined" not in before
    old = evaluated(SegmentationScores(metrics=["dice"], empty="perfect"), batch)
    assert old["scores/dice"] == 0.5


def test_absent_truth_is_left_out_on_request() -> None:
    batch = [sample(RING, RING), sample(RING, NOTHING)]
    options = {"empty": "ignore_empty"}
    scores = evaluated(SegmentationScores(metrics=["dice"], **options), batch)
    errors = evaluated(TopologyMetric(window=None, **options), batch)
    assert (scores["scores/dice"], errors["topology/betti0_error"]) == (1, 0)
    with pytest.raises(ValueError, match="expected empty to be"):
        TopologyMetric(empty="best")


def test_missing_every_object_is_no_good_score() -> None:
    """19 classes of which each image shows one, and a prediction of background."""
    classes = ("background", *(f"class {index}" for index in range(1, 19)))
    batch = [sample(NOTHING, RING * index) for index in (3, 7, 18)]
    metric = SegmentationScores(metrics=["dice"], classes_in_log=True)
    scores = evaluated(metric, batch, classes)
    assert scores["scores/dice"] == 0
    # Background itself is scored, and in no mean.
    assert scores["scores/dice.background"] > 0
    assert scores["scores/undefined"] == 3 * 17
    asked = SegmentationScores(metrics=["dice"], classes=list(range(19)))
    assert evaluated(asked, batch, classes)["scores/dice"] > 0
    errors = evaluated(TopologyMetric(window=None), batch, classes)
    assert errors["topology/betti1_error"] == 1
    # Wherever it stands: the rings that are wrong are those of the last class.
    batch = [sample(np.where(RING, 1, 2), np.where(RING, 1, 0))]
    errors = evaluated(TopologyMetric(window=None), batch, ("a", "b", "background"))
    assert errors["topology/betti_matching_error"] == 0


@pytest.mark.parametrize("empty", POLICIES)
@pytest.mark.parametrize("kind", [SegmentationScores, TopologyMetric])
def test_a_validation_without_foreground_has_no_score(
    kind: type, empty: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Masks of 0 and 255 whose foreground is taken for ignored pixels must not score 1.0."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.WARNING):
            scores = evaluated(kind(empty=empty), [sample(NOTHING, RING * 255)] * 2)
    finally:
        logger.removeHandler(caplog.handler)
    numbers = [value for key, value in scores.items() if not key.endswith("undefined")]
    assert numbers
    assert all(math.isnan(value) for value in numbers)
    assert "no score: no label shows a pixel of" in caplog.text
    assert "labels 255 are ignored" in caplog.text
