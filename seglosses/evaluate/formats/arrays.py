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
        ValueError: When an NPZ holds several arrays, none of which is nnU-Net's probabilities.
    """
    content = np.load(path, allow_pickle=False)
    if isinstance(content, np.ndarray):
        return LabelFile(path, _without_batch(content))
    with content:
        known = [key for key in PROBABILITY_KEYS if key in content.files]
        if len(content.files) != 1 and not known:
            raise ValueError(f"expected one array, got {', '.join(content.files) or 'none'}")
        values = content[known[0] if known else content.files[0]]
    return LabelFile(path, values if known else _without_batch(values))


def _without_batch(values: NDArray[Any]) -> NDArray[Any]:
    """An array of more than three axes without those of length 1, as of a batch or a channel."""
    while values.ndim > 3 and 1 in values.shape:
        values = values.squeeze(values.shape.index(1))
    return values
