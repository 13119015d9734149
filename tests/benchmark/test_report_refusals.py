"""Runs that are damaged or do not fit each other, and wrong options."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seglosses.benchmark.report import report
from seglosses.benchmark.results import read_group_file, read_results
from seglosses.benchmark.settings import settings
from seglosses.cli import main
from tests.benchmark.written_runs import GROUP, HEADS, rows_of, write_groups, write_run


def test_published_runs_that_do_not_fit_are_said_to_be_missing(runs, tmp_path):
    own = tmp_path / "own"
    write_run(own, "ce_dice", 0, {"071": (2, 1, 0.5, 1)}, setting="supervised/noisy/large")
    report(own, tmp_path / "out", published=runs)
    text = (tmp_path / "out" / "tables.md").read_text()
    assert "No published runs cover supervised/noisy/large" in text


def test_scores_of_another_image_size_are_not_tested(runs, tmp_path):
    own = tmp_path / "own"
    small = {"image_size": [128, 128]}
    write_run(own, "ce_dice", 0, {"071": (2, 1, 0.5, 1), "072": (2, 3, 0.7, 3)}, card=small)
    rows = report(own, tmp_path / "out", published=runs)
    theirs = rows_of(rows, "ID", "Betti0Error")["clDiceLoss"]
    assert theirs.mean == 4
    assert np.isnan([theirs.p, theirs.difference, theirs.delta]).all()
    assert not theirs.bold


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("image_size", ([128, 128], [512, 512]), "sizes of images"),
        ("iters", (10, 20), "iterations"),
        ("leaf", ("configs/a.py", "configs/b.py"), "configs"),
        ("engine", ("mmseg", "nnunet"), "engines"),
        ("recipe", ("1", "2"), "losses or options"),
    ],
)
def test_runs_of_one_loss_that_were_made_differently_are_refused(runs, name, values, what):
    place = runs / "supervised/accurate/large/CEDiceLoss"
    for seed, value in zip((1, 2), values, strict=True):
        (place / f"{seed}.json").write_text(json.dumps({name: value}))
    one, two = map(json.dumps, values)
    with pytest.raises(ValueError, match="1 folders of runs are damaged") as caught:
        read_results(runs)
    told = f"CEDiceLoss: runs with different {what} ({one} in 1.csv, {two} in 2.csv); keep them"
    assert told in str(caught.value)
    (place / "2.json").write_text("{}")  # not known is not different
    assert read_results(runs)


def test_every_damaged_file_is_named(runs):
    folder = runs / "supervised/accurate/large"
    (folder / "clDiceLoss" / "1.csv").write_text("")
    (folder / "clDiceLoss" / "2.csv").write_text(HEADS + "\n071,0,1,0,1,zero,1,1\n")
    path = folder / "CEDiceLoss" / "2.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(ValueError, match="2 folders of runs are damaged") as caught:
        read_results(runs)
    text = str(caught.value)
    assert "clDiceLoss/1.csv: expected one column Betti0Error_<class>, got 0" in text
    assert "clDiceLoss/2.csv: line 2: a cell is not a number" in text
    assert "CEDiceLoss/2.csv: 1 ids differ from those of 1.csv: 172" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a JSON object, got '{'"),
        ("", "expected a JSON object, got an empty file"),
        ("[]", "expected a JSON object, got '[]'"),
        ("null", "expected a JSON object, got 'null'"),
        ('{"image_size": 128}', "expected pixels of each axis as image_size, got 128"),
        ('{"image_size": ["a", 2]}', "expected pixels of each axis as image_size, got ['a', 2]"),
        ('{"image_sizes": "2"}', "expected a whole number above 0 as image_sizes, got '2'"),
        ('{"iters": null}', "expected a whole number above 0 as iters, got None"),
        ('{"leaf": 3}', "expected a text as leaf, got 3"),
        ('{"engine": {}}', "expected a text as engine, got {}"),
        ('{"loss_curve": 3}', "expected a list of numbers or null as loss_curve, got 3"),
        ('{"seconds_per_iteration": "fast"}', "expected a number as seconds_per_iteration, got"),
        ('{"seconds_per_iteration": 1}', "expected peak_memory_mib beside seconds_per_iteration"),
    ],
)
def test_damaged_cards_are_named(runs, tmp_path, text, message):
    card = runs / "supervised/accurate/large/CEDiceLoss/1.json"
    card.write_text(text)
    with pytest.raises(ValueError, match="1 folders of runs are damaged") as caught:
        report(runs, tmp_path / "out")
    said = str(caught.value)
    assert f"  {card}: {message}" in said
    assert said.endswith("; delete it and the scores beside it, and run again")


def test_repeated_ids_are_damage(runs):
    path = runs / "supervised/accurate/large/CEDiceLoss/1.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(ValueError, match="the ID '071' is empty or repeated"):
        read_results(runs)


def test_losses_on_different_images_are_not_compared(runs):
    write_run(runs, "Other", 1, {"071": (1, 1, 1, 1)})
    with pytest.raises(ValueError, match="hold scores of different images"):
        settings(read_results(runs), [], GROUP, "CEDice")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--baseline", "Nothing"], "has no loss 'Nothing' to compare with"),
        (["--data", "."], "expected dataset_types.txt"),
    ],
)
def test_wrong_options_say_what_to_do(runs, tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(["benchmark", "report", str(runs), "--out", str(tmp_path / "out"), *words]) == 2
    assert message in capsys.readouterr().err


def test_nothing_there(tmp_path):
    with pytest.raises(ValueError, match="seglosses benchmark run"):
        read_results(tmp_path)


def test_unknown_groups_and_images_without_group(runs, tmp_path):
    write_groups(runs, {"071": "moon"})
    with pytest.raises(ValueError, match="expected groups indistr"):
        read_group_file([runs])
    write_groups(runs, {"071": "indistr"})
    with pytest.raises(ValueError, match=r"4 images of .* have no group"):
        report(runs, tmp_path / "out")
