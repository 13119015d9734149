"""Bars of a forest as pairs of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seglosses.topology.filtration import Construction, Frame, pad_keys
from seglosses.topology.forests import Codes, Forest, Ints, Side, forests_2d

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Filtered:
    """An image in the form of the engines, with its forests.

    Attributes:
        key: Padded keys, flat.
        frame: How they were padded.
        oldest: Flat index in the image of its oldest pixel.
        forests: The forests by dimension of the engine.
    """

    key: Ints
    frame: Frame
    oldest: int
    forests: tuple[Forest, ...]

    @classmethod
    def of(cls, key: Ints, *, construction: Construction, relative: bool) -> Filtered:
        """Filter the keys of a sublevel filtration.

        Args:
            key: Keys, (H, W) or (D, H, W).
            construction: ``'V'`` or ``'T'``.
            relative: Whether to surround the image with its smallest value.

        Returns:
            The filtered image.
        """
        padded, frame = pad_keys(key, construction=construction, relative=relative)
        return cls(padded.ravel(), frame, int(key.argmin()), forests_2d(padded))

    def pairs(self, dim: int) -> Codes:
        """Birth and death pixel of every merge of a forest, (k, 2), in the image.

        Args:
            dim: Dimension of the engine.

        Returns:
            Flat indices; in the T-construction birth and death have changed places.
        """
        forest = self.forests[dim]
        side = forest.side
        cells = top_pixel(self.key, side.index(forest.age[forest.lose]), side)
        edges = edge_pixel(self.key, side.index(forest.codes), side)
        pair = (cells, edges) if (side.flip == 0) != self.frame.dual else (edges, cells)
        return np.stack([self.frame.back(pixels, self.oldest) for pixels in pair], axis=1)


def top_pixel(key: Ints, cells: Codes, side: Side) -> Codes:
    """The pixel that gives a cell its value, the last one in reading order among equals.

    Args:
        key: Padded keys.
        cells: Cells.
        side: Geometry of the cells.

    Returns:
        Flat indices in the padded image.
    """
    return _first_top(key, cells[:, None] + side.picks)


def edge_pixel(key: Ints, edges: Codes, side: Side) -> Codes:
    """The pixel that gives an edge its value, the last one in reading order among equals.

    Args:
        key: Padded keys.
        edges: Edges, ``axes * cell + axis``.
        side: Geometry of the edges.

    Returns:
        Flat indices in the padded image.
    """
    cells, axis = np.divmod(edges, side.axes)
    return _first_top(key, cells[:, None] + side.edge[axis][:, ::-1])


def _first_top(key: NDArray[Any], pixels: Codes) -> Codes:
    best = key[pixels].argmax(axis=1)
    return np.asarray(np.take_along_axis(pixels, best[:, None], axis=1)[:, 0])
