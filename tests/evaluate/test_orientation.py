"""Pairs of which only one file says how its axes lie, or that viewers turn it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from seglosses import metrics
from seglosses.evaluate import evaluate

MASK = np.zeros((24, 24), np.uint8)
MASK[2:9, 3:20] = 1
MASK[20:22, 5:9] = 1
PRED = MASK.copy()
PRED[2:4] = 0
DICE = metrics.dice(metrics.Pair(PRED, MASK))


def save(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def turned_by_tag(path: Path, tag: int) -> None:
    if path.suffix == ".tif":
        tifffile.imwrite(path, MASK, extratags=[(274, "H", 1, tag, True)])
        return
    image = Image.fromarray(np.stack([MASK] * 3, -1))
    exif = image.getexif()
    exif[274] = tag
    image.save(path, exif=exif, **({"lossless": True} if path.suffix == ".webp" else {}))


@pytest.mark.parametrize("tag", [3, 6])
@pytest.mark.parametrize("ending", [".png", ".tif", ".webp"])
def test_files_that_only_one_viewer_turns_are_refused(
    tmp_path: Path, ending: str, tag: int
) -> None:
    """The tag that cameras write, and editors of labels copy."""
    pred, target = tmp_path / "pred", tmp_path / "gt"
    save(pred / "a.png", PRED)
    target.mkdir()
    turned_by_tag(target / f"a{ending}", tag)
    with pytest.raises(ValueError, match=rf"a\.png has the orientation 1 .*a{ending} {tag}; turn"):
        evaluate(pred, target, workers=0)
    stored = evaluate(pred, target, workers=0, metrics=["dice"], ignore_affine=True)
    assert stored.mean("dice") == DICE
    # Where both are turned alike, no score depends on it.
    (pred / "a.png").unlink()
    turned_by_tag(pred / f"a{ending}", tag)
    assert evaluate(pred, target, workers=0, metrics=["dice"]).mean("dice") == 1


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("ending", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("side", ["pred", "gt"])
def test_nifti_beside_a_picture_is_not_guessed(
    tmp_path: Path, side: str, ending: str, stated: bool
) -> None:
    """NIfTI's first axis is the picture's second, which a square picture does not show."""
    nibabel: Any = pytest.importorskip("nibabel", reason="writes NIfTI")
    values = {"pred": PRED, "gt": MASK}
    for name, mask in values.items():
        (tmp_path / name).mkdir()
        path = tmp_path / name / f"a{'.nii.gz' if name == side else ending}"
        if name == side:
            image = nibabel.Nifti1Image(mask.T[:, :, None], np.eye(4) if stated else None)
            nibabel.save(image, path)
        elif ending == ".npy":
            np.save(path, mask.T)
        else:
            save(path, mask)
    folders = tmp_path / "pred", tmp_path / "gt"
    with pytest.raises(ValueError, match=rf"a{ending} does not state its orientation.*--ignore"):
        evaluate(*folders, workers=0)
    stored = evaluate(*folders, workers=0, metrics=["dice"], ignore_affine=True)
    assert stored.mean("dice") == DICE


def test_turned_images_of_itk_beside_pictures_are_not_guessed(tmp_path: Path) -> None:
    itk: Any = pytest.importorskip("SimpleITK", reason="writes NRRD")
    save(tmp_path / "gt" / "a.png", MASK)
    (tmp_path / "pred").mkdir()
    image = itk.GetImageFromArray(PRED)
    image.SetSpacing((1e-7, 1e-7))
    itk.WriteImage(image, str(tmp_path / "pred" / "a.nrrd"))
    folders = tmp_path / "pred", tmp_path / "gt"
    assert evaluate(*folders, workers=0, metrics=["dice"]).mean("dice") == DICE
    image.SetDirection((-1, 0, 0, 1))
    itk.WriteImage(image, str(tmp_path / "pred" / "a.nrrd"))
    with pytest.raises(ValueError, match="does not state its orientation"):
        evaluate(*folders, workers=0)
