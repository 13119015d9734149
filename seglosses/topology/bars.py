"""Bars of a forest as pairs of pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from seglosses.topology.filtration import Construction, Frame, pad_keys
from seglosses.topology.forests import Forest, Mask, forests_2d, forests_3d
from seglosses.topology.kernels import grid as kernels
from seglosses.topology.sides import Codes, Ints, Side
from seglosses.topology.tunnels import Loops


@dataclass
class Filtered:
    """An image in the form of the engines, with its features by dimension of the engine.

    Attributes:
        key: Padded keys, flat.
        frame: How they were padded.
        oldest: Flat index in the image of its oldest pixel.
        features: Components, then loops of a volume, then what is enclosed.
        settled: Bars of positive length as pixels, and which features they are, by dimension, where
            the features themselves are given back.
    """

    key: Ints
    frame: Frame
    oldest: int
    features: list[Forest | Loops]
    settled: dict[int, tuple[Ints, Mask]] = field(default_factory=dict)

    @classmethod
    def of(cls, key: Ints, *, construction: Construction, relative: bool) -> Filtered:
        """Filter the keys of a sublevel filtration.

        Args:
            key: Keys, (H, W) or (D, H, W); those of a volume are dense (see
                :func:`seglosses.topology.filtration.dense_keys`).
            construction: ``'V'`` or ``'T'``.
            relative: Whether to surround the image with its smallest value.

        Returns:
            The filtered image.
        """
        padded, frame = pad_keys(key, construction=construction, relative=relative)
        features: list[Forest | Loops]
        if key.ndim == 2:
            features = [*forests_2d(padded)]
        else:
            components, cavities, walls = forests_3d(padded, _span(key, construction))
            features = [components, Loops(walls), cavities]
        # The duality behind 'T' turns the order of ties around.
        flat = key.ravel() if construction == "V" else key.ravel()[::-1]
        oldest = int(flat.argmin())
        if construction == "T":
            oldest = flat.size - 1 - oldest
        return cls(padded.ravel(), frame, oldest, features)

    @property
    def loops(self) -> Loops:
        """Loops of a volume."""
        loops = self.features[1]
        assert isinstance(loops, Loops)
        return loops

    @property
    def bars(self) -> int:
        """Bars of positive length, in all dimensions."""
        return sum(int(np.count_nonzero(feature.lives)) for feature in self.features)

    def settle(self, dim: int) -> None:
        """Keep the bars of a dimension as pixels, and give back what they were made of.

        Args:
            dim: Dimension of the engine.
        """
        pairs, lives = self.pairs(dim)
        self.settled[dim] = pairs.astype(np.int32), lives
        self.features[dim].forget(bars=True)
        if len(self.settled) == len(self.features):
            self.key = self.key[:0].copy()

    def pairs(self, dim: int) -> tuple[Codes, Mask]:
        """Birth and death pixels in the image of the bars of positive length.

        Args:
            dim: Dimension of the engine.

        Returns:
            Flat indices, (k, 2), and which features they are; in the T-construction birth and death
            have changed places.
        """
        if dim in self.settled:
            pairs, lives = self.settled[dim]
            return pairs.astype(np.int64), lives
        feature = self.features[dim]
        which = feature.lives
        if isinstance(feature, Loops):
            birth = self._pixels(feature.edges[which], _walls(feature.around.primal))
            death = self._pixels(feature.squares[which], _walls(feature.around.dual))
            return np.stack([death, birth] if self.frame.dual else [birth, death], axis=1), which
        side = feature.side
        merges = feature.lose, feature.codes, which
        swapped = self.frame.dual != (side.flip != 0)
        flip, picks = np.int64(side.flip), side.picks
        bars = kernels.bar_pixels(
            feature.age, merges, flip, picks, _walls(side), self.key, self._place, swapped
        )
        return bars, which

    @property
    def _place(self) -> tuple[Codes, int, int]:
        return np.array(self.frame.shape, np.int64), self.frame.margin, self.oldest

    def _pixels(self, cells: Codes, picks: Codes) -> Codes:
        out = np.empty(cells.size, np.int64)
        kernels.top_pixels(self.key, cells, len(picks), picks, *self._place, out)
        return out


def _span(key: Ints, construction: Construction) -> tuple[int, int]:
    """Smallest key of the engine, and how many there are from there on."""
    low, high = int(key.min()), int(key.max())
    return (low if construction == "V" else ~high), high - low + 1


def _walls(side: Side) -> Codes:
    """Pixels of the walls of a side, by axis, the preferred one first."""
    return np.ascontiguousarray(side.edge[:, ::-1])
