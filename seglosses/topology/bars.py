"""Bars of a forest as pairs of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seglosses.topology.filtration import Construction, Frame, pad_keys
from seglosses.topology.forests import Forest, forests_2d, forests_3d
from seglosses.topology.sides import Codes, Ints, Side
from seglosses.topology.tunnels import Loops

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Filtered:
    """An image in the form of the engines, with its features by dimension of the engine.

    Attributes:
        key: Padded keys, flat.
        frame: How they were padded.
        oldest: Flat index in the image of its oldest pixel.
        features: Components, then loops of a volume, then what is enclosed.
    """

    key: Ints
    frame: Frame
    oldest: int
    features: tuple[Forest | Loops, ...]

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
        features: tuple[Forest | Loops, ...]
        if key.ndim == 2:
            features = forests_2d(padded)
        else:
            components, cavities, walls = forests_3d(padded)
            features = (components, Loops(walls), cavities)
        return cls(padded.ravel(), frame, int(key.argmin()), features)

    def pairs(self, dim: int, which: NDArray[Any]) -> Codes:
        """Birth and death pixels in the image of some features.

        Args:
            dim: Dimension of the engine.
            which: Their numbers, or a mask.

        Returns:
            Flat indices, (k, 2); in the T-construction birth and death have changed places.
        """
        feature = self.features[dim]
        if isinstance(feature, Loops):
            birth = wall_pixel(self.key, feature.edges[which], feature.primal)
            pair = (birth, wall_pixel(self.key, feature.squares[which], feature.dual))
        else:
            side = feature.side
            cells = side.index(feature.age[feature.lose[which]])
            walls = wall_pixel(self.key, side.index(feature.codes[which]), side)
            top = _first_top(self.key, cells[:, None] + side.picks)
            pair = (top, walls) if side.flip == 0 else (walls, top)
        if self.frame.dual:
            pair = pair[::-1]
        return np.stack([self.frame.back(pixels, self.oldest) for pixels in pair], axis=1)


def wall_pixel(key: Ints, walls: Codes, side: Side) -> Codes:
    """The pixel that gives an edge or a square its value, the last in reading order among equals.

    Args:
        key: Padded keys.
        walls: Edges of the side, ``axes * cell + axis``.
        side: Geometry of the edges.

    Returns:
        Flat indices in the padded image.
    """
    cells, axis = np.divmod(walls, side.axes)
    return _first_top(key, cells[:, None] + side.edge[axis][:, ::-1])


def _first_top(key: NDArray[Any], pixels: Codes) -> Codes:
    best = key[pixels].argmax(axis=1)
    return np.asarray(np.take_along_axis(pixels, best[:, None], axis=1)[:, 0])
