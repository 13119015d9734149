"""How bricks are laid: bonds, rows and joints on an endless wall, in wall units.

A wall unit is a pixel of a 512-pixel photograph; larger and smaller images scale it. The numbers
follow the training labels of TopoMortar: rows of 17 to 90 units, mortar about a fifth of a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BONDS = ("running", "third", "random", "flemish", "english", "stack")
_BOND_WEIGHTS = (0.42, 0.12, 0.26, 0.1, 0.06, 0.04)


@dataclass(frozen=True)
class Masonry:
    """What a mason decides before the first brick.

    Attributes:
        bond: One of :data:`BONDS`.
        pitch: Height of a brick and a bed joint.
        stretcher: Length of a brick and a head joint.
        bed: Width of the mortar between rows.
        head: Width of the mortar between the bricks of a row.
        rounding: Radius of the bricks' corners.
        rough: How far edges wander from a straight line.
        jitter: Unevenness of rows and joints, as a fraction.
    """

    bond: str
    pitch: float
    stretcher: float
    bed: float
    head: float
    rounding: float
    rough: float
    jitter: float


def draw_masonry(rng: np.random.Generator, smallest_pitch: float = 0.0) -> Masonry:
    """Draw a wall as they occur in brick-wall photographs.

    Args:
        rng: Source of randomness.
        smallest_pitch: Rows are at least this high, in wall units.

    Returns:
        The masonry.

    Example:
        >>> wall = draw_masonry(np.random.default_rng(0))
        >>> wall.bond in BONDS and wall.bed < wall.pitch < wall.stretcher
        True
    """
    bond = str(rng.choice(BONDS, p=_BOND_WEIGHTS))
    pitch = max(float(np.clip(33.0 * np.exp(rng.normal(0.0, 0.42)), 17.0, 90.0)), smallest_pitch)
    long = rng.random() < 0.7
    aspect = rng.uniform(3.1, 4.3) if long else rng.uniform(2.2, 2.8)
    bed = pitch * float(np.clip(rng.normal(0.235, 0.05), 0.13, 0.36))
    return Masonry(
        bond=bond,
        pitch=pitch,
        stretcher=pitch * aspect,
        bed=bed,
        head=bed * rng.uniform(0.75, 1.15),
        rounding=pitch * rng.uniform(0.02, 0.16),
        rough=bed * float(np.clip(rng.lognormal(-2.3, 0.55), 0.02, 0.3)),
        jitter=rng.uniform(0.01, 0.06),
    )


def _lengths(wall: Masonry, row: int, rng: np.random.Generator) -> tuple[list[float], float]:
    """Return the repeating brick lengths of a row and where the first one starts."""
    full, half = wall.stretcher, (wall.stretcher + wall.head) / 2
    if wall.bond == "flemish":
        return [full, half], (row % 2) * (full + half) / 2
    if wall.bond == "english":
        return ([full], 0.0) if row % 2 else ([half], half / 2)
    shift = {"running": 0.5 * (row % 2), "third": row / 3 % 1.0, "stack": 0.0}
    return [full], full * shift.get(wall.bond, rng.random())


def lay(
    wall: Masonry,
    across: tuple[float, float],
    upright: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Lay rows of bricks that cover a rectangle of the wall.

    Args:
        wall: The masonry.
        across: Least and greatest coordinate along the rows.
        upright: Least and greatest coordinate across the rows.
        rng: Source of randomness.

    Returns:
        The lines between rows, (R + 1,), and for each row the lines between its bricks, ascending;
        both reach beyond the rectangle.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> rows, joints = lay(draw_masonry(rng), (0.0, 100.0), (0.0, 100.0), rng)
        >>> len(joints) == len(rows) - 1 and bool(rows[0] < 0 and rows[-1] > 100)
        True
    """
    count = int((upright[1] - upright[0]) / wall.pitch * 1.2) + 4
    heights = wall.pitch * (1.0 + wall.jitter * rng.uniform(-1.0, 1.0, count))
    rows = upright[0] - wall.pitch * rng.uniform(0.1, 1.1) + np.concatenate(([0], heights.cumsum()))
    origin = rng.uniform(0.0, wall.stretcher)
    joints = []
    for row in range(count):
        pattern, shift = _lengths(wall, row, rng)
        repeats = int((across[1] - across[0]) / sum(pattern)) + 6
        lengths = np.tile(pattern, repeats)
        lines = np.concatenate(([0], lengths.cumsum()))
        # A joint wanders by less than half a brick, so joints keep their order.
        lines += rng.uniform(-1.0, 1.0, len(lines)) * 2.0 * wall.jitter * min(pattern)
        joints.append(across[0] - 2.5 * wall.stretcher + (origin + shift) % wall.stretcher + lines)
    return rows, joints
