"""Everything that changes a number, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from seglosses.evaluate.codes import LabelCode
from seglosses.evaluate.columns import Column
from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.options import Options
from seglosses.metrics import EmptyPolicy

COUNTS = ("tp", "fp", "fn", "pixels")


def is_background(name: str) -> bool:
    """Whether a class is called background.

    Args:
        name: Name of a class.

    Returns:
        True for any spelling of it.

    Example:
        >>> is_background("__background__"), is_background("back yard")
        (True, False)
    """
    return name.strip(" _-").lower() in ("background", "bg")


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
        ignore_affine: Whether arrays are compared as stored, whatever files say about space.
        one_slice: Whether images are volumes of one slice.
        asked: Whether the classes were named by the user, who then gets them in every mean.
        regions: Labels that a scored class joins, where classes overlap; empty where they do not.
    """

    num_classes: int
    classes: Mapping[int, str]
    pred_code: LabelCode
    target_code: LabelCode
    columns: tuple[str, ...]
    connectivity: int | None = None
    spacing: tuple[float, ...] | None = None
    empty: EmptyPolicy = "skip"
    options: Options = field(default_factory=Options)
    ndim: int = 2
    probabilities: bool = False
    ignore_affine: bool = False
    one_slice: bool = False
    asked: bool = False
    regions: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def chosen(self) -> tuple[Column, ...]:
        """The columns themselves.

        Returns:
            Columns in the order of the tables.
        """
        return _chosen(self.columns, self.ndim, self.probabilities, self.options)

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

    @property
    def channels(self) -> int:
        """Number of channels of probability maps.

        Example:
            >>> code = LabelCode({}, "")
            >>> Settings(4, {0: "cell"}, code, code, (), regions={0: (1, 2, 3)}).channels
            1
        """
        return len(self.regions) or self.num_classes

    @property
    def outside(self) -> tuple[str, ...]:
        """Names of classes that no mean of classes holds: background, unless asked for.

        Example:
            >>> code = LabelCode({}, "")
            >>> Settings(2, {0: "Background", 1: "cell"}, code, code, ()).outside
            ('Background',)
        """
        if self.asked:
            return ()
        return tuple(name for name in self.classes.values() if is_background(name))

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON and for the fingerprint of a run.

        Returns:
            Nested dictionaries of numbers and texts.
        """
        return asdict(self)


@lru_cache(maxsize=8)
def _chosen(
    names: tuple[str, ...], ndim: int, probabilities: bool, options: Options
) -> tuple[Column, ...]:
    # every class of every image asks
    return choose_columns(names, ndim=ndim, probabilities=probabilities, options=options)
