"""Walls in pixels: which brick covers which pixel, and Betti numbers known from the bricks.

A wall keeps two promises that make the topology of its mortar known without looking at it again:

* every brick is one 4-connected set of pixels, and
* two bricks never share an edge of a pixel, unless a link says so.

So the holes of the mortar are the bricks, or groups of linked bricks, that do not reach the frame.
The components follow from the Euler number, which counts pixels and labels nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seglosses.topology import euler_number, label_components

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Wall:
    """A wall in pixels.

    Attributes:
        bricks: Number of the brick at each pixel, 1 and up, and 0 for mortar, (H, W).
        links: Pairs of brick numbers whose pixels touch.
        depth: Signed distance to the edge of the nearest brick in wall units, negative inside it.
        row: Coordinate across the rows in wall units; light and weather follow it.
        scale: Pixels a wall unit.
    """

    bricks: Labels
    links: tuple[tuple[int, int], ...]
    depth: NDArray[np.float64]
    row: NDArray[np.float64]
    scale: float

    @property
    def mask(self) -> Mask:
        """The mortar, (H, W)."""
        mortar: Mask = self.bricks == 0
        return mortar

    @property
    def betti(self) -> tuple[int, int]:
        """Betti numbers of the mortar: 8-connected mortar, 4-connected bricks."""
        return betti_of_bricks(self.bricks, self.links)


def betti_of_bricks(bricks: Labels, links: tuple[tuple[int, int], ...] = ()) -> tuple[int, int]:
    """Betti numbers of the mortar between bricks.

        b1 = groups of linked bricks that do not reach the frame;  b0 = b1 + Euler number

    Args:
        bricks: Number of the brick at each pixel, 0 for mortar, (H, W); each brick is 4-connected,
            or linked to whatever holds its pieces together.
        links: Pairs of bricks that touch; all others are apart.

    Returns:
        ``(b0, b1)``.

    Example:
        >>> bricks = np.zeros((5, 7), np.int32)
        >>> bricks[1:4, 1:3], bricks[1:4, 4:6] = 1, 2
        >>> betti_of_bricks(bricks)
        (1, 2)
        >>> bricks[2, 3] = 2  # the joint breaks and the two bricks touch
        >>> betti_of_bricks(bricks, ((1, 2),))
        (1, 1)
    """
    parent = np.arange(int(bricks.max(initial=0)) + 1)

    def group(brick: int) -> int:
        while parent[brick] != brick:
            parent[brick] = parent[parent[brick]]
            brick = int(parent[brick])
        return brick

    for one, other in links:
        parent[group(one)] = group(other)
    frame = np.concatenate((bricks[0], bricks[-1], bricks[:, 0], bricks[:, -1]))
    present = {group(int(brick)) for brick in np.unique(bricks) if brick}
    open_ones = {group(int(brick)) for brick in np.unique(frame) if brick}
    holes = len(present - open_ones)
    return holes + euler_number(bricks == 0), holes


def break_joints(wall: Wall, count: int, rng: np.random.Generator) -> Wall:
    """Break mortar joints: a channel of brick joins two neighbours.

    A channel is straight, and the lines beside it cross the same joint between the same two bricks;
    so it cuts the joint cleanly. Fewer channels are made where fewer fit.

    Args:
        wall: The wall; its bricks stay as they are.
        count: How many joints to break.
        rng: Source of randomness.

    Returns:
        The wall with the channels and their links.

    Example:
        >>> from seglosses.datasets.geometry import build_wall
        >>> whole = build_wall((96, 96), np.random.default_rng(0))
        >>> broken = break_joints(whole, 2, np.random.default_rng(0))
        >>> whole.betti[1] - broken.betti[1] + broken.betti[0] - whole.betti[0]
        2
    """
    bricks = wall.bricks.copy()
    links = list(wall.links)
    for _ in range(40 * count):
        if len(links) - len(wall.links) >= count:
            break
        upright = bool(rng.random() < 0.4)
        view = bricks.T if upright else bricks
        y, x = (int(rng.integers(length)) for length in view.shape)
        breadth = max(1, round(float(rng.uniform(2.0, 8.0)) * wall.scale))
        spans = [
            _span(view[line], x) for line in range(y - 1, y + breadth + 1) if 0 <= line < len(view)
        ]
        ends = {(int(one), int(other)) for _, _, one, other in spans}
        if len(spans) < breadth + 2 or len(ends) != 1:
            continue
        one, other = ends.pop()
        if not one or not other or one == other:
            continue
        for line, (start, stop, _, _) in zip(range(y, y + breadth), spans[1:-1], strict=True):
            middle = (start + stop) // 2
            view[line, start:middle] = one
            view[line, middle:stop] = other
        links.append((one, other))
    return replace(wall, bricks=bricks, links=tuple(links))


def _span(line: Labels, x: int) -> tuple[int, int, int, int]:
    """Mortar run of a line through x: start, stop and the bricks at its ends, 0 where none."""
    if line[x]:
        return x, x, 0, 0
    filled = np.flatnonzero(line)
    after = int(np.searchsorted(filled, x))
    if after == 0 or after == len(filled):
        return x, x, 0, 0
    start, stop = int(filled[after - 1]), int(filled[after])
    return start + 1, stop, int(line[start]), int(line[stop])


def cover(wall: Wall, region: Mask) -> Wall:
    """Put opaque things before the wall: no mortar is visible there.

    Args:
        wall: The wall.
        region: Pixels that are covered, (H, W).

    Returns:
        The wall whose covered pixels belong to new bricks, one a 4-connected part of the region,
        linked to every brick that they touch or cover.

    Example:
        >>> from seglosses.datasets.geometry import build_wall
        >>> wall = build_wall((64, 64), np.random.default_rng(0))
        >>> covered = cover(wall, np.ones((64, 64), bool))
        >>> covered.betti
        (0, 0)
    """
    parts, _ = label_components(region, connectivity=4)
    first = int(wall.bricks.max(initial=0))
    bricks = np.where(region, parts + first, wall.bricks).astype(np.int32)
    pairs = [np.stack((parts[region] + first, wall.bricks[region]), axis=1)]
    for one, other in ((bricks[:, :-1], bricks[:, 1:]), (bricks[:-1], bricks[1:])):
        pairs.append(np.stack((one[one != other], other[one != other]), axis=1))
    every = np.unique(np.concatenate(pairs), axis=0)
    every = every[(every > 0).all(axis=1) & (every > first).any(axis=1)]
    links = tuple((int(one), int(other)) for one, other in every)
    return replace(wall, bricks=bricks, links=wall.links + links)
