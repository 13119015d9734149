"""Components, loops and cavities of a prediction and a label, and which of them correspond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seglosses.report.ties import match_masks
from seglosses.topology import Matching, betti_matching, label_components
from seglosses.topology.filtration import Construction
from seglosses.topology.shared_loops import cycle_near

Kind = Literal["matched", "faint", "missing", "spurious"]
Map = NDArray[np.float32]


@dataclass(frozen=True)
class Bar:
    """One feature of one map.

    Attributes:
        birth: Value at which it appears, from 1 downwards.
        death: Value at which it vanishes, below ``birth``; 0 for the component that never dies.
        place: Flat index of a pixel of it: the brightest of a component, the darkest inside a
            loop or a cavity.
    """

    birth: float
    death: float
    place: int

    @property
    def length(self) -> float:
        """Range of thresholds at which it is there."""
        return self.birth - self.death


@dataclass(frozen=True)
class Feature:
    """A feature of the prediction, of the label, or of both.

    Attributes:
        dimension: 0 for components, 1 for loops, 2 for cavities.
        kind: 'matched'; 'faint' (matched, but absent from the prediction cut at 1/2); 'missing'
            (only in the label); 'spurious' (only in the prediction).
        pred: Its bar in the prediction, None where missing.
        target: Its bar in the label, None where spurious.
    """

    dimension: int
    kind: Kind
    pred: Bar | None
    target: Bar | None

    @property
    def bar(self) -> Bar:
        """The bar of the map that shows it: the prediction's, unless it is missing or faint."""
        bar = self.pred if self.kind in ("matched", "spurious") else self.target
        assert bar is not None
        return bar


def find_features(
    pred: ArrayLike,
    target: ArrayLike,
    *,
    connectivity: int | None = None,
    min_length: float = 0.1,
) -> list[Feature]:
    """Match the features of a prediction with those of a label.

    Args:
        pred: Mask or probabilities of the foreground, (H, W) or (D, H, W).
        target: Mask or soft label of that shape.
        connectivity: Of the foreground: 4 or 8, in 3D 6 or 26; None for 8 (26).
        min_length: Unmatched features that are not longer are noise, and left out.

    Returns:
        The features, by dimension, the longest first.

    Example:
        >>> found = find_features([[1, 0, 0.7]], [[1, 0, 0]])
        >>> [(f.dimension, f.kind, f.bar.place) for f in found]
        [(0, 'matched', 0), (0, 'spurious', 2)]
    """
    first, second = (np.asarray(side, np.float32) for side in (pred, target))
    construction: Construction = "V" if connectivity in (4, 6) else "T"
    matching = betti_matching(first, second, construction=construction)
    together = _Together(first, second, construction, min_length)
    masks = all(bool(np.isin(side, (0, 1)).all()) for side in (first, second))
    found: list[Feature] = []
    for dim in range(first.ndim):
        if masks and dim in (0, first.ndim - 1):
            found += _of_masks(first > 0, second > 0, dim, construction == "T")
            continue
        pairs = list(
            zip(
                _bars(first, matching.matched[dim][:, :2], dim),
                _bars(second, matching.matched[dim][:, 2:], dim),
                strict=True,
            )
        )
        if dim == 0:
            pairs.append(_oldest(matching, first, second))
        # equal values leave a choice, and the matching may choose what lies apart
        apart = [pair for pair in pairs if not together(dim, *pair)]
        kept = [pair for pair in pairs if pair not in apart]
        spurious = [*(p for p, _ in apart), *_bars(first, matching.unmatched_a[dim], dim)]
        missing = [*(t for _, t in apart), *_bars(second, matching.unmatched_b[dim], dim)]
        if apart:
            _rematch(dim, kept, spurious, missing, together)
        if dim in (0, first.ndim - 1):
            _prefer_overlap(dim, kept, spurious, missing, together)
        found += [Feature(dim, _kind(p, t), p, t) for p, t in kept]
        found += [Feature(dim, "spurious", p, None) for p in spurious if p.length > min_length]
        found += [Feature(dim, "missing", None, t) for t in missing if t.length > min_length]
    return sorted(found, key=lambda feature: (feature.dimension, -feature.bar.length))


def _of_masks(
    pred: NDArray[np.bool_], target: NDArray[np.bool_], dim: int, full: bool
) -> Iterator[Feature]:
    """Features of masks, whose bars all tie: by the pixels that they share."""
    tied = match_masks(pred, target, dim, full=full)
    birth, death = 1.0, 0.0
    for p, t in tied.matched:
        yield Feature(dim, "matched", Bar(birth, death, p), Bar(birth, death, t))
    for p in tied.spurious:
        yield Feature(dim, "spurious", Bar(birth, death, p), None)
    for t in tied.missing:
        yield Feature(dim, "missing", None, Bar(birth, death, t))


def _prefer_overlap(
    dim: int,
    kept: list[tuple[Bar, Bar]],
    spurious: list[Bar],
    missing: list[Bar],
    together: _Together,
) -> None:
    """Of bars of one birth and death that lie together, match those that share most pixels."""
    for place, (pred, target) in enumerate(kept):
        if (pred.death if dim == 0 else pred.birth) != (target.death if dim == 0 else target.birth):
            continue
        sides = [
            [bar, *(o for o in rest if (o.birth, o.death) == (bar.birth, bar.death))]
            for bar, rest in ((pred, spurious), (target, missing))
        ]
        if len(sides[0]) + len(sides[1]) == 2 or pred.length <= together.min_length:
            continue
        choices = [
            (together.shared(dim, p, t), -a - b, a, b)
            for a, p in enumerate(sides[0])
            for b, t in enumerate(sides[1])
            if together(dim, p, t)
        ]
        best = max(choices, default=(0, 0, 0, 0))
        for side, chosen, rest in zip(sides, best[2:], (spurious, missing), strict=True):
            if chosen:
                rest[rest.index(side[chosen])] = side[0]
        kept[place] = (sides[0][best[2]], sides[1][best[3]])


