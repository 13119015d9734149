"""Every mix-in of the losses trains ten iterations in MMSegmentation."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import pytest
import torch

from seglosses.catalogue import loss_classes
from seglosses.losses.base import SegmentationLoss

ROOT = Path(__file__).parents[3]
LEAF = ROOT / "configs" / "bricks" / "unet_128.py"


def decode_mixins():
    """Mix-ins for a decode head that need nothing beyond logits and labels."""
    found = sorted((ROOT / "configs" / "losses").glob("*.py"))
    return [path for path in found if "loss_decode" in path.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def bricks(tmp_path_factory):
    from seglosses.datasets.write import BrickSet, write_dataset

    root = tmp_path_factory.mktemp("mixins") / "bricks"
    write_dataset(root, BrickSet(size=(128, 128), train=4, val=1, test=1))
    return root


@pytest.mark.slow
@pytest.mark.parametrize("path", decode_mixins(), ids=lambda path: path.stem)
def test_trains_ten_iterations(path, bricks, tmp_path):
    pytest.importorskip("mmseg", reason="trains through MMSegmentation")
    from mmengine.runner import Runner

    from seglosses.hosts.openmmlab.runs import compose

    cfg = compose(
        LEAF,
        loss=str(path),
        data=str(bricks),
        iters=10,
        seed=0,
        work_dir=str(tmp_path),
        options={
            "train_dataloader.batch_size": 2,
            "experiment_name": path.stem,
            "log_level": "WARNING",
            "default_hooks.checkpoint.interval": 1000,
            "default_hooks.checkpoint.save_last": False,
        },
    )
    for transform in cfg.train_dataloader.dataset.pipeline:
        if transform["type"] == "RandomCrop":
            transform["crop_size"] = (64, 64)
    for key in ("val_cfg", "val_dataloader", "val_evaluator"):
        cfg[key] = None
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's, about schedulers and versions
        runner = Runner.from_cfg(cfg)
        step = runner.model.train_step

        def recorded(*arguments, **words):
            seen.append({name: float(value) for name, value in step(*arguments, **words).items()})
            return {name: torch.tensor(value) for name, value in seen[-1].items()}

        runner.model.train_step = recorded
        before = [parameter.detach().clone() for parameter in runner.model.parameters()]
        runner.train()
    assert len(seen) == 10
    assert all(math.isfinite(value) for values in seen for value in values.values())
    names = {f"decode.{module.loss_name}" for module in losses_of(runner.model)}
    assert names
    assert names <= set(seen[0])
    assert any(
        not torch.equal(old, new)
        for old, new in zip(before, runner.model.parameters(), strict=True)
    )


def test_configs_come_back_as_they_were_written():
    # a runner dumps its config before it trains; a key such as "class" makes that a SyntaxError
    from mmengine.config import Config

    for path in sorted((ROOT / "configs" / "losses").rglob("*.py")):
        cfg = Config.fromfile(path)
        assert Config.fromstring(cfg.pretty_text, ".py").to_dict() == cfg.to_dict(), path.stem


def losses_of(model):
    return [
        module for module in model.decode_head.modules() if isinstance(module, SegmentationLoss)
    ]


def test_every_segmentation_loss_has_a_mixin():
    # configs name a loss by its type, whatever the file is called
    text = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "configs" / "losses").rglob("*.py")
    )
    missing = [
        name
        for name, cls in loss_classes().items()
        if issubclass(cls, SegmentationLoss) and f'"seglosses.{name}"' not in text
    ]
    assert not missing
