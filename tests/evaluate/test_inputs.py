"""Volumes, probability maps, TopoMortar's layout, and other machines."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses import cli, metrics
from seglosses.evaluate import IncompleteError, Options, evaluate
from seglosses.evaluate.files import read_probabilities
from seglosses.evaluate.measures import COLUMNS, choose_columns
from seglosses.evaluate.topomortar import ORDER


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """One binary pair of arrays, in NPY."""
    target = np.zeros((20, 20), np.uint8)
    target[4:12, 4:12] = 1
    target[6:8, 6:8] = 0
    pred = target.copy()
    pred[6:8, 6:8] = 1
    for name, mask in (("pred", pred), ("gt", target)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", mask)
    return tmp_path / "pred", tmp_path / "gt"


def test_every_column_is_documented_and_named_once() -> None:
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    for column in choose_columns(probabilities=True) + choose_columns(ndim=3):
        assert column.meaning
        assert "{" not in column.title + column.meaning


def test_options_reach_the_metrics_and_the_conventions(folders, tmp_path: Path) -> None:
    options = Options(tolerance=3.0, boundary_width=1, window=10)
    result = evaluate(*folders, options=options, out=tmp_path / "out")
    pair = metrics.Pair(np.load(folders[0] / "a.npy"), np.load(folders[1] / "a.npy"))
    assert result.mean("nsd") == metrics.nsd(pair, tolerance=3)
    assert result.mean("boundary_iou") == metrics.boundary_iou(pair, width=1)
    windowed = metrics.windowed_betti_errors(pair, window=10)
    assert result.mean("betti1_error_window") == windowed[1]
    conventions = json.loads((tmp_path / "out" / "conventions.json").read_text("utf-8"))
    assert conventions["options"]["tolerance"] == 3.0
    assert "within 3 of the other surface" in conventions["metrics"]["nsd"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tolerance": -1.0},
        {"window": 0},
        {"regions": "walls"},
        {"band": 0.0},
        {"bins": 0},
        {"tie_breaking": "first"},
    ],
)
def test_impossible_options_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Options(**wrong)


def test_the_released_count_of_matching_errors_is_chosen_by_an_option(tmp_path: Path) -> None:
    # one piece only in the prediction, one only in the truth, two in both
    for name, row in (("pred", [1, 0, 0, 0, 1, 0, 1]), ("gt", [0, 0, 1, 0, 1, 0, 1])):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", np.array([row], np.uint8))
    folders = tmp_path / "pred", tmp_path / "gt"
    free = evaluate(*folders, metrics=["topology"])
    released = Options(tie_breaking="released")
    chosen = evaluate(*folders, metrics=["topology"], options=released, out=tmp_path / "out")
    name = "betti0_matching_error"
    assert (free.mean(name), chosen.mean(name)) == (2.0, 0.0)
    conventions = json.loads((tmp_path / "out" / "conventions.json").read_text("utf-8"))
    assert conventions["options"]["tie_breaking"] == "released"
    assert "tie breaking: released" in conventions["metrics"][name]


def test_volumes_with_spacing(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI")
    rng = np.random.default_rng(0)
    target = np.zeros((8, 10, 12), np.uint8)
    target[2:6, 2:8, 3:9] = 1
    pred = target ^ (rng.random(target.shape) > 0.95)
    for name, volume in (("pred", pred), ("gt", target)):
        (tmp_path / name).mkdir()
        image = nibabel.Nifti1Image(volume.astype(np.uint8), np.diag([3.0, 1.0, 0.5, 1.0]))
        nibabel.save(image, tmp_path / name / "scan.nii.gz")
    result = evaluate(tmp_path / "pred", tmp_path / "gt", out=tmp_path / "out")
    pair = metrics.Pair(pred, target, spacing=(3.0, 1.0, 0.5))
    assert result.mean("hd95") == metrics.hd95(pair)
    assert result.mean("betti2_error") == metrics.betti_error(pair, 2)
    names = {column.name for column in result.columns}
    assert {"betti2_error", "cldice", "diu"} <= names
    assert "slice" in (tmp_path / "out" / "report.html").read_text("utf-8")
    own = evaluate(tmp_path / "pred", tmp_path / "gt", spacing=2.0, metrics=["hd95"])
    assert own.mean("hd95") == metrics.hd95(metrics.Pair(pred, target, spacing=2.0))


def test_probabilities_are_calibrated(folders, tmp_path: Path) -> None:
    prob = np.where(np.load(folders[0] / "a.npy") > 0, 0.75, 0.0)
    (tmp_path / "prob").mkdir()
    np.save(tmp_path / "prob" / "a.npy", prob)
    result = evaluate(*folders, probabilities=tmp_path / "prob")
    # 64 pixels at 0.75, of which 60 are of the class: |64 * 0.75 - 60| of 400 pixels.
    assert result.mean("ece") == pytest.approx(12 / 400)
    assert result.mean("brier") == pytest.approx((60 * 0.25**2 + 4 * 0.75**2) / 400)
    assert result.mean("ece_boundary") > result.mean("ece")
    (tmp_path / "prob" / "a.npy").unlink()
    np.save(tmp_path / "prob" / "b.npy", prob)
    with pytest.raises(ValueError, match="1 images have no map"):
        evaluate(*folders, probabilities=tmp_path / "prob")
    with pytest.raises(ValueError, match="ece needs probability maps"):
        evaluate(*folders, metrics=["ece"])


def test_probability_files(tmp_path: Path) -> None:
    half = np.full((2, 3), 0.5, np.float32)
    np.save(tmp_path / "one.npy", half)
    np.savez_compressed(tmp_path / "one.npz", half)
    np.save(tmp_path / "two.npy", np.stack([half, half]))
    for name in ("one.npy", "one.npz", "two.npy"):
        np.testing.assert_array_equal(read_probabilities(tmp_path / name, 2, (2, 3)), 0.5)
    Image.fromarray(np.full((2, 3), 51, np.uint8)).save(tmp_path / "grey.png")
    got = read_probabilities(tmp_path / "grey.png", 2, (2, 3))
    np.testing.assert_allclose(got[1], 0.2)
    with pytest.raises(ValueError, match=r"expected \(3, 2, 3\), got \(2, 3\)"):
        read_probabilities(tmp_path / "one.npy", 3, (2, 3))
    np.save(tmp_path / "logits.npy", half * 9)
    with pytest.raises(ValueError, match="softmax or sigmoid"):
        read_probabilities(tmp_path / "logits.npy", 2, (2, 3))
    np.savez(tmp_path / "many.npz", half, half)
    with pytest.raises(ValueError, match="expected one array"):
        read_probabilities(tmp_path / "many.npz", 2, (2, 3))


def test_topomortar_layout_and_its_quirks(folders, tmp_path: Path) -> None:
    empty = np.zeros((20, 20), np.uint8)
    np.save(folders[0] / "b.npy", empty)
    np.save(folders[1] / "b.npy", np.load(folders[1] / "a.npy"))
    out = tmp_path / "out"
    result = evaluate(*folders, out=out, schema="topomortar", metrics=["topology"])
    with (out / "topomortar.csv").open() as file:
        rows = {row["ID"]: row for row in csv.DictReader(file)}
    assert list(rows["a"]) == ["ID", *ORDER]
    assert rows["a"]["Betti1Error_mortar"] == "1"
    # An empty prediction has one component there, so this error is 0; ours is 1.
    assert rows["b"]["Betti0Error_mortar"] == "0"
    assert result.table.matrix("betti0_error")[1, 0] == 1
    assert float(rows["b"]["HD95_mortar"]) == 9999999
    assert rows["b"]["clDice_mortar"] == ""
    assert not any("mortar" in row.metric for row in result.summary)
    assert "mortar" not in (out / "per_image.csv").read_text()
    with pytest.raises(ValueError, match="schema nnunet or topomortar"):
        evaluate(*folders, schema="cityscapes")  # type: ignore[arg-type]


@pytest.mark.slow
def test_betti_numbers_of_every_label_at_hand(shared_data: Path) -> None:
    root = shared_data / "topomortar"
    with (root / "betti_numbers.csv").open() as file:
        known = {row["ID"]: row for row in csv.DictReader(file)}
    paths = sorted((root / "test" / "accurate").glob("*.png"))
    assert paths
    for path in paths:
        mask = np.asarray(Image.open(path)) > 0
        expected = tuple(int(known[path.stem][name]) for name in ("Betti0", "Betti1"))
        assert metrics.Pair(mask, mask).betti[0] == expected


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_running_cluster(folders) -> None:
    distributed = pytest.importorskip("distributed", reason="runs on a Dask cluster")
    expected = evaluate(*folders).table.matrix("hd95")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        result = evaluate(*folders, cluster=cluster.scheduler_address)
    np.testing.assert_array_equal(result.table.matrix("hd95"), expected)


def test_failures_know_their_reason(folders) -> None:
    np.save(folders[0] / "c.npy", np.full((4, 4), 0.5))
    np.save(folders[1] / "c.npy", np.zeros((4, 4), np.uint8))
    with pytest.raises(IncompleteError) as caught:
        evaluate(*folders)
    (failure,) = caught.value.evaluation.failures
    assert "holds fractions" in failure.reason
    assert math.isfinite(caught.value.evaluation.mean("dice"))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_folders_are_relative_to_where_the_caller_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Also for processes that were started for an earlier run in another folder."""
    for name, value in (("a", 0), ("b", 1)):
        for folder in ("pred", "gt"):
            (tmp_path / name / folder).mkdir(parents=True)
            np.save(tmp_path / name / folder / f"{name}.npy", np.array([[1, value]], np.uint8))
        monkeypatch.chdir(tmp_path / name)
        result = evaluate("pred", "gt", num_classes=2, metrics=["dice"], workers=workers)
        assert result.table.images == [name]