def _rematch(
    dim: int,
    kept: list[tuple[Bar, Bar]],
    spurious: list[Bar],
    missing: list[Bar],
    together: _Together,
) -> None:
    """Move bars that lie together and have no partner yet to ``kept``, one pair per place."""
    for bar in list(spurious):
        partner = next((other for other in missing if together(dim, bar, other)), None)
        if partner is None or any(together(dim, bar, target) for _, target in kept):
            continue
        spurious.remove(bar)
        missing.remove(partner)
        kept.append((bar, partner))


class _Together:
    """Whether two bars can be one feature of the union of both maps.

    Components must be connected in the union at a level at which both are there, and what two
    loops or cavities enclose in the background of the intersection.
    """

    def __init__(
        self, first: Map, second: Map, construction: Construction, min_length: float
    ) -> None:
        self.union, self.both = np.maximum(first, second), np.minimum(first, second)
        self.full, self.min_length = construction == "T", min_length
        self.sides = (first, second)
        self.labels = lru_cache(maxsize=8)(self._label)
        self.regions = lru_cache(maxsize=16)(self._region)

    def __call__(self, dim: int, pred: Bar, target: Bar) -> bool:
        shorter = min(pred.length, target.length)
        if shorter <= 0:
            return False
        level, other = (pred.death, target.death) if dim == 0 else (pred.birth, target.birth)
        # only equal levels leave a choice, and noise is not worth a labelling for each bar
        if level != other or shorter <= self.min_length or 0 < dim < self.union.ndim - 1:
            return True
        labels = self.labels(dim == 0, level)
        return bool(labels[pred.place] == labels[target.place] > 0)

    def shared(self, dim: int, pred: Bar, target: Bar) -> int:
        """Pixels that the regions of both bars have in common."""
        regions = [
            self.regions(side, dim == 0, bar.death if dim == 0 else bar.birth)
            for side, bar in ((0, pred), (1, target))
        ]
        mine = regions[0] == regions[0][pred.place]
        return int(np.count_nonzero(mine & (regions[1] == regions[1][target.place])))

    def _region(self, side: int, components: bool, level: float) -> NDArray[np.int32]:
        values = self.sides[side]
        mask = values > level if components else values < level
        neighbours = {2: (4, 8), 3: (6, 26)}[mask.ndim][self.full == components]
        return label_components(mask, connectivity=neighbours)[0].ravel()

    def _label(self, components: bool, level: float) -> NDArray[np.int32]:
        mask = self.union > level if components else self.both < level
        neighbours = {2: (4, 8), 3: (6, 26)}[mask.ndim][self.full == components]
        return label_components(mask, connectivity=neighbours)[0].ravel()


def _bars(values: Map, pairs: NDArray[np.int64], dim: int) -> list[Bar]:
    ends = values.ravel()[pairs].tolist()
    places = pairs[:, 0 if dim == 0 else 1].tolist()
    return [Bar(birth, death, place) for (birth, death), place in zip(ends, places, strict=True)]


def _oldest(matching: Matching, first: Map, second: Map) -> tuple[Bar, Bar]:
    """The components that never die; an empty map has one of no length."""
    pred, target = (
        Bar(float(side.flat[place]), 0.0, place)
        for side, place in zip((first, second), matching.essential, strict=True)
    )
    return pred, target


def _kind(pred: Bar, target: Bar) -> Kind:
    there, wanted = (bar.death <= 0.5 < bar.birth for bar in (pred, target))
    return "faint" if wanted and not there else "matched"


def feature_region(
    feature: Feature,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    connectivity: int | None = None,
    least: float = -np.inf,
) -> NDArray[np.bool_]:
    """Pixels of a component, or the inside of a loop or cavity.

    A component is taken just before it dies, an inside when it has just been enclosed.

    Args:
        feature: One of :func:`find_features`.
        pred: The prediction it was found in.
        target: The label it was found in.
        connectivity: As there.
        least: Pixels of a component are above this level, too.

    Returns:
        A mask. Loops of volumes enclose nothing; theirs is a cycle around the pixel that fills
        them, where 6-connected voxels show one, else that pixel.

    Example:
        >>> pred, target = [[1, 0, 0.6, 0.7]], [[1, 0, 0, 0]]
        >>> feature_region(find_features(pred, target)[1], pred, target).astype(int).tolist()
        [[0, 0, 1, 1]]
    """
    shown = pred if feature.kind in ("matched", "spurious") else target
    values, bar = np.asarray(shown, np.float32), feature.bar
    if feature.dimension == 0:
        mask, full = values > max(bar.death, least), connectivity not in (4, 6)
    elif feature.dimension == values.ndim - 1:
        mask, full = values < bar.birth, connectivity in (4, 6)
    else:
        return cycle_near(values > (bar.birth + bar.death) / 2, bar.place)
    labels, _ = label_components(mask, connectivity={2: (4, 8), 3: (6, 26)}[values.ndim][full])
    return np.asarray(labels == labels.flat[bar.place])
