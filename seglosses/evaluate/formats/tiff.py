"""TIFF: every sample format and depth, pages as slices, whatever the photometric interpretation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from seglosses.evaluate.formats.label_file import LabelFile, without_alpha
from seglosses.evaluate.formats.pictures import whole_pictures

_MIN_IS_WHITE, _RGB, _PALETTE = 0, 2, 3
_JPEG, _JPEG_2000, _WEBP = (6, 7, 99, 34892), (33003, 33004, 33005, 34712), (50001,)
_ORIENTATION = 274
_REDUCED, _MASK = 1, 4
"""Bits of a page that is a smaller copy of another one, or says where another one counts."""


def read_tiff(path: Path) -> LabelFile:
    """Stored samples of a TIFF.

    Args:
        path: File.

    Returns:
        (H, W), (D, H, W), or (H, W, 3) in colour; a palette picture as indices, with its palette.
        Overviews and transparency masks, as GIS programs add them, are left out.

    Raises:
        ValueError: When it holds several images of different sizes, more axes, or colours in
            several pages or in another space than RGB.
    """
    with tifffile.TiffFile(path) as file:
        parts = _parts(file)
        first = parts[0].keyframe
        try:
            images = [part.asarray() for part in parts]
        except (ValueError, KeyError) as error:
            if "imagecodecs" not in str(error):
                raise
            return LabelFile(path, *_pillow(path, first, error))
        axes = parts[0].axes
        palette, lossy = _palette(first), _lossy(first)
        orientation = int(first.tags.valueof(_ORIENTATION, 1))
        space = first.photometric
    values = images[0]
    if len(images) > 1:
        values, axes = np.stack(images), f"I{axes}"
    in_colour = False
    if "S" in axes:
        values = _without_alpha(np.moveaxis(values, axes.index("S"), -1))
        in_colour = values.ndim == len(axes)
    if in_colour and int(space) > _RGB:
        raise ValueError(f"holds colours as {space.name}, not as RGB; save one number per pixel")
    return LabelFile(
        path, values, palette, in_colour=in_colour, lossy=lossy, orientation=orientation
    )


def _parts(file: tifffile.TiffFile) -> list[Any]:
    """What holds labels: series of pages, or single pages where others are copies and masks."""
    kinds = [int(getattr(page, "subfiletype", 0)) & (_REDUCED | _MASK) for page in file.pages]
    parts: list[Any] = [part for part in file.series if part.kind != "thumbnail"]
    if any(kinds) and not all(kinds):
        parts = [page for page, kind in zip(file.pages, kinds, strict=True) if not kind]
    if any(part.shape != parts[0].shape for part in parts):
        shapes = ", ".join(str(part.shape) for part in parts)
        raise ValueError(f"holds images of different sizes ({shapes}); keep one of them")
    return parts


def _without_alpha(samples: NDArray[Any]) -> NDArray[Any]:
    """Samples of one or several pages, (..., H, W, C), as :func:`without_alpha` says."""
    if samples.ndim == 3:
        return without_alpha(samples)
    values = without_alpha(samples.reshape(-1, *samples.shape[-2:]))
    if values.ndim == 3:
        raise ValueError("holds pages in colour; save one number per pixel")
    return values.reshape(samples.shape[:-1])


def _lossy(page: Any) -> bool:
    """Whether samples changed when they were compressed, of the methods that tell."""
    method = int(page.compression)
    if method not in (*_JPEG_2000, *_WEBP):
        return method in _JPEG
    file = page.parent.filehandle
    file.seek(page.dataoffsets[0])
    head = file.read(4096)
    if method in _WEBP:
        return bool(b"VP8L" not in head)
    # The last byte of the coding style: whether its wavelets are those of whole numbers.
    place = head.find(b"\xff\x52")
    return bool(place < 0 or len(head) < place + 14 or head[place + 13] != 1)


def _palette(page: Any) -> NDArray[np.uint8] | None:
    if int(page.photometric) != _PALETTE or page.colormap is None:
        return None
    return np.asarray(page.colormap.T >> 8, np.uint8)


def _pillow(
    path: Path, page: Any, error: Exception
) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Samples of a compression that tifffile knows only with imagecodecs, of up to 16 bits."""
    bits = int(page.bitspersample)
    if page.samplesperpixel != 1 or bits not in (1, 8, 16) or page.dtype.kind not in "ub":
        raise ValueError(f"{error}; pip install imagecodecs") from error
    frames = []
    with whole_pictures(), Image.open(path) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            frames.append(np.asarray(image))
    values = np.stack(frames) if len(frames) > 1 else frames[0]
    if int(page.photometric) == _MIN_IS_WHITE and bits < 16:
        values = ~values  # Pillow shows white as the largest number
    return values, _palette(page)
