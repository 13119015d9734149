"""Which files are measured, and what their values mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from seglosses.advise.profile import Files
from seglosses.evaluate.choosing import Wishes, choose_settings
from seglosses.evaluate.codes import IGNORED, some
from seglosses.evaluate.labels import codes_of
from seglosses.evaluate.listing import NIFTI_ENDINGS, PairFiles, ending, list_files
from seglosses.evaluate.nnunet import said_dataset
from seglosses.evaluate.partners import Folders, partners
from seglosses.evaluate.result import Failure
from seglosses.evaluate.scan import look
from seglosses.evaluate.settings import Settings, is_background

LIMIT = 200


@dataclass(frozen=True)
class Source:
    """Where label maps lie, and how they are read.

    Attributes:
        labels: Folder of label maps.
        pred: Folder of predictions, None without.
        second: Folder of another annotator's label maps, None without.
        wishes: What the user says about values, see :class:`seglosses.evaluate.choosing.Wishes`.
        suffix: End of the names of label maps.
        pred_suffix: End of the names of predictions.
        second_suffix: End of the names of the other annotator's label maps.
        limit: Label maps to measure at most, spread evenly over the folder.
        keep_going: With predictions, measure the label maps that have one.
        dataset_json: nnU-Net's file that names the labels; None looks for it where nnU-Net puts it.
    """

    labels: Path
    pred: Path | None = None
    second: Path | None = None
    wishes: Wishes = field(default_factory=Wishes)
    suffix: str = ""
    pred_suffix: str = ""
    second_suffix: str = ""
    limit: int = LIMIT
    keep_going: bool = False
    dataset_json: Path | None = None


NO_CLASS = (
    "void", "unlabelled", "unlabeled", "other", "others", "none", "nothing", "rest", "nodata",
    "no data", "ignore", "ignored", "unknown", "undefined", "clutter", "back ground", "",
)  # fmt: skip
"""What class 0 is called where it is no class to train, besides background."""

OWN_WORDS = {
    "--gt-suffix": "--suffix",
    "pred_labels_map (--pred-labels-map)": "labels_map (--labels-map)",
    "gt_labels_map (--gt-labels-map)": "labels_map (--labels-map)",
}
"""Options of `evaluate` in messages, and what they are called here."""


def said(source: Source) -> tuple[Wishes, tuple[str, ...]]:
    """What is known of the values of files, and the names of regions that overlap.

    Args:
        source: Where label maps lie.

    Returns:
        Wishes with the labels of dataset.json, and the names of its regions.
    """
    wishes, labels = source.wishes, source.labels
    dataset = wishes.dataset or said_dataset(
        source.dataset_json, source.pred or labels, labels, wishes.reading, wishes.class_names,
        wishes.colours,
    )  # fmt: skip
    if dataset is None:
        return wishes, ()
    # one label is measured at a time, for a pixel has one value, whatever regions it is in
    return replace(wishes, dataset=replace(dataset, regions=None)), tuple(dataset.regions or ())


def pairs_of(source: Source) -> tuple[list[PairFiles], list[tuple[str, str]]]:
    """Files to measure, and names that lack a partner, with what is missing.

    Args:
        source: Where label maps lie; without predictions each is its own.

    Returns:
        The pairs, and name and reason of what is left out.

    Raises:
        ValueError: When there are no files, or some lack a partner.
    """
    if source.pred is None:
        files = list_files(source.labels, suffix=source.suffix)
        return [PairFiles(name, path, path) for name, path in files.items()], []
    folders = Folders(source.pred, source.labels, source.pred_suffix, source.suffix)
    found, lacking = paired(folders, keep_going=source.keep_going)
    return found, [(failure.image, failure.reason) for failure in lacking]


def paired(
    folders: Folders, *, keep_going: bool, suffix: str = "--pred-suffix"
) -> tuple[list[PairFiles], list[Failure]]:
    """Pairs of files, and names without a partner.

    Args:
        folders: Where they lie.
        keep_going: Accept missing partners.
        suffix: The option for the names of what is compared with the labels.

    Returns:
        The pairs, and a failure for each name without partner.

    Raises:
        ValueError: When partners are missing; names the options of this command.
    """
    try:
        return partners(folders, keep_going=keep_going)
    except ValueError as error:
        raise ValueError(in_own_words(str(error).replace("--pred-suffix", suffix))) from None


def in_own_words(text: str) -> str:
    """A message of `evaluate` with the options of this command.

    Args:
        text: The message.

    Example:
        >>> in_own_words("--gt-suffix _mask pairs them")
        '--suffix _mask pairs them'
    """
    for theirs, ours in OWN_WORDS.items():
        text = text.replace(theirs, ours)
    return text


def settings_of(pairs: Sequence[PairFiles], wishes: Wishes, *, predicted: bool) -> Settings:
    """How files are read.

    Args:
        pairs: All files.
        wishes: What the user says.
        predicted: Whether one side are predictions; else both are read as ground truth, in which
            pixels may be ignored.

    Returns:
        Settings of `evaluate`, with the names of classes.

    Raises:
        ValueError: When options do not fit the files.
    """
    if predicted:
        return choose_settings(pairs, wishes)
    reading = wishes.reading
    found_out = wishes.colours is None and wishes.dataset is None
    if reading.ignore_index is not None and reading.num_classes is None and found_out:
        # what is ignored is no class, on neither side
        seen = look(pairs, reading).target
        count = codes_of(seen - {reading.ignore_index}, seen, reading)[2]
        wishes = replace(wishes, reading=replace(reading, num_classes=count))
    settings = choose_settings(pairs, wishes)
    return replace(settings, pred_code=settings.target_code)


def spread(pairs: Sequence[PairFiles], limit: int) -> list[PairFiles]:
    """At most so many, evenly over the list.

    Args:
        pairs: All files.
        limit: How many.

    Returns:
        Some of them, both ends among them.
    """
    if len(pairs) <= limit:
        return list(pairs)
    return [pairs[int(place)] for place in np.linspace(0, len(pairs) - 1, limit).round()]


def foreground(settings: Settings) -> dict[int, str]:
    """Classes to measure: those asked for, else all but the background.

    Class 0 is the background, unless it has a name that says otherwise and is one of several.

    Args:
        settings: How files are read, with the names of classes.

    Returns:
        Index to name.
    """
    if settings.asked:
        return dict(settings.classes)
    kept = {
        index: name
        for index, name in settings.classes.items()
        if not (is_background(name) or (index == 0 and (name == "0" or _is_ground(name))))
    }
    return kept or dict(settings.classes)


def ground(settings: Settings, wishes: Wishes) -> str:
    """Name of class 0 where it counts as background and is not called so; empty else.

    Args:
        settings: How files are read.
        wishes: What the user says.

    Returns:
        The name, its number where classes have none.
    """
    if settings.asked or 0 in foreground(settings):
        return ""
    names = wishes.class_names or ("background",)
    name = settings.classes.get(0, names[0])
    return "" if _is_ground(name) else name


def _is_ground(name: str) -> bool:
    return is_background(name) or name.strip(" _-").lower() in NO_CLASS


def stored(pairs: Sequence[PairFiles], settings: Settings) -> Files:
    """How files hold labels, but for their spacing.

    Args:
        pairs: All files.
        settings: How they are read.

    Returns:
        Values to convert, or the one that losses must ignore; and the order of the axes.
    """
    code = settings.target_code
    classes = {value: index for value, index in code.classes.items() if index != IGNORED}
    ignored = sorted(set(code.classes) - set(classes))
    moved = any(value != index for value, index in classes.items()) or len(ignored) > 1
    values = ""
    if code.colours is not None:
        values = "colours stand for classes"
    elif moved:
        values = some([f"{value} is {what}" for value, what in code.describe().items()])
    return Files(
        values,
        ignored[0] if ignored and not values else None,
        backwards=any(ending(files.target) in NIFTI_ENDINGS for files in pairs),
    )
