"""Classes that overlap get the numbers that each of them gets alone, and those of files."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from seglosses.evaluate import evaluate
from seglosses.evaluate.accumulator import Scores
from tests.evaluate.test_accumulator import images, same

BRATS = {"whole tumour": (1, 2, 3), "tumour core": (2, 3), "enhancing": (3,)}
COLUMNS = ["overlap", "boundary", "topology"]


def masks(labels: torch.Tensor, ignored: int | None = None) -> torch.Tensor:
    """A channel of 0 and 1 for each region, (R, *S)."""
    channels = [torch.isin(labels, torch.tensor(of)).long() for of in BRATS.values()]
    found = torch.stack(channels)
    return found if ignored is None else found.masked_fill(labels == ignored, ignored)


def made(shape=(14, 11), count: int = 3):
    for name, logits, target in images(count, shape, classes=4):
        yield name, logits, logits.argmax(0), target


@pytest.mark.parametrize("shape", [(14, 11), (6, 7, 5)])
def test_every_region_is_scored_as_if_it_were_alone(shape: tuple[int, ...]) -> None:
    options = dict(ndim=len(shape), ignore_index=255, spacing=(2.0, 0.5, 1.0)[: len(shape)])
    together = Scores(COLUMNS, regions=list(BRATS), **options)
    alone = {name: Scores(COLUMNS, ["rest", name], **options) for name in BRATS}
    for name, _, pred, target in made(shape):
        one, other = masks(pred), masks(target, 255)
        together.update(one[None], other[None].float(), ids=[name])
        for place, scores in enumerate(alone.values()):
            scores.update(one[place][None], other[place][None], ids=[name])
    found = together.compute()
    for name, scores in alone.items():
        expected = scores.compute()
        for column in expected.evaluation.table.columns:
            mine = found.evaluation.table.matrix(column)[:, list(BRATS).index(name)]
            np.testing.assert_array_equal(mine, expected.evaluation.table.matrix(column)[:, 0])
        assert found[f"dice.{name}"] == expected["dice"]
        assert found.interval("dice", name) == expected.interval("dice")
    assert found["dice"] == pytest.approx(np.mean([found[f"dice.{name}"] for name in BRATS]))


def test_labels_of_regions_equal_the_evaluation_of_nnunet_folders(tmp_path: Path) -> None:
    labels = {"background": 0, **{n: list(of) for n, of in BRATS.items()}, "ignore": 4}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}))
    by_labels, by_masks = (Scores(COLUMNS, regions=BRATS, ignore_index=4) for _ in range(2))
    for name, _, pred, target in made():
        target = target.masked_fill(target == 255, 4)
        for kind, one in (("pred", pred), ("gt", target)):
            (tmp_path / kind).mkdir(exist_ok=True)
            np.save(tmp_path / kind / f"{name}.npy", one.numpy())
        by_labels.update(pred[None, None], target[None].float(), ids=[name])
        by_masks.update(masks(pred)[None].bool(), masks(target, 4)[None], ids=[name])
    expected = evaluate(tmp_path / "pred", tmp_path / "gt", metrics=COLUMNS)
    assert "labels 1, 2, 3 together" in str(expected.conventions["classes"])
    for scores in (by_labels, by_masks):
        found = scores.compute()
        same(found, expected)
        assert found.evaluation.conventions["classes"] == expected.conventions["classes"]


def test_forms_and_calibration_agree() -> None:
    columns = ["dice", "calibration"]
    by_logits = Scores(columns, regions=list(BRATS), form="logits", ignore_index=255)
    by_prob = Scores(columns, regions=list(BRATS), form="probabilities", ignore_index=255)
    beside = Scores(columns, regions=list(BRATS), ignore_index=255)
    alone = Scores(columns, 2, form="logits", ignore_index=255)
    for name, logits, _, target in made():
        raw, truth = logits[1:].to(torch.float64), masks(target, 255)[None]
        by_logits.update(raw[None], truth, ids=[name])
        by_prob.update(raw.sigmoid()[None], truth, ids=[name])
        beside.update((raw > 0)[None], truth, probabilities=raw.sigmoid()[None], ids=[name])
        alone.update(raw[None, 1:2], truth[:, 1], ids=[name])
    found = by_logits.compute()
    same(by_prob.compute(), found.evaluation)
    same(beside.compute(), found.evaluation)
    expected = alone.compute()
    shared = [key for key in expected if f"{key}.tumour core" in found]
    assert {"dice", "dice_dataset", "brier"} <= set(shared)
    for key in shared:
        assert found[f"{key}.tumour core"] == pytest.approx(expected[key], nan_ok=True), key


def test_some_regions_states_copies_and_merging() -> None:
    halves = [Scores("dice", regions=BRATS, scored=[2, 0], ignore_index=255) for _ in range(2)]
    whole = Scores("dice", regions=BRATS, scored=[2, 0], ignore_index=255)
    for index, (name, _, pred, target) in enumerate(made()):
        for scores in (whole, halves[index % 2]):
            scores.update(masks(pred)[None], masks(target, 255)[None], ids=[name])
    assert set(whole.better()) >= {"dice", "dice.enhancing", "dice.whole tumour"}
    assert "dice.tumour core" not in whole.compute()
    halves[0].merge(pickle.loads(pickle.dumps(halves[1])))
    again = Scores("dice", regions=BRATS, scored=[2, 0], ignore_index=255)
    again.restore(halves[0].state())
    assert dict(again.compute()) == dict(whole.compute())
    with pytest.raises(ValueError, match="different columns or classes"):
        whole.merge(Scores("dice", ["rest", "enhancing"], ignore_index=255))


def test_it_is_a_metric_of_torchmetrics() -> None:
    metric = pytest.importorskip("seglosses.hosts.torchmetrics").Scores
    ours, theirs = Scores("dice", regions=list(BRATS)), metric("dice", regions=list(BRATS))
    for _, _, pred, target in made():
        both = masks(pred)[None], masks(target)[None]
        ours.update(*both)
        theirs.update(*both)
    assert dict(theirs.compute()) == dict(ours.compute())


ZEROS = torch.zeros(1, 3, 4, 4, dtype=torch.long)


@pytest.mark.parametrize(
    ("options", "batch", "words"),
    [
        ({}, (ZEROS[:, :2], ZEROS), r"pred: expected a channel for each of a, b, c, which overlap"),
        ({}, (ZEROS, ZEROS[:, 0]), r"target: expected .*\(N, 3, H, W\), got \(N, 4, 4\)"),
        ({}, (ZEROS, ZEROS + 255), "target of a holds labels 255.*set ignore_index"),
        ({}, (ZEROS + 2, ZEROS), "pred of a holds labels 2, and there are 2 classes"),
        ({}, (ZEROS.float(), ZEROS), r"only you can tell: set form='logits'"),
        ({"form": "probabilities"}, (ZEROS + 1.5, ZEROS), "outside of"),
        ({"form": "logits"}, (ZEROS + float("nan"), ZEROS), "the training has diverged"),
        ({}, (ZEROS, ZEROS + 0.5), "not whole"),
        ({}, (ZEROS, ZEROS[..., :3]), "pred has 4 x 4 pixels and target 4 x 3"),
        ({}, (ZEROS[..., None], ZEROS[..., None]), "for volumes set ndim=3"),
        ({"regions": BRATS}, (ZEROS[:, :1] + 5, ZEROS), "pred holds labels 5"),
        ({"regions": BRATS, "form": "logits"}, (torch.zeros(1, 4, 4, 4), ZEROS), "argmax"),
    ],
)  # fmt: skip
def test_wrong_batches(options, batch, words: str) -> None:
    scores = Scores("dice", **{"regions": ["a", "b", "c"], **options})
    with pytest.raises(ValueError, match=words):
        scores.update(*batch)
    assert scores.images == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"regions": []}, "expected regions to be the names"),
        ({"regions": "abc"}, "expected regions to be the names"),
        ({"regions": ["a", "a"]}, "2 different class names"),
        ({"regions": {"a": ()}}, "labels that region 'a' joins"),
        ({"regions": {"a": (1.5,)}}, "labels that region 'a' joins"),
        ({"regions": ["a", "b"], "classes": 3}, "regions or classes, not both"),
        ({"regions": ["a", "b"], "scored": [2]}, r"classes in 0\.\.1"),
    ],
)
def test_wrong_regions(options, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Scores("dice", **options)