def test_connectivity_is_that_of_the_axes(folders) -> None:
    with pytest.raises(ValueError, match="expected connectivity 4 or 8 in 2D, got 6"):
        evaluate(*folders, connectivity=6, workers=0)


def test_every_reason_names_the_files(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="writes NIfTI")
    for side in ("pred", "gt"):
        (tmp_path / side).mkdir()
        path = tmp_path / side / "a.nii"
        nibabel.save(nibabel.Nifti1Image(np.ones((3, 4, 5), np.uint8), np.eye(4)), path)
        raw = bytearray(path.read_bytes())
        raw[80:92] = np.full(3, np.nan, np.float32).tobytes()  # edge lengths
        path.write_bytes(raw)
    with pytest.raises(ValueError, match=r"pred/a\.nii and .*gt/a\.nii: spacing needs"):
        evaluate(tmp_path / "pred", tmp_path / "gt", workers=0)


def test_volumes_are_said_to_be_volumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Masks of several classes, one per slice, look like a volume and are none."""
    for side in ("pred", "gt"):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", np.tri(5, 6, dtype=np.uint8)[None].repeat(2, 0))
    words = ["evaluate", str(tmp_path / "pred"), str(tmp_path / "gt"), "--metrics", "dice"]
    assert cli.main([*words, "--workers", "0", "--out", str(tmp_path / "out")]) == 0
    assert "images: 3D: files of three axes are volumes" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["int64", "int32", "int8"])
def test_labels_are_no_probabilities(kind: str, tmp_path: Path) -> None:
    """Divided by the largest number of their type, all of them were 0 without a word."""
    np.save(tmp_path / "a.npy", np.array([[0, 1]], kind))
    with pytest.raises(ValueError, match=f"whole numbers of type {kind}, not probabilities"):
        read_probabilities(tmp_path / "a.npy", 2, (1, 2))


def test_probabilities_that_are_nan_are_named_as_such(tmp_path: Path) -> None:
    for wrong in (np.nan, np.inf):
        np.save(tmp_path / "a.npy", np.array([[0.5, wrong]]))
        with pytest.raises(ValueError, match="holds NaN or infinity, not probabilities"):
            read_probabilities(tmp_path / "a.npy", 2, (1, 2))
