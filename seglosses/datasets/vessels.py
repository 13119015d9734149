"""Synthetic volumes of branching tubes with known Betti numbers: vessels, airways, neurons.

Tubes run along the edges of a graph on a jittered lattice, each a capsule around a segment. Those
without a common node keep apart by more than two voxels, and those with one share its ball, so that
the mask has the shape of the graph: as many components as trees, as many loops as edges beyond a
tree, no cavity.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Node = tuple[int, ...]
    Edge = tuple[Node, Node]

#: Voxels between nodes of the lattice, and how far a node may move along each axis.
SPACING, JITTER = 12, 2.0
#: Radii of tubes, at the root and at the tips. Thinner ones might break on the grid of voxels.
RADII = (2.4, 1.3)


@dataclass(frozen=True)
class VesselSample:
    """A generated volume with its label.

    Attributes:
        image: Grey values of a noisy scan, float32 (D, H, W), about 0 outside and 1 inside.
        mask: The tubes, bool (D, H, W).
        betti: Components, loops and cavities of the mask, 6- or 26-connected.
        seed: What it was made from.
    """

    image: NDArray[np.float32]
    mask: NDArray[np.bool_]
    betti: tuple[int, int, int]
    seed: int


def vessel_sample(
    side: int = 64, *, seed: int, trees: int = 2, loops: int = 4, noise: float = 0.35
) -> VesselSample:
    """Generate a volume of branching tubes.

    Args:
        side: Voxels along each axis, at least 24.
        seed: Says everything else about the sample.
        trees: Components, at least 1. Fewer where the volume has no room.
        loops: Edges beyond the trees. Fewer where no two nodes of a tree are neighbours.
        noise: Standard deviation of the grain.

    Returns:
        The sample; its ``betti`` are those of what was drawn.

    Raises:
        ValueError: For a volume too small for two nodes, and for negative numbers.

    Example:
        >>> sample = vessel_sample(48, seed=3)
        >>> sample.mask.shape, sample.betti
        ((48, 48, 48), (2, 4, 0))
    """
    if side < 2 * SPACING:
        raise ValueError(f"expected a side of at least {2 * SPACING} voxels, got {side}")
    if trees < 1 or loops < 0 or noise < 0:
        raise ValueError(
            "expected at least one tree, and no negative loops or noise, "
            f"got trees={trees}, loops={loops}, noise={noise}"
        )
    rng = np.random.default_rng((seed, 16))
    edges, depth, count = _grow(side // SPACING, trees, rng)
    extra = _close(edges, depth, loops, rng)
    mask, contrast = _draw(side, edges + extra, depth, rng)
    smooth = ndimage.gaussian_filter(contrast, 0.8)
    clutter = ndimage.gaussian_filter(rng.normal(size=mask.shape), 4)
    image = smooth + rng.normal(0, noise, mask.shape) + 0.2 * clutter / clutter.std()
    return VesselSample(image.astype(np.float32), mask, (count, len(extra), 0), seed)


def _neighbours(node: Node, nodes: int) -> list[Node]:
    found = []
    for axis, step in itertools.product(range(3), (-1, 1)):
        other = list(node)
        other[axis] += step
        if 0 <= other[axis] < nodes:
            found.append(tuple(other))
    return found


def _grow(
    nodes: int, trees: int, rng: np.random.Generator
) -> tuple[list[Edge], dict[Node, tuple[int, int]], int]:
    """Trees on the lattice: their edges, and by node its tree and its distance from the root."""
    edges: list[Edge] = []
    depth: dict[Node, tuple[int, int]] = {}
    every = list(itertools.product(range(nodes), repeat=3))
    free = [every[i] for i in rng.permutation(len(every))]
    tips: list[list[Node]] = []
    for tree in range(trees):
        roots = [node for node in free if node not in depth]
        # A tree of a single node would be a ball: it must be able to grow.
        roots = [r for r in roots if any(n not in depth for n in _neighbours(r, nodes))]
        if not roots:
            break
        root = roots[0]
        first = next(n for n in _neighbours(root, nodes) if n not in depth)
        depth[root], depth[first] = (tree, 0), (tree, 1)
        edges.append((root, first))
        tips.append([root, first])
    # Half of the lattice is filled; long branches come from growing at the last tips more often.
    while len(depth) < nodes**3 // 2:
        tree = int(rng.integers(len(tips)))
        at = tips[tree][-1 - int(min(rng.geometric(0.5) - 1, len(tips[tree]) - 1))]
        ways = [n for n in _neighbours(at, nodes) if n not in depth]
        if not ways:
            tips[tree].remove(at)
            if not tips[tree]:
                tips.pop(tree)
            if not tips:
                break
            continue
        other = ways[int(rng.integers(len(ways)))]
        depth[other] = (depth[at][0], depth[at][1] + 1)
        edges.append((at, other))
        tips[tree].append(other)
    return edges, depth, len({tree for tree, _ in depth.values()})


def _close(
    edges: list[Edge],
    depth: dict[Node, tuple[int, int]],
    loops: int,
    rng: np.random.Generator,
) -> list[Edge]:
    """Edges that close loops: between neighbours of one tree."""
    known = {frozenset(edge) for edge in edges}
    nodes = max(max(node) for node in depth) + 1
    ways = [
        (node, other)
        for node in sorted(depth)
        for other in _neighbours(node, nodes)
        if node < other and other in depth and depth[other][0] == depth[node][0]
        if frozenset((node, other)) not in known
    ]
    order = rng.permutation(len(ways))
    return [ways[i] for i in order[:loops]]


def _draw(
    side: int,
    edges: list[Edge],
    depth: dict[Node, tuple[int, int]],
    rng: np.random.Generator,
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The tubes, and how bright each voxel of them is: a few fade along their way."""
    margin = (side - SPACING * (side // SPACING - 1)) / 2
    places = {
        node: margin + SPACING * np.array(node) + rng.uniform(-JITTER, JITTER, 3)
        for node in sorted(depth)
    }
    deepest = max(far for _, far in depth.values())
    mask = np.zeros((side,) * 3, bool)
    bright = np.zeros(mask.shape)
    for one, two in edges:
        a, b = places[one], places[two]
        far = min(depth[one][1], depth[two][1]) / deepest
        radius = RADII[0] + (RADII[1] - RADII[0]) * far
        low = np.maximum(np.floor(np.minimum(a, b) - radius), 0).astype(int)
        high = np.minimum(np.ceil(np.maximum(a, b) + radius) + 1, side).astype(int)
        box = tuple(slice(x, y) for x, y in zip(low, high, strict=True))
        grid = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), -1)
        along = np.clip(((grid - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
        inside = np.linalg.norm(grid - a - along[..., None] * (b - a), axis=-1) <= radius
        fades = rng.random() < 0.25
        dip = 0.75 * np.exp(-(((along - 0.5) / 0.2) ** 2)) if fades else np.zeros(along.shape)
        bright[box] = np.maximum(bright[box], np.where(inside, 1 - dip, 0))
        mask[box] |= inside
    return mask, bright
