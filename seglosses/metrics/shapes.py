"""What decides which loss to choose, measured on one class of one label map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from seglosses.metrics.pair import bounding_box
from seglosses.primitives.distance import distance_to, surface
from seglosses.primitives.masks import Mask
from seglosses.topology import betti_numbers, label_components
from seglosses.topology.skeleton import skeletonize

KEPT = 400
"""Sizes and radii that are kept of an image: enough for quantiles, and bounded."""

LARGEST = 2**22
"""Pixels of a window in which thickness is measured; larger masks are looked at in windows."""

WINDOWS = 4
GAP = 3
"""Two components are neighbours when at most so many pixels lie between them."""


@dataclass(frozen=True)
class Shape:
    """One class of one label map; lengths in pixels.

    Attributes:
        pixels: Of the class.
        valid: Pixels of the image that count.
        components: Number of components, 8-connected, 26 in 3D.
        loops: Loops (2D), tunnels (3D).
        cavities: Enclosed background in 3D, 0 in 2D.
        length: Pixels of the centre line.
        surface: Pixels with a neighbour of another class across a face.
        at_border: Components that touch the border of the image.
        specks: Components of a single pixel.
        pinholes: Holes of a single pixel.
        neighbours: Components with another one within :data:`GAP` pixels.
        sizes: Pixels of components, a sample, (k,).
        radii: Inscribed radius along the centre line, a sample, (k,).
    """

    pixels: int
    valid: int
    components: int
    loops: int
    cavities: int
    length: float
    surface: int
    at_border: int
    specks: int
    pinholes: int
    neighbours: int
    sizes: NDArray[np.float64]
    radii: NDArray[np.float64]

    @property
    def share(self) -> float:
        """Share of the pixels that count."""
        return self.pixels / max(self.valid, 1)


def measure(mask: Mask, valid: int) -> Shape:
    """Measure a mask.

    Args:
        mask: Pixels of the class, (H, W) or (D, H, W).
        valid: Pixels of the image that count.

    Returns:
        Its numbers; all 0 and empty samples for an empty mask.

    Example:
        >>> line = np.zeros((7, 30), bool)
        >>> line[2:5, 3:27] = True
        >>> found = measure(line, line.size)
        >>> found.components, found.loops, found.pixels, float(np.median(found.radii))
        (1, 0, 72, 2.0)
    """
    nothing = np.zeros(0)
    if not mask.any():
        return Shape(0, valid, 0, 0, 0, 0.0, 0, 0, 0, 0, 0, nothing, nothing)
    # One pixel of margin where the image has one: what lies beyond its border is unknown.
    box = bounding_box(mask)
    wide = tuple(
        slice(max(side.start - 1, 0), min(side.stop + 1, size))
        for side, size in zip(box, mask.shape, strict=True)
    )
    cut = np.ascontiguousarray(mask[wide])
    labels, count = label_components(cut)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    betti = betti_numbers(cut)
    length, radii = _thickness(cut)
    return Shape(
        pixels=int(sizes.sum()),
        valid=valid,
        components=count,
        loops=betti[1],
        cavities=betti[2] if mask.ndim == 3 else 0,
        length=length,
        surface=int(np.count_nonzero(surface(cut, border=False))),
        at_border=_at_border(labels, box, mask.shape, wide),
        specks=int(np.count_nonzero(sizes == 1)),
        pinholes=_pinholes(cut),
        neighbours=_neighbours(labels, count),
        sizes=thinned(np.sort(sizes.astype(np.float64))),
        radii=thinned(np.sort(radii.astype(np.float64))),
    )


def thinned(ordered: NDArray[np.float64], kept: int = KEPT) -> NDArray[np.float64]:
    """At most ``kept`` of ordered values, evenly by rank, both ends among them.

    Args:
        ordered: Values, ascending.
        kept: How many.

    Returns:
        Some of them.

    Example:
        >>> thinned(np.arange(5.0), 3)
        array([0., 2., 4.])
    """
    if len(ordered) <= kept:
        return ordered
    places = np.linspace(0, len(ordered) - 1, kept).round().astype(int)
    return np.asarray(ordered[places], np.float64)


def _thickness(mask: Mask) -> tuple[float, NDArray[np.float32]]:
    """Length of the centre line, and the inscribed radius along it."""
    pixels, seen, length, cut, radii = int(mask.sum()), 0, 0, 0, []
    for window in _windows(mask):
        part = mask[window]
        line, depth = _depth(part)
        radii.append(depth[line])
        seen += int(part.sum())
        length += int(line.sum())
        cut += int(np.count_nonzero(line & (depth >= _to_cut(window, mask.shape))))
    if 2 * cut > length:  # thicker than the windows: every k-th pixel shows all of it
        step = int(np.ceil((mask.size / LARGEST) ** (1 / mask.ndim)))
        line, depth = _depth(mask[(slice(None, None, step),) * mask.ndim])
        if line.any():
            return float(step * line.sum()), np.asarray(step * depth[line], np.float32)
    return length * pixels / max(seen, 1), np.concatenate(radii)


def _depth(mask: Mask) -> tuple[Mask, NDArray[np.float32]]:
    """The centre line, and the distance to the background, of which the frame is a part.

    Without the frame a mask that fills its image had no thickness.
    """
    depth = distance_to(~np.pad(mask, 1))[(slice(1, -1),) * mask.ndim]
    return skeletonize(mask), np.asarray(depth, np.float32)


def _to_cut(window: tuple[slice, ...], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Distance to the sides of a window at which there is more of the mask, infinite without."""
    found = np.full([side.stop - side.start for side in window], np.inf, np.float32)
    for axis, (side, size) in enumerate(zip(window, shape, strict=True)):
        place = np.arange(1, side.stop - side.start + 1, dtype=np.float32)
        ends = [place] * (side.start > 0) + [place[::-1]] * (side.stop < size)
        for end in ends:
            found = np.minimum(
                found, end.reshape([-1 if a == axis else 1 for a in range(len(shape))])
            )
    return found


