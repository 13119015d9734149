"""The evaluation of folders end to end: scores, files, failures, interruption, processes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses import cli
from seglosses.evaluate import Evaluation, IncompleteError, evaluate, workers
from seglosses.evaluate.journal import NAME
from seglosses.metrics import Pair, cldice, dice, hd95


def save(folder: Path, name: str, values: np.ndarray) -> Path:
    path = folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)
    return path


@pytest.fixture
def masks(tmp_path: Path) -> tuple[Path, Path]:
    """Four binary pairs with labels 0 and 255."""
    rng = np.random.default_rng(0)
    for index in range(4):
        target = np.zeros((24, 32), bool)
        target[8:12] = True
        target[:, 10:13] = True
        pred = target ^ (rng.random(target.shape) > 0.97)
        save(tmp_path / "gt", f"{index:03}", target * 255)
        save(tmp_path / "pred", f"{index:03}", pred * 255)
    return tmp_path / "pred", tmp_path / "gt"


def read(folder: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / f"{name}.png")) > 0


def test_scores_are_those_of_the_metrics(masks: tuple[Path, Path]) -> None:
    result = evaluate(*masks)
    assert result.table.images == ["000", "001", "002", "003"]
    for row, name in enumerate(result.table.images):
        pair = Pair(read(masks[0], name), read(masks[1], name))
        for metric, column in ((dice, "dice"), (hd95, "hd95"), (cldice, "cldice")):
            assert result.table.matrix(column)[row, 0] == metric(pair)
    assert result.mean("dice") == result.table.matrix("dice").mean()


def test_files_say_the_same_as_the_result(masks: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = evaluate(*masks, out=out)
    with (out / "per_image.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == result.table.images
    assert [float(row["hd95"]) for row in rows] == result.table.matrix("hd95")[:, 0].tolist()
    with (out / "summary.csv").open() as file:
        summary = {row["metric"]: row for row in csv.DictReader(file)}
    assert float(summary["dice"]["mean"]) == result.mean("dice")
    assert summary["dice_dataset"]["std"] == ""
    conventions = json.loads((out / "conventions.json").read_text())
    assert "255 is class 1" in conventions["values in ground truth"]
    assert "| foreground | Dice ↑ |" in (out / "summary.md").read_text("utf-8")
    assert "<svg" in (out / "report.html").read_text("utf-8")
    assert not (out / "failures.csv").exists()
    assert not (out / NAME).exists()


def test_ignored_pixels_do_not_count(tmp_path: Path) -> None:
    target = np.array([[0, 1, 1, 255, 255]])
    save(tmp_path / "gt", "a", target)
    save(tmp_path / "pred", "a", np.array([[0, 1, 0, 1, 0]]))
    result = evaluate(tmp_path / "pred", tmp_path / "gt", ignore_index=255)
    counts = {name: result.table.matrix(name)[0, 0] for name in ("tp", "fp", "fn", "pixels")}
    assert counts == {"tp": 1, "fp": 0, "fn": 1, "pixels": 3}


def test_classes_and_their_mean(tmp_path: Path) -> None:
    save(tmp_path / "gt", "a", np.array([[0, 1, 2, 2]]))
    save(tmp_path / "pred", "a", np.array([[0, 1, 2, 1]]))
    result = evaluate(
        tmp_path / "pred", tmp_path / "gt", num_classes=3, class_names=["sky", "road", "car"]
    )
    # sky 1/1; road 1/2; car 1/2.
    assert result.mean("iou", "sky") == 1
    assert result.mean("iou", "road") == result.mean("iou", "car") == 0.5
    assert result.mean("iou") == pytest.approx(2 / 3)
    only = evaluate(tmp_path / "pred", tmp_path / "gt", num_classes=3, classes=[2])
    assert only.table.classes == ("2",)
    with pytest.raises(ValueError, match="no 'iou' of class 'tree'"):
        result.mean("iou", "tree")


def test_missing_partners_stop_the_run(masks: tuple[Path, Path]) -> None:
    (masks[0] / "001.png").unlink()
    (masks[1] / "002.png").unlink()
    with pytest.raises(ValueError, match=r"1 without a prediction: 001.*1 without ground truth: 0"):
        evaluate(*masks)
    result = evaluate(*masks, keep_going=True)
    assert [failure.image for failure in result.failures] == ["001", "002"]
    assert result.table.images == ["000", "003"]


def test_damaged_files_fail_the_run_at_its_end(masks: tuple[Path, Path], tmp_path: Path) -> None:
    (masks[0] / "001.png").write_bytes(b"damaged")
    save(masks[0], "002", np.zeros((3, 3)))
    save(masks[0], "003", np.full((24, 32), 77))
    out = tmp_path / "out"
    with pytest.raises(IncompleteError, match="3 of 4 images could not be scored") as caught:
        evaluate(*masks, out=out, foreground_value=255)
    for reason in ("001.png: cannot be read", "unequal sizes", "unknown label values 77"):
        assert reason in str(caught.value)
    assert caught.value.evaluation.table.images == ["000"]
    assert (out / "failures.csv").read_text().count("\n") == 4
    assert "could not be scored" in (out / "report.html").read_text("utf-8")
    assert len(evaluate(*masks, keep_going=True, foreground_value=255).failures) == 3


def test_nothing_to_score_is_an_error(masks: tuple[Path, Path]) -> None:
    for path in masks[0].iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="no image could be scored; the first problem"):
        evaluate(*masks, keep_going=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["accuracy"]}, "unknown metric accuracy"),
        ({"classes": [2]}, r"classes in 0\.\.1"),
        ({"class_names": ["a"]}, "expected 2 different class names"),
        ({"spacing": (1.0, 1.0, 1.0)}, "2 positive numbers"),
    ],
)
def test_wrong_options_are_refused(masks: tuple[Path, Path], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(*masks, **options)


def test_an_interrupted_run_goes_on(
    masks: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, scored = tmp_path / "out", []
    original = workers.score

    def interrupted(files, settings):
        if len(scored) == 2:
            raise KeyboardInterrupt
        scored.append(files.name)
        return original(files, settings)

    monkeypatch.setattr(workers, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(*masks, out=out, workers=0)
    with (out / NAME).open("a") as file:
        file.write('{"image": "003", "sta')
    # A prediction that has changed since is scored again.
    save(masks[0], "000", read(masks[1], "000") * 255)
    scored.clear()
    scored_again: list[str] = []

    def counted(files, settings):
        scored_again.append(files.name)
        return original(files, settings)

    monkeypatch.setattr(workers, "score", counted)
    result = evaluate(*masks, out=out, workers=0)
    assert scored_again == ["000", "002", "003"]
    assert result.table.images == ["000", "001", "002", "003"]
    assert result.table.matrix("dice")[0, 0] == 1
    assert not (out / NAME).exists()


def test_other_settings_start_afresh(masks: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (masks[0] / "003.png").write_bytes(b"damaged")
    with pytest.raises(IncompleteError):
        evaluate(*masks, out=out)
    assert (out / NAME).read_text().count("\n") == 4
    with pytest.raises(IncompleteError):
        evaluate(*masks, out=out, connectivity=4)
    assert (out / NAME).read_text().count("\n") == 4


@pytest.mark.slow
def test_processes_change_nothing(masks: tuple[Path, Path], tmp_path: Path) -> None:
    def files(count: int) -> list[str]:
        out = tmp_path / str(count)
        evaluate(*masks, out=out, workers=count)
        return [(out / name).read_text() for name in ("per_image.csv", "summary.csv")]

    assert files(2) == files(1) == files(0)


def test_command_line(
    masks: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["evaluate", *map(str, masks), "--out", str(out), "--metrics", "overlap,hd95"]
    assert cli.main(words) == 0
    printed = capsys.readouterr()
    assert "255 is class 1" in printed.out
    assert "surface distances of both directions, pooled" not in printed.out
    assert "4/4" in printed.err
    assert cli.main([*words, "--verbose"]) == 0
    assert "surface distances of both directions, pooled" in capsys.readouterr().out
    (masks[0] / "001.png").write_bytes(b"damaged")
    assert cli.main([*words, "--quiet"]) == 1
    printed = capsys.readouterr()
    assert "1 of 4 images could not be scored" in printed.err
    assert "255 is class 1" not in printed.out
    assert cli.main([*words, "--quiet", "--keep-going"]) == 0
    assert "1 images not scored" in capsys.readouterr().out
    assert cli.main([*words, "--ignore-index", "255"]) == 2


def test_an_interruption_says_how_to_go_on(
    masks: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(files, settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "score", interrupted)
    words = ["evaluate", *map(str, masks), "--out", str(tmp_path / "out"), "--workers", "0"]
    assert cli.main(words) == 130
    assert "the same command goes on from here" in capsys.readouterr().err


def test_topomortar_labels_agree_with_the_published_numbers(shared_data: Path) -> None:
    """The Betti numbers of every label at hand: an empty prediction's error is the number."""
    root = shared_data / "topomortar"
    with (root / "betti_numbers.csv").open() as file:
        known = {row["ID"]: row for row in csv.DictReader(file)}
    names = [path.stem for path in sorted((root / "test" / "accurate").glob("*.png"))][:4]
    for name in names:
        target = read(root / "test" / "accurate", name)
        pair = Pair(np.zeros_like(target), target)
        expected = (int(known[name]["Betti0"]), int(known[name]["Betti1"]))
        assert pair.betti[1] == expected


def test_evaluation_is_a_value(masks: tuple[Path, Path]) -> None:
    result = evaluate(*masks, metrics=["dice"])
    assert isinstance(result, Evaluation)
    metrics = [row.metric for row in result.summary]
    assert metrics[:4] == ["dice", "dice_dataset", "dice_image", "dice_image_worst"]
    assert "Dice of all pixels" in result.as_text(verbose=True)
    assert "Dice of all pixels" not in result.as_text()
