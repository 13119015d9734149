"""Losses and NMS inside of MMDetection's own contracts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

pytest.importorskip("mmdet")
pytest.importorskip("mmcv.ops")

from mmcv.ops import batched_nms
from mmdet.models.losses import QualityFocalLoss
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.config import ConfigDict

from seglosses.hosts.openmmlab import nms
from seglosses.hosts.openmmlab.detection import RunningMeanHook
from seglosses.losses import GIoULoss, MatchabilityAwareLoss, WiseIoULoss
from seglosses.primitives.suppression import diou_nms
from seglosses.registry import MODELS


def test_nms_is_found_by_name_in_batched_nms() -> None:
    torch.manual_seed(0)
    corner = torch.rand(300, 2) * 100
    boxes = torch.cat([corner, corner + 10 + torch.rand(300, 2) * 20], 1)
    scores, labels = torch.rand(300), torch.randint(0, 3, (300,))
    config = ConfigDict(type="diou_nms", iou_threshold=0.4, beta=0.8)
    dets, kept = batched_nms(boxes, scores, labels, config)
    assert torch.equal(kept, diou_nms(boxes, scores, labels, iou_threshold=0.4, beta=0.8))
    torch.testing.assert_close(dets, torch.cat([boxes[kept], scores[kept, None]], 1))
    config.update(score_threshold=0.5, max_num=7, split_thr=10)
    dets, kept = batched_nms(boxes, scores, labels, config)
    assert len(kept) == 7
    assert (dets[:, 4] > 0.5).all()


def test_for_detr_is_of_both_classes() -> None:
    config = dict(type="seglosses.ForDETR", loss=dict(type="seglosses.MatchabilityAwareLoss"))
    loss = MMDET_MODELS.build(config)
    assert isinstance(loss, QualityFocalLoss)
    assert isinstance(loss, MatchabilityAwareLoss)
    logits, target = torch.randn(3, 2), (torch.tensor([0, 1, 2]), torch.rand(3))
    torch.testing.assert_close(loss(logits, target), MatchabilityAwareLoss()(logits, target))
    assert loss.loss_name == "loss_matchability_aware"


def test_for_detr_refuses_other_losses() -> None:
    with pytest.raises(ValueError, match="expected a quality loss"):
        MODELS.build(dict(type="seglosses.ForDETR", loss=dict(type="seglosses.GIoULoss")))
    with pytest.raises(ValueError, match="use_sigmoid=True"):
        MODELS.build(dict(type="seglosses.ForDETR", loss={}, use_sigmoid=False))


def test_hook_syncs_every_running_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    class Runner:
        model = nn.ModuleList([WiseIoULoss(), GIoULoss(), nn.ModuleList([WiseIoULoss()])])

    synced: list[WiseIoULoss] = []
    monkeypatch.setattr(WiseIoULoss, "sync", lambda loss: synced.append(loss))
    RunningMeanHook().after_train_iter(Runner(), 0)
    assert synced == [Runner.model[0], Runner.model[2][0]]


def test_boxes_below_the_score_are_dropped():
    boxes = torch.tensor([[0.0, 0, 1, 1], [5, 5, 6, 6]])
    kept = nms.diou_nms(boxes, torch.tensor([0.2, 0.9]), 0.5, score_threshold=0.2)[1]
    assert kept.tolist() == [1]
