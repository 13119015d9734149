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

_MIN_IS_WHITE, _PALETTE = 0, 3
_JPEG = (6, 7, 99)
"""Compressions that lose something."""


def read_tiff(path: Path) -> LabelFile:
    """Stored samples of a TIFF.

    Args:
        path: File.

    Returns:
        (H, W), (D, H, W), or (H, W, 3) in colour; a palette picture as indices, with its palette.

    Raises:
        ValueError: When it holds several images of different sizes, or more axes.
    """
    with tifffile.TiffFile(path) as file:
        series = [part for part in file.series if part.kind != "thumbnail"]
        if len(series) > 1 and any(part.shape != series[0].shape for part in series):
            shapes = ", ".join(str(part.shape) for part in series)
            raise ValueError(f"holds images of different sizes ({shapes}); keep one of them")
        first = series[0].keyframe
        try:
            parts = [part.asarray() for part in series]
        except (ValueError, KeyError) as error:
            if "imagecodecs" not in str(error):
                raise
            return LabelFile(path, *_pillow(path, first, error))
        axes = series[0].axes
        values = parts[0] if len(parts) == 1 else np.stack(parts)
        palette, lossy = _palette(first), int(first.compression) in _JPEG
    if len(parts) > 1 or "S" not in axes:
        return LabelFile(path, values, palette, lossy=lossy)
    values = without_alpha(np.moveaxis(values, axes.index("S"), -1))
    return LabelFile(path, values, palette, in_colour=values.ndim == 3, lossy=lossy)


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