def _windows(mask: Mask) -> list[tuple[slice, ...]]:
    """The whole mask, or windows around some of its pixels."""
    if mask.size <= LARGEST:
        return [tuple(slice(0, size) for size in mask.shape)]
    side = int(LARGEST ** (1 / mask.ndim))
    places = np.flatnonzero(mask.ravel())
    chosen = places[np.linspace(0, len(places) - 1, 2 * WINDOWS + 1).astype(int)[1::2]]
    corners = dict.fromkeys(
        tuple(
            int(np.clip(at - side // 2, 0, max(size - side, 0)))
            for at, size in zip(np.unravel_index(place, mask.shape), mask.shape, strict=True)
        )
        for place in chosen
    )
    return [
        tuple(slice(at, min(at + side, size)) for at, size in zip(corner, mask.shape, strict=True))
        for corner in corners
    ]


def _at_border(
    labels: NDArray[np.int32],
    box: tuple[slice, ...],
    shape: tuple[int, ...],
    wide: tuple[slice, ...],
) -> int:
    touching: set[int] = set()
    for axis, (side, size) in enumerate(zip(box, shape, strict=True)):
        if side.start == 0:
            touching |= set(np.unique(labels.take(0, axis)))
        if side.stop == size:
            touching |= set(np.unique(labels.take(wide[axis].stop - wide[axis].start - 1, axis)))
    return len(touching - {0})


def _pinholes(mask: Mask) -> int:
    """Background pixels all of whose face neighbours are foreground."""
    inside = np.pad(mask, 1, constant_values=False)
    middle = (slice(1, -1),) * mask.ndim
    around = np.ones(mask.shape, bool)
    for axis in range(mask.ndim):
        for step in (slice(None, -2), slice(2, None)):
            place = (*middle[:axis], step, *middle[axis + 1 :])
            around &= inside[place]
    return int(np.count_nonzero(around & ~mask))


def _neighbours(labels: NDArray[np.int32], count: int) -> int:
    """Components within :data:`GAP` pixels of another one."""
    if count < 2:
        return 0
    # Around the middle of a gap of GAP pixels a window of GAP + 2 reaches both sides.
    size = GAP + 2
    high = ndimage.maximum_filter(labels, size=size, mode="constant", cval=0)
    away = np.where(labels == 0, np.int32(count + 1), labels)
    low = ndimage.minimum_filter(away, size=size, mode="constant", cval=count + 1)
    both = (high > 0) & (low <= count) & (high != low)
    return len(np.union1d(high[both], low[both]))
