"""`seglosses.metrics.Scores` behaves as a metric of torchmetrics."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys

import pytest
import torch

pytest.importorskip("torchmetrics")
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassJaccardIndex

from seglosses.evaluate.accumulator import Scores as Accumulator
from seglosses.metrics import Scores
from tests.evaluate.test_accumulator import images


def batches(count: int = 3):
    for name, logits, target in images(count, seed=4):
        yield name, logits[None], target[None].clamp(max=2)


def filled(kind=Scores, count: int = 3, **options):
    scores = kind(["dice", "hd95"], 3, **options)
    for name, logits, target in batches(count):
        scores.update(logits, target, ids=[name])
    return scores


def test_it_is_a_metric_with_the_same_numbers() -> None:
    assert issubclass(Scores, Metric)
    scores, plain = filled(), filled(Accumulator)
    assert scores.compute() == plain.compute()
    assert scores.compute().interval("dice") == plain.compute().interval("dice")
    assert scores.update_count == 3
    assert dict(scores.better()) == plain.better()
    scores.reset()
    assert (scores.images, scores.update_called) == ([], False)


def test_forward_scores_the_batch_and_counts_it() -> None:
    scores = Scores("dice", 3)
    for name, logits, target in batches():
        alone = Accumulator("dice", 3)
        alone.update(logits, target)
        assert scores(logits, target, ids=[name]) == alone.compute()
    assert len(scores.images) == 3
    assert scores.compute()["dice"] == filled().compute()["dice"]


def test_in_a_collection_beside_others() -> None:
    both = MetricCollection(
        {"jaccard": MulticlassJaccardIndex(3, average="macro"), "shape": Scores("overlap", 3)}
    )
    for name, logits, target in batches():
        both.update(logits, target, ids=[name])
    found = both.compute()
    assert found["jaccard"].item() == pytest.approx(found["iou_dataset"], abs=1e-6)
    other = both.clone(prefix="val/")
    assert other.compute()["val/dice"] == found["dice"]
    both.reset()
    assert both["shape"].images == []


def test_copies_pickles_moves_and_merges() -> None:
    scores = filled()
    for other in (copy.deepcopy(scores), pickle.loads(pickle.dumps(scores)), scores.to("cpu")):
        assert other.compute() == scores.compute()
        other.half()
        assert other.compute() == scores.compute()
    first, second = filled(count=2), Scores(["dice", "hd95"], 3)
    *_, (name, logits, target) = batches()
    second.update(logits, target, ids=[name])
    for state in (second, second.state()):
        first = filled(count=2)
        first.compute()
        first.merge_state(state)
        assert first.compute() == scores.compute()


def test_scores_are_those_of_now_and_not_of_the_first_question() -> None:
    first, second = filled(count=2), Scores(["dice", "hd95"], 3)
    *_, (name, logits, target) = batches()
    first.compute()
    first.add(second.measure(logits, target), [name])
    assert first.compute() == filled().compute()


def test_checkpoints_of_a_module_hold_images_on_request() -> None:
    module = torch.nn.Module()
    module.scores = filled()
    assert module.state_dict() == {}
    module.scores.persistent(True)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = torch.nn.Module()
    other.scores = Scores(["dice", "hd95"], 3)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert other.scores.compute() == module.scores.compute()


def test_what_would_hang_is_refused() -> None:
    with pytest.raises(ValueError, match="unequal numbers of batches would wait"):
        Scores("dice", 3, dist_sync_on_step=True)
    assert not Scores("dice", 3, gather=False).sync_on_compute


def test_without_torchmetrics_it_is_the_accumulator() -> None:
    program = (
        "import sys; sys.modules['torchmetrics'] = None; import seglosses.metrics as m;"
        "print(m.Scores.__module__, [s for s in sys.modules if s.startswith('torchmetrics.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "seglosses.evaluate.accumulator []", done.stderr


def test_metrics_alone_load_no_torch() -> None:
    program = "import sys, seglosses.metrics; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
