"""Which checkpoint is the best one, for every key of every metric."""

from __future__ import annotations

import itertools
import math
import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from PIL import Image

from seglosses.hosts.openmmlab.detection_metric import DetectionMetric
from seglosses.hosts.openmmlab.directions import DirectedMetric, direction_of
from seglosses.hosts.openmmlab.predictions import WritePredictions
from seglosses.hosts.openmmlab.scores import SegmentationScores
from seglosses.hosts.openmmlab.topology_metric import TopologyMetric
from seglosses.registry import METRICS

NUMBERS = itertools.count()
CLASSES = {"classes": ("wall", "crack")}


def test_every_registered_metric_has_directions():
    for name, metric in METRICS.module_dict.items():
        assert issubclass(metric, DirectedMetric), f"{name} says of no key which way is better"
        for key, rule in metric.usual().prefixed_directions().items():
            assert rule in ("greater", "less")
            assert direction_of(key) == rule


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("topology/betti_matching_error", "less"),
        ("topo/betti0_error", "less"),
        ("scores/cldice", "greater"),
        ("scores/hd95", "less"),
        ("scores/dice_dataset", "greater"),
        ("val/scores/hd95.road/left", "less"),
        ("accuracy/assd", "less"),
        ("detection/d_ece", "less"),
        ("written/samples", "greater"),
    ],
)
def test_hooks_know_the_rule(key, rule):
    assert CheckpointHook(save_best=key).rules == [rule]
    assert CheckpointHook(save_best=[key, "mIoU"]).rules == [rule, "greater"]
    assert EarlyStoppingHook(key).rule == rule


def test_other_keys_are_guessed_as_before():
    assert direction_of("mIoU") is None
    assert CheckpointHook(save_best=["coco/bbox_mAP", "val_loss"]).rules == ["greater", "less"]
    for make in (lambda key: CheckpointHook(save_best=key), EarlyStoppingHook):
        with pytest.raises(ValueError, match="Cannot infer the rule"):
            make("something/else")


class Scripted(BaseModel):
    """A segmentor and detector whose predictions are right after two of four iterations."""

    def __init__(self, faults, folder):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.faults, self.folder, self.done = faults, folder, 0
        Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(folder / "a.png")

    def forward(self, inputs, mode="loss"):
        return {"loss": self.weight.sum()}

    def train_step(self, data, optim_wrapper):
        self.done += 1
        return super().train_step(data, optim_wrapper)

    def val_step(self, data):
        rng = np.random.default_rng(1)
        label = np.zeros((40, 40), np.int64)
        # walls about four cells
        for place in (1, 18, 36):
            label[place : place + 3, 1:39] = label[1:39, place : place + 3] = 1
        wrong = rng.random(label.shape) < self.faults[self.done - 1]
        foreground = np.where(wrong, 1 - label, label)
        if self.faults[self.done - 1]:
            foreground[:, :13] = 0
        logits = np.stack([1 - foreground, foreground]) * 8.0 - 4
        fault = self.faults[self.done - 1]
        boxes = torch.tensor([[4.0, 6.0, 18.0, 18.0], [1.0, 19.0, 9.0, 23.0]])
        # one box is off by up to three pixels and too sure of it, the other is missed if any is
        shift = torch.tensor([[10 * fault], [12.0 * (fault > 0)]])
        found = {
            "bboxes": boxes + shift,
            "scores": torch.tensor([0.95, 0.95 if fault == 0 else 0.9 + fault / 9]),
            "labels": torch.tensor([0, 0]),
        }
        return [
            {
                "img_path": str(self.folder / "a.png"),
                "gt_sem_seg": {"data": torch.from_numpy(label)[None]},
                "pred_sem_seg": {"data": torch.from_numpy(foreground)[None]},
                "seg_logits": {"data": torch.from_numpy(logits)},
                "instances": [{"bbox": box, "bbox_label": 0} for box in boxes.tolist()],
                "pred_instances": found,
            }
        ]


class Labelled(list):
    metainfo = CLASSES


def run(folder, metrics, hooks, faults=(0.3, 0.0, 0.1, 0.2), **checkpoint):
    """Four iterations with a validation after each; the runner."""
    loader = {
        "batch_size": 1,
        "dataset": Labelled([{"inputs": torch.zeros(1)}] * 2),
        "sampler": {"type": "InfiniteSampler", "shuffle": False},
        "collate_fn": {"type": "default_collate"},
    }
    default = {"type": "CheckpointHook", "interval": -1, "by_epoch": False, "save_last": False}
    seen = {**loader, "dataset": Labelled(loader["dataset"][:1])}
    runner = Runner(
        Scripted(faults, folder),
        str(folder),
        train_dataloader=loader,
        train_cfg={"by_epoch": False, "max_iters": len(faults), "val_interval": 1},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 1.0}},
        val_dataloader={**seen, "sampler": {"type": "DefaultSampler", "shuffle": False}},
        val_cfg={},
        val_evaluator=metrics,
        default_hooks={"checkpoint": {**default, **checkpoint}, "logger": None},
        custom_hooks=hooks,
        experiment_name=f"directions_{next(NUMBERS)}",
        log_level="ERROR",
    )
    runner.train()
    return runner


