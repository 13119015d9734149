"""Files that say where they lie: orientations, affines, scaled values, single slices, nnU-Net."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seglosses import metrics
from seglosses.evaluate import Evaluation, IncompleteError, evaluate
from seglosses.evaluate.alignment import align
from seglosses.evaluate.files import read_labels
from seglosses.evaluate.formats.label_file import LabelFile

nibabel = pytest.importorskip("nibabel", reason="reads NIfTI")
orientations: Any = pytest.importorskip("nibabel.orientations", reason="turns axes")

RNG = np.random.default_rng(0)
TRUTH = np.zeros((7, 8, 9), np.uint8)
TRUTH[2:5, 1:6, 3:7] = 1
TRUTH[1, 1, 1:8] = 1
PRED = TRUTH ^ (RNG.random(TRUTH.shape) > 0.97).astype(np.uint8)
AFFINE = np.array([[0, 0, 3.0, -11], [0, -0.5, 0, 30], [1.5, 0, 0, 7], [0, 0, 0, 1]])
CODES = [
    "".join(letters)
    for order in itertools.permutations(["LR", "PA", "IS"])
    for letters in itertools.product(*order)
]


def save(path: Path, values: np.ndarray, affine: np.ndarray | None = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def turned(values: np.ndarray, codes: str, affine: np.ndarray = AFFINE) -> Any:
    """The same world mask with its axes stored another way."""
    image = nibabel.Nifti1Image(values, affine)
    start, end = orientations.io_orientation(affine), orientations.axcodes2ornt(tuple(codes))
    return image.as_reoriented(orientations.ornt_transform(start, end))


def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "pred", tmp_path / "gt"


@pytest.mark.parametrize("codes", CODES)
def test_every_way_to_store_a_volume_is_turned(codes: str) -> None:
    image = turned(PRED, codes)
    pred = LabelFile(Path("p"), np.asanyarray(image.dataobj), affine=image.affine)
    found, _, turn = align(pred, LabelFile(Path("t"), TRUTH, affine=AFFINE))
    np.testing.assert_array_equal(found.values, PRED)
    prob = np.stack([pred.values, pred.values + 1])
    np.testing.assert_array_equal(turn.apply(prob, leading=1), np.stack([PRED, PRED + 1]))


@pytest.mark.parametrize("codes", CODES[1::8])
def test_one_world_mask_has_one_score(tmp_path: Path, codes: str) -> None:
    pred, target = folders(tmp_path)
    save(target / "a.nii.gz", TRUTH)
    pred.mkdir()
    nibabel.save(turned(PRED, codes), pred / "a.nii.gz")
    result = evaluate(pred, target, metrics=["dice", "hd95"])
    pair = metrics.Pair(PRED, TRUTH, spacing=(1.5, 0.5, 3.0))
    assert result.mean("dice") == metrics.dice(pair)
    assert result.mean("hd95") == pytest.approx(metrics.hd95(pair))


@pytest.mark.parametrize(
    "change",
    [
        lambda affine: affine + np.diag([0, 0, 0.5, 0]),  # another spacing
        lambda affine: affine + np.array([[0, 0, 0, 2.0]] + [[0] * 4] * 3),  # another place
        lambda affine: np.diag([-1.0, 1, 1, 1]) @ affine,  # mirrored
        lambda affine: np.eye(4),  # nothing kept
        lambda affine: affine @ np.array(  # tilted by six degrees
            [[np.cos(0.1), -np.sin(0.1), 0, 0], [np.sin(0.1), np.cos(0.1), 0, 0],
             [0, 0, 1, 0], [0, 0, 0, 1]]),
    ],
)  # fmt: skip
def test_other_places_are_an_error_that_an_option_accepts(tmp_path: Path, change: Any) -> None:
    pred, target = folders(tmp_path)
    save(target / "a.nii", TRUTH)
    save(pred / "a.nii", PRED, change(AFFINE))
    with pytest.raises(ValueError, match=r"do not lie at the same place.*--ignore-affine"):
        evaluate(pred, target)
    result = evaluate(pred, target, ignore_affine=True, out=tmp_path / "out")
    assert result.mean("dice") == metrics.dice(metrics.Pair(PRED, TRUTH))
    conventions = json.loads((tmp_path / "out" / "conventions.json").read_text("utf-8"))
    assert "compared as stored" in conventions["volumes"]


def test_rounding_of_affines_is_no_other_place(tmp_path: Path) -> None:
    pred, target = folders(tmp_path)
    save(target / "a.nii", TRUTH)
    noise = np.vstack([1e-4 * RNG.random((3, 4)), np.zeros((1, 4))])
    save(pred / "a.nii", PRED, AFFINE + noise)
    assert evaluate(pred, target).mean("dice") == metrics.dice(metrics.Pair(PRED, TRUTH))


def test_unknown_orientation_is_not_guessed(tmp_path: Path) -> None:
    pred, target = folders(tmp_path)
    save(target / "a.nii", TRUTH)
    save(pred / "a.nii", PRED, None)  # sform and qform code 0
    with pytest.raises(ValueError, match="does not state its orientation"):
        evaluate(pred, target)
    save(target / "a.nii", TRUTH, None)
    assert evaluate(pred, target).mean("dice") == metrics.dice(metrics.Pair(PRED, TRUTH))


@pytest.mark.parametrize(
    ("slope", "kind", "largest"),
    [(0.99997, np.int16, 3), (3 / 32767, np.int16, 3), (255 / 65534, np.uint16, 255)],
)
def test_scaled_labels_are_whole_numbers(
    tmp_path: Path, slope: float, kind: type, largest: int
) -> None:
    labels = RNG.integers(0, largest + 1, (4, 5, 6))
    stored = np.rint(labels / slope).astype(kind)
    image = nibabel.Nifti1Image(stored, AFFINE)
    image.header.set_slope_inter(slope, 0)
    nibabel.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:116] = np.float32(slope).tobytes()  # nibabel resets it when saving integers
    (tmp_path / "a.nii").write_bytes(raw)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.nii")[0], labels)


def test_fractions_are_not_rounded_away(tmp_path: Path) -> None:
    save(tmp_path / "a.nii", TRUTH.astype(np.float32) * 0.99)
    with pytest.raises(ValueError, match="holds fractions"):
        read_labels(tmp_path / "a.nii")


@pytest.mark.parametrize("kind", ["Nifti1Image", "Nifti2Image", "MGHImage"])
def test_kinds_of_headers(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a.mgz" if kind == "MGHImage" else "a.nii.gz")
    nibabel.save(getattr(nibabel, kind)(TRUTH.astype(np.int32), AFFINE), path)
    values, spacing = read_labels(path)
    np.testing.assert_array_equal(values, TRUTH)
    assert spacing == pytest.approx((1.5, 0.5, 3.0))


@pytest.mark.parametrize("ending", [".mha", ".mhd", ".nrrd"])
def test_images_of_itk_lie_where_nifti_lies(tmp_path: Path, ending: str) -> None:
    itk = pytest.importorskip("SimpleITK", reason="reads MetaImage and NRRD")
    pred, target = folders(tmp_path)
    save(target / "a.nii.gz", TRUTH)
    save(tmp_path / "p.nii.gz", PRED)
    pred.mkdir()
    image = itk.ReadImage(str(tmp_path / "p.nii.gz"))
    itk.WriteImage(image, str(pred / f"a{ending}"))
    pair = metrics.Pair(PRED, TRUTH, spacing=(1.5, 0.5, 3.0))
    result = evaluate(pred, target, metrics=["dice", "hd95"])
    assert result.mean("dice") == metrics.dice(pair)
    assert result.mean("hd95") == pytest.approx(metrics.hd95(pair))
    # On their own they are slices, rows, columns, with the spacing of these.
    values, spacing = read_labels(pred / f"a{ending}")
    np.testing.assert_array_equal(values, PRED.transpose(2, 1, 0))
    assert spacing == pytest.approx((3.0, 0.5, 1.5))
    itk.WriteImage(itk.Flip(image, [True, False, False]), str(pred / f"a{ending}"))
    assert evaluate(pred, target, metrics=["dice"]).mean("dice") == metrics.dice(pair)
    image.SetOrigin((0.0, 0.0, 0.0))
    itk.WriteImage(image, str(pred / f"a{ending}"))
    with pytest.raises(ValueError, match="do not lie at the same place"):
        evaluate(pred, target)
    # As stored, the first axis of one library is the last one of the other.
    stored = evaluate(pred, target, metrics=["dice"], ignore_affine=True)
    assert stored.mean("dice") == metrics.dice(pair)


def test_images_of_nifti_with_two_axes(tmp_path: Path) -> None:
    pred, target = folders(tmp_path)
    save(pred / "a.nii", PRED[:, :, 3]), save(target / "a.nii", TRUTH[:, :, 3:4])
    result = evaluate(pred, target, metrics=["dice", "hd95"])
    pair = metrics.Pair(PRED[:, :, 3], TRUTH[:, :, 3], spacing=(1.5, 0.5))
    assert result.mean("dice") == metrics.dice(pair)
    assert result.mean("hd95") == pytest.approx(metrics.hd95(pair))
    values, spacing = read_labels(pred / "a.nii")
    np.testing.assert_array_equal(values, PRED[:, :, 3])
    assert spacing == pytest.approx((1.5, 0.5))


def test_images_of_itk_beside_pictures(tmp_path: Path) -> None:
    itk = pytest.importorskip("SimpleITK", reason="reads MetaImage and NRRD")
    pred, target = folders(tmp_path)
    pred.mkdir(), target.mkdir()
    Image.fromarray(TRUTH[2]).save(target / "a.png")
    itk.WriteImage(itk.GetImageFromArray(PRED[2]), str(pred / "a.mha"))
    pair = metrics.Pair(PRED[2], TRUTH[2])
    assert evaluate(pred, target).mean("dice") == metrics.dice(pair)
    colours = itk.GetImageFromArray(np.zeros((4, 4, 3), np.uint8), isVector=True)
    itk.WriteImage(colours, str(pred / "a.mha"))
    with pytest.raises(ValueError, match="3 numbers per pixel"):
        evaluate(pred, target)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("ending", [".nii.gz", ".npy"])
def test_volumes_of_one_slice_are_images(tmp_path: Path, axis: int, ending: str) -> None:
    pred, target = folders(tmp_path)
    for folder, mask in ((pred, PRED[2]), (target, TRUTH[2])):
        volume = np.expand_dims(mask, axis)
        if ending == ".npy":
            folder.mkdir()
            np.save(folder / "a.npy", volume)
        else:
            save(folder / f"a{ending}", volume, np.diag([2.0, 2, 2, 1]))
    result = evaluate(pred, target, out=tmp_path / "out", metrics=["boundary", "betti1_error"])
    spacing = None if ending == ".npy" else (2.0, 2.0)
    assert result.mean("hd95") == metrics.hd95(metrics.Pair(PRED[2], TRUTH[2], spacing=spacing))
    conventions = json.loads((tmp_path / "out" / "conventions.json").read_text("utf-8"))
    assert "one slice are scored as images, in 2D (some are here)" in conventions["volumes"]


@pytest.mark.parametrize(("axis", "kept"), [(0, (2.0, 3.0)), (1, (1.0, 3.0)), (2, (1.0, 2.0))])
def test_a_slice_goes_with_its_own_spacing(axis: int, kept: tuple[float, ...]) -> None:
    volume = np.expand_dims(np.zeros((4, 5), np.uint8), axis)
    pred, target = (LabelFile(Path(name), volume, spacing=(1.0, 2.0, 3.0)) for name in "pt")
    assert align(pred, target)[1].spacing == kept


def test_a_slice_among_volumes_is_named(tmp_path: Path) -> None:
    pred, target = folders(tmp_path)
    for name in ("a", "b"):
        save(pred / f"{name}.nii", PRED), save(target / f"{name}.nii", TRUTH)
    for folder in (pred, target):
        save(folder / "c.nii", TRUTH[:, :, 3:4])
    with pytest.raises(IncompleteError, match=r"c\.nii is 2D, other files are 3D") as caught:
        evaluate(pred, target)
    assert caught.value.evaluation.table.images == ["a", "b"]


def nnunet(folder: Path, name: str, labels: np.ndarray, key: str = "probabilities") -> np.ndarray:
    """What nnU-Net leaves beside NIfTI: maps in the order of SimpleITK, and a pickle."""
    prob = np.where(labels > 0, 0.875, 0.125)
    both = np.stack([1 - prob, prob]).astype(np.float16)
    np.savez_compressed(folder / f"{name}.npz", **{key: both.transpose(0, 3, 2, 1)})
    (folder / f"{name}.pkl").write_bytes(b"not to be read")
    for file in ("dataset.json", "plans.json"):
        (folder / file).write_text("{}")
    return prob


def calibrated(tmp_path: Path, **options: Any) -> Evaluation:
    pred, target = folders(tmp_path)
    return evaluate(pred, target, metrics=["dice", "brier"], probabilities=pred, **options)


@pytest.mark.parametrize("key", ["probabilities", "softmax"])
def test_output_of_nnunet_is_read_as_it_lies(tmp_path: Path, key: str) -> None:
    pred, target = folders(tmp_path)
    save(target / "case.nii.gz", TRUTH), save(pred / "case.nii.gz", PRED)
    prob = nnunet(pred, "case", PRED, key)
    result = calibrated(tmp_path)
    assert result.mean("dice") == metrics.dice(metrics.Pair(PRED, TRUTH))
    assert result.mean("brier") == pytest.approx(np.square(prob - TRUTH).mean())
    # The same where the prediction is stored another way than the truth.
    image = turned(PRED, "PIR")
    nibabel.save(image, pred / "case.nii.gz")
    nnunet(pred, "case", np.asanyarray(image.dataobj), key)
    assert calibrated(tmp_path).mean("brier") == pytest.approx(np.square(prob - TRUTH).mean())


def test_output_of_nnunet_for_pictures(tmp_path: Path) -> None:
    pred, target = folders(tmp_path)
    pred.mkdir(), target.mkdir()
    Image.fromarray(TRUTH[2]).save(target / "case.png")
    Image.fromarray(PRED[2]).save(pred / "case.png")
    prob = np.where(PRED[2] > 0, 0.75, 0.25)
    np.savez(pred / "case.npz", probabilities=np.stack([1 - prob, prob])[:, None])
    assert calibrated(tmp_path).mean("brier") == pytest.approx(np.square(prob - TRUTH[2]).mean())


def test_another_archive_beside_a_label_map_is_no_sidecar(tmp_path: Path) -> None:
    pred, target = folders(tmp_path)
    save(target / "case.nii.gz", TRUTH), save(pred / "case.nii.gz", PRED)
    np.savez(pred / "case.npz", PRED)
    with pytest.raises(ValueError, match="the same image twice"):
        evaluate(pred, target)
