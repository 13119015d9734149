"""What the numbers in label files mean: class, ignored, or a mistake."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IGNORED = -1


@dataclass(frozen=True)
class LabelCode:
    """The class of every value that a label file may hold.

    Args:
        classes: Value to class index, with :data:`IGNORED` for pixels that do not count.
        origin: Where this reading comes from, for the reader of the report.
    """

    classes: Mapping[int, int]
    origin: str

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
        present = distinct(values)
        unknown = [value for value in present if value not in self.classes]
        if unknown:
            known = ", ".join(map(str, sorted(self.classes)))
            raise ValueError(
                f"unknown label values {_some(unknown)} (known: {known}; {self.origin}): say what "
                "they mean with num_classes (--num-classes), foreground_value "
                "(--foreground-value), ignore_index (--ignore-index) or labels_map (--labels-map)"
            )
        table = np.array([self.classes[value] for value in present], np.int16)
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
        return {
            str(value): "ignored" if index == IGNORED else f"class {index}"
            for value, index in sorted(self.classes.items())
        }


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
    if values.dtype == np.uint8:
        found = np.flatnonzero(np.bincount(values.ravel(), minlength=256))
    else:
        found = np.unique(values)
    return [int(value) for value in found]


def parse_labels_map(text: str) -> dict[int, int]:
    """Read a labels map from the command line.

    Args:
        text: Pairs VALUE:CLASS separated by commas; CLASS is an index or `ignore`.

    Returns:
        Value to class index, -1 for ignored.

    Raises:
        ValueError: When a pair cannot be read.

    Example:
        >>> parse_labels_map("0:0,255:1,128:ignore")
        {0: 0, 255: 1, 128: -1}
    """
    classes = {}
    for part in text.split(","):
        value, colon, name = (word.strip() for word in part.partition(":"))
        try:
            classes[int(value)] = IGNORED if name == "ignore" else int(name)
        except ValueError:
            colon = ""
        if not colon or (name != "ignore" and int(name) < 0):
            raise ValueError(
                f"cannot read {part!r} in the labels map: expected VALUE:CLASS or VALUE:ignore, "
                "for example 0:0,255:1"
            )
    return classes


def choose_codes(
    pred_values: Collection[int],
    target_values: Collection[int],
    *,
    num_classes: int | None = None,
    ignore_index: int | None = None,
    foreground_value: int | None = None,
    labels_map: Mapping[int, int] | None = None,
) -> tuple[LabelCode, LabelCode, int]:
    """Decide what values mean in the predictions and in the ground truth.

    A labels map settles everything. A foreground value V makes masks with background 0 and
    foreground V. Otherwise values are class indices, with one exception: a folder whose samples
    hold 0 and 255 and nothing else is a folder of binary masks with foreground 255, unless
    `ignore_index` is 255. A folder with nothing but zeros is read like its partner.

    Args:
        pred_values: Values seen in a sample of the predictions.
        target_values: Values seen in a sample of the ground truth.
        num_classes: Number of classes, None to find out for binary masks.
        ignore_index: Value of pixels that do not count, in either folder.
        foreground_value: Value of the foreground in binary masks.
        labels_map: Value to class index or :data:`IGNORED`.

    Returns:
        The code of the predictions, the code of the ground truth, the number of classes.

    Raises:
        ValueError: When options contradict each other or the number of classes is not clear.

    Example:
        >>> pred, target, classes = choose_codes({0, 1}, {0, 255})
        >>> pred.describe(), target.describe(), classes
        ({'0': 'class 0', '1': 'class 1'}, {'0': 'class 0', '255': 'class 1'}, 2)
    """
    if labels_map is not None and foreground_value is not None:
        raise ValueError("give labels_map or foreground_value, not both")
    if foreground_value is not None and num_classes not in (None, 2):
        raise ValueError(f"foreground_value is for 2 classes, got num_classes={num_classes}")
    if foreground_value is not None and foreground_value in (0, ignore_index):
        raise ValueError(f"foreground_value {foreground_value} is the background or ignored")
    if ignore_index in pred_values and set(pred_values) | set(target_values) <= {0, ignore_index}:
        raise ValueError(
            f"the files hold 0 and {ignore_index} only, and ignore_index is {ignore_index}, so "
            f"nothing is left to score; leave ignore_index out if {ignore_index} is foreground"
        )
    seen = [set(pred_values) - {ignore_index}, set(target_values) - {ignore_index}]
    if labels_map is not None:
        count = _count(labels_map, num_classes)
        codes = [_with_ignore(labels_map, ignore_index, "labels map")] * 2
        return codes[0], codes[1], count
    binary = [_is_binary(values, foreground_value, ignore_index) for values in seen]
    for own, other in ((0, 1), (1, 0)):
        if seen[own] <= {0} and num_classes in (None, 2):
            binary[own] = binary[other]
    count = num_classes if num_classes is not None else _binary_count(seen, binary)
    value = 255 if foreground_value is None else foreground_value
    origin = "found in the files" if foreground_value is None else "foreground value"
    codes = [
        _with_ignore({0: 0, value: 1}, ignore_index, f"binary masks, foreground {value}, {origin}")
        if is_binary and count == 2
        else _with_ignore({i: i for i in range(count)}, ignore_index, f"{count} class indices")
        for is_binary in binary
    ]
    return codes[0], codes[1], count


def _is_binary(values: set[int], foreground: int | None, ignored: int | None) -> bool:
    if foreground is not None:
        # Predictions often hold indices where the ground truth holds 0 and 255.
        return foreground in values or not values <= {0, 1}
    return ignored != 255 and 255 in values and values <= {0, 255}


def _binary_count(seen: Sequence[set[int]], binary: Sequence[bool]) -> int:
    rest: set[int] = set()
    for values, is_binary in zip(seen, binary, strict=True):
        rest |= set() if is_binary else values
    if rest <= {0, 1}:
        return 2
    hint = " (is 255 to be ignored? then also --ignore-index 255)" if 255 in rest else ""
    raise ValueError(
        f"label values {_some(sorted(rest))} found: say how many classes there are with "
        f"num_classes (--num-classes){hint}"
    )


def _count(labels_map: Mapping[int, int], num_classes: int | None) -> int:
    highest = max(labels_map.values(), default=IGNORED)
    if num_classes is None:
        num_classes = max(highest + 1, 2)
    if highest >= num_classes:
        raise ValueError(f"the labels map names class {highest}, but num_classes is {num_classes}")
    return num_classes


def _with_ignore(classes: Mapping[int, int], ignored: int | None, origin: str) -> LabelCode:
    if ignored is None:
        return LabelCode(dict(classes), origin)
    return LabelCode({**classes, ignored: IGNORED}, f"{origin}, {ignored} ignored")


def _some(values: Sequence[int]) -> str:
    listed = ", ".join(map(str, values[:8]))
    return listed + (f" and {len(values) - 8} more" if len(values) > 8 else "")
