"""Smaller images and label maps, by averaging over the area that a new pixel covers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def shrink_image(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Average each channel; whole numbers are rounded.

    Args:
        image: (H, W, C).
        size: New height and width, not larger.

    Returns:
        (height, width, C), of the same type.

    Example:
        >>> shrink_image(np.array([[[0], [9]]], np.uint8), (1, 1)).tolist()  # 4.5, to even
        [[[4]]]
    """
    planes = [_plane(image[..., channel], size) for channel in range(image.shape[-1])]
    shrunk = np.stack(planes, axis=-1)
    if np.issubdtype(image.dtype, np.integer):
        shrunk = np.rint(shrunk)
    return shrunk.astype(image.dtype)


def shrink_labels(labels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """The class that covers most of a new pixel; a tie goes to the lower one.

    Args:
        labels: (H, W).
        size: New height and width, not larger.

    Returns:
        (height, width), of the same type.

    Example:
        >>> shrink_labels(np.array([[1, 1, 2, 2], [1, 0, 0, 0]]), (1, 2)).tolist()
        [[1, 0]]
    """
    values = np.unique(labels)
    cover = np.stack([_plane(labels == value, size) for value in values])
    shrunk: NDArray[Any] = values[cover.argmax(axis=0)].astype(labels.dtype)
    return shrunk


def _plane(plane: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX))
