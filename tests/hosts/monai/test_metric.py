"""MONAI's engines and handlers get the numbers of `seglosses evaluate`."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("monai")
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch, list_data_collate
from monai.transforms import AsDiscrete

from seglosses.evaluate import evaluate
from seglosses.hosts.monai import ScoresHandler, ScoresMetric
from tests.evaluate.test_accumulator import same

NAMES = ["background", "wall", "mortar"]


def items(count: int = 4, shape=(9, 8, 7)):
    generator = torch.Generator().manual_seed(0)
    for index in range(count):
        affine = torch.diag(torch.tensor([2.0, 0.5, 1.5, 1.0]))
        meta = [{"filename_or_obj": f"{index:03}"} for _ in range(2)]
        logits = torch.randn(3, *shape, generator=generator)
        label = torch.randint(0, 3, (1, *shape), generator=generator).float()
        yield MetaTensor(logits, affine, meta[0]), MetaTensor(label, affine, meta[1])


def test_equals_the_evaluation_of_files(tmp_path: Path) -> None:
    columns = ["overlap", "hd95", "nsd"]
    metric = ScoresMetric(columns, NAMES, key="hd95.wall")
    (tmp_path / "pred").mkdir()
    (tmp_path / "gt").mkdir()
    discrete = AsDiscrete(argmax=True)
    for index, (logits, label) in enumerate(items()):
        metric([discrete(logits)], [label])
        np.save(tmp_path / "pred" / f"{index:03}.npy", logits.numpy().argmax(0))
        np.save(tmp_path / "gt" / f"{index:03}.npy", label.numpy()[0].astype(int))
    expected = evaluate(
        tmp_path / "pred", tmp_path / "gt", num_classes=3, class_names=NAMES, metrics=columns,
        spacing=(2, 0.5, 1.5),
    )  # fmt: skip
    found = metric.aggregate().item()
    assert found == pytest.approx(expected.mean("hd95", "wall"), rel=1e-6)
    same(metric.results, expected)
    assert metric.get_buffer().shape == (4, 3)


def test_layouts_are_one() -> None:
    pairs = list(items(shape=(8, 7)))
    whole = [AsDiscrete(argmax=True)(logits) for logits, _ in pairs]
    hot = [AsDiscrete(argmax=True, to_onehot=3)(logits) for logits, _ in pairs]
    labels = [label for _, label in pairs]
    hot_labels = [AsDiscrete(to_onehot=3)(label) for label in labels]
    batch = list_data_collate([{"pred": p, "label": t} for p, t in pairs])
    numbers = set()
    for pred, y in (
        (whole, labels), (hot, hot_labels), (hot, labels), ([p for p, _ in pairs], hot_labels),
        (batch["pred"], batch["label"]), (decollate_batch(batch["pred"]), labels),
    ):  # fmt: skip
        metric = ScoresMetric(["dice", "hd95"], 3)
        metric(pred, y)
        numbers.add((metric.aggregate().item(), metric.results["hd95"]))
        assert metric.scores.images == ["000", "001", "002", "003"]
    assert len(numbers) == 1


def test_a_repeated_file_counts_once_and_reset_forgets() -> None:
    metric = ScoresMetric("overlap", 3)
    pairs = list(items())
    for logits, label in [*pairs, pairs[0]]:
        metric([logits], [label])
    assert metric.scores.images == ["000", "001", "002", "003"]
    again = pickle.loads(pickle.dumps(metric))
    assert again.aggregate() == metric.aggregate()
    metric.reset()
    metric([pairs[0][0]], [pairs[0][1]])
    metric.aggregate()
    assert len(metric.results.evaluation.table) == 1
    patches = ScoresMetric("overlap", 3)
    for place, (logits, label) in enumerate(pairs[:2]):
        label.meta = {"filename_or_obj": "one", "patch_index": torch.tensor(place)}
        patches([logits], [label])
    assert patches.scores.images == ["one#0", "one#1"]


def test_directions() -> None:
    more, less = ScoresMetric("dice", 2), ScoresMetric("hd95", 2)
    assert (more.better, less.better) == ("higher", "lower")
    assert more.is_better(0.9, 0.8)
    assert less.is_better(0.8, 0.9)
    assert not less.is_better(math.nan, 0.9)
    assert less.is_better(0.9, math.nan)


TWO, ONE = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)


@pytest.mark.parametrize(
    ("options", "call", "words"),
    [
        ({}, (list(TWO), list(ONE)[:1]), "y_pred holds 2 images and y 1: .*from_engine"),
        ({}, (list(TWO), None), "y is missing: set output_transform"),
        ({}, ({"pred": TWO}, ONE), "got dict: take it out of the engine's dictionaries"),
        ({}, (TWO[:, 0], ONE[:, 0]), "EnsureChannelFirstd"),
        ({}, ([TWO[0, 0]], [ONE[0, 0]]), "EnsureChannelFirstd"),
        ({}, (TWO, ONE + 255), "y holds labels 255.*set ignore_index"),
        ({}, (TWO, ONE[..., :3]), "y_pred has 4 x 4 pixels and y 4 x 3"),
        ({"classes": 2}, (ONE + 0.3, ONE), r"AsDiscreted\(keys='pred', threshold=0.5\)"),
        ({"classes": 4}, (TWO, ONE), "y_pred has 3 channels, and there are 4 classes"),
    ],
)
def test_wrong_batches(options, call, words: str) -> None:
    metric = ScoresMetric(**{"columns": "dice", "classes": 3, **options})
    with pytest.raises(ValueError, match=words):
        metric(*call)


def test_wrong_options() -> None:
    with pytest.raises(ValueError, match="no number 'beauty': expected key to be one of dice"):
        ScoresMetric("dice", 2, key="beauty")
    with pytest.raises(ValueError, match="unknown metric beauty"):
        ScoresMetric("beauty", 2)
    assert ScoresMetric("betti2_error", 2).key == "betti2_error"
    with pytest.raises(ValueError, match="no image was scored"):
        ScoresMetric("dice", 2).aggregate()


def evaluator(metric: ScoresMetric, **options):
    from monai.engines import SupervisedEvaluator
    from monai.handlers import from_engine

    data = [{"image": label, "label": label} for _, label in items(shape=(8, 8))]
    return SupervisedEvaluator(
        "cpu",
        DataLoader(Dataset(data), batch_size=3),
        torch.nn.Identity(),
        key_val_metric={"val": ScoresHandler(metric, from_engine(["pred", "label"]))},
        **options,
    )


def test_an_evaluator_shows_all_numbers() -> None:
    pytest.importorskip("ignite")
    metric = ScoresMetric(["dice", "betti0_error"], NAMES, key="dice.mortar")
    engine = evaluator(metric)
    for _ in range(2):  # a second validation begins anew
        engine.run()
        state = engine.state
        assert state.metrics["val"] == state.metrics["val/dice.mortar"] == 1
        assert state.metrics["val/betti0_error"] == 0
        assert state.metric_details["val"].shape == (4, 3)
        assert metric.scores.images == ["000", "001", "002", "003"]


def test_the_worst_checkpoint_is_not_the_best() -> None:
    pytest.importorskip("ignite")
    metric = ScoresMetric("hd95", NAMES)
    with pytest.raises(ValueError, match=r"metric_cmp_fn=metric\.is_better"):
        evaluator(metric)
    evaluator(metric, metric_cmp_fn=metric.is_better).run()
