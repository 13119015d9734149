"""Ids of COCO files, renumbered from 1; errors name the place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Names:
    """Ids of images or categories, numbered from 1 in the order in which pycocotools has them.

    Args:
        what: ``'image'`` or ``'category'``.
        rows: What the data set has under ``images`` or ``categories``.
        file: Name of the data set's file, for messages.
        notes: List to which a remark on the files is added.

    Raises:
        ValueError: for a row without an id, or two with the same.

    Example:
        >>> names = Names("image", [{"id": 20}, {"id": 3}], "gt.json", notes := [])
        >>> names.find(20, "[0].image_id", "pred.json")
        2
        >>> names.find("3", "[1].image_id", "pred.json")
        1
        >>> notes[0][:60]
        'image ids of pred.json are str where those of gt.json are in'
    """

    def __init__(self, what: str, rows: list[Any], file: str, notes: list[str]) -> None:
        self.what, self.file, self.notes = what, file, notes
        key = "images" if what == "image" else "categories"
        seen: dict[Any, Mapping[str, Any]] = {}
        for index, row in enumerate(rows):
            given = row.get("id") if isinstance(row, Mapping) else None
            if isinstance(given, bool) or not isinstance(given, int | float | str):
                raise ValueError(
                    f"{key}[{index}] of {file} has no id that is a number or a text; give it one"
                )
            if given in seen:
                raise ValueError(
                    f"{key}[{index}] of {file} has the id {given!r} of an earlier one; give each"
                    f" {what} an id of its own"
                )
            seen[given] = row
        self.given = sorted(seen, key=lambda one: (isinstance(one, str), one))
        self.rows = [seen[one] for one in self.given]
        self.number = {one: number for number, one in enumerate(self.given, start=1)}
        self.by_text = {str(one): number for one, number in self.number.items()}
        self.unknown: list[Any] = []

    def find(self, given: Any, place: str, file: str) -> int:
        """The number of an id; text and integer of equal digits are one where that is clear."""
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise ValueError(
                f"{place}: expected the id of a{'n' if self.what == 'image' else ''} {self.what} of"
                f" {self.file}, got {given!r}; give it one"
            )
        if given in self.number:
            return self.number[given]
        if (number := self.by_text.get(str(given))) is not None and len(self.by_text) == len(
            self.number
        ):
            note = (
                f"{self.what} ids of {file} are {type(given).__name__} where those of {self.file}"
                f" are {type(self.given[number - 1]).__name__}; equal digits are taken for equal"
            )
            if note not in self.notes:
                self.notes.append(note)
            return number
        if file == self.file:
            raise ValueError(
                f"{place}: {self.file} has no {self.what} with the id {given!r}; add it, or remove"
                " the annotation"
            )
        if given not in self.unknown:
            self.unknown.append(given)
        return 0

    def raise_unknown(self, file: str) -> None:
        """Raise for ids of detections that the data set lacks, all at once."""
        if not self.unknown:
            return
        shown = sorted(self.unknown, key=str)[:5]
        if self.what == "image":
            raise ValueError(
                f"{len(self.unknown)} images of {file} are not in {self.file}: {shown}; image_id is"
                f" the id in images, there for example {self.given[:3]}"
            )
        raise ValueError(
            f"{len(self.unknown)} category ids of {file} are not in {self.file}: {shown}; it has"
            f" {self.given[:10]}. Outputs of a network are indices: write the id of the category"
        )
