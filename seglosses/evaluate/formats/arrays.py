"""Arrays of NumPy: NPY, and NPZ with one array."""

from __future__ import annotations

from pathlib import Path

import numpy as np

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
        return LabelFile(path, content)
    with content:
        known = [key for key in PROBABILITY_KEYS if key in content.files]
        if len(content.files) != 1 and not known:
            raise ValueError(f"expected one array, got {', '.join(content.files) or 'none'}")
        return LabelFile(path, content[known[0] if known else content.files[0]])
