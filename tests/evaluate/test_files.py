"""Files on disk: which belong together, what can be read, and how the rest is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.evaluate.files import list_files, match_files, read_labels, shorten

LABELS = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)


def palette(path: Path) -> None:
    image = Image.fromarray(LABELS, mode=None).convert("P")
    image.putdata(LABELS.ravel().tolist())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("grey.png", lambda path: Image.fromarray(LABELS).save(path)),
        ("palette.png", palette),
        ("sixteen.png", lambda path: Image.fromarray(LABELS.astype(np.uint16)).save(path)),
        ("rgb.png", lambda path: Image.fromarray(np.stack([LABELS] * 3, -1)).save(path)),
        ("grey.tif", lambda path: Image.fromarray(LABELS).save(path)),
        ("ints.npy", lambda path: np.save(path, LABELS.astype(np.int64))),
        ("whole.npy", lambda path: np.save(path, LABELS.astype(np.float32))),
    ],
)
def test_every_kind_reads_the_same(tmp_path: Path, name: str, write) -> None:
    write(tmp_path / name)
    values, spacing = read_labels(tmp_path / name)
    np.testing.assert_array_equal(values, LABELS)
    assert spacing is None


def test_one_bit_and_boolean_masks(tmp_path: Path) -> None:
    Image.fromarray(LABELS > 0).save(tmp_path / "bits.png")
    np.save(tmp_path / "bool.npy", LABELS > 0)
    for name in ("bits.png", "bool.npy"):
        np.testing.assert_array_equal(read_labels(tmp_path / name)[0], LABELS > 0)


def test_volumes(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel", reason="reads NIfTI")
    volume = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 3
    np.save(tmp_path / "v.npy", volume)
    pages = [Image.fromarray(page) for page in volume]
    pages[0].save(tmp_path / "v.tif", save_all=True, append_images=pages[1:])
    for name in ("v.npy", "v.tif"):
        np.testing.assert_array_equal(read_labels(tmp_path / name)[0], volume)
    image = nibabel.Nifti1Image(volume, np.diag([0.5, 1.0, 3.0, 1.0]))
    nibabel.save(image, tmp_path / "v.nii.gz")
    values, spacing = read_labels(tmp_path / "v.nii.gz")
    np.testing.assert_array_equal(values, volume)
    assert spacing == (0.5, 1.0, 3.0)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("a.png", lambda path: path.write_bytes(b"no picture"), "cannot be read"),
        ("a.npy", lambda path: path.write_bytes(b"no array"), "a.npy"),
        ("a.npy", lambda path: np.save(path, np.zeros((2, 2)) + 0.5), "holds fractions"),
        ("a.npy", lambda path: np.save(path, np.zeros(3, np.int64)), r"got shape \(3,\)"),
        ("a.npy", lambda path: np.save(path, np.array([["x"]])), "integer labels"),
        ("a.nii", lambda path: path.write_bytes(b"no volume"), "cannot be read"),
        (
            "a.png",
            lambda path: Image.fromarray(np.eye(3, dtype=np.uint8)[None] * 255).save(path),
            "colour picture",
        ),
    ],
)
def test_what_is_no_label_map_is_named(tmp_path: Path, name: str, write, message: str) -> None:
    write(tmp_path / name)
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_a_cut_off_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:800])
    with pytest.raises(ValueError, match=r"cut\.png: cannot be read"):
        read_labels(path)


def test_partners_are_found_in_sub_folders_whatever_their_ending(tmp_path: Path) -> None:
    for name in ("pred/a/1.png", "pred/b/1.npy", "pred/x.png", "gt/a/1.tif", "gt/b/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "gt" / "y.png").write_bytes(b"")
    (tmp_path / "gt" / "notes.txt").write_bytes(b"")
    (tmp_path / "gt" / ".hidden.png").write_bytes(b"")
    pairs, without_pred, without_target = match_files(tmp_path / "pred", tmp_path / "gt")
    assert [files.name for files in pairs] == ["a/1", "b/1"]
    assert (without_pred, without_target) == (["y"], ["x"])


def test_folders_that_cannot_be_read_as_such(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder"):
        list_files(tmp_path / "gone")
    with pytest.raises(ValueError, match="no label files"):
        list_files(tmp_path)
    for name in ("a.png", "a.npy"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match="same image twice"):
        list_files(tmp_path)


def test_long_lists_are_cut() -> None:
    assert shorten(map(str, range(7))) == "0, 1, 2, 3, 4 and 2 more"
