"""Arrays of NumPy: NPY, and NPZ with one array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.formats.label_file import LabelFile
from seglosses.evaluate.listing import PROBABILITY_KEYS


def read_array(path: Path) -> LabelFile:
    """The array of a file, whichever of the two formats it holds.

    Args:
        path: File.

    Returns:
        The array, and nothing else.

    Raises:
        ValueError: When an NPZ holds several arrays, none of which is nnU-Net's probabilities, or
            one grey picture as three or four equal channels, which would pass for slices.
    """
    content = np.load(path, allow_pickle=False)
    if isinstance(content, np.ndarray):
        return LabelFile(path, _one_number_each(_without_batch(content)))
    with content:
        known = [key for key in PROBABILITY_KEYS if key in content.files]
        if len(content.files) != 1 and not known:
            raise ValueError(f"expected one array, got {', '.join(content.files) or 'none'}")
        values = content[known[0] if known else content.files[0]]
    return LabelFile(path, values if known else _one_number_each(_without_batch(values)))


def _without_batch(values: NDArray[Any]) -> NDArray[Any]:
    """An array of more than three axes without those of length 1, as of a batch or a channel."""
    while values.ndim > 3 and 1 in values.shape:
        values = values.squeeze(values.shape.index(1))
    return values


def _one_number_each(values: NDArray[Any]) -> NDArray[Any]:
    """The same array, unless it is a grey picture in several channels."""
    for axis, name in ((2, "(H, W, C)"), (0, "(C, H, W)")):
        if values.ndim != 3 or values.shape[axis] not in (3, 4) or not values.size:
            continue
        channels = np.moveaxis(values, axis, 0)
        first, alpha = channels[0], channels[3:]
        grey = (channels[1:3] == first).all() and np.unique(alpha).size <= 1
        if grey and (first != first.flat[0]).any():
            raise ValueError(
                f"has shape {values.shape} and equal channels, as a grey picture {name} has; save "
                f"one of them, {'array[..., 0]' if axis else 'array[0]'}, and a volume of equal "
                "slices as NIfTI or TIFF"
            )
    return values
