"""Scores of one image: read both files, make a pair a class, read off every column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.columns import Column
from seglosses.evaluate.files import PairFiles, read_labels, read_probabilities
from seglosses.evaluate.labels import IGNORED, LabelCode
from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample
from seglosses.metrics import EmptyPolicy, Pair

COUNTS = ("tp", "fp", "fn", "pixels")


@dataclass(frozen=True)
class Settings:
    """Everything that changes a number, in one place that workers, files and readers share.

    Args:
        num_classes: Number of classes in the label maps.
        classes: Class index to name, for the classes that are scored.
        pred_code: Meaning of the values in predictions.
        target_code: Meaning of the values in the ground truth.
        columns: Names of the columns.
        connectivity: Of the foreground; None for 8 in 2D and 26 in 3D.
        spacing: Edge lengths of a pixel; None for the file's own (NIfTI) or 1.
        empty: Policy for empty masks.
        options: Parameters of metrics.
        ndim: Dimension of the images.
        probabilities: Whether there are probability maps.
    """

    num_classes: int
    classes: Mapping[int, str]
    pred_code: LabelCode
    target_code: LabelCode
    columns: tuple[str, ...]
    connectivity: int | None = None
    spacing: tuple[float, ...] | None = None
    empty: EmptyPolicy = "worst"
    options: Options = field(default_factory=Options)
    ndim: int = 2
    probabilities: bool = False

    def chosen(self) -> tuple[Column, ...]:
        """The columns themselves.

        Returns:
            Columns in the order of the tables.
        """
        return choose_columns(
            self.columns, ndim=self.ndim, probabilities=self.probabilities, options=self.options
        )

    def stored(self) -> tuple[str, ...]:
        """Names of all numbers of an image and class: columns, parts of pooled scores, counts.

        Returns:
            Names, each once.

        Example:
            >>> code = LabelCode({}, "")
            >>> Settings(2, {1: "cell"}, code, code, ("dice",)).stored()
            ('dice', 'tp', 'fp', 'fn', 'pixels')
        """
        parts = [name for column in self.chosen() for name in column.parts(self.options)]
        return (*self.columns, *parts, *COUNTS)

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON and for the fingerprint of a run.

        Returns:
            Nested dictionaries of numbers and texts.
        """
        return asdict(self)


@dataclass(frozen=True)
class LabelMaps:
    """Both label maps of an image, decoded; :data:`IGNORED` marks what does not count."""

    pred: NDArray[np.int16]
    target: NDArray[np.int16]
    spacing: tuple[float, ...] | None
    prob: NDArray[np.float32] | None = None

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
        valid = self.target != IGNORED
        return np.asarray((self.pred == index) & valid), np.asarray(self.target == index)


def load(files: PairFiles, settings: Settings) -> LabelMaps:
    """Read and decode both label maps of an image.

    Args:
        files: Where they lie.
        settings: How to read their values.

    Returns:
        Class indices, and probabilities where there are any.

    Raises:
        ValueError: When a file is unreadable, holds unknown values, or the sizes differ.
    """
    pred, _ = read_labels(files.pred)
    target, spacing = read_labels(files.target)
    if pred.shape != target.shape:
        raise ValueError(
            f"unequal sizes: {files.pred} has {_size(pred)}, {files.target} has {_size(target)}"
        )
    decoded = []
    for path, values, code in (
        (files.pred, pred, settings.pred_code),
        (files.target, target, settings.target_code),
    ):
        try:
            decoded.append(code.decode(values))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    prob = None
    if files.prob is not None:
        prob = read_probabilities(files.prob, settings.num_classes, pred.shape)
    return LabelMaps(decoded[0], decoded[1], settings.spacing or spacing, prob)


def _size(values: NDArray[np.integer]) -> str:
    return " x ".join(map(str, values.shape))


def score(files: PairFiles, settings: Settings) -> list[dict[str, float]]:
    """Scores of one image, one row a class in the order of ``settings.classes``.

    Args:
        files: Where its files lie.
        settings: What to measure, and how to read values.

    Returns:
        Rows with every number that ``settings.stored()`` names.

    Raises:
        ValueError: As :func:`load`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> code = LabelCode({0: 0, 1: 1}, "")
        >>> settings = Settings(2, {1: "cell"}, code, code, ("iou",))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "001.npy"
        ...     np.save(path, np.array([[1, 0]]))
        ...     rows = score(PairFiles("001", path, path), settings)
        >>> rows
        [{'iou': 1.0, 'tp': 1, 'fp': 0, 'fn': 0, 'pixels': 2}]
    """
    maps = load(files, settings)
    return [score_class(maps, index, settings) for index in settings.classes]


def score_class(maps: LabelMaps, index: int, settings: Settings) -> dict[str, float]:
    """Scores of one class of one image.

    Args:
        maps: The image.
        index: Index of the class.
        settings: What to measure.

    Returns:
        Every number that ``settings.stored()`` names.

    Example:
        >>> code, pixels = LabelCode({}, ""), np.array([[1, 1]], np.int16)
        >>> maps = LabelMaps(pixels, np.array([[1, 0]], np.int16), None)
        >>> score_class(maps, 1, Settings(2, {1: "cell"}, code, code, ("iou",)))
        {'iou': 0.5, 'tp': 1, 'fp': 1, 'fn': 0, 'pixels': 2}
    """
    pred, target = maps.masks(index)
    pair = Pair(
        pred,
        target,
        spacing=maps.spacing,
        connectivity=settings.connectivity,
        empty=settings.empty,
    )
    valid = maps.target != IGNORED
    prob = None if maps.prob is None else maps.prob[index]
    sample = Sample(pair, target, valid, prob)
    row = {
        column.name: float(column.measure(sample, settings.options)) for column in settings.chosen()
    }
    for column in settings.chosen():
        if column.pooled is not None:
            sums = column.pooled.sums(sample, settings.options)
            row |= dict(zip(column.parts(settings.options), sums.tolist(), strict=True))
    row["tp"] = pair.true_positives
    row["fp"] = pair.false_positives
    row["fn"] = pair.false_negatives
    row["pixels"] = int(np.count_nonzero(valid))
    return row
