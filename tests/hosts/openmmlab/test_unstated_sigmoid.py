"""Heads of MMDetection read ``use_sigmoid`` from the config, whatever the loss has."""

from __future__ import annotations

import warnings

import pytest
import torch

pytest.importorskip("mmdet.models")
pytest.importorskip("mmcv.ops")

from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

ANCHORS = {"type": "AnchorGenerator", "strides": [8, 16], "ratios": [1.0], "scales": [4]}
CODER = {"type": "DeltaXYWHBBoxCoder"}
HEADS = {
    "RetinaHead": {
        "stacked_convs": 1,
        "anchor_generator": ANCHORS,
        "bbox_coder": CODER,
        "reg_decoded_bbox": True,
        "train_cfg": {
            "assigner": {
                "type": "MaxIoUAssigner",
                "pos_iou_thr": 0.5,
                "neg_iou_thr": 0.4,
                "min_pos_iou": 0,
            },
            "sampler": {"type": "PseudoSampler"},
            "allowed_border": -1,
            "pos_weight": -1,
        },
    },
    "RTMDetHead": {
        "stacked_convs": 1,
        "with_objectness": False,
        "anchor_generator": {"type": "MlvlPointGenerator", "offset": 0, "strides": [8, 16]},
        "bbox_coder": {"type": "DistancePointBBoxCoder"},
        "train_cfg": {
            "assigner": {"type": "DynamicSoftLabelAssigner", "topk": 5},
            "allowed_border": -1,
            "pos_weight": -1,
        },
    },
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("stated", [False, True])
def test_a_forgotten_sigmoid_is_named(name: str, stated: bool) -> None:
    init_default_scope("mmdet")
    torch.manual_seed(0)
    loss = {"type": "seglosses.QualityFocalLoss", **({"use_sigmoid": True} if stated else {})}
    head = MODELS.build(
        {
            "type": name,
            "num_classes": 3,
            "in_channels": 32,
            "feat_channels": 32,
            "loss_cls": loss,
            "loss_bbox": {"type": "seglosses.GIoULoss"},
            **HEADS[name],
        }
    )
    features = (torch.randn(1, 32, 16, 16), torch.randn(1, 32, 8, 8))
    boxes = torch.tensor([[10.0, 10, 50, 50], [70, 70, 110, 118]])
    objects = InstanceData(bboxes=boxes, labels=torch.tensor([0, 2]))
    meta = {"img_shape": (128, 128), "pad_shape": (128, 128), "batch_input_shape": (128, 128)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            head.loss_by_feat(*head(features), [objects], [meta])
    found = [str(one.message) for one in caught if "use_sigmoid=True" in str(one.message)]
    assert len(found) == (not stated)
