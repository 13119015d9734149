"""The metric shell gives the numbers of `seglosses evaluate`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seglosses.evaluate import evaluate
from seglosses.hosts.openmmlab.scores import SegmentationScores
from seglosses.hosts.openmmlab.topology_metric import TopologyMetric
from seglosses.registry import METRICS


def samples(count: int = 3, classes: int = 3) -> list[dict]:
    generator = torch.Generator().manual_seed(0)
    made = []
    for _ in range(count):
        target = torch.randint(0, classes, (1, 12, 14), generator=generator)
        logits = torch.randn(classes, 12, 14, generator=generator)
        logits.scatter_add_(0, target, torch.full(target.shape, 2.0))
        pred = logits.argmax(dim=0, keepdim=True)
        target[:, :2] = 255
        made.append(
            {
                "pred_sem_seg": {"data": pred},
                "gt_sem_seg": {"data": target},
                "seg_logits": {"data": logits},
            }
        )
    return made


def test_equals_the_evaluation_of_files(tmp_path: Path) -> None:
    batch = samples()
    options = {"metrics": ["overlap", "cldice", "hd95"], "classes_in_log": True}
    metric = METRICS.build({"type": "SegmentationScores", **options})
    metric.dataset_meta = {"classes": ("sky", "road", "car")}
    metric.process(None, batch[:2])
    metric.process(None, batch[2:])
    scores = metric.evaluate(len(batch))
    for index, sample in enumerate(batch):
        for folder, key in (("pred", "pred_sem_seg"), ("gt", "gt_sem_seg")):
            (tmp_path / folder).mkdir(exist_ok=True)
            pixels = sample[key]["data"][0].numpy().astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{index}.png")
    expected = evaluate(
        tmp_path / "pred",
        tmp_path / "gt",
        num_classes=3,
        ignore_index=255,
        class_names=["sky", "road", "car"],
        metrics=["overlap", "cldice", "hd95"],
    )
    for name in ("dice", "iou", "hd95", "cldice", "iou_dataset", "iou_class"):
        assert scores[f"scores/{name}"] == pytest.approx(expected.mean(name))
    assert scores["scores/cldice.road"] == pytest.approx(expected.mean("cldice", "road"))


def test_calibration_reads_the_logits() -> None:
    metric = SegmentationScores(metrics=["calibration"], probabilities=True)
    metric.dataset_meta = {"classes": ("wall", "mortar")}
    batch = samples(classes=2)
    metric.process(None, batch)
    scores = metric.evaluate(len(batch))
    errors = []
    for sample in batch:
        prob = torch.softmax(sample["seg_logits"]["data"], dim=0)[1]
        target = sample["gt_sem_seg"]["data"][0]
        kept = target != 255
        errors.append(((prob - target)[kept] ** 2).mean().item())
    assert scores["scores/brier"] == pytest.approx(np.mean(errors))
    one = SegmentationScores(metrics=["brier"], probabilities=True)
    for sample in batch:
        logits = sample["seg_logits"]["data"]
        sample["seg_logits"] = {"data": logits[1:] - logits[:1]}
    one.process(None, batch)
    assert one.evaluate(len(batch))["scores/brier"] == pytest.approx(scores["scores/brier"])


@pytest.mark.parametrize("ignored", [3, 7])
def test_any_value_may_be_ignored(ignored: int) -> None:
    scores = []
    for value in (255, ignored):
        metric = SegmentationScores(metrics=["dice"], ignore_index=value)
        metric.dataset_meta = {"classes": ("sky", "road", "car")}
        batch = samples()
        for sample in batch:
            labels = sample["gt_sem_seg"]["data"]
            labels[labels == 255] = value
            sample["pred_sem_seg"]["data"][:, :2] = 1  # wrong everywhere but where it is ignored
        metric.process(None, batch)
        scores.append(metric.evaluate(len(batch)))
    assert scores[0] == scores[1]


def test_large_logits_are_certain() -> None:
    metric = SegmentationScores(metrics=["brier"], probabilities=True)
    metric.dataset_meta = {"classes": ("wall", "mortar")}
    sample = samples(1, 2)[0]
    target = sample["gt_sem_seg"]["data"]
    sample["seg_logits"]["data"] = 1e4 * torch.cat([target != 1, target == 1]).float()
    metric.process(None, [sample])
    assert metric.evaluate(1)["scores/brier"] == 0


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown metric"):
        SegmentationScores(metrics=["beauty"])
    with pytest.raises(ValueError, match="tolerance"):
        SegmentationScores(options={"tolerance": -1.0})
    metric = SegmentationScores(classes=[5])
    metric.dataset_meta = {"classes": ("a", "b")}
    with pytest.raises(ValueError, match="no class 5"):
        metric.process(None, samples(1, 2))


@pytest.mark.parametrize("metric", [SegmentationScores, TopologyMetric])
def test_labels_that_are_no_class_are_refused(metric) -> None:
    """As after a forgotten reduce_zero_label, where the last class is one too many."""
    batch = samples(1)
    batch[0]["img_path"] = "a.png"
    batch[0]["gt_sem_seg"]["data"][0, 5, 5] = 3
    scored = metric()
    scored.dataset_meta = {"classes": ("sky", "road", "car")}
    words = (
        rf"{metric.__name__}: the label of a.png holds \[3\].*3 classes, 0 to 2.*reduce_zero_label"
    )
    with pytest.raises(ValueError, match=words):
        scored.process(None, batch)
    kept = metric(ignore_index=3)
    kept.dataset_meta = scored.dataset_meta
    batch[0]["gt_sem_seg"]["data"][batch[0]["gt_sem_seg"]["data"] == 255] = 3
    kept.process(None, batch)


def test_one_view_of_several_has_no_calibration() -> None:
    """MMSegmentation hands on the merged labels with the logits of the last view."""
    batch = samples(2, classes=2)
    views = {"inputs": [[1, 2], [1, 2]], "data_samples": [["a", "b"], ["a", "b"]]}
    metric = SegmentationScores(metrics=["brier"], probabilities=True)
    metric.dataset_meta = {"classes": ("wall", "mortar")}
    with pytest.raises(ValueError, match="logits of one view beside the labels of all"):
        metric.process(views, batch)
    metric.process({"inputs": [1, 2], "data_samples": ["a", "b"]}, batch)
    assert len(metric.results) == 2
    SegmentationScores(metrics=["dice"]).process(views, batch)


def test_the_log_gets_means_and_the_visualizer_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    from mmengine.logging import MessageHub
    from mmengine.visualization import Visualizer

    drawn: dict[str, float] = {}

    class Backend:
        def add_scalars(self, scores: dict[str, float], step: int) -> None:
            assert step == 8
            drawn.update(scores)

    monkeypatch.setattr(Visualizer, "get_current_instance", Backend)
    hub = MessageHub.get_instance("scores")
    hub.update_info("iter", 7)
    monkeypatch.setattr(MessageHub, "get_current_instance", lambda: hub)
    batch = samples()
    found = {}
    for wanted in ((), ("scores/dice.car", "scores/iou_class", "mIoU")):
        metric = SegmentationScores(metrics=["overlap"])
        metric.dataset_meta = {"classes": ("sky", "road", "car")}
        for key in wanted:
            metric.want(key)
        metric.process(None, batch)
        found[bool(wanted)] = metric.evaluate(len(batch))
    means = {f"scores/{key}" for key in ("dice", "iou", "dice_dataset", "iou_dataset")}
    assert set(found[False]) == means
    assert set(found[True]) == means | {"scores/dice.car", "scores/iou_class"}
    assert {"scores/dice.sky", "scores/iou_image_worst"} <= set(drawn)
    assert not means & set(drawn)
    # every class has a rule, whoever reads it
    assert set(drawn) <= {f"scores/{key}" for key in metric.directions()}


def test_a_hook_that_reads_a_class_gets_its_number() -> None:
    from types import SimpleNamespace

    from mmengine.hooks import EarlyStoppingHook

    metric = SegmentationScores(metrics=["dice"])
    metric.dataset_meta = {"classes": ("sky", "road", "car")}
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric]))
    hook = EarlyStoppingHook(monitor="scores/dice.car")
    hook.before_train(SimpleNamespace(val_loop=loop, cfg={}))
    batch = samples()
    metric.process(None, batch)
    scores = metric.evaluate(len(batch))
    assert "scores/dice.car" in scores
    assert "scores/dice.sky" not in scores
