"""Oriented detectors of MMRotate train with our losses of rotated boxes."""

from __future__ import annotations

import math
import sys
import types
from pathlib import Path

import pytest
import torch

pytest.importorskip("mmcv.ops", exc_type=ImportError)

NAMES = "GWD KFIoU KLD ProbIoU RotatedDIoU RotatedGIoU RotatedIoU"
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def rotate(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """MMRotate; one of its detectors, not used here, asks for torchvision's transforms."""
    if "torchvision" not in sys.modules:
        stand_in = types.ModuleType("torchvision")
        stand_in.transforms = types.ModuleType("torchvision.transforms")
        monkeypatch.setitem(sys.modules, "torchvision", stand_in)
        monkeypatch.setitem(sys.modules, "torchvision.transforms", stand_in.transforms)
    return pytest.importorskip("mmrotate", exc_type=ImportError)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES.split())
def test_rotated_retinanet_learns(name: str, rotate: types.ModuleType) -> None:
    from mmdet.structures import DetDataSample
    from mmengine.config import Config
    from mmengine.structures import InstanceData
    from mmrotate.registry import MODELS
    from mmrotate.structures import RotatedBoxes
    from mmrotate.utils import register_all_modules

    register_all_modules(init_default_scope=True)
    leaf = "rotated_retinanet/rotated-retinanet-rbox-le90_r50_fpn_1x_dota.py"
    model = Config.fromfile(Path(rotate.__file__).parent / ".mim" / "configs" / leaf).model
    norm = {"type": "BN"}
    model.backbone = {"type": "mmdet.ResNet", "depth": 18, "base_channels": 8, "norm_cfg": norm}
    model.neck.update(in_channels=[8, 16, 32, 64], out_channels=16)
    model.bbox_head.update(in_channels=16, feat_channels=16, stacked_convs=1, num_classes=2)
    model.bbox_head.update(reg_decoded_bbox=True, loss_bbox={"type": f"seglosses.{name}Loss"})
    torch.manual_seed(0)
    detector = MODELS.build(model).train()
    detector.init_weights()
    images = torch.zeros(2, 3, 128, 128)
    samples = []
    for image, boxes in zip(
        images,
        ([[40.0, 40, 50, 20, 0.5], [90, 80, 30, 30, -0.3]], [[64.0, 64, 60, 24, -0.7]]),
        strict=True,
    ):
        for x, y, *_ in boxes:
            image[:, int(y) - 8 : int(y) + 8, int(x) - 20 : int(x) + 20] = 1
        shape = {"img_shape": (128, 128), "pad_shape": (128, 128)}
        sample = DetDataSample(metainfo={**shape, "batch_input_shape": (128, 128)})
        labels = torch.zeros(len(boxes), dtype=torch.long)
        found = RotatedBoxes(torch.tensor(boxes))
        sample.gt_instances = InstanceData(bboxes=found, labels=labels)
        samples.append(sample)
    optimizer = torch.optim.AdamW(detector.parameters(), 2e-3)
    seen = []
    for _ in range(8):
        losses = detector.loss(images, samples)
        seen.append(float(sum(losses["loss_bbox"])))
        total = sum(sum(each) for each in losses.values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert all(map(math.isfinite, seen))
    assert seen[-1] < 0.95 * seen[0]


def test_rotated_nms_knows_both_names_of_a_box_and_classes() -> None:
    from seglosses.hosts.openmmlab.nms import rotated_nms

    boxes = torch.tensor([[0.0, 0, 10, 4, 0], [0, 0, 4, 10, math.pi / 2], [0, 0, 10, 4, 0.1]])
    scores = torch.tensor([0.7, 0.9, 0.8])
    assert rotated_nms(boxes, scores, 0.5).tolist() == [1]
    assert rotated_nms(boxes, scores, 0.5, torch.tensor([0, 0, 1])).tolist() == [1, 2]
    apart = torch.tensor([[0.0, 0, 4, 4, 0], [90, 0, 4, 4, 0], [50, 0, 4, 4, 0]])
    best_first = rotated_nms(apart, torch.tensor([0.1, 0.9, 0.5]), 0.5, torch.tensor([2, 0, 1]))
    assert best_first.tolist() == [1, 2, 0]
    assert rotated_nms(boxes[:0], scores[:0], 0.5).tolist() == []
    with pytest.raises(ValueError, match=r"boxes \(n, 5\)"):
        rotated_nms(boxes[:, :4], scores, 0.5)
