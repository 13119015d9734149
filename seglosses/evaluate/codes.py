"""What each value or colour that label files may hold means: class, ignored, or a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

IGNORED = -1
Side: TypeAlias = Literal["prediction", "ground truth"]


class UnknownValuesError(ValueError):
    """A file holds values without a meaning.

    Args:
        message: What was found and what to do.
        values: The values, as texts.
        side: Where.
    """

    def __init__(self, message: str, values: Sequence[str], side: Side) -> None:
        super().__init__(message)
        self.values, self.side = tuple(values), side


@dataclass(frozen=True)
class LabelCode:
    """The class of every value that a label file may hold.

    Args:
        classes: Value to class index, with :data:`IGNORED` for pixels that do not count; in a
            prediction those belong to no class.
        origin: Where this reading comes from, for the reader of the report.
        side: Whose files these are.
        colours: Colour to class index for pictures in colour, see
            :func:`seglosses.evaluate.colours.pack`; None where those are refused.
    """

    classes: Mapping[int, int]
    origin: str
    side: Side = "ground truth"
    colours: Mapping[int, int] | None = None

    def decode(self, values: NDArray[np.integer]) -> NDArray[np.int16]:
        """Turn file values into class indices.

        Args:
            values: What the file holds, any integers.

        Returns:
            Class indices of the same shape, :data:`IGNORED` where a pixel does not count.

        Raises:
            ValueError: When a value has no class, naming the values and what to do.

        Example:
            >>> LabelCode({0: 0, 255: 1}, "").decode(np.array([[0, 255]], np.uint8))
            array([[0, 1]], dtype=int16)
        """
        return self._decode(values, self.classes, str)

    def decode_colours(self, colours: NDArray[np.integer]) -> NDArray[np.int16]:
        """Turn packed colours into class indices.

        Args:
            colours: Of :func:`seglosses.evaluate.colours.pack`, any shape.

        Returns:
            As :meth:`decode`.

        Raises:
            ValueError: When a colour has no class.
        """
        return self._decode(colours, self.colours or {}, unpacked)

    def _decode(
        self, values: NDArray[np.integer], classes: Mapping[int, int], show: Any
    ) -> NDArray[np.int16]:
        present = distinct(values)
        unknown = [show(value) for value in present if value not in classes]
        if unknown:
            known = some([show(value) for value in sorted(classes)])
            raise UnknownValuesError(
                f"unknown label values {some(unknown)} (known: {known}; {self.origin}): say what "
                f"they mean with {remedy(self.side)}",
                unknown,
                self.side,
            )
        table = np.array([classes[value] for value in present], np.int16)
        if not present:
            return np.zeros(values.shape, np.int16)
        if present[0] >= 0 and present[-1] < 2**16:
            look_up = np.zeros(present[-1] + 1, np.int16)
            look_up[present] = table
            return np.asarray(look_up[values], np.int16)
        return np.asarray(table[np.searchsorted(present, values)], np.int16)

    def describe(self) -> dict[str, str]:
        """Value to meaning in words.

        Returns:
            Value to meaning, ordered by value.

        Example:
            >>> LabelCode({255: -1, 0: 0}, "").describe()
            {'0': 'class 0', '255': 'ignored'}
        """
        nothing = "ignored" if self.side == "ground truth" else "no class"
        known = [(str(value), index) for value, index in sorted(self.classes.items())]
        known += [(unpacked(code), index) for code, index in sorted((self.colours or {}).items())]
        return {value: nothing if i == IGNORED else f"class {i}" for value, i in known}


def remedy(side: Side) -> str:
    """Options that give values a meaning.

    Args:
        side: Whose values.

    Returns:
        Their names, in Python and on the command line.
    """
    both = "num_classes (--num-classes), foreground_value (--foreground-value)"
    if side == "prediction":
        return f"{both} or pred_labels_map (--pred-labels-map)"
    return f"{both}, ignore_index (--ignore-index) or gt_labels_map (--gt-labels-map)"


def unpacked(code: int) -> str:
    """A packed colour in words.

    Args:
        code: Of :func:`seglosses.evaluate.colours.pack`.

    Returns:
        Red, green and blue.

    Example:
        >>> unpacked((128 << 32) | (64 << 16) | 7)
        '(128 64 7)'
    """
    return f"({code >> 32} {code >> 16 & 0xFFFF} {code & 0xFFFF})"


def distinct(values: NDArray[np.integer]) -> list[int]:
    """Sorted distinct values of an array.

    Args:
        values: Any integers.

    Returns:
        Python integers, in order.

    Example:
        >>> distinct(np.array([3, 0, 3], np.uint8))
        [0, 3]
    """
    if not values.size:
        return []
    low, high = int(values.min()), int(values.max())
    if high - low >= 2**16:
        return [int(value) for value in np.unique(values)]
    # Marking is faster than sorting, and blocks bound the memory of large volumes.
    flat, seen = values.ravel(), np.zeros(high - low + 1, bool)
    for start in range(0, flat.size, 2**22):
        block = flat[start : start + 2**22]
        unsigned = np.issubdtype(block.dtype, np.unsignedinteger)
        seen[block - block.dtype.type(low) if unsigned else block.astype(np.int64) - low] = True
    return [low + int(place) for place in np.flatnonzero(seen)]


def some(values: Sequence[str]) -> str:
    """List some values and say how many more there are.

    Args:
        values: Texts.

    Returns:
        A text.

    Example:
        >>> some(["3", "255"])
        '3, 255'
    """
    listed = ", ".join(values[:8])
    return listed + (f" and {len(values) - 8} more" if len(values) > 8 else "")
