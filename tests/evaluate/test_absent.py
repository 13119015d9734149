"""Classes that images lack: what counts in a mean, what is undefined, what has no score."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses import cli
from seglosses.evaluate import Evaluation, evaluate
from seglosses.metrics.empty import POLICIES

FULL, EMPTY = np.ones((6, 6), np.uint8), np.zeros((6, 6), np.uint8)
HALF = np.triu(FULL)


def save(folder: Path, *maps: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    for index, values in enumerate(maps):
        Image.fromarray(np.asarray(values, np.uint8)).save(folder / f"{index:02}.png")


def scored(tmp_path: Path, **options: object) -> Evaluation:
    return evaluate(tmp_path / "pred", tmp_path / "gt", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [19, 150])
def test_missing_every_object_is_no_good_score(tmp_path: Path, count: int) -> None:
    """A prediction of background only: 0.83 and 0.99 where absent from both counts as perfect."""
    rng = np.random.default_rng(0)
    targets = []
    for _ in range(4):
        target = np.zeros((16, 16), np.uint8)
        for index in rng.choice(np.arange(1, count), 2, replace=False):
            row, column = rng.integers(0, 14, 2)
            target[row : row + 2, column : column + 2] = index
        targets.append(target)
    save(tmp_path / "gt", *targets)
    save(tmp_path / "pred", *([np.zeros((16, 16))] * 4))
    names = ["background", *(f"class {index}" for index in range(1, count))]
    options = {"num_classes": count, "class_names": names, "metrics": ["dice"]}
    assert scored(tmp_path, **options).mean("dice") == 0
    perfect = scored(tmp_path, **options, empty="perfect")
    assert perfect.mean("dice") > 0.5
    assert perfect.mean("dice_dataset") == 0


@pytest.mark.parametrize("policy", [*POLICIES, "worst"])
def test_a_policy_treats_all_columns_of_a_row_alike(tmp_path: Path, policy: str) -> None:
    """Both empty, missed, invented, both shown: a row is defined in every column, or in none."""
    save(tmp_path / "pred", EMPTY, EMPTY, HALF, HALF)
    save(tmp_path / "gt", EMPTY, HALF, EMPTY, HALF)
    prob = tmp_path / "prob"
    prob.mkdir()
    for index in range(4):
        np.save(prob / f"{index:02}.npy", np.full((6, 6), 0.25))
    result = scored(tmp_path, empty=policy, probabilities=prob)
    assert len(result.columns) > 20
    gone = {"skip": [0], "ignore_empty": [0, 2], "nan": [0, 1, 2], "perfect": [], "worst": []}
    for column in result.columns:
        if column.name in ("ece_boundary",):
            continue  # without a true boundary there is nothing near one
        scores = result.table.matrix(column.name)[:, 0]
        assert np.flatnonzero(np.isnan(scores)).tolist() == gone[policy], column.name
    row = next(row for row in result.summary if row.metric == "dice")
    assert (row.n, row.undefined) == (4 - len(gone[policy]), len(gone[policy]))
    # Counts are facts, whatever the policy.
    assert result.table.matrix("fp")[:, 0].tolist() == [0, 0, HALF.sum(), 0]


def test_one_summary_averages_the_same_images(tmp_path: Path) -> None:
    """MONAI's `ignore_empty`: images whose truth is empty count nowhere."""
    save(tmp_path / "pred", EMPTY, HALF, FULL, HALF)
    save(tmp_path / "gt", EMPTY, EMPTY, HALF, HALF)
    result = scored(tmp_path, empty="ignore_empty", metrics=["overlap", "boundary", "lines"])
    per_image = [row for row in result.summary if not row.metric.startswith(("dice_", "iou_"))]
    assert {row.n for row in per_image} == {2}
    # Dice of (36, 21) is 2 x 21 / (36 + 21), the other is 1.
    assert result.mean("dice") == pytest.approx((42 / 57 + 1) / 2)


@pytest.mark.slow
def test_monai_agrees_on_ignore_empty(tmp_path: Path) -> None:
    monai = pytest.importorskip("monai.metrics", reason="the source of the policy")
    torch = pytest.importorskip("torch", reason="MONAI scores tensors")
    rng = np.random.default_rng(1)
    preds = [rng.integers(0, 2, (9, 9)) * (index != 2) for index in range(6)]
    targets = [rng.integers(0, 2, (9, 9)) * (index not in (1, 2, 4)) for index in range(6)]
    save(tmp_path / "pred", *preds), save(tmp_path / "gt", *targets)
    stacks = (torch.tensor(np.stack(side))[:, None] for side in (preds, targets))
    theirs = monai.compute_dice(*stacks, include_background=True, ignore_empty=True)
    ours = scored(tmp_path, empty="ignore_empty", metrics=["dice"])
    np.testing.assert_allclose(ours.table.matrix("dice"), theirs.numpy(), rtol=1e-6)


def test_what_is_undefined_is_counted_in_every_table(tmp_path: Path) -> None:
    save(tmp_path / "pred", EMPTY, HALF, EMPTY), save(tmp_path / "gt", EMPTY, HALF, EMPTY)
    out = tmp_path / "out"
    result = scored(tmp_path, out=out, metrics=["dice"])
    with (out / "summary.csv").open() as file:
        row = next(csv.DictReader(file))
    assert (row["mean"], row["n"], row["undefined"]) == ("1", "1", "2")
    assert "| foreground | Dice ↑ | 1.0000 |" in (out / "summary.md").read_text("utf-8")
    assert ">Undefined<" in (out / "report.html").read_text("utf-8")
    assert "(2 undefined)" in result.as_text()
    with (out / "per_image.csv").open() as file:
        assert [row["dice"] for row in csv.DictReader(file)] == ["", "1", ""]
    conventions = json.loads((out / "conventions.json").read_text("utf-8"))
    assert conventions["empty masks"].startswith("absent from both masks: undefined, in no mean")


