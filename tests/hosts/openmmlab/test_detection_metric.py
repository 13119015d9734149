"""Placement and calibration of detections during validation: crowds and thresholds."""

from __future__ import annotations

import warnings

import pytest
import torch

from seglosses.hosts.openmmlab.detection_metric import DetectionMetric


def sample(scores, boxes, instances):
    found = {
        "scores": torch.tensor(scores),
        "bboxes": torch.tensor(boxes).reshape(-1, 4),
        "labels": torch.zeros(len(scores), dtype=torch.long),
    }
    return {"pred_instances": found, "instances": instances}


OBJECT = {"bbox": [0.0, 0.0, 10.0, 10.0], "bbox_label": 0, "ignore_flag": 0}
CROWD = {"bbox": [50.0, 0.0, 90.0, 90.0], "bbox_label": 0, "ignore_flag": 1}


def scored(metric, *samples):
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_detections_in_crowds_are_neither_right_nor_wrong():
    alone = scored(DetectionMetric(), sample([0.9], [OBJECT["bbox"]], [OBJECT]))
    boxes = [OBJECT["bbox"], [60, 10, 70, 20], [60, 30, 80, 40], [80, 80, 95, 95]]
    # the last one lies in the crowd with 100 of 225 pixels only
    crowded = [sample([0.9, 0.8, 0.7, 0.6][:n], boxes[:n], [OBJECT, CROWD]) for n in (3, 4)]
    assert scored(DetectionMetric(), crowded[0]) == alone
    assert scored(DetectionMetric(), crowded[1])["detection/precision"] == 0.5
    other = {**CROWD, "bbox_label": 1}
    values = scored(DetectionMetric(), sample([0.9, 0.8], boxes[:2], [OBJECT, other]))
    assert values["detection/precision"] == 0.5, "a crowd of another class"


def test_a_threshold_above_all_scores_is_named_once():
    metric = DetectionMetric()
    low = sample([0.04, 0.02], [OBJECT["bbox"], OBJECT["bbox"]], [OBJECT])
    words = r"none of 3 detections scores more than score_threshold=0\.05 \(the best one 0\.04\)"
    with pytest.warns(UserWarning, match=words):
        values = scored(metric, low, sample([0.03], [CROWD["bbox"]], []))
    assert values == {"detection/recall": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scored(metric, low)
        scored(DetectionMetric(), sample([], [], [OBJECT]))
        scored(DetectionMetric(), low, sample([0.9], [OBJECT["bbox"]], [OBJECT]))
