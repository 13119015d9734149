"""Label files on disk: one reader per format, and what makes their samples labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.formats.arrays import read_array
from seglosses.evaluate.formats.label_file import LabelFile
from seglosses.evaluate.formats.pictures import read_picture
from seglosses.evaluate.formats.tiff import read_tiff
from seglosses.evaluate.formats.volumes import read_itk, read_nifti
from seglosses.evaluate.listing import (
    ENDINGS,
    IMAGE_ENDINGS,
    ITK_ENDINGS,
    NIFTI_ENDINGS,
    PairFiles,
    ending,
    holds_probabilities,
    list_files,
    match_files,
    shorten,
)

__all__ = [
    "ENDINGS",
    "IMAGE_ENDINGS",
    "PairFiles",
    "as_labels",
    "ending",
    "list_files",
    "match_files",
    "open_labels",
    "read_labels",
    "read_probabilities",
    "shorten",
]

_TIFF = tuple(
    order + version for order in (b"II", b"MM") for version in (b"*\0", b"\0*", b"+\0", b"\0+")
)
"""First bytes of TIFF and BigTIFF, of either byte order."""


def _read_image(path: Path) -> LabelFile:
    """A picture or a TIFF, whichever it is: Pillow shows a TIFF's white as its largest number."""
    with path.open("rb") as file:
        tiff = file.read(4) in _TIFF
    return read_tiff(path) if tiff else read_picture(path)


READERS: dict[str, Callable[[Path], LabelFile]] = {
    **dict.fromkeys(IMAGE_ENDINGS, _read_image),
    **dict.fromkeys((".npy", ".npz"), read_array),
    **dict.fromkeys(NIFTI_ENDINGS, read_nifti),
    **dict.fromkeys(ITK_ENDINGS, read_itk),
}


def open_labels(path: Path) -> LabelFile:
    """Stored samples of a file, without interpreting them.

    Args:
        path: A file of one of :data:`READERS`.

    Returns:
        Samples, and what the file says about colours and space.

    Raises:
        ValueError: When the file cannot be read, holds no pixel, or has another number of axes.
    """
    try:
        file = READERS[ending(path) or ".png"](path)
    except Exception as error:  # each format's reader has exceptions of its own
        raise ValueError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
    if len(file.shape) not in (2, 3):
        hint = "; of one-hot classes save np.argmax over their axis" if len(file.shape) == 4 else ""
        raise ValueError(f"{path}: expected (H, W) or (D, H, W), got shape {file.shape}{hint}")
    if 0 in file.shape:
        raise ValueError(f"{path}: holds no pixel, its shape is {file.shape}")
    return file


def as_labels(file: LabelFile) -> NDArray[np.integer]:
    """Integers of a file that holds one number per pixel.

    Args:
        file: What was read; floats that are whole numbers but for rounding are labels too.

    Returns:
        Integer values, (*S).

    Raises:
        ValueError: When the file holds colours, fractions, one-hot classes, or other things.

    Example:
        >>> as_labels(LabelFile(Path("a.nii"), np.array([[0.0, 2.9999]])))
        array([[0, 3]])
    """
    path, values = file.path, file.values
    if file.lossy:
        _refuse_blurred(file)
    if file.in_colour:
        raise ValueError(
            f"{path}: a colour picture; say which colour is which class with a table (colours, "
            "--colours FILE), or save one number per pixel (grey or palette PNG)"
        )
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    if np.issubdtype(values.dtype, np.floating):
        values = _whole(values, file)
    if values.dtype.kind not in "iu":
        raise ValueError(f"{path}: expected integer labels, got {values.dtype}")
    if values.ndim == 3:
        _refuse_one_hot(values, path)
    return values


def read_labels(path: Path) -> tuple[NDArray[np.integer], tuple[float, ...] | None]:
    """Read a label file as it is, without interpreting its values.

    Args:
        path: A picture (grey, palette, or colour with equal channels), TIFF, NPY, NIfTI,
            MetaImage or NRRD; whole numbers, booleans, or floats that round to them.

    Returns:
        Integer values, (H, W) or (D, H, W), and the spacing if the file knows it. Axes keep their
        order; that of a single slice is left out.

    Raises:
        ValueError: When the file cannot be read, is no label map, or has another number of axes.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "a.npy", np.array([[0.0, 2.0]]))
        ...     read_labels(Path(folder) / "a.npy")
        (array([[0, 2]]), None)
    """
    file = open_labels(path)
    values, spacing = as_labels(file), file.spacing
    if values.ndim == 3 and 1 in values.shape:
        axis = values.shape.index(1)
        spacing = None if spacing is None else (*spacing[:axis], *spacing[axis + 1 :])
        values = np.squeeze(values, axis)
    return values, spacing


