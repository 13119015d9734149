"""Pictures: PNG, BMP, GIF, WebP, JPEG, PGM and PPM.

Pillow decodes what it holds as it is stored: it notices files that are cut off, which OpenCV passes
on half empty (JPEG), and keeps the indices of palettes. OpenCV decodes the rest, above all 16 bits
in several channels, of which Pillow keeps eight.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.evaluate.formats.label_file import LabelFile, without_alpha

_LIMIT = threading.RLock()
_EXACT = ("L", "LA", "RGB", "RGBA", "I", "I;16", "I;16B")
_ORIENTATION = 0x0112
"""EXIF's number of the tag."""


def read_picture(path: Path) -> LabelFile:
    """Stored samples of a picture, whatever its bit depth, palette and alpha.

    Args:
        path: File.

    Returns:
        (H, W), or (H, W, 3) in colour; a palette picture as indices, with its palette.

    Raises:
        ValueError: When the file is no picture, has several frames, or reading it would lose
            something.
        OSError: When it is damaged.
    """
    with whole_pictures(), Image.open(path) as image:
        if (frames := getattr(image, "n_frames", 1)) > 1:
            raise ValueError(
                f"an animation of {frames} frames; save volumes as TIFF with pages, NPY or NIfTI"
            )
        file = _decoded(path, image)
        # PNG may keep it behind the samples, which have been read by now.
        return replace(file, orientation=int(image.getexif().get(_ORIENTATION, 1)))


def _decoded(path: Path, image: Image.Image) -> LabelFile:
    kind = image.format or ""
    if kind == "PPM":
        return _in_one_or_three(path, _pnm(path))
    if image.mode == "P":
        colours = np.asarray(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        return LabelFile(path, np.asarray(image), palette=colours)
    bits = _png_bits(path) if kind == "PNG" else 8
    if image.mode == "1" or bits < 8:
        # Pillow stretches shallow grey to 0..255, by a whole factor.
        factor = 1 if image.mode == "1" else 255 // (2**bits - 1)
        return LabelFile(path, np.asarray(image).astype(np.uint8) // factor)
    if bits == 16 and not image.mode.startswith("I"):
        samples = _opencv(path)
    else:
        samples = np.asarray(image if image.mode in _EXACT else image.convert("RGB"))
    return _in_one_or_three(path, samples)


def grey_levels(path: Path) -> NDArray[np.float32]:
    """Brightness of any picture between 0 and 1, for probabilities drawn as grey.

    Args:
        path: File.

    Returns:
        (H, W).
    """
    with whole_pictures(), Image.open(path) as picture:
        return np.asarray(np.asarray(picture.convert("L")) / 255, np.float32)


@contextmanager
def whole_pictures() -> Iterator[None]:
    """Lift Pillow's limit of 179 million pixels, which is meant for files from strangers."""
    with _LIMIT, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _lossy(path: Path) -> bool:
    """True for JPEG, and for WebP unless it says lossless."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return b"VP8L" not in head
    return head[:2] == b"\xff\xd8"


def _in_one_or_three(path: Path, samples: NDArray[Any]) -> LabelFile:
    values = samples if samples.ndim == 2 else without_alpha(samples)
    return LabelFile(path, values, in_colour=values.ndim == 3, lossy=_lossy(path))


def _png_bits(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(25)[24]  # of the header chunk, which comes first


def _opencv(path: Path) -> NDArray[Any]:
    try:
        import cv2
    except ImportError as error:
        raise ValueError(
            "holds 16 bits in several channels, which needs OpenCV: "
            "pip install opencv-python-headless"
        ) from error
    # Not by its name, which may hold bytes that OpenCV cannot take.
    samples: NDArray[Any] | None = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise OSError("OpenCV cannot decode it")
    if samples.ndim == 3:
        samples = samples[..., [2, 1, 0, 3][: samples.shape[2]]]
    return samples


def _pnm(path: Path) -> NDArray[Any]:
    """Samples as they are; Pillow and OpenCV stretch those of files with other maxima."""
    data = path.read_bytes()
    head = re.match(rb"(P[2356])" + rb"(?:\s+(?:#[^\n]*\n\s*)*(\d+))" * 3 + rb"\s", data)
    if head is None:
        raise ValueError("expected PGM or PPM")
    kind, width, height, top = head[1], *(int(head[index]) for index in (2, 3, 4))
    channels = 3 if kind in (b"P3", b"P6") else 1
    shape = (height, width, channels)[: 2 if channels == 1 else 3]
    count = height * width * channels
    if kind in (b"P2", b"P3"):
        words = re.sub(rb"#[^\n]*", b"", data[head.end() :]).split()[:count]
        samples = np.array([int(word) for word in words], np.uint16)
    else:
        samples = np.frombuffer(data, ">u2" if top > 255 else "u1", offset=head.end())[:count]
    if samples.size < count:
        raise OSError(f"cut off after {samples.size} of {count} samples")
    return samples.reshape(shape).astype(np.uint16 if top > 255 else np.uint8)
