"""Decode heads of MMSegmentation."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from head_walk.models import Result, load, train_once, without_backbone
from head_walk.rows import Row, observe, rows
from head_walk.swaps import Swap

SIZE = 64


def walk(path: str) -> Iterator[Row]:
    """Rows of one config."""
    model = load("mmseg", path, MODELS)
    model.pop("data_preprocessor", None)
    torch.manual_seed(1)
    # LRASPP pools over 49 pixels of maps; the labels stay small
    side = 800 if "lraspp" in path else SIZE
    images = torch.randn(2, 3, side, side)
    without_backbone(model, MODELS, images)

    def step(config: Any) -> Result:
        return train(config, images)

    yield from rows(path, model, MODELS, step)
    if "ddrnet" in path:
        yield third_loss(path, model, step)


def third_loss(path: str, model: Any, step: Callable[[Any], Result]) -> Row:
    """What DDRHead makes of a third loss."""
    more = copy.deepcopy(model)
    more.decode_head.loss_decode.append(dict(type="seglosses.DiceLoss"))
    outcome, note = observe(step(model), lambda: step(more), Swap(None))
    return Row(path, "DDRHead", "loss_decode[2]", "none", "DiceLoss", outcome, note)


def train(model: Any, images: torch.Tensor) -> Result:
    """One step of a config."""

    def build() -> nn.Module:
        built: nn.Module = MODELS.build(copy.deepcopy(model))
        if model.type != "MultimodalEncoderDecoder":  # whose parts cannot
            built.init_weights()
        return built

    return train_once(build, lambda built: built.loss(images, samples()))


def samples() -> list[SegDataSample]:
    """Two images of three squares each, with ignored rows."""
    generator, found = torch.Generator().manual_seed(0), []
    for _ in range(2):
        labels = torch.zeros(1, SIZE, SIZE, dtype=torch.long)
        # two classes, for some models know no more
        for place in range(3):
            top, left = torch.randint(0, SIZE - 20, (2,), generator=generator).tolist()
            labels[0, top : top + 20, left : left + 20] = place % 2
        labels[0, :4] = 255
        shape = (SIZE, SIZE)
        sample = SegDataSample(
            metainfo=dict(
                img_shape=shape, ori_shape=shape, pad_shape=shape, batch_input_shape=shape
            )
        )
        sample.gt_sem_seg = PixelData(data=labels)
        sample.gt_edge_map = PixelData(data=(labels == 1).to(torch.uint8))
        found.append(sample)
    return found
