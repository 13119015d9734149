"""Betti matching by the book: cubical complexes, boundary matrices, column reduction. Slow."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cell = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass
class Complex:
    """V-construction of an image: a cell is its first pixel and the axes along which it extends."""

    image: NDArray[Any]
    values: dict[Cell, float] = field(default_factory=dict)
    ordered: dict[int, list[Cell]] = field(default_factory=dict)

    def cells(self, dim: int) -> list[Cell]:
        """Cells of a dimension in the order (value, index)."""
        if dim not in self.ordered:
            self.ordered[dim] = self._cells(dim)
        return self.ordered[dim]

    def _cells(self, dim: int) -> list[Cell]:
        ndim = self.image.ndim
        found = [
            (corner, axes)
            for axes in product((0, 1), repeat=ndim)
            if sum(axes) == dim
            for corner in np.ndindex(
                *(size - extent for size, extent in zip(self.image.shape, axes, strict=True))
            )
        ]
        # Among the cells at one pixel edges count by their axis, squares by the one they lack.
        mark = 1 if dim == 1 else 0
        return sorted(
            found,
            key=lambda c: (self.value(c), c[0], c[1].index(mark) if 0 < dim < ndim else 0),
        )

    def value(self, cell: Cell) -> float:
        """Value of a cell: that of its largest pixel."""
        if cell not in self.values:
            self.values[cell] = max(float(self.image[pixel]) for pixel in pixels_of(cell))
        return self.values[cell]

    def pixel(self, cell: Cell) -> int:
        """Flat index of the pixel with the value: the last of equals, for cubes the first."""
        pixels = pixels_of(cell)
        if len(pixels) < 8:
            pixels = pixels[::-1]
        best = next(p for p in pixels if self.image[p] == self.value(cell))
        return int(np.ravel_multi_index(best, self.image.shape))


@lru_cache(maxsize=1 << 16)
def pixels_of(cell: Cell) -> list[tuple[int, ...]]:
    """Pixels of a cell in reading order."""
    corner, axes = cell
    return [
        tuple(c + s for c, s in zip(corner, shift, strict=True))
        for shift in product(*((0, 1) if extent else (0,) for extent in axes))
    ]


@lru_cache(maxsize=1 << 16)
def faces(cell: Cell) -> list[Cell]:
    """Cells of one dimension less around a cell."""
    corner, axes = cell
    found = []
    for axis, extent in enumerate(axes):
        if extent:
            flat = (*axes[:axis], 0, *axes[axis + 1 :])
            far = (*corner[:axis], corner[axis] + 1, *corner[axis + 1 :])
            found += [(corner, flat), (far, flat)]
    return found


def pair(rows: Complex, columns: Complex, dim: int) -> dict[Cell, Cell]:
    """Death cell -> birth cell, with births ordered by one complex and deaths by another."""
    order = {cell: i for i, cell in enumerate(rows.cells(dim))}
    # A column is a whole number with a bit for each row.
    reduced: dict[int, int] = {}
    owner: dict[int, Cell] = {}
    for cell in columns.cells(dim + 1):
        column = sum(1 << order[face] for face in faces(cell))
        while (pivot := column.bit_length() - 1) in reduced:
            column ^= reduced[pivot]
        if column:
            reduced[pivot] = column
            owner[pivot] = cell
    births = list(order)
    return {death: births[row] for row, death in owner.items()}


def kept(complex_: Complex, dim: int) -> dict[Cell, Cell]:
    """Death cell -> birth cell of the bars of positive length."""
    pairs = pair(complex_, complex_, dim)
    return {d: b for d, b in pairs.items() if complex_.value(d) != complex_.value(b)}


def matching(
    a: NDArray[Any],
    b: NDArray[Any],
    *,
    union: bool,
    positive: bool,
    comparison: NDArray[Any] | None = None,
) -> list[set[tuple[int, ...]]]:
    """Matched bars of two sublevel filtrations by dimension, as flat pixel indices."""
    inputs = [Complex(a), Complex(b)]
    if comparison is None:
        comparison = np.minimum(a, b) if union else np.maximum(a, b)
    third = Complex(comparison)
    found = []
    for dim in range(a.ndim):
        ends = []
        for image in inputs:
            bars = kept(image, dim)
            if union:
                seen = pair(image, third, dim)
                by_birth = {birth: (birth, death) for death, birth in bars.items()}
                ends.append(
                    {
                        death: by_birth[birth]
                        for death, birth in seen.items()
                        if birth in by_birth
                        and (not positive or image.value(birth) < third.value(death))
                    }
                )
            else:
                seen = pair(third, image, dim)
                ends.append(
                    {
                        birth: (bars[death], death)
                        for death, birth in seen.items()
                        if death in bars
                        and (not positive or third.value(birth) < image.value(death))
                    }
                )
        through = kept(third, dim)
        links = through.keys() if union else set(through.values())
        found.append(
            {
                (
                    *(inputs[0].pixel(cell) for cell in ends[0][link]),
                    *(inputs[1].pixel(cell) for cell in ends[1][link]),
                )
                for link in links
                if link in ends[0] and link in ends[1]
            }
        )
    return found
