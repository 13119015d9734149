"""Detectors train on bricks through real MMDetection, and both metrics run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from mmengine.runner import Runner

from seglosses.cli import main
from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.hosts.openmmlab.runs import compose

pytest.importorskip("mmdet")
pytest.importorskip("mmcv.ops")
pytestmark = [
    pytest.mark.slow,
    # what mmdet, torch and pycocotools say to themselves on the way
    pytest.mark.filterwarnings("ignore"),
]
CONFIGS = Path(__file__).parents[3] / "configs" / "detection"


@pytest.fixture(scope="module")
def bricks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "bricks"
    write_dataset(root, BrickSet(size=(128, 128), train=6, val=2, test=1))
    assert main(["to-coco", str(root)]) == 0
    return root


@pytest.mark.parametrize(
    ("leaf", "loss", "names"),
    [
        ("retinanet", "box_ciou", ("loss_cls", "loss_bbox")),
        ("fcos", "box_piou_v2", ("loss_cls", "loss_bbox", "loss_centerness")),
        ("fcos", "box_diou", ("loss_cls", "loss_bbox", "loss_centerness")),
        ("faster_rcnn", "box_giou", ("loss_rpn_cls", "loss_rpn_bbox", "loss_cls", "loss_bbox")),
        ("detr", None, ("loss_cls", "loss_bbox", "loss_iou", "d0.loss_iou")),
    ],
)
def test_losses_fall_and_metrics_run(
    leaf: str, loss: str | None, names: tuple[str, ...], bricks: Path, tmp_path: Path
) -> None:
    steps, lines = train(leaf, loss, bricks, tmp_path)
    for name in names:
        assert all(math.isfinite(step[name]) for step in steps)
    first, last = (sum(s["loss"] for s in part) / 8 for part in (steps[:8], steps[-8:]))
    assert last < 0.9 * first
    (scores,) = [line for line in lines if "coco/bbox_mAP" in line]
    assert "detection/recall" in scores or "detection/precision" in scores


# Ranks do not lift scores over the threshold of a box in so few steps.
@pytest.mark.parametrize("loss", ["cls_rank_sort", "cls_alrp"])
def test_ranks_improve(loss: str, bricks: Path, tmp_path: Path) -> None:
    steps, _ = train("retinanet", loss, bricks, tmp_path)
    first, last = (sum(s["loss_cls"] for s in part) / 8 for part in (steps[:8], steps[-8:]))
    assert last < 0.9 * first


def train(
    leaf: str, loss: str | None, bricks: Path, tmp_path: Path
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """What 40 iterations log, and all lines of the log."""
    cfg = compose(
        CONFIGS / f"{leaf}_bricks.py",
        loss=loss,
        data=str(bricks),
        iters=40,
        seed=0,
        work_dir=str(tmp_path),
        options={
            "train_dataloader.batch_size": 2,
            "default_hooks.logger.interval": 1,
            # visualizers are found by name, so a shared one would write into the first folder
            "visualizer.name": f"{leaf}_{loss}",
            "log_processor.window_size": 1,
            "default_hooks.checkpoint.interval": 1000,
        },
    )
    cfg.experiment_name = f"{leaf}_{loss}_{tmp_path.name}"
    Runner.from_cfg(cfg).train()
    (path,) = tmp_path.glob("*/vis_data/scalars.json")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    steps = [line for line in lines if "loss" in line]
    assert len(steps) == 40
    return steps, lines


@pytest.mark.parametrize("leaf", ["fcos", "faster_rcnn"])
def test_the_balance_of_a_detector(leaf: str, bricks: Path, tmp_path: Path) -> None:
    cfg = compose(
        CONFIGS / f"{leaf}_bricks.py",
        data=str(bricks),
        iters=2,
        seed=0,
        work_dir=str(tmp_path),
        options={
            "train_dataloader.batch_size": 1,
            "train_cfg.val_interval": 1000,
            "visualizer.name": f"balance_{leaf}",
            "default_hooks.checkpoint.interval": 1000,
        },
    )
    cfg.custom_hooks = [{"type": "seglosses.LossBalanceHook", "interval": 1}]
    cfg.experiment_name = f"balance_{leaf}_{tmp_path.name}"
    Runner.from_cfg(cfg).train()
    kept = json.loads((tmp_path / "balance.json").read_text("utf-8"))
    heads = {
        "fcos": {"bbox_head": {"loss_cls", "loss_bbox", "loss_centerness"}},
        "faster_rcnn": {
            "rpn_head": {"loss_cls", "loss_bbox"},
            "roi_head.bbox_head": {"loss_cls", "loss_bbox"},
        },
    }
    for head, names in heads[leaf].items():
        last = kept[head][-1]
        assert len(last["norms"]) == len(names)
        assert all(norm > 0 for norm in last["norms"].values())
        assert sum(last["shares"].values()) == pytest.approx(1.0)
