"""Stored samples of every format, whatever its depth, photometric interpretation and alpha."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from seglosses.evaluate import evaluate
from seglosses.evaluate.files import open_labels, read_labels, read_probabilities
from seglosses.evaluate.formats.pictures import whole_pictures

LABELS = np.array([[0, 1, 2, 1, 0], [2, 1, 0, 0, 1], [1, 1, 1, 2, 2]], np.uint8)
MASK = LABELS > 0
THREE = np.stack([LABELS] * 3, -1)
Write = Callable[[Path], object]


def png(depth: int, colour: int, samples: np.ndarray) -> Write:
    """A PNG of any depth and colour type, written by hand: 0 grey, 2 RGB, 4 grey and alpha."""
    rows = samples.reshape(samples.shape[0], -1)
    if depth == 16:
        lines = [b"\0" + row.astype(">u2").tobytes() for row in rows]
    else:
        bits = ["".join(f"{value:0{depth}b}" for value in row) for row in rows]
        padded = [text + "0" * (-len(text) % 8) for text in bits]
        lines = [b"\0" + int(text, 2).to_bytes(len(text) // 8, "big") for text in padded]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    data += chunk(b"IDAT", zlib.compress(b"".join(lines))) + chunk(b"IEND", b"")
    return lambda path: path.write_bytes(data)


def tiff(values: np.ndarray, **options: object) -> Write:
    return lambda path: tifffile.imwrite(path, values, **options)


def pillow(values: np.ndarray, **options: object) -> Write:
    return lambda path: Image.fromarray(values).save(path, **options)


def palette(values: np.ndarray) -> Write:
    def write(path: Path) -> None:
        image = Image.fromarray(values).convert("P")
        image.putdata(values.ravel().tolist())
        image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
        image.save(path)

    return write


PICTURES = {
    "2 bits.png": png(2, 0, LABELS),
    "4 bits.png": png(4, 0, LABELS),
    "16 bits.png": png(16, 0, LABELS),
    "16-bit colours.png": png(16, 2, THREE),
    "alpha.png": pillow(np.dstack([THREE, np.full(LABELS.shape, 255, np.uint8)])),
    "grey alpha.png": pillow(np.dstack([LABELS, np.full(LABELS.shape, 255, np.uint8)])),
    "16-bit grey alpha.png": png(16, 4, np.dstack([LABELS, np.full(LABELS.shape, 9, np.uint8)])),
    "alpha of each label.png": pillow(np.dstack([THREE, LABELS * 100])),
    "palette.png": palette(LABELS),
    "palette.gif": palette(LABELS),
    "palette.bmp": palette(LABELS),
    "grey.bmp": pillow(LABELS),
    "colours.bmp": pillow(THREE),
    "lossless.webp": pillow(THREE, lossless=True),
    "two.pgm": lambda path: path.write_bytes(b"P5\n5 3\n2\n" + LABELS.tobytes()),
    "words.pgm": lambda path: path.write_bytes(
        b"P2 # labels\n5 3\n2\n" + b" ".join(b"%d" % value for value in LABELS.flat)
    ),
    "wide.pgm": lambda path: path.write_bytes(b"P5 5 3 1000\n" + LABELS.astype(">u2").tobytes()),
    "colours.ppm": lambda path: path.write_bytes(b"P6 5 3 255\n" + THREE.tobytes()),
}
TIFFS = {
    **{f"{kind}.tif": tiff(LABELS.astype(kind)) for kind in (
        "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
        "float16", "float32", "float64")},
    "white is zero.tif": tiff(LABELS, photometric="miniswhite"),
    "16 bits, white is zero.tif": tiff(LABELS.astype(np.uint16), photometric="miniswhite"),
    "colours.tif": tiff(THREE, photometric="rgb"),
    "planes.tif": tiff(np.moveaxis(THREE, -1, 0), photometric="rgb", planarconfig="separate"),
    "alpha.tiff": tiff(np.dstack([THREE, LABELS * 0]), photometric="rgb", extrasamples=[2]),
    "palette.tif": palette(LABELS),
    "deflate.tif": tiff(LABELS, compression="zlib"),
    "lzw.tif": pillow(LABELS, compression="tiff_lzw"),
    "packbits.tif": pillow(LABELS, compression="packbits"),
    "big.tif": tiff(LABELS, bigtiff=True, byteorder=">"),
    "tiles.tif": tiff(LABELS, tile=(16, 16)),
}  # fmt: skip


@pytest.mark.parametrize("name", [*PICTURES, *TIFFS])
def test_every_format_gives_the_stored_samples(tmp_path: Path, name: str) -> None:
    if name.startswith("16-bit"):
        pytest.importorskip("cv2", reason="reads 16 bits in several channels")
    (PICTURES | TIFFS)[name](tmp_path / name)
    values, spacing = read_labels(tmp_path / name)
    np.testing.assert_array_equal(values, LABELS)
    assert spacing is None


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("bool.tif", tiff(MASK)),
        ("bool, black is zero.tif", tiff(MASK, photometric="minisblack")),
        ("one bit.tif", pillow(MASK)),
        ("fax.tif", pillow(MASK, compression="group4")),
        ("one bit.png", pillow(MASK)),
        ("one bit by hand.png", png(1, 0, MASK.astype(np.uint8))),
        ("one bit.bmp", pillow(MASK)),
        ("bool.npy", lambda path: np.save(path, MASK)),
        ("masks.jpg", pillow(np.zeros_like(LABELS))),
    ],
)
def test_masks_are_never_inverted(tmp_path: Path, name: str, write: Write) -> None:
    write(tmp_path / name)
    expected = np.zeros_like(MASK) if name.endswith("jpg") else MASK
    np.testing.assert_array_equal(read_labels(tmp_path / name)[0], expected)


@pytest.mark.parametrize("codec", ["tiff_lzw", "packbits", "group4"])
def test_compressions_that_pillow_knows_need_no_codecs(
    tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = MASK if codec == "group4" else LABELS
    Image.fromarray(values).save(tmp_path / "a.tif", compression=codec)

    def missing(self: object, *args: object, **options: object) -> None:
        raise ValueError(f"<{codec}> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", missing)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif")[0], values)
    tifffile.imwrite(tmp_path / "b.tif", values.astype(np.float32))
    with pytest.raises(ValueError, match="pip install imagecodecs"):
        read_labels(tmp_path / "b.tif")


def test_pages_are_slices(tmp_path: Path) -> None:
    volume = np.stack([LABELS, LABELS[::-1], LABELS * 0, LABELS])
    tifffile.imwrite(tmp_path / "pages.tif", volume, photometric="minisblack")
    tifffile.imwrite(tmp_path / "imagej.tif", volume, imagej=True)
    with tifffile.TiffWriter(tmp_path / "one by one.tif") as file:
        for page in volume:
            file.write(page, contiguous=False)
    for name in ("pages.tif", "imagej.tif", "one by one.tif"):
        np.testing.assert_array_equal(read_labels(tmp_path / name)[0], volume)
    with tifffile.TiffWriter(tmp_path / "sizes.tif") as file:
        file.write(LABELS)
        file.write(LABELS[:2, :2])
    with pytest.raises(ValueError, match="images of different sizes"):
        read_labels(tmp_path / "sizes.tif")


def test_sixteen_bits_in_colours_survive_or_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    png(16, 2, THREE)(tmp_path / "a.png")
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(ValueError, match="16 bits in several channels, which needs OpenCV"):
        read_labels(tmp_path / "a.png")


def test_values_above_255_survive(tmp_path: Path) -> None:
    large = LABELS.astype(np.uint16) * 300
    png(16, 0, large)(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "b.tif", large)
    for name in ("a.png", "b.tif"):
        np.testing.assert_array_equal(read_labels(tmp_path / name)[0], large)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        # The mask lies in the alpha channel; its colours are all black.
        ("a.png", pillow(np.dstack([THREE * 0, LABELS * 100])), "differ in their alpha"),
        ("a.png", pillow(np.dstack([LABELS, LABELS * 0, LABELS])), "colour picture"),
        ("a.jpg", pillow(LABELS * 100), "lossy compression"),
        ("a.webp", pillow(THREE * 90, quality=50), "lossy compression"),
        ("a.tif", pillow(np.kron(LABELS, np.ones((8, 8), np.uint8)) * 100, compression="jpeg"),
         "lossy compression"),
        ("a.gif", lambda path: Image.fromarray(LABELS).save(
            path, save_all=True, append_images=[Image.fromarray(LABELS * 2)]), "animation"),
        ("a.npy", lambda path: np.save(path, np.zeros((0, 5), np.uint8)), "holds no pixel"),
        ("a.npy", lambda path: np.save(path, np.array([[0, np.nan]])), "NaN or infinity"),
        ("a.npy", lambda path: np.save(path, np.array([[0, np.inf]])), "NaN or infinity"),
        ("a.npy", lambda path: np.save(path, np.array([[0, 1e300]])), "too large"),
        ("a.npy", lambda path: np.save(path, np.array([[0, 1j]])), "integer labels"),
        ("a.npy", lambda path: np.save(path, np.zeros((2, 2, 3, 4), int)), r"np\.argmax"),
        ("a.tif", tiff(np.array([[0, np.nan]])), "NaN or infinity"),
        ("a.tif", tiff(np.array([[0.5, 1]])), "holds fractions"),
        ("a.png", lambda path: path.write_bytes(b""), "cannot be read"),
        ("a.tif", lambda path: path.write_bytes(b"II*\0"), "cannot be read"),
        ("a.pgm", lambda path: path.write_bytes(b"P5 5 3 255\n12"), "cut off after 2 of 15"),
        ("a.npz", lambda path: np.savez(path, a=LABELS, b=LABELS), "expected one array"),
    ],
)  # fmt: skip
def test_what_would_lose_information_is_refused(
    tmp_path: Path, name: str, write: Write, message: str
) -> None:
    if message == "lossy compression" and name.endswith("tif"):
        pytest.importorskip("imagecodecs", reason="decodes JPEG in TIFF")
    write(tmp_path / name)
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".tif", ".npy", ".gif", ".webp"])
def test_half_a_file_is_refused(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cut{ending}"
    noise = np.random.default_rng(0).integers(0, 2, (64, 64), np.uint8) * 255
    np.save(path, noise) if ending == ".npy" else Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        open_labels(path)


def test_pictures_of_any_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow takes twice this number of pixels for an attack; whole slides have more."""
    Image.fromarray(LABELS).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png")[0], LABELS)
    with whole_pictures():
        Image.open(tmp_path / "a.png").close()
    assert Image.MAX_IMAGE_PIXELS == 4


