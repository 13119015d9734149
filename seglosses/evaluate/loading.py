"""Both label maps of an image: read, brought to the same orientation, and decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.alignment import align
from seglosses.evaluate.codes import IGNORED, LabelCode, UnknownValuesError
from seglosses.evaluate.colours import colours_of
from seglosses.evaluate.files import as_labels, open_labels, read_probabilities
from seglosses.evaluate.formats.label_file import LabelFile
from seglosses.evaluate.listing import NIFTI_ENDINGS, PairFiles, ending
from seglosses.evaluate.settings import Settings
from seglosses.metrics import Pair


@dataclass(frozen=True)
class LabelMaps:
    """Both label maps of an image, decoded; :data:`IGNORED` marks what does not count.

    ``regions`` says which labels a class joins, where classes overlap.
    """

    pred: NDArray[np.int16]
    target: NDArray[np.int16]
    spacing: tuple[float, ...] | None
    prob: NDArray[np.float32] | None = None
    regions: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def masks(self, index: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Masks of one class; ignored pixels of the ground truth belong to neither.

        Args:
            index: Index of the class.

        Returns:
            Prediction and target, (*S).

        Example:
            >>> maps = LabelMaps(np.array([[1, 1]], np.int16), np.array([[1, -1]], np.int16), None)
            >>> [mask.tolist() for mask in maps.masks(1)]
            [[[True, False]], [[True, False]]]
        """
        valid = self.valid(index)
        if self.regions:
            pred, target = (np.isin(side, self.regions[index]) for side in (self.pred, self.target))
            return pred & valid, target
        return np.asarray((self.pred == index) & valid), np.asarray(self.target == index)

    def pair(self, index: int, settings: Settings) -> Pair:
        """Masks of one class as metrics and pictures want them, see :meth:`masks`."""
        return Pair(
            *self.masks(index),
            spacing=self.spacing,
            connectivity=settings.connectivity,
            empty=settings.empty,
        )

    def valid(self, index: int) -> NDArray[np.bool_]:
        """Pixels whose ground truth counts for a class, (*S)."""
        return np.asarray(self.target != IGNORED)


def load(files: PairFiles, settings: Settings) -> LabelMaps:
    """Read and decode both label maps of an image.

    Args:
        files: Where they lie.
        settings: How to read their values.

    Returns:
        Class indices, and probabilities where there are any.

    Raises:
        ValueError: When a file is unreadable, holds unknown values, the sizes differ, or the files
            do not lie at one place in space.
    """
    stored, target = open_labels(files.pred), open_labels(files.target)
    pred, target, turn = align(stored, target, ignore_affine=settings.ignore_affine)
    # What a file holds comes first: one-hot classes have an axis too many.
    classes = decode(pred, settings.pred_code), decode(target, settings.target_code)
    if pred.shape != target.shape:
        raise ValueError(
            f"unequal sizes: {files.pred} has {_size(pred)}, {files.target} has {_size(target)}"
        )
    if len(pred.shape) != settings.ndim:
        raise ValueError(
            f"{files.target} is {len(pred.shape)}D, other files are {settings.ndim}D: score them "
            "separately"
        )
    prob = None
    if files.prob is not None:
        reverse = ending(files.pred) in NIFTI_ENDINGS
        prob = read_probabilities(files.prob, settings.channels, stored.shape, reverse=reverse)
        prob = turn.apply(prob, leading=1)
    return LabelMaps(*classes, settings.spacing or target.spacing, prob, settings.regions)


def decode(file: LabelFile, code: LabelCode) -> NDArray[np.int16]:
    """Class indices of a file.

    Args:
        file: What was read.
        code: What its values and colours mean.

    Returns:
        Indices, (*S).

    Raises:
        ValueError: When it is no label map or holds what has no meaning; names the file.
    """
    colours = None if code.colours is None else colours_of(file)
    try:
        if colours is not None:
            return code.decode_colours(colours)
        return code.decode(as_labels(file))
    except UnknownValuesError as error:
        raise UnknownValuesError(f"{file.path}: {error}", error.values, error.side) from None


def _size(file: LabelFile) -> str:
    return " x ".join(map(str, file.shape))
