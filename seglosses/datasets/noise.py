"""Smooth random fields, the raw material of walls, textures and light.

Interpolation without a matrix product: a seed gives the same bits at any number of threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]


def _stretch(grid: Field, length: int, cell: float, start: float) -> Field:
    """Interpolate the first axis of a grid at ``length`` pixels, ``cell`` pixels a node."""
    position = start + np.arange(length) / cell
    node = position.astype(np.intp)
    along = position - node
    along = (along * along * (3.0 - 2.0 * along))[:, None]
    stretched: Field = grid[node] * (1.0 - along) + grid[node + 1] * along
    return stretched


def smooth_noise(
    shape: tuple[int, int], cell: float | tuple[float, float], rng: np.random.Generator
) -> Field:
    """Draw a field of random bumps, each about ``cell`` pixels wide.

    Args:
        shape: Height and width.
        cell: Pixels from one random node to the next, one number or (vertical, horizontal).
        rng: Source of randomness.

    Returns:
        Field (H, W) in [-1, 1] with mean about 0.

    Raises:
        ValueError: When a cell is not positive.

    Example:
        >>> smooth_noise((3, 5), 4.0, np.random.default_rng(0)).shape
        (3, 5)
    """
    tall, wide = (cell, cell) if isinstance(cell, (int, float)) else cell
    if min(tall, wide) <= 0:
        raise ValueError(f"expected cells of positive size, got {cell!r} pixels")
    height, width = shape
    grid = rng.uniform(-1.0, 1.0, (int(height / tall) + 3, int(width / wide) + 3))
    start = rng.uniform(0.0, 1.0, 2)
    rows = _stretch(grid, height, tall, start[0])
    return _stretch(rows.T, width, wide, start[1]).T


def fractal_noise(
    shape: tuple[int, int],
    cell: float | tuple[float, float],
    rng: np.random.Generator,
    octaves: int = 3,
) -> Field:
    """Add octaves of :func:`smooth_noise`, each half as wide and half as strong.

    Args:
        shape: Height and width.
        cell: Size of the widest bumps in pixels.
        rng: Source of randomness.
        octaves: How many fields are added.

    Returns:
        Field (H, W) in [-1, 1].

    Example:
        >>> field = fractal_noise((8, 8), 6.0, np.random.default_rng(0))
        >>> bool(abs(field).max() <= 1.0)
        True
    """
    tall, wide = (cell, cell) if isinstance(cell, (int, float)) else cell
    total = np.zeros(shape)
    weights = 0.5 ** np.arange(octaves)
    for octave, weight in enumerate(weights):
        total += weight * smooth_noise(shape, (tall / 2**octave, wide / 2**octave), rng)
    total /= weights.sum()
    return total
