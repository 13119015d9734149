"""Networks of the profiles take images of any size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seglosses.benchmark.profiles import PROFILES

CONFIGS = Path(__file__).parents[2] / "configs"
LEAVES = sorted({profile.leaf for profile in PROFILES.values()} | {"bricks/unet_128.py"})


@pytest.mark.filterwarnings("ignore:For binary segmentation")
@pytest.mark.parametrize("size", [(37, 45), (48, 33), (1, 70), (64, 64)])
@pytest.mark.parametrize("leaf", LEAVES)
def test_predictions_are_as_large_as_the_image(leaf: str, size: tuple[int, int]) -> None:
    pytest.importorskip("mmseg", reason="the networks are MMSegmentation's")
    from mmengine.config import Config
    from mmengine.registry import DefaultScope
    from mmseg.registry import MODELS
    from mmseg.structures import SegDataSample
    from mmseg.utils import register_all_modules

    register_all_modules(init_default_scope=False)
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(Config.fromfile(CONFIGS / leaf).model).eval()
    sample = SegDataSample(metainfo={"ori_shape": size, "img_shape": size, "pad_shape": size})
    image = torch.randn(3, *size)
    (found,) = model.test_step({"inputs": [image], "data_samples": [sample]})
    assert found.seg_logits.data.shape == (2, *size)
    assert found.pred_sem_seg.data.shape == (1, *size)
    assert torch.isfinite(found.seg_logits.data).all()