@pytest.mark.parametrize("name", ["background", "Background", "__background__", "BG"])
def test_background_is_in_the_mean_only_when_asked_for(tmp_path: Path, name: str) -> None:
    target = np.repeat(np.arange(3, dtype=np.uint8), 12).reshape(6, 6)
    pred = target.copy()
    pred[2:4] = 0
    save(tmp_path / "gt", target), save(tmp_path / "pred", pred)
    options = {"num_classes": 3, "metrics": ["dice"]}
    names = [name, "car", "tree"]
    result = scored(tmp_path, class_names=names, **options, out=tmp_path / "out")
    # background 2 x 12 / 36, car 0, tree 1
    assert result.mean("dice") == 0.5
    assert result.mean("dice_dataset") == result.mean("dice_class") == 0.5
    assert result.mean("dice", name) == pytest.approx(2 / 3)
    conventions = json.loads((tmp_path / "out" / "conventions.json").read_text("utf-8"))
    assert conventions["mean of classes"].startswith(f"without {name}")
    asked = scored(tmp_path, class_names=names, classes=[0, 1, 2], **options)
    assert asked.mean("dice") == pytest.approx(5 / 9)
    other = scored(tmp_path, class_names=["road", "car", "tree"], **options)
    assert other.mean("dice") == pytest.approx(5 / 9)


@pytest.mark.parametrize("empty", POLICIES)
@pytest.mark.parametrize("kind", ["ignored", "absent", "classes"])
def test_a_run_without_foreground_has_no_score(
    tmp_path: Path,
    empty: str,
    kind: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Masks of 0 and 255 whose foreground is taken for ignored pixels must not score 1.0."""
    truth = {"ignored": HALF * 255, "absent": EMPTY, "classes": EMPTY}[kind]
    options = {
        "ignored": {"ignore_index": 255},
        "absent": {},
        "classes": {"num_classes": 3, "class_names": ["background", "car", "tree"]},
    }[kind]
    save(tmp_path / "gt", truth, truth), save(tmp_path / "pred", EMPTY, EMPTY)
    with caplog.at_level(logging.WARNING, "seglosses"):
        result = scored(tmp_path, empty=empty, **options)
    assert all(np.isnan([row.mean, row.low, row.high]).all() for row in result.summary)
    assert all(row.n == 0 for row in result.summary)
    shown = "foreground" if kind != "classes" else "background, car, tree"
    assert f"no score: the ground truth of 2 images shows no pixel of {shown}" in caplog.text
    words = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "gt"), "--empty-policy", empty]
    words += ["--out", str(tmp_path / "out"), "--quiet"]
    if kind == "ignored":
        assert cli.main([*words, "--ignore-index", "255"]) == 1
        assert "no score: the ground truth of 2 images" in capsys.readouterr().err
        page = (tmp_path / "out" / "report.html").read_text("utf-8")
        assert "no score" in page
        assert "no score" in (tmp_path / "out" / "summary.md").read_text("utf-8")


def test_a_single_pixel_of_foreground_makes_a_score(tmp_path: Path) -> None:
    one = EMPTY.copy()
    one[2, 3] = 1
    save(tmp_path / "gt", EMPTY, one), save(tmp_path / "pred", EMPTY, EMPTY)
    result = scored(tmp_path, metrics=["dice"])
    assert (result.mean("dice"), result.no_score) == (0, "")


@pytest.mark.parametrize("empty", [*POLICIES, "worst"])
def test_the_schema_of_topomortar_follows_no_policy(tmp_path: Path, empty: str) -> None:
    (
        save(tmp_path / "pred", EMPTY, EMPTY, HALF, FULL),
        save(tmp_path / "gt", EMPTY, HALF, EMPTY, HALF),
    )
    scored(tmp_path, schema="topomortar", empty=empty, out=tmp_path / "out")
    with (tmp_path / "out" / "topomortar.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["Dice_mortar"] for row in rows] == ["", "0.0", "0.0", repr(42 / 57)]
    assert [row["HD95_mortar"] for row in rows][:3] == ["9999999.0"] * 3
    assert [row["clDice_mortar"] for row in rows][:3] == [""] * 3
    assert [row["Betti0Error_mortar"] for row in rows] == ["0"] * 4


def test_of_several_classes_undefined_scores_are_counted_and_not_images(tmp_path: Path) -> None:
    """Four images with one of three classes each: eight scores are undefined, and no image."""
    for folder in ("pred", "gt"):
        (tmp_path / folder).mkdir()
        for number in range(4):
            np.save(tmp_path / folder / f"{number}.npy", np.full((4, 4), number % 3, np.uint8))
    names = ["a | b", "c", "d"]
    result = evaluate(
        tmp_path / "pred", tmp_path / "gt", metrics=["dice"], num_classes=3, class_names=names,
        out=tmp_path / "out",
    )  # fmt: skip
    assert result.as_text().endswith("  4  (8 scores undefined)")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Classes of images without a predicted pixel: 8, without a true one: 8." in page
    assert ">Undefined scores<" in page
    rows = [line for line in result.as_markdown().splitlines() if line.startswith("| a")]
    assert rows
    assert all(row.startswith("| a \\| b | ") for row in rows)
    assert {row.replace("\\|", "").count("|") for row in rows} == {9}
