"""Small networks with and without further inputs, and a batch for them."""

from __future__ import annotations

import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from seglosses.registry import MODELS


def network(channels=2, losses=("seglosses.CrossEntropyLoss",), **options):
    return {
        "type": "EncoderDecoder",
        "data_preprocessor": {"type": "SegDataPreProcessor", "size_divisor": 8},
        "backbone": {
            "type": "UNet",
            "base_channels": channels,
            "num_stages": 2,
            "strides": (1, 1),
            "enc_num_convs": (1, 1),
            "dec_num_convs": (1,),
            "downsamples": (True,),
            "enc_dilations": (1, 1),
            "dec_dilations": (1,),
            "norm_cfg": {"type": "BN"},
            "upsample_cfg": {"type": "InterpConv"},
        },
        "decode_head": {
            "type": "FCNHead",
            "in_channels": channels,
            "in_index": 1,
            "channels": channels,
            "num_convs": 0,
            "concat_input": False,
            "num_classes": 3,
            "align_corners": False,
            "loss_decode": [{"type": name} for name in losses],
        },
        "test_cfg": ConfigDict(mode="whole"),
        **options,
    }


def extended(**options):
    init_default_scope("mmseg")
    config = network(**options)
    config["type"] = "seglosses.ExtraInputsSegmentor"
    return MODELS.build(config)


def plain(**options):
    init_default_scope("mmseg")
    return MODELS.build(network(**options))


def batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 16, 24, generator=generator)
    samples = []
    for _ in images:
        sample = SegDataSample(metainfo={"img_shape": (16, 24), "ori_shape": (16, 24)})
        labels = torch.zeros(1, 16, 24, dtype=torch.long)
        labels[:, 4:9, 6:15] = 1
        sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return images, samples
