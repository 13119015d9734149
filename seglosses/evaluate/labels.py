"""What the numbers in label files mean, from what the user says and from what they hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from seglosses.evaluate.codes import IGNORED, LabelCode, distinct, some

__all__ = [
    "IGNORED",
    "LabelCode",
    "Reading",
    "choose_codes",
    "codes_of",
    "distinct",
    "parse_labels_map",
]


def parse_labels_map(text: str) -> dict[int, int]:
    """Read a labels map from the command line.

    Args:
        text: Pairs VALUE:CLASS separated by commas; CLASS is an index or `ignore`.

    Returns:
        Value to class index, -1 for ignored.

    Raises:
        ValueError: When a pair cannot be read, or a value has two classes.

    Example:
        >>> parse_labels_map("0:0,255:1,128:ignore")
        {0: 0, 255: 1, 128: -1}
    """
    classes: dict[int, int] = {}
    twice = False
    for part in text.split(","):
        value, colon, name = (word.strip() for word in part.partition(":"))
        try:
            index = IGNORED if name == "ignore" else int(name)
            twice = classes.setdefault(int(value), index) != index
        except ValueError:
            colon = ""
        if not colon or (name != "ignore" and int(name) < 0):
            raise ValueError(
                f"cannot read {part!r} in the labels map: expected VALUE:CLASS or VALUE:ignore, "
                "for example 0:0,255:1"
            )
        if twice:
            raise ValueError(f"the labels map gives the value {value} two classes; keep one")
    return classes


@dataclass(frozen=True)
class Reading:
    """What the user says about the values in files.

    Args:
        num_classes: Number of classes, None to find out for binary masks.
        ignore_index: Value of the ground truth that does not count.
        foreground_value: Value of the foreground in binary masks.
        labels_map: Value to class index or :data:`IGNORED`, for both sides; what it ignores has
            no meaning in a prediction.
        pred_labels_map: The same for predictions only; what it ignores belongs to no class there.
        gt_labels_map: The same for the ground truth only.
        colours: Packed colour to class index or :data:`IGNORED`.
    """

    num_classes: int | None = None
    ignore_index: int | None = None
    foreground_value: int | None = None
    labels_map: Mapping[int, int] | None = None
    pred_labels_map: Mapping[int, int] | None = None
    gt_labels_map: Mapping[int, int] | None = None
    colours: Mapping[int, int] | None = None

    def maps(self) -> tuple[Mapping[int, int] | None, Mapping[int, int] | None]:
        """Maps of the predictions and of the ground truth.

        Example:
            >>> Reading(labels_map={7: 0, 255: IGNORED}).maps()
            ({7: 0}, {7: 0, 255: -1})
        """
        pred = target = self.labels_map
        if pred is not None:
            pred = _without_ignored(pred)
        if self.pred_labels_map is not None:
            pred = self.pred_labels_map
        if self.gt_labels_map is not None:
            target = self.gt_labels_map
        return pred, target


def choose_codes(
    pred_values: Collection[int],
    target_values: Collection[int],
    *,
    num_classes: int | None = None,
    ignore_index: int | None = None,
    foreground_value: int | None = None,
    labels_map: Mapping[int, int] | None = None,
    pred_labels_map: Mapping[int, int] | None = None,
    gt_labels_map: Mapping[int, int] | None = None,
) -> tuple[LabelCode, LabelCode, int]:
    """Decide what values mean in the predictions and in the ground truth.

    A labels map settles its side. A foreground value V makes masks with background 0 and
    foreground V. Otherwise values are class indices, with one exception: a folder whose samples
    hold 0 and 255 and nothing else is a folder of binary masks with foreground 255, unless it is
    the ground truth and `ignore_index` is 255. A folder with nothing but zeros is read like its
    partner.

    Args:
        pred_values: Values seen in a sample of the predictions.
        target_values: Values seen in a sample of the ground truth.
        num_classes: As for :class:`Reading`, with the others.
        ignore_index: Value of the ground truth that does not count.
        foreground_value: Value of the foreground in binary masks.
        labels_map: Value to class index or :data:`IGNORED`, for both sides.
        pred_labels_map: The same for predictions.
        gt_labels_map: The same for the ground truth.

    Returns:
        The code of the predictions, the code of the ground truth, the number of classes.

    Raises:
        ValueError: When options contradict each other or the number of classes is not clear.

    Example:
        >>> pred, target, classes = choose_codes({0, 1}, {0, 255})
        >>> pred.describe(), target.describe(), classes
        ({'0': 'class 0', '1': 'class 1'}, {'0': 'class 0', '255': 'class 1'}, 2)
    """
    return codes_of(
        pred_values,
        target_values,
        Reading(
            num_classes,
            ignore_index,
            foreground_value,
            labels_map,
            pred_labels_map,
            gt_labels_map,
        ),
    )


def codes_of(
    pred_values: Collection[int], target_values: Collection[int], said: Reading
) -> tuple[LabelCode, LabelCode, int]:
    """The same from a record of what the user says.

    Args:
        pred_values: Values seen in a sample of the predictions.
        target_values: Values seen in a sample of the ground truth.
        said: What is known about them.

    Returns:
        As :func:`choose_codes`.

    Raises:
        ValueError: As :func:`choose_codes`.
    """
    ignored = said.ignore_index
    _check(said, set(pred_values), set(target_values))
    maps = said.maps()
    seen = [set(pred_values), set(target_values) - {ignored}]
    binary = [
        _is_binary(seen[0], said.foreground_value, None),
        _is_binary(seen[1], said.foreground_value, ignored),
    ]
    for own, other in ((0, 1), (1, 0)):
        if seen[own] <= {0} and maps[other] is None and said.num_classes in (None, 2):
            binary[own] = binary[other]
    count = _count(said, seen, binary)
    codes = [
        _code(values, is_binary, known, count, said)
        for values, is_binary, known in zip(seen, binary, maps, strict=True)
    ]
    (pred, pred_origin), (target, target_origin) = codes
    if ignored is not None:
        target, target_origin = {**target, ignored: IGNORED}, f"{target_origin}, {ignored} ignored"
    of_pred = of_target = None
    if said.colours is not None:
        of_pred = _without_ignored(said.colours)
        of_target = {c: IGNORED if i == ignored else i for c, i in said.colours.items()}
    return (
        LabelCode(pred, pred_origin, "prediction", of_pred),
        LabelCode(target, target_origin, "ground truth", of_target),
        count,
    )


def _without_ignored(classes: Mapping[int, int]) -> dict[int, int]:
    """What has a meaning in predictions, where nothing is ignored."""
    return {value: index for value, index in classes.items() if index != IGNORED}


def _check(said: Reading, pred_values: set[int], target_values: set[int]) -> None:
    """Options that contradict each other or the files."""
    if said.num_classes is not None and said.num_classes < 1:
        raise ValueError(f"expected num_classes of at least 1, got {said.num_classes}")
    value, ignored = said.foreground_value, said.ignore_index
    maps = said.maps()
    if value is not None and maps != (None, None):
        raise ValueError("give labels_map or foreground_value, not both")
    if value is not None and said.num_classes not in (None, 2):
        raise ValueError(f"foreground_value is for 2 classes, got num_classes={said.num_classes}")
    if value is not None and value in (0, ignored):
        raise ValueError(f"foreground_value {value} is the background or ignored")
    if maps[1] is not None and maps[1].get(ignored, IGNORED) != IGNORED:  # type: ignore[arg-type]
        raise ValueError(f"the labels map gives {ignored} a class, and ignore_index ignores it")
    if (
        maps == (None, None)
        and ignored in pred_values
        and pred_values | target_values <= {0, ignored}
    ):
        raise ValueError(
            f"the files hold 0 and {ignored} only, and ignore_index is {ignored}, so "
            f"nothing is left to score; leave ignore_index out if {ignored} is foreground"
        )


def _code(
    values: set[int],
    is_binary: bool,
    known: Mapping[int, int] | None,
    count: int,
    said: Reading,
) -> tuple[Mapping[int, int], str]:
    """Classes of values, and where that comes from."""
    if known is not None:
        return dict(known), "labels map"
    if is_binary and count == 2 and said.colours is None:
        value = 255 if said.foreground_value is None else said.foreground_value
        origin = "found in the files" if said.foreground_value is None else "foreground value"
        return {0: 0, value: 1}, f"binary masks, foreground {value}, {origin}"
    return {index: index for index in range(count)}, f"{count} class indices"


def _is_binary(values: set[int], foreground: int | None, ignored: int | None) -> bool:
    if foreground is not None:
        # Predictions often hold indices where the ground truth holds 0 and 255.
        return foreground in values or not values <= {0, 1}
    return ignored != 255 and 255 in values and values <= {0, 255}


def _count(said: Reading, seen: Sequence[set[int]], binary: Sequence[bool]) -> int:
    """Number of classes, as said or as it follows from maps, colours and values."""
    maps = [known for known in (*said.maps(), said.colours) if known is not None]
    highest = max((index for known in maps for index in known.values()), default=IGNORED)
    if said.num_classes is not None and highest >= said.num_classes:
        raise ValueError(
            f"the labels map names class {highest}, but num_classes is {said.num_classes}"
        )
    if said.num_classes is not None:
        return said.num_classes
    if maps:
        return max(highest + 1, 2)
    rest: set[int] = set()
    for values, is_binary in zip(seen, binary, strict=True):
        rest |= set() if is_binary else values
    if rest <= {0, 1}:
        return 2
    hint = " (is 255 to be ignored? then also --ignore-index 255" if 255 in rest else ""
    if rest == {0, 1, 255}:
        hint += "; do some masks hold 0 and 1, others 0 and 255? then --labels-map 0:0,1:1,255:1"
    hint += ")" if hint else ""
    raise ValueError(
        f"label values {some([str(value) for value in sorted(rest)])} found: say how many classes "
        f"there are with num_classes (--num-classes){hint}"
    )
