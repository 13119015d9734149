"""What a reader finds in a file, before anybody says what the numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-3
"""Labels kept as floats may be off by this much."""


@dataclass(frozen=True)
class LabelFile:
    """Stored samples of a file.

    Args:
        path: Where it lies.
        values: Samples, (*S), or (H, W, 3) of a picture in colour.
        palette: Colours of the values of a palette picture, (k, 3); None for other files.
        spacing: Edge lengths of a pixel, one per axis; None when the file does not know.
        affine: Indices to world coordinates (right, anterior, superior), square with a row and
            column more than there are axes; None when the file does not know.
        rounding: How far a label kept as a float may be from a whole number.
        in_colour: Whether the last axis holds colours.
        lossy: Whether it was compressed with losses, which blur labels.
        orientation: How a viewer has to turn it, as EXIF counts (1: not at all); samples are as
            stored.
    """

    path: Path
    values: NDArray[Any]
    palette: NDArray[np.uint8] | None = None
    spacing: tuple[float, ...] | None = None
    affine: NDArray[np.float64] | None = None
    rounding: float = ROUNDING
    in_colour: bool = False
    lossy: bool = False
    orientation: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents of the image, colours aside.

        Example:
            >>> LabelFile(Path("a.png"), np.zeros((4, 5, 3)), in_colour=True).shape
            (4, 5)
        """
        return self.values.shape[:2] if self.in_colour else self.values.shape


def without_alpha(samples: NDArray[Any]) -> NDArray[Any]:
    """Samples of a picture without an alpha channel that says nothing, and grey as one channel.

    Args:
        samples: (H, W, 1 to 4).

    Returns:
        (H, W), or (H, W, 3) where the colours differ.

    Raises:
        ValueError: When pixels of one colour differ in their alpha, so that leaving it out would
            lose what the file says.

    Example:
        >>> grey = np.array([[[7, 7, 7, 255], [0, 0, 0, 255]]], np.uint8)
        >>> without_alpha(grey)
        array([[7, 0]], dtype=uint8)
    """
    channels = samples.shape[2]
    if channels not in (1, 2, 3, 4):
        raise ValueError(f"holds {channels} channels; save one number per pixel")
    colours = samples[..., : 3 if channels >= 3 else 1]
    if channels in (2, 4):
        _check_alpha(colours, samples[..., -1])
    if (colours == colours[..., :1]).all():
        return colours[..., 0]
    return colours


def _check_alpha(colours: NDArray[Any], alpha: NDArray[Any]) -> None:
    if (alpha == alpha.flat[:1]).all():
        return
    codes = np.zeros(alpha.shape, np.int64)
    for channel in np.moveaxis(colours, -1, 0):
        codes = (codes << 16) | channel
    # Which alpha a colour has: the lowest and the highest agree when there is only one.
    order = np.lexsort((alpha.ravel(), codes.ravel()))
    codes, ordered = codes.ravel()[order], alpha.ravel()[order]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    ends = np.r_[starts[1:], codes.size] - 1
    if (ordered[starts] != ordered[ends]).any():
        raise ValueError(
            "pixels of one colour differ in their alpha channel, so the labels may lie there; "
            "save one number per pixel (grey or palette PNG)"
        )
