"""Files that say one thing and look like another: names, pages, masks, channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from seglosses.evaluate.files import open_labels, read_labels

MASK = np.zeros((24, 24), np.uint8)
MASK[2:9, 3:20] = 1
MASK[20:22, 5:9] = 1
PRED = MASK.copy()
PRED[2:4] = 0


def save(path: Path, values: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)
    return path


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("ending", [".png", ".tif", ".jpg", ".bmp"])
def test_a_file_is_read_by_what_it_holds(
    tmp_path: Path, ending: str, order: str, big: bool
) -> None:
    """Pillow reads a TIFF under another name, and shows white as the largest number."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, MASK, photometric="miniswhite", byteorder=order, bigtiff=big)
    path = path.rename(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(read_labels(path)[0], MASK)


def test_a_picture_named_as_tiff_is_read(tmp_path: Path) -> None:
    save(tmp_path / "a.png", MASK).rename(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif")[0], MASK)


def test_overviews_and_masks_are_no_slices(tmp_path: Path) -> None:
    """As GIS programs write them: smaller copies, and where each of them counts."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(MASK, tile=(16, 16))
        file.write(MASK >= 0, subfiletype=4)
        file.write(MASK[::2, ::2], subfiletype=1)
        file.write(MASK[::2, ::2] >= 0, subfiletype=5)
    np.testing.assert_array_equal(read_labels(path)[0], MASK)
    with tifffile.TiffWriter(path) as file:
        for page in (MASK, PRED):
            file.write(page, tile=(16, 16))
            file.write(page[::2, ::2], subfiletype=1, tile=(16, 16))
    np.testing.assert_array_equal(read_labels(path)[0], np.stack([MASK, PRED]))


def test_pages_of_grey_in_colours_are_slices(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.stack([page] * 3, -1)) for page in (MASK, PRED)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif")[0], np.stack([MASK, PRED]))
    red = Image.fromarray(np.stack([MASK, MASK * 0, MASK * 0], -1))
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=[red])
    with pytest.raises(ValueError, match="pages in colour; save one number per pixel"):
        open_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("space", ["ycbcr", "cielab", "separated"])
def test_colours_of_other_spaces_are_refused(tmp_path: Path, space: str) -> None:
    channels = [MASK, MASK * 0, MASK * 0] + [MASK * 0] * (space == "separated")
    tifffile.imwrite(tmp_path / "a.tif", np.stack(channels, -1), photometric=space)
    with pytest.raises(ValueError, match=f"colours as {space.upper()}, not as RGB"):
        open_labels(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("codec", "lossless", "lossy"),
    [
        ("jpeg2000", {}, {"level": 20, "reversible": False}),
        ("webp", {"lossless": True}, {"level": 20, "lossless": False}),
    ],
)
def test_lossy_compressions_of_tiff_are_known(
    tmp_path: Path, codec: str, lossless: dict[str, Any], lossy: dict[str, Any]
) -> None:
    pytest.importorskip("imagecodecs", reason="encodes and decodes them")
    path, colours = tmp_path / "a.tif", np.stack([MASK * 90] * 3, -1)
    options: dict[str, Any] = {"photometric": "rgb", "compression": codec}
    tifffile.imwrite(path, colours, **options, compressionargs=lossless)
    np.testing.assert_array_equal(read_labels(path)[0], MASK * 90)
    tifffile.imwrite(path, colours, **options, compressionargs=lossy)
    with pytest.raises(ValueError, match="lossy compression, which blurs labels"):
        read_labels(path)


@pytest.mark.parametrize("alpha", [0, 1])
@pytest.mark.parametrize(("axis", "remedy"), [(2, r"array\[\.\.\., 0\]"), (0, r"array\[0\]")])
def test_channels_of_an_array_are_no_slices(
    tmp_path: Path, axis: int, remedy: str, alpha: int
) -> None:
    """As OpenCV gives a grey picture; in 3D every pixel of it would be surface."""
    channels = np.stack([MASK] * 3 + [MASK * 0 + 255] * alpha, axis)
    np.save(tmp_path / "a.npy", channels)
    np.savez(tmp_path / "b.npz", channels)
    for name in ("a.npy", "b.npz"):
        with pytest.raises(ValueError, match=f"equal channels, as a grey picture.*{remedy}"):
            open_labels(tmp_path / name)
    volume = channels.copy()
    np.moveaxis(volume, axis, 0)[1, 4, 4] ^= 1
    for values in (volume, channels * 0):
        np.save(tmp_path / "a.npy", values)
        np.testing.assert_array_equal(read_labels(tmp_path / "a.npy")[0], values)


def test_volumes_of_itk_may_have_axes_of_one_step_more(tmp_path: Path) -> None:
    itk: Any = pytest.importorskip("SimpleITK", reason="writes NRRD")
    volume = np.stack([MASK, PRED])
    image = itk.JoinSeries([itk.GetImageFromArray(volume)])
    itk.WriteImage(image, str(tmp_path / "a.nrrd"))
    file = open_labels(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(file.values, volume)
    assert file.affine is not None
    assert file.affine.shape == (4, 4)
