"""The numbers of images that were scored, each image once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from seglosses.evaluate.table import Table

Floats = NDArray[np.float64]


class Kept:
    """A table of images that knows repeats by their ids.

    Args:
        classes: Names of the classes.
        columns: Names of the columns.

    Example:
        >>> kept = Kept(["cat"], ["dice", "tp", "fn", "pixels"])
        >>> row = np.array([[0.5, 1.0, 1.0, 4.0]])
        >>> kept.extend(np.stack([row, row, row]), ["a", "b", "a"])
        >>> kept.table.images, kept.values().shape
        (['a', 'b'], (2, 1, 4))
    """

    def __init__(self, classes: Sequence[str], columns: Sequence[str]) -> None:
        self.table = Table(classes, columns)
        self.named: bool | None = None

    def values(self) -> Floats:
        """Numbers of all images, (images, classes, columns)."""
        return np.stack([self.table.matrix(name) for name in self.table.columns], axis=-1)

    @property
    def ids(self) -> list[str] | None:
        """The ids of all images; None where they have none."""
        return list(self.table.images) if self.named else None

    def extend(
        self,
        values: Floats,
        ids: Sequence[str] | None,
        repeats: Literal["equal", "same truth"] = "equal",
    ) -> None:
        """Append images; those whose id is known are left out.

        Args:
            values: (images, classes, columns).
            ids: One for each image, or None.
            repeats: What an image must have in common with one of the same id: all numbers, or, as
                two processes or devices may predict a little differently, its ground truth.

        Raises:
            ValueError: for a repeat with other numbers, and when some images have ids and some
                none.
        """
        if not len(values):
            return
        if self.named not in (None, ids is not None):
            raise ValueError(
                "some images came with ids and some without: give ids in every update(), or in none"
            )
        self.named = ids is not None
        if ids is None:
            for number, numbers in enumerate(values, start=len(self.table)):
                self.table.append(f"{number:08}", numbers)
            return
        fresh: dict[str, int] = {}
        for place, name in enumerate(ids):
            before = self.table.place_of(name)
            if before is not None:
                self._check(name, self.table.values_of(before), values[place], repeats)
            elif name in fresh:
                self._check(name, values[fresh[name]], values[place], repeats)
            else:
                fresh[name] = place
        for name, place in fresh.items():
            self.table.append(name, values[place])

    def _check(self, name: str, known: Floats, new: Floats, repeats: str) -> None:
        tp, fn, pixels = (self.table.columns.index(one) for one in ("tp", "fn", "pixels"))
        same = np.array_equal(known[:, tp] + known[:, fn], new[:, tp] + new[:, fn])
        if not (same and np.array_equal(known[:, pixels], new[:, pixels])):
            raise ValueError(
                f"two images with different ground truth have the id {name!r}: give each image an"
                " id of its own, such as the path of its file"
            )
        if repeats == "equal" and not np.array_equal(known, new, equal_nan=True):
            raise ValueError(
                f"the image {name!r} came before, with other predictions: call reset() before a new"
                " epoch, and give each image an id of its own"
            )

    def in_order(self) -> Table:
        """The table in the order of the ids, without ids in that of their coming.

        Returns:
            A new table.
        """
        table, values = Table(self.table.classes, self.table.columns), self.values()
        order = range(len(self.table))
        images = self.table.images
        for place in sorted(order, key=images.__getitem__) if self.named else order:
            table.append(images[place], values[place])
        return table


def texts(ids: Iterable[Any]) -> list[str]:
    """Ids as texts.

    Args:
        ids: Texts, paths or numbers, in a list or a tensor.

    Returns:
        Texts.

    Raises:
        ValueError: For a single text, whose letters would be ids.

    Example:
        >>> texts(torch.tensor([3, 12]))
        ['3', '12']
    """
    if isinstance(ids, str):
        raise ValueError(f"ids must be a list with one for each image, got the text {ids!r}")
    return [str(one) for one in (ids.tolist() if isinstance(ids, torch.Tensor) else ids)]
