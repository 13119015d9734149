"""Each side has values of its own: maps, ignored values, colours, and values without meaning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses import cli
from seglosses.evaluate import Evaluation, IncompleteError, evaluate
from seglosses.evaluate.colours import colours_of
from seglosses.evaluate.formats.label_file import LabelFile

TRUTH = np.array([[0, 0, 1, 1], [0, 2, 2, 1]], np.uint8)
IDS = np.array([7, 11, 21], np.uint8)


def save(folder: Path, *maps: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    for index, values in enumerate(maps):
        Image.fromarray(np.asarray(values, np.uint8)).save(folder / f"{index:02}.png")


def scored(tmp_path: Path, **options: object) -> Evaluation:
    return evaluate(tmp_path / "pred", tmp_path / "gt", metrics=["dice"], **options)  # type: ignore[arg-type]


def test_a_map_of_the_truth_leaves_predictions_alone(tmp_path: Path) -> None:
    """Cityscapes: predictions are train ids, label files hold other ids."""
    save(tmp_path / "pred", TRUTH)
    truth = IDS[TRUTH]
    truth[0, 0] = 3
    save(tmp_path / "gt", truth)
    known = {7: 0, 11: 1, 21: 2, 3: -1}
    assert scored(tmp_path, gt_labels_map=known).mean("dice") == 1
    # One for both rewrites predictions too, and says so where it cannot.
    with pytest.raises(ValueError, match=r"prediction files hold values without a meaning, 0 in 1"):
        scored(tmp_path, labels_map=known)


def test_a_map_of_the_predictions_leaves_the_truth_alone(tmp_path: Path) -> None:
    save(tmp_path / "pred", IDS[TRUTH])
    save(tmp_path / "gt", TRUTH)
    known = {7: 0, 11: 1, 21: 2}
    assert scored(tmp_path, pred_labels_map=known).mean("dice") == 1
    save(tmp_path / "gt", IDS[TRUTH] + 1)
    both = scored(tmp_path, pred_labels_map=known, gt_labels_map={8: 0, 12: 1, 22: 2})
    assert both.mean("dice") == 1
    assert (
        scored(tmp_path, labels_map={8: 0, 12: 1, 22: 2}, pred_labels_map=known).mean("dice") == 1
    )


def test_maps_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "pred", TRUTH)
    save(tmp_path / "gt", IDS[TRUTH])
    words = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "gt"), "--quiet"]
    words += ["--out", str(tmp_path / "out"), "--metrics", "dice"]
    assert cli.main([*words, "--gt-labels-map", "7:0,11:1,21:2"]) == 0
    assert cli.main([*words, "--gt-labels-map", "7:0,11:1,21:ignore", "--num-classes", "3"]) == 0
    assert cli.main([*words, "--pred-labels-map", "0:0", "--gt-labels-map", "7:0,11:1,21:2"]) == 2
    assert "pred_labels_map (--pred-labels-map)" in capsys.readouterr().err


@pytest.mark.parametrize("options", [{}, {"num_classes": 2}])
def test_ignore_index_concerns_the_truth(tmp_path: Path, options: dict) -> None:
    """Masks of 0 and 255 against a truth of 0, 1 and 255: 255 is foreground there, ignored here."""
    target = np.array([[0, 1, 1, 255]], np.uint8)
    save(tmp_path / "pred", [[0, 255, 255, 255]])
    save(tmp_path / "gt", target)
    result = scored(tmp_path, ignore_index=255, out=tmp_path / "out", **options)
    assert result.mean("dice") == 1
    assert result.table.matrix("pixels")[0, 0] == 3
    conventions = json.loads((tmp_path / "out" / "conventions.json").read_text("utf-8"))
    assert "255 is class 1" in conventions["values in predictions"]
    assert "255 is ignored" in conventions["values in ground truth"]


def test_a_prediction_has_no_ignored_values(tmp_path: Path) -> None:
    save(tmp_path / "pred", [[0, 1, 255]], [[0, 1, 255]], [[0, 1, 1]], [[7, 255, 0]])
    save(tmp_path / "gt", *([[[0, 1, 255]]] * 4))
    expected = (
        r"3 of 4 images could not be scored(?s:.*)prediction files hold values without a meaning, "
        r"255 in 3 files, 7 in 1 file: .*pred_labels_map \(--pred-labels-map\)"
    )
    with pytest.raises(IncompleteError, match=expected) as caught:
        scored(tmp_path, ignore_index=255, num_classes=2)
    assert caught.value.evaluation.table.images == ["02"]
    known = {0: 0, 1: 1, 255: -1, 7: 0}
    result = scored(tmp_path, ignore_index=255, num_classes=2, pred_labels_map=known, out=tmp_path)
    assert result.table.matrix("tp")[:, 0].tolist() == [1, 1, 1, 0]
    conventions = json.loads((tmp_path / "conventions.json").read_text("utf-8"))
    assert "255 is no class" in conventions["values in predictions"]


def test_values_are_counted_with_keep_going(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "pred", *([[[0, 1, 9]]] * 2), [[0, 1, 1]])
    save(tmp_path / "gt", *([[[0, 1, 1]]] * 3))
    words = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "gt"), "--num-classes", "2"]
    assert cli.main([*words, "--out", str(tmp_path / "out"), "--quiet", "--keep-going"]) == 0
    assert "9 in 2 files" in capsys.readouterr().out


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    save(tmp_path / "pred", TRUTH), save(tmp_path / "gt", TRUTH)
    for options, message in (
        ({"gt_labels_map": {0: 0, 255: 1}, "ignore_index": 255}, "gives 255 a class"),
        ({"pred_labels_map": {0: 0}, "foreground_value": 255}, "not both"),
        ({"gt_labels_map": {0: 7}, "num_classes": 3}, "names class 7"),
    ):
        with pytest.raises(ValueError, match=message):
            scored(tmp_path, **options)


@pytest.mark.parametrize("side", ["pred", "gt", "both"])
@pytest.mark.parametrize("place", [0, 7, 38, 39])
def test_one_mask_of_forty_decides(tmp_path: Path, side: str, place: int) -> None:
    """40 masks of 0 and 255 of which 39 are empty: a sample of 16 sees zeros only."""
    empty, full = np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8)
    masks = [full if index == place else empty for index in range(40)]
    index_masks = [mask // 255 for mask in masks]
    save(tmp_path / "pred", *(masks if side != "gt" else index_masks))
    save(tmp_path / "gt", *(masks if side != "pred" else index_masks))
    result = scored(tmp_path)
    assert (result.mean("dice"), result.summary[0].n, result.summary[0].undefined) == (1, 1, 39)


PALETTE = np.array([[128, 64, 128], [0, 0, 142], [250, 170, 30]], np.uint8)
TABLES = {
    "names.csv": "name, r, g, b\nroad, 128, 64, 128\ncar,0,0,142\ntraffic light,250,170,30\n",
    "indices.txt": "# CamVid\n0 128 64 128\n1 0 0 142\n\n2 250 170 30\n",
    "last.txt": "128 64 128\troad\n0 0 142\tcar\n250 170 30\ttraffic light\n",
    "semicolons.csv": "\ufeffroad;128;64;128\r\ncar;0;0;142\r\ntraffic light;250;170;30\r\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("side", ["pred", "gt", "both"])
def test_colours_are_classes(tmp_path: Path, name: str, side: str) -> None:
    pred = TRUTH.copy()
    pred[0, 0] = 2
    (tmp_path / name).write_text(TABLES[name], "utf-8")
    save(tmp_path / "pred", PALETTE[pred] if side != "gt" else pred)
    save(tmp_path / "gt", PALETTE[TRUTH] if side != "pred" else TRUTH)
    result = scored(tmp_path, colours=tmp_path / name)
    # road 2 x 2 / (2 + 3), car 1, traffic light 2 x 2 / (3 + 2)
    assert result.mean("dice") == pytest.approx((0.8 + 1 + 0.8) / 3)
    named = ("road", "car", "traffic light")
    assert result.table.classes == (("0", "1", "2") if name == "indices.txt" else named)


def test_colours_with_ignored_and_unknown_ones(tmp_path: Path) -> None:
    table = tmp_path / "colours.csv"
    table.write_text("car,0,0,142\nroad,128,64,128\nignore,0,0,0\n")
    colours = np.array([[0, 0, 142], [128, 64, 128], [0, 0, 0]], np.uint8)
    save(tmp_path / "gt", colours[[[0, 1, 2, 2]]])
    save(tmp_path / "pred", colours[[[0, 1, 1, 0]]])
    names = ["road", "car"]
    result = scored(tmp_path, colours=table, class_names=names, classes=[0, 1])
    assert (result.mean("dice"), result.table.classes) == (1, ("road", "car"))
    # A prediction cannot leave pixels out, and neither side may hold colours of no class.
    save(tmp_path / "pred", colours[[[0, 1, 1, 2]]])
    with pytest.raises(ValueError, match=r"without a meaning, \(0 0 0\) in 1 file"):
        scored(tmp_path, colours=table)
    save(tmp_path / "pred", [[[0, 0, 141]] * 4])
    with pytest.raises(ValueError, match=r"unknown label values \(0 0 141\)"):
        scored(tmp_path, colours=table)


def test_ignore_index_is_the_index_of_a_colour(tmp_path: Path) -> None:
    (tmp_path / "colours.txt").write_text(TABLES["indices.txt"])
    save(tmp_path / "gt", PALETTE[TRUTH])
    save(tmp_path / "pred", PALETTE[np.where(TRUTH == 2, 0, TRUTH)])
    result = scored(tmp_path, colours=tmp_path / "colours.txt", ignore_index=2)
    assert result.table.matrix("pixels")[0].tolist() == [6, 6, 6]
    assert result.mean("dice") == 1


def test_a_palette_is_read_by_its_colours_where_there_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "colours.txt").write_text(TABLES["indices.txt"])
    save(tmp_path / "pred", TRUTH)
    image = Image.fromarray(PALETTE[TRUTH]).convert("P", palette=Image.Palette.ADAPTIVE, colors=3)
    (tmp_path / "gt").mkdir()
    image.save(tmp_path / "gt" / "00.png")
    assert scored(tmp_path, colours=tmp_path / "colours.txt").mean("dice") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("road,128,64\n0 0 0 0", r"line 1: cannot read 'road,128,64'"),
        ("road,0,0,0\ncar,0,0,0", r"the colour \(0 0 0\) has two classes"),
        ("name,r,g,b\n", "holds no colour"),
        ("tree,0,0,0", "no class is called 'tree'"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    save(tmp_path / "pred", TRUTH), save(tmp_path / "gt", TRUTH)
    (tmp_path / "colours.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        scored(tmp_path, colours=tmp_path / "colours.txt", class_names=["road", "car"])


def test_colours_without_a_table_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "pred", PALETTE[TRUTH]), save(tmp_path / "gt", PALETTE[TRUTH])
    with pytest.raises(ValueError, match=r"00\.png: a colour picture; .*--colours FILE"):
        scored(tmp_path, num_classes=3)


def test_numbers_without_a_colour_are_named(tmp_path: Path) -> None:
    file = LabelFile(
        tmp_path / "a.png", np.array([[0, 2]], np.uint8), palette=np.zeros((2, 3), np.uint8)
    )
    with pytest.raises(ValueError, match=r"a\.png: holds 2, and its palette has 2 colours only"):
        colours_of(file)