def kept(folder):
    """Iteration of the best checkpoint by key."""
    found = {}
    for path in folder.glob("best_*.pth"):
        key, number = re.fullmatch(r"best_(.*)_iter_(\d+)\.pth", path.name).groups()
        found[key] = int(number)
    return found


def all_metrics(folder):
    return [
        SegmentationScores.usual(),
        TopologyMetric(),
        DetectionMetric(),
        WritePredictions(str(folder / "written")),
    ]


@pytest.mark.slow
def test_the_best_checkpoint_is_kept_for_every_key(tmp_path):
    """Predictions are right after the second of four iterations."""
    rules = {}
    for metric in all_metrics(tmp_path):
        metric.dataset_meta = CLASSES
        rules |= metric.prefixed_directions()
    # the number of written samples is the same each time, and nothing is undefined
    constant = {"written/samples", "scores/undefined", "topology/undefined"}
    keys = [key for key in rules if key not in constant]
    runner = run(tmp_path, all_metrics(tmp_path), [], save_best=keys)
    found = kept(tmp_path)
    last = runner.val_loop.evaluator
    assert len(last.metrics) == 4
    missed = {key for key in keys if found.get(key.replace("/", "_"), 0) != 2}
    assert missed == set()
    assert len(found) == len(keys) > 40


@pytest.mark.parametrize("key", ["topology/betti0_error", "auto"])
def test_hooks_made_before_the_metrics_are_set_right(tmp_path, key):
    """As in a process that has not seen this package when the runner makes its hooks."""
    code = f"""
        import sys
        from pathlib import Path
        from mmengine.hooks import CheckpointHook, EarlyStoppingHook
        early = CheckpointHook(save_best={key!r}, interval=-1, by_epoch=False, save_last=False)
        stop = EarlyStoppingHook("topology/betti0_error", patience=9)
        assert not any(name.startswith("seglosses") for name in sys.modules)
        assert stop.rule == "greater"
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import test_directions as here
        folder = Path({str(tmp_path)!r})
        here.run(folder, [here.TopologyMetric()], [stop, early], save_best=None)
        assert (stop.rule, stop.min_delta, stop.best_score) == ("less", -0.1, 0.0), vars(stop)
        print(here.kept(folder))
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.fullmatch(r"\{'topology_betti\w+': 2\}", done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("key", ["topology/betti0_error", "auto"])
def test_a_wrong_rule_is_refused(tmp_path, key):
    words = r"CheckpointHook has rule='greater' for 'topology/betti\w+', of which less is better"
    with pytest.raises(ValueError, match=words):
        run(tmp_path, [TopologyMetric()], [], save_best=key, rule="greater")
    stop = {"type": "EarlyStoppingHook", "monitor": "scores/dice", "rule": "less"}
    with pytest.raises(ValueError, match="EarlyStoppingHook has rule='less' for 'scores/dice'"):
        run(tmp_path, [SegmentationScores(metrics=["dice"])], [stop])


def test_a_right_rule_is_taken(tmp_path):
    stop = {"type": "EarlyStoppingHook", "monitor": "topology/betti0_error", "rule": "less"}
    stop |= {"patience": 1, "min_delta": 0.0}
    runner = run(
        tmp_path, [TopologyMetric()], [stop], save_best="topology/betti0_error", rule="less"
    )
    assert kept(tmp_path) == {"topology_betti0_error": 2}
    assert runner.iter == 3, "it stopped after the first validation that was worse"


def test_an_undefined_number_chooses_and_stops_nothing(tmp_path):
    class Sparse(SegmentationScores):
        """Undefined in the first and the third validation."""

        turn = itertools.count(1)

        def compute_metrics(self, results):
            values = super().compute_metrics(results)
            turn = next(self.turn)
            if turn == 1:
                del values["dice"]
            return {**values, "dice": math.nan} if turn == 3 else values

    stop = {"type": "EarlyStoppingHook", "monitor": "scores/dice", "min_delta": 0.0, "patience": 5}
    with pytest.warns(UserWarning, match="Skip early stopping"):
        runner = run(tmp_path, [Sparse(metrics=["dice"])], [stop], save_best="scores/dice")
    assert kept(tmp_path) == {"scores_dice": 2}
    assert runner.iter == 4