def _whole(values: NDArray[Any], file: LabelFile) -> NDArray[np.int64]:
    if not np.isfinite(values).all():
        raise ValueError(
            f"{file.path}: holds NaN or infinity, not labels; give such pixels a label"
        )
    rounded = np.rint(values)
    if np.abs(values - rounded).max() > file.rounding:
        raise ValueError(
            f"{file.path}: holds fractions, not labels; take the argmax, or threshold it, first"
        )
    if float(np.abs(rounded).max()) >= 2**62:
        raise ValueError(f"{file.path}: holds numbers too large for labels")
    return np.asarray(rounded, np.int64)


def _refuse_blurred(file: LabelFile) -> None:
    between = file.values[(file.values != 0) & (file.values != 255)]
    if between.size:
        raise ValueError(
            f"{file.path}: a picture with lossy compression, which blurs labels (it holds "
            f"{between[0]}); save labels as PNG from the start, or threshold a mask of 0 and 255"
        )


def _refuse_one_hot(values: NDArray[np.integer], path: Path) -> None:
    """A volume may not be an image with an axis of classes, whose scores would be of a volume."""
    largest = values.max()
    if values.min() < 0 or largest == 0:
        return
    for axis, name in ((0, "(C, H, W)"), (2, "(H, W, C)")):
        if values.shape[axis] < 2:
            continue
        # Cheap first: a single pixel tells most volumes from one-hot classes.
        if (values[:1, :1] if axis == 2 else values[:, :1, :1]).sum() != largest:
            continue
        if ((values == 0) | (values == largest)).all() and (
            np.count_nonzero(values, axis=axis) == 1
        ).all():
            raise ValueError(
                f"{path}: has shape {values.shape} and exactly one pixel that is not 0 along an "
                f"axis, as one-hot classes {name} do; save np.argmax(array, {axis})"
            )


def read_probabilities(
    path: Path, num_classes: int, shape: tuple[int, ...], *, reverse: bool = False
) -> NDArray[np.float32]:
    """Read a probability map.

    Args:
        path: NPY or NPZ with one array, (C, *S), or (*S) with the probability of class 1 of two;
            the NPZ that nnU-Net writes; or a grey picture of the probability of class 1, with 0
            for 0 and its largest value for 1.
        num_classes: Number of classes C.
        shape: Shape of the label map as stored, (*S).
        reverse: Whether nnU-Net's archive has the axes of the label map in reverse, as beside
            NIfTI.

    Returns:
        Probabilities, (C, *S).

    Raises:
        ValueError: When the file cannot be read or holds something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "a.npy", np.array([[0.25, 1.0]]))
        ...     read_probabilities(Path(folder) / "a.npy", 2, (1, 2)).tolist()
        [[[0.75, 0.0]], [[0.25, 1.0]]]
    """
    try:
        file = READERS[ending(path) or ".png"](path)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
    if file.in_colour:
        raise ValueError(f"{path}: a colour picture, not the grey of a probability")
    values = file.values
    if np.issubdtype(values.dtype, np.integer):
        if values.dtype not in (np.uint8, np.uint16):
            # divided by 2^63 - 1, the labels of an array would all be the probability 0
            raise ValueError(
                f"{path}: holds whole numbers of type {values.dtype}, not probabilities; give"
                " floating-point numbers in [0, 1], or a grey picture of 8 or 16 bits"
            )
        values = values / np.iinfo(values.dtype).max
    values = values.astype(np.float32)
    if holds_probabilities(path):
        values = _of_nnunet(values, len(shape), reverse)
    if values.shape == shape and num_classes == 2:
        values = np.stack([1 - values, values])
    if values.shape != (num_classes, *shape):
        raise ValueError(f"{path}: expected {(num_classes, *shape)}, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(
            f"{path}: holds NaN or infinity, not probabilities: has training diverged?"
        )
    if not (values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
        raise ValueError(f"{path}: holds numbers outside [0, 1]; apply softmax or sigmoid first")
    return values


def _of_nnunet(values: NDArray[Any], ndim: int, reverse: bool) -> NDArray[Any]:
    """Classes, slices, rows, columns; pictures have one slice, NIfTI's axes run the other way."""
    if values.ndim == ndim + 2 and values.shape[1] == 1:
        values = values[:, 0]
    return values.transpose(0, *range(values.ndim - 1, 0, -1)) if reverse else values