@pytest.mark.parametrize("shape", [(1, 1, 3, 5), (3, 5, 1, 1), (1, 3, 5, 1), (1, 1, 1, 3, 5)])
def test_axes_of_batches_are_left_out(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", LABELS.reshape(shape))
    np.savez(tmp_path / "b.npz", LABELS.reshape(shape))
    for name in ("a.npy", "b.npz"):
        np.testing.assert_array_equal(read_labels(tmp_path / name)[0], LABELS)


def test_an_archive_named_as_an_array_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", LABELS)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy")[0], LABELS)


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("kind", [np.uint8, bool, np.float32])
def test_one_hot_classes_are_refused(tmp_path: Path, axis: int, kind: type) -> None:
    one_hot = np.moveaxis(np.eye(3, dtype=kind)[LABELS], -1, axis)
    np.save(tmp_path / "a.npy", one_hot)
    with pytest.raises(ValueError, match=rf"one-hot classes .* save np.argmax\(array, {axis}\)"):
        read_labels(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", one_hot.astype(np.uint8) * 255)
    with pytest.raises(ValueError, match="one-hot"):
        read_labels(tmp_path / "a.npy")


@pytest.mark.parametrize("sides", [("pred", "gt"), ("pred",), ("gt",)])
def test_folders_of_one_hot_classes_are_named_as_such(
    tmp_path: Path, sides: tuple[str, ...]
) -> None:
    mask = np.zeros((4, 5), np.uint8)
    mask[1:3] = 1
    for side in ("pred", "gt"):
        (tmp_path / side).mkdir()
        for name in "abc":
            one_hot = np.eye(2, dtype=np.uint8)[mask].transpose(2, 0, 1)
            np.save(tmp_path / side / f"{name}.npy", one_hot if side in sides else mask)
    with pytest.raises(ValueError, match=r"npy: .*one-hot classes .* save np.argmax"):
        evaluate(tmp_path / "pred", tmp_path / "gt", workers=0)


def test_volumes_of_masks_are_not_one_hot(tmp_path: Path) -> None:
    volume = np.zeros((4, 5, 6), np.uint8)
    volume[1:3, 1:4, 2:5] = 1
    np.save(tmp_path / "a.npy", volume)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy")[0], volume)


def test_probabilities_may_be_blurred_pictures(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 51, np.uint8)).save(tmp_path / "a.jpg")
    got = read_probabilities(tmp_path / "a.jpg", 2, (8, 8))
    np.testing.assert_allclose(got[1], 0.2, atol=0.01)
