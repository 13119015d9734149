"""The pictures that label maps belong to, for reports that draw on them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.evaluate.formats.pictures import whole_pictures
from seglosses.evaluate.listing import list_files, printable

FIRST_CHANNEL = "_0000"
"""What nnU-Net writes behind the name of a case."""


class Photos:
    """Pictures by the names of label maps, or by these with nnU-Net's number of a channel.

    Args:
        folder: Where they lie; None without any.
        tell: Whether to warn, once, of a label map that has none.

    Raises:
        ValueError: There is no such folder, or no picture in it.
    """

    def __init__(self, folder: Path | None, *, tell: bool = False) -> None:
        self.folder = folder
        self._files = {} if folder is None else list_files(folder)
        self._quiet = not tell or folder is None

    def of(self, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
        """The picture of a label map, RGB, None where there is none of its size.

        Args:
            name: Of the label map.
            shape: Its shape.

        Returns:
            Pixels, (H, W, 3).
        """
        path = self._files.get(name) or self._files.get(name + FIRST_CHANNEL)
        photo = read_photo(path, shape)
        if photo is None and not self._quiet:
            self._quiet = True
            logging.getLogger("seglosses").warning(self._missing(name, path, shape))
        return photo

    def _missing(self, name: str, path: Path | None, shape: tuple[int, ...]) -> str:
        if len(shape) != 2:
            return f"pictures of {self.folder} are drawn under images only, not under volumes"
        if path is None:
            held = next(iter(self._files))
            return (
                f"{self.folder} holds no picture named {printable(name)}, but for example"
                f" {printable(held)}: what has none is drawn without it"
            )
        height, width = shape
        return (
            f"{printable(str(path))} is no picture of {height} x {width} pixels as its label map:"
            " what has none is drawn without it"
        )


def read_photo(path: Path | None, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """RGB picture of an image, None when there is none of this size.

    Args:
        path: File; None where an image has none.
        shape: Shape of the label map.

    Returns:
        Pixels, (H, W, 3).
    """
    if path is None or len(shape) != 2:
        return None
    try:
        with whole_pictures(), Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError):
        return None
    return pixels if pixels.shape[:2] == shape else None
