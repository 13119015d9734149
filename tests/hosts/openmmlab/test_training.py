"""Real trainings through the tools, in processes of their own as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seglosses.datasets.write import BrickSet, write_dataset
from seglosses.evaluate import evaluate

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
LEAF = "configs/bricks/unet_128.py"


def tool(name, *words, processes=1):
    """Run a tool, on one process or under torchrun; its output."""
    start = [sys.executable]
    if processes > 1:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        start += ["-m", "torch.distributed.run", f"--nproc_per_node={processes}"]
        start += [f"--master_port={port}"]
        words = (*words, "--launcher", "pytorch")
    done = _run(start, name, words)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout + done.stderr


def refused(name, *words):
    """Run a tool that refuses to run; its last line."""
    done = _run([sys.executable], name, words)
    assert done.returncode == 2, (done.stdout + done.stderr)[-4000:]
    return done.stderr.strip().splitlines()[-1]


def _run(start, name, words):
    return subprocess.run(
        [*start, f"tools/{name}.py", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def logged(work_dir):
    """What the training logged: one dictionary a step."""
    (path,) = Path(work_dir).glob("*/vis_data/scalars.json")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def bricks(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "bricks"
    # three validation images on two processes: one is seen twice and must count once
    write_dataset(root, BrickSet(size=(128, 128), train=8, val=3, test=3))
    return root


@pytest.fixture(scope="module")
def trained(bricks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    options = ("default_hooks.logger.interval=1", "default_hooks.checkpoint.interval=20")
    options += ("default_hooks.checkpoint.max_keep_ckpts=2",)
    tool(
        *("train", LEAF, "--loss", "ce_dice_cldice", "--data", bricks, "--iters", 40),
        *("--seed", 3, "--work-dir", folder, "--cfg-options", *options),
    )
    return folder


def test_a_training_learns(trained):
    steps = [step for step in logged(trained) if "loss" in step]
    assert len(steps) == 40
    losses = [step["loss"] for step in steps]
    assert np.mean(losses[-5:]) < 0.69 * losses[0]  # of the network before it learned anything
    assert {"decode.loss_cross_entropy", "decode.loss_dice"} < set(steps[0])
    (scores,) = [step for step in logged(trained) if "mIoU" in step]
    assert scores["mIoU"] > 60


def test_losses_are_compared_on_the_same_weights_and_batches(trained, bricks, tmp_path):
    tool(
        *("train", LEAF, "--loss", "ce_dice", "--data", bricks, "--iters", 40, "--seed", 3),
        *("--work-dir", tmp_path, "--cfg-options", "default_hooks.logger.interval=1"),
        *("train_cfg.max_iters=1", "train_cfg.val_interval=1"),
    )
    first, other = logged(trained)[0], logged(tmp_path)[0]
    assert first["decode.loss_cross_entropy"] == other["decode.loss_cross_entropy"]
    assert first["decode.loss_dice"] == other["decode.loss_dice"]


def test_a_training_resumes(trained, bricks, tmp_path):
    output = tool(
        *("train", LEAF, "--loss", "ce_dice_cldice", "--data", bricks, "--iters", 40),
        *("--work-dir", tmp_path, "--resume", trained / "iter_20.pth"),
    )
    assert "resumed epoch: 0, iter: 20" in output
    assert (tmp_path / "iter_40.pth").is_file()


def test_damaged_checkpoints_are_passed_over_and_longer_plans_followed(trained, bricks, tmp_path):
    for name in ("iter_20.pth", "iter_40.pth"):
        shutil.copy(trained / name, tmp_path)
    with (tmp_path / "iter_40.pth").open("r+b") as file:
        file.truncate(9999)
    (tmp_path / "last_checkpoint").write_text(str(tmp_path / "iter_40.pth"))
    output = tool(
        *("train", LEAF, "--loss", "ce_dice_cldice", "--data", bricks, "--iters", 24),
        *("--work-dir", tmp_path, "--resume", "--cfg-options", "default_hooks.logger.interval=1"),
    )
    assert f"{tmp_path / 'iter_40.pth'} (it is cut off); it goes back to" in output
    assert "resumed epoch: 0, iter: 20" in output
    assert "those of the config are used, from iteration 20 on" in output
    rates = [step["lr"] for step in logged(tmp_path) if "loss" in step]
    assert len(rates) == 4
    # the decay of the config ends at zero
    assert min(rates[:-1]) > 0


def test_no_tool_unpickles_without_trust(bricks, tmp_path):
    mark, path = tmp_path / "attacked", tmp_path / "crafted.pth"
    torch.save({"state_dict": {}, "meta": {"iter": 0, "epoch": 0, "x": Attack(mark)}}, path)
    common = ("--data", bricks, "--work-dir", tmp_path / "work")
    pretrained = tmp_path / "pretrained.py"
    pretrained.write_text(
        f"_base_ = [{str(ROOT / LEAF)!r}]\n"
        "model = dict(backbone=dict(init_cfg=dict(_delete_=True, type='Pretrained',"
        f" checkpoint={str(path)!r})))\n"
    )
    for words in (
        ("train", LEAF, *common, "--iters", 2, "--resume", path),
        ("train", LEAF, *common, "--iters", 2, "--cfg-options", f"load_from={path}"),
        ("train", pretrained, *common, "--iters", 2),
        ("test", LEAF, path, *common),
    ):
        last = refused(*words)
        assert last.startswith(f"{words[0]}.py: the checkpoint "), last
        assert last.endswith("add --trust-checkpoint"), last
    assert not mark.exists()


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_test_scores_what_it_writes(trained, bricks, tmp_path):
    tool(
        *("test", LEAF, trained / "iter_40.pth", "--loss", "ce_dice_cldice"),
        *("--data", bricks, "--work-dir", tmp_path / "log", "--out", tmp_path),
    )
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["written/samples"] == 3
    ours = evaluate(
        tmp_path / "predictions", tmp_path / "labels", num_classes=2, classes=[0, 1]
    ).mean("iou_dataset")
    # mmseg rounds to hundredths of a per cent
    assert scores["mIoU"] == pytest.approx(100 * ours, abs=0.011)
    with Image.open(tmp_path / "images" / "012.png") as image:
        assert image.size == (128, 128)


def test_unlabelled_images_are_predicted(trained, bricks, tmp_path):
    leaf = tmp_path / "unlabelled.py"
    leaf.write_text(
        f"_base_ = [{str(ROOT / LEAF)!r}]\n"
        "test_dataloader = dict(dataset=dict(_delete_=True, type='BaseSegDataset',"
        " img_suffix='.png',"
        f" data_prefix=dict(img_path={str(bricks / 'test' / 'images')!r}),"
        " pipeline=_base_.test_dataloader.dataset.pipeline))\n"
    )
    words = (leaf, trained / "iter_40.pth", "--work-dir", tmp_path / "log")
    last = refused("test", *words)
    assert last.startswith("test.py: the images have no labels"), last
    assert "nothing to score; give --out" in last
    output = tool("test", *words, "--out", tmp_path / "out")
    assert "predictions are written, and nothing is scored" in output
    images = {path.name for path in (bricks / "test" / "images").iterdir()}
    assert {path.name for path in (tmp_path / "out" / "predictions").iterdir()} == images
    assert not (tmp_path / "out" / "labels").exists()
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == {
        "written/samples": len(images)
    }


def test_two_processes_score_as_one(bricks, tmp_path):
    words = ("--loss", "ce_dice", "--data", bricks)
    tool("train", LEAF, *words, "--iters", 12, "--work-dir", tmp_path / "two", processes=2)
    (found,) = [step for step in logged(tmp_path / "two") if "mIoU" in step]
    tool(
        *("test", LEAF, tmp_path / "two" / "iter_12.pth", *words, "--out", tmp_path / "out"),
        *("--work-dir", tmp_path / "one"),
        *("--cfg-options", "test_dataloader.dataset.split=val"),
    )
    alone = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert alone["written/samples"] == 3
    assert {name: found[name] for name in ("aAcc", "mIoU", "mDice")} == {
        name: alone[name] for name in ("aAcc", "mIoU", "mDice")
    }


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """A made-up data set in COCO's format: bright rectangles on noise."""
    root = tmp_path_factory.mktemp("boxes")
    (root / "coco").mkdir()
    rng = np.random.default_rng(0)
    for split, count in (("train", 16), ("val", 6)):
        (root / split).mkdir()
        images, annotations = [], []
        for number in range(count):
            pixels = rng.integers(0, 120, (128, 128, 3), dtype=np.uint8)
            for _ in range(rng.integers(1, 4)):
                width, height = (int(side) for side in rng.integers(24, 64, 2))
                left, top = int(rng.integers(128 - width)), int(rng.integers(128 - height))
                pixels[top : top + height, left : left + width] = rng.integers(140, 256, 3)
                box = {"bbox": [left, top, width, height], "area": width * height}
                box |= {"image_id": number, "category_id": 1, "iscrowd": 0}
                annotations.append({"id": len(annotations) + 1, **box})
            Image.fromarray(pixels).save(root / split / f"{number}.png")
            images.append({"id": number, "file_name": f"{split}/{number}.png", "width": 128})
            images[-1]["height"] = 128
        coco = {"images": images, "annotations": annotations}
        coco["categories"] = [{"id": 1, "name": "brick"}]
        (root / "coco" / f"{split}.json").write_text(json.dumps(coco))
    return root


def test_a_detector_trains_with_our_box_loss(boxes, tmp_path):
    pytest.importorskip("mmcv.ops", exc_type=ImportError)
    tool(
        *("train", "configs/detection/retinanet_bricks.py", "--loss", "box_ciou"),
        *("--data", boxes, "--iters", 60, "--seed", 0, "--work-dir", tmp_path),
        *("--cfg-options", "default_hooks.logger.interval=1"),
    )
    steps = [step for step in logged(tmp_path) if "loss_bbox" in step]
    losses = [step["loss_bbox"] for step in steps]
    assert len(losses) == 60
    assert np.isfinite(losses).all()
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    (scores,) = [step for step in logged(tmp_path) if "coco/bbox_mAP" in step]
    assert scores["coco/bbox_mAP_50"] > 0.1
