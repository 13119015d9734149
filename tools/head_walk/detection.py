"""Box and mask heads of MMDetection."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from torch import nn

from head_walk.models import Result, load, train_once, without_backbone
from head_walk.rows import Row, rows

SIZE, CLASSES = 128, 4
#: DDOD convolves maps a 128th as large by 3 x 3; LAD fits a mixture to the losses of anchors, which
#: fails for some sets of them
SIDES = {"ddod": 384, "lad/": 192}
#: configs that need labels of every pixel too
SEMANTIC = ("htc_", "panoptic", "scnet")


def walk(path: str) -> Iterator[Row]:
    """Rows of one config."""
    model = load("mmdet", path, MODELS)
    adapt(model, path)
    side = next((side for part, side in SIDES.items() if part in path), SIZE)
    batch = demo_mm_inputs(
        2,
        [[3, side, side]] * 2,
        num_items=[3, 2],
        num_classes=2 if "crowdhuman" in path else CLASSES,
        with_mask="rtmdet_" not in path,  # which takes masks as tensors only
        with_semantic=any(word in path for word in SEMANTIC),
    )
    without_backbone(model, MODELS, torch.stack([each / 255.0 for each in batch["inputs"]]))
    yield from rows(path, model, MODELS, lambda config: train(config, batch))


def adapt(model: Any, path: str) -> None:
    """Make a model run on two small images, in place."""
    if "boxinst" in path:
        kind = dict(type="BoxInstDataPreprocessor", bgr_to_rgb=False, mask_stride=4)
    else:
        kind = dict(type="DetDataPreprocessor", pad_mask=True)
        kind["pad_seg"] = any(word in path for word in SEMANTIC)
    model.data_preprocessor = dict(mean=[0, 0, 0], std=[255.0] * 3, pad_size_divisor=32, **kind)
    if isinstance(model.get("teacher_config"), str):
        teacher = load("mmdet", model.teacher_config.removeprefix("configs/"), MODELS)
        model.teacher_config = ConfigDict(model=teacher)
    stages = 2
    if model.get("roi_head", {}).get("num_stages", 0) > stages:
        model.roi_head.num_stages = stages
        for node in (model.roi_head, model.train_cfg):
            for key, value in node.items():
                if isinstance(value, list) and len(value) > stages:
                    node[key] = value[:stages]
    if "corner" in path or "centripetal" in path:
        model.backbone.num_stacks = model.bbox_head.num_feat_levels = 1


def train(model: Any, batch: dict[str, Any]) -> Result:
    """One step of a config."""

    def build() -> nn.Module:
        built: nn.Module = MODELS.build(copy.deepcopy(model))
        built.init_weights()
        return built

    # BoxInst reads how far the training is
    hub = MessageHub.get_current_instance()
    hub.update_info("iter", 5000)

    def step(built: nn.Module) -> dict[str, Any]:
        np.random.seed(0)  # noqa: NPY002 -- samplers of the library draw from it
        return built(**built.data_preprocessor(copy.deepcopy(batch), True), mode="loss")

    def run(built: nn.Module) -> dict[str, Any]:
        head = getattr(built, "bbox_head", None)
        if hasattr(head, "use_l1"):
            head.use_l1 = True  # YOLOX, in its last epochs
        if not hasattr(head, "initial_epoch"):
            return step(built)
        # TOOD has another loss_cls in its first epochs
        found = {}
        for epoch in (0, head.initial_epoch):
            hub.update_info("epoch", epoch)
            found.update({f"{epoch}.{name}": value for name, value in step(built).items()})
        return found

    return train_once(build, run)
