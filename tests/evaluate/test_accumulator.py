"""The accumulator gives the numbers of `seglosses evaluate` to the last digit, whatever comes."""

from __future__ import annotations

import io
import itertools
import math
import pickle
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seglosses.evaluate import Options, evaluate
from seglosses.evaluate.accumulator import Scores
from seglosses.evaluate.results import Results

NAMES = ["background", "wall", "mortar"]


def images(count: int, shape=(14, 11), classes: int = 3, seed: int = 0):
    """Blobs with noise: logits (C, *S), labels (*S) with ignored pixels, and names."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for index in range(count):
        size = [side + index % 3 for side in shape]
        logits = torch.randn(classes, *size, generator=generator)
        target = torch.nn.functional.avg_pool2d(logits.flatten(1, -2)[None], 3, 1, 1)[0]
        target = target.reshape(logits.shape).argmax(0)
        target[:, :1] = 255
        made.append((f"{index:03}", logits, target))
    return made


def of_files(folder: Path, pairs, probabilities=None, **options):
    """What `seglosses evaluate` says of the same images as files."""
    for name, pred, target in pairs:
        for kind, labels in (("pred", pred), ("gt", target)):
            (folder / kind).mkdir(exist_ok=True, parents=True)
            np.save(folder / kind / f"{name}.npy", np.asarray(labels))
    if probabilities is not None:
        (folder / "prob").mkdir()
        for name, prob in probabilities:
            np.save(folder / "prob" / f"{name}.npy", np.asarray(prob))
        options["probabilities"] = folder / "prob"
    return evaluate(folder / "pred", folder / "gt", **options)


def same(found: Results, expected) -> None:
    """Every number of every row, NaN where NaN is."""
    ours, theirs = found.evaluation.summary, expected.summary
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        for mine, their in zip(astuple(one), astuple(other), strict=True):
            both_nan = mine != mine and their != their
            assert both_nan or mine == their, (one, other)
    assert found.evaluation.table.images == expected.table.images
    for column in expected.table.columns:
        mine, theirs = found.evaluation.table.matrix(column), expected.table.matrix(column)
        np.testing.assert_array_equal(mine, theirs)


def test_every_column_equals_the_evaluation_of_files(tmp_path: Path) -> None:
    made = images(5)
    scores = Scores(None, NAMES, ignore_index=255, spacing=(2, 0.5), options={"tolerance": 1.5})
    for start in (3, 0):  # in another order than that of the names
        part = made[start : start + 3] if not start else made[start:]
        scores.update(
            [logits for _, logits, _ in part], [t for *_, t in part], ids=[n for n, *_ in part]
        )
    expected = of_files(
        tmp_path,
        [(name, logits.argmax(0), target) for name, logits, target in made],
        class_names=NAMES,
        num_classes=3,
        ignore_index=255,
        spacing=(2, 0.5),
        options=Options(tolerance=1.5),
    )
    found = scores.compute()
    same(found, expected)
    assert found["cldice"] == expected.mean("cldice")
    assert (
        found["cldice.wall"] == expected.mean("cldice", "wall") == found.per_class("cldice")["wall"]
    )
    row = found.row("dice_dataset", "mortar")
    assert found.interval("dice_dataset", "mortar") == (row.low, row.high)
    assert row.low < row.mean < row.high
    shared = set(found.evaluation.conventions) & set(expected.conventions)
    assert {"empty masks", "connectivity", "options", "metrics", "intervals"} <= shared
    assert found.evaluation.conventions["metrics"] == expected.conventions["metrics"]
    found.evaluation.write(tmp_path / "out")
    expected.write(tmp_path / "expected")
    for name in ("per_image.csv", "summary.csv"):
        assert (tmp_path / "out" / name).read_text() == (tmp_path / "expected" / name).read_text()


def test_volumes_and_policies(tmp_path: Path) -> None:
    made = images(3, (5, 6, 7), classes=2)
    made[0][1][1] = -9.0  # nothing predicted
    metrics = ["overlap", "boundary", "betti2_error", "cldice"]
    for empty in ("skip", "ignore_empty", "nan", "perfect"):
        scores = Scores(metrics, 2, ignore_index=255, ndim=3, empty=empty, form="logits")
        for name, logits, target in made:
            one = (logits[1] - logits[0])[None, None].to(torch.float64)
            scores.update(one, target[None, None].float(), ids=[name])
        pairs = [(name, (logits[1] > logits[0]).int(), target) for name, logits, target in made]
        expected = of_files(
            tmp_path / empty, pairs, num_classes=2, ignore_index=255, metrics=metrics, empty=empty
        )
        same(scores.compute(), expected)


def test_calibration(tmp_path: Path) -> None:
    made = images(4, classes=3)
    prob = [(name, logits.softmax(0)) for name, logits, _ in made]
    expected = of_files(
        tmp_path,
        [(name, logits.argmax(0), target) for name, logits, target in made],
        prob,
        num_classes=3,
        ignore_index=255,
        metrics=["calibration", "dice"],
    )
    targets = [target for *_, target in made]
    names = [name for name, *_ in made]
    by_logits = Scores(["calibration", "dice"], 3, ignore_index=255)
    by_logits.update([logits for _, logits, _ in made], targets, ids=names)
    by_prob = Scores(["calibration", "dice"], 3, ignore_index=255, form="probabilities")
    by_prob.update([p for _, p in prob], targets, ids=names)
    beside = Scores(["calibration", "dice"], 3, ignore_index=255)
    labels = [p.argmax(0) for _, p in prob]
    beside.update(labels, targets, probabilities=[p for _, p in prob], ids=names)
    for scores in (by_logits, by_prob, beside):
        same(scores.compute(), expected)


LAYOUTS = {
    "labels (N, *S)": lambda p: p,
    "labels (N, 1, *S)": lambda p: p.unsqueeze(1),
    "floats": lambda p: p.unsqueeze(1).float(),
    "half": lambda p: p.to(torch.bfloat16),
    "numpy": lambda p: p.numpy().astype(np.uint16),
    "one-hot": lambda p: torch.nn.functional.one_hot(p, 3).movedim(-1, 1),
    "one-hot floats": lambda p: torch.nn.functional.one_hot(p, 3).movedim(-1, 1).float(),
    "list": lambda p: list(p.unsqueeze(1)),
    "uint8, transposed": lambda p: p.to(torch.uint8).mT.contiguous().mT,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_are_one(layout: str) -> None:
    generator = torch.Generator().manual_seed(1)
    pred, target = torch.randint(0, 3, (2, 4, 8, 9), generator=generator)
    plain = Scores(["dice", "hd95"], 3)
    plain.update(pred, target)
    other = Scores(["dice", "hd95"], 3, form="labels")
    other.update(LAYOUTS[layout](pred), LAYOUTS[layout](target))
    assert other.compute() == plain.compute()


def test_one_channel_is_the_foreground() -> None:
    target = torch.tensor([[[1, 1, 0, 0]]])
    logits = torch.tensor([[[0.3, -2.0, 0.2, -9.0]]])
    scores = Scores(["dice", "brier"], 2, form="logits")
    scores.update(logits.unsqueeze(1), target)
    assert scores.compute()["dice"] == 0.5
    prob = Scores(["dice", "brier"], 2, form="probabilities")
    prob.update(logits.sigmoid(), target)
    assert prob.compute() == scores.compute()
    assert scores.compute()["brier"] == pytest.approx(
        ((logits.sigmoid() - target) ** 2).mean().item()
    )


@given(
    cut=st.lists(st.integers(0, 6), max_size=3),
    order=st.permutations(range(6)),
    repeated=st.lists(st.integers(0, 5), max_size=4),
)
def test_any_split_and_order_merge_to_the_same(cut, order, repeated) -> None:
    made = images(6, (6, 7), classes=2)
    whole = Scores("overlap", 2, ignore_index=255)
    whole.update([m[1] for m in made], [m[2] for m in made], ids=[m[0] for m in made])
    merged = Scores("overlap", 2, ignore_index=255)
    ends = [0, *sorted(cut), 6]
    for start, end in itertools.pairwise(ends):
        part = Scores("overlap", 2, ignore_index=255)
        for index in [*order[start:end], *(repeated if start else ())]:
            name, logits, target = made[index]
            part.update(logits[None], target[None], ids=[name])
        merged.merge(part)
    assert merged.compute() == whole.compute()
    assert astuple(merged.compute().row("dice")) == astuple(whole.compute().row("dice"))


def test_pickles_and_resumes() -> None:
    made = images(4)
    scores = Scores(["dice", "betti0_error"], 3, ignore_index=255)
    scores.update([m[1] for m in made[:2]], [m[2] for m in made[:2]], ids=["a", "b"])
    again = pickle.loads(pickle.dumps(scores))
    file = io.BytesIO()
    torch.save(scores.state(), file)
    file.seek(0)
    resumed = Scores(["dice", "betti0_error"], 3, ignore_index=255)
    resumed.update(made[3][1][None], made[3][2][None], ids=["forgotten"])
    resumed.restore(torch.load(file, weights_only=True))
    for one in (scores, again, resumed):
        one.update([m[1] for m in made[1:]], [m[2] for m in made[1:]], ids=["b", "c", "d"])
        assert one.images == ["a", "b", "c", "d"]
    assert scores.compute() == again.compute() == resumed.compute()
    assert pickle.loads(pickle.dumps(scores.compute())).row("dice") == scores.compute().row("dice")
    scores.reset()
    scores.update(made[0][1][None], made[0][2][None])
    assert len(scores.images) == 1
    with pytest.raises(ValueError, match="other columns, classes or options"):
        Scores(["dice"], 3).restore(again.state())


def test_memory_is_that_of_the_numbers() -> None:
    """Eight bytes a number: an image of a megapixel leaves what a small one leaves."""
    sizes = []
    for side in (8, 1024):
        scores = Scores("dice", 2)
        label = torch.zeros(1, side, side, dtype=torch.uint8)
        label[:, :4] = 1
        scores.update(label, label)
        sizes.append(len(pickle.dumps(scores)))
    assert sizes[0] == sizes[1]
    assert sum(v.itemsize for v in scores.table._values.values()) == 8 * 5


def test_directions() -> None:
    better = Scores(["overlap", "hd95"], 3).better()
    assert better["hd95"] == better["hd95.1"] == "lower"
    assert better["iou_class_lowest"] == "higher"


PRED, TRUE = torch.zeros(2, 3, 4, 5), torch.zeros(2, 4, 5, dtype=torch.long)


def test_repeats_are_one_image_and_mistakes_are_none() -> None:
    scores = Scores("dice", 3)
    scores.update(PRED, TRUE, ids=["a", "b"])
    scores.update(PRED, TRUE, ids=["b", "b"])
    assert scores.images == ["a", "b"]
    with pytest.raises(ValueError, match=r"'a' came before, with other predictions: call reset"):
        scores.update(TRUE[:1] + 1, TRUE[:1], ids=["a"])
    with pytest.raises(ValueError, match="different ground truth have the id 'a'"):
        scores.update(PRED[:1], TRUE[:1] + 1, ids=["a"])
    with pytest.raises(ValueError, match="different ground truth have the id 'x'"):
        scores.update(PRED, torch.stack([TRUE[0], TRUE[1] + 1]), ids=["x", "x"])
    assert scores.images == ["a", "b"]
    with pytest.raises(ValueError, match="some images came with ids and some without"):
        scores.update(PRED, TRUE)
    nameless = Scores("dice", 3)
    nameless.update(PRED, TRUE)
    with pytest.raises(ValueError, match="some images came with ids"):
        scores.merge(nameless)
    with pytest.raises(ValueError, match="different columns or classes"):
        scores.merge(Scores("iou", 3))
    with pytest.raises(ValueError, match=r"no image was scored: call update\(\)"):
        Scores("dice", 3).compute()
    with pytest.raises(ValueError, match="no 'beauty' of class None"):
        scores.compute().row("beauty")


def test_no_foreground_is_no_score(caplog) -> None:
    scores = Scores("dice", 2, ignore_index=255)
    scores.update(TRUE, TRUE + 255)
    found = scores.compute()
    assert math.isnan(found["dice"])
    assert found.undefined == 2
    assert "no score: the ground truth of 2 images shows no pixel of foreground" in caplog.text
