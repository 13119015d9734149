"""Scores of all images, column by column: eight bytes per number, whatever the number of images."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seglosses.report.cells import write_table


class Table:
    """A row per image and class.

    Args:
        classes: Names of the classes, the same for every image.
        columns: Names of the columns.

    Example:
        >>> table = Table(["cat", "dog"], ["dice"])
        >>> table.add("001", [{"dice": 0.5}, {"dice": 0.25}])
        >>> table.images, table.matrix("dice")
        (['001'], array([[0.5 , 0.25]]))
    """

    def __init__(self, classes: Sequence[str], columns: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.columns = tuple(columns)
        self.images: list[str] = []
        self._values = {column: array("d") for column in columns}
        self._places: dict[str, int] = {}
        self._known = 0

    def __len__(self) -> int:
        return len(self.images)

    def add(self, image: str, rows: Sequence[Mapping[str, float]]) -> None:
        """Add the rows of an image, one per class.

        Args:
            image: Name of the image.
            rows: Numbers by column, one row per class; further numbers are left out.

        Example:
            >>> table = Table(["cat"], ["dice"])
            >>> table.add("001", [{"dice": 0.5, "iou": 0.3}])
            >>> len(table)
            1
        """
        if len(rows) != len(self.classes):
            raise ValueError(f"{image}: expected {len(self.classes)} rows, got {len(rows)}")
        for column, values in self._values.items():
            values.extend(float(row[column]) for row in rows)
        self.images.append(image)

    def append(self, image: str, values: NDArray[np.float64]) -> None:
        """Add the numbers of an image.

        Args:
            image: Name of the image.
            values: (classes, columns).

        Example:
            >>> table = Table(["cat"], ["dice", "iou"])
            >>> table.append("001", np.array([[0.5, 0.25]]))
            >>> table.matrix("iou")
            array([[0.25]])
        """
        for column, numbers in zip(self._values.values(), values.T.tolist(), strict=True):
            column.extend(numbers)
        self.images.append(image)

    def place_of(self, image: str) -> int | None:
        """Where an image is.

        Args:
            image: Name of the image.

        Returns:
            Its first place; None where it is not.

        Example:
            >>> table = Table(["cat"], ["dice"])
            >>> table.append("001", np.array([[0.5]]))
            >>> table.place_of("001"), table.place_of("002")
            (0, None)
        """
        for place in range(self._known, len(self.images)):
            self._places.setdefault(self.images[place], place)
        self._known = len(self.images)
        return self._places.get(image)

    def values_of(self, place: int) -> NDArray[np.float64]:
        """All numbers of an image.

        Args:
            place: Of the image.

        Returns:
            (classes, columns).

        Example:
            >>> table = Table(["cat"], ["dice", "iou"])
            >>> table.append("001", np.array([[0.5, 0.25]]))
            >>> table.values_of(0)
            array([[0.5 , 0.25]])
        """
        first, last = place * len(self.classes), (place + 1) * len(self.classes)
        return np.array([column[first:last] for column in self._values.values()], np.float64).T

    def sort(self) -> None:
        """Order the images by name, so that resumed and parallel runs write the same files.

        Example:
            >>> table = Table(["cat"], ["dice"])
            >>> table.add("b", [{"dice": 0.5}])
            >>> table.add("a", [{"dice": 1.0}])
            >>> table.sort()
            >>> table.images, table.matrix("dice").ravel()
            (['a', 'b'], array([1. , 0.5]))
        """
        order = sorted(range(len(self)), key=self.images.__getitem__)
        self.images = [self.images[index] for index in order]
        self._places, self._known = {}, 0
        for column in self.columns:
            self._values[column] = array("d", self.matrix(column)[order].ravel())

    def matrix(self, column: str) -> NDArray[np.float64]:
        """Numbers of a column, (images, classes).

        Args:
            column: Name of the column.

        Returns:
            A copy, in the order of ``images`` and ``classes``.

        Example:
            >>> table = Table(["cat", "dog"], ["dice"])
            >>> table.add("001", [{"dice": 0.5}, {"dice": 0.25}])
            >>> table.matrix("dice")
            array([[0.5 , 0.25]])
        """
        values = np.array(self._values[column], np.float64)
        return values.reshape(-1, len(self.classes))

    def write_csv(self, path: Path, columns: Sequence[str]) -> None:
        """Write image, class and some columns; an undefined number is an empty cell.

        Args:
            path: File to write.
            columns: Which columns, in order.
        """
        names = ((image, name) for image in self.images for name in self.classes)
        numbers = zip(*(self._values[column] for column in columns), strict=True)
        rows = ((*key, *row) for key, row in zip(names, numbers, strict=True))
        write_table(path, ["image", "class", *columns], rows)
