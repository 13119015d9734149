"""Surface scores weighted by the length of the contour between pixels (2D)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from seglosses.metrics.pair import Pair
from seglosses.primitives.masks import Mask
from seglosses.primitives.nearest import distances_at


def nsd_length(pair: Pair, *, tolerance: float) -> float:
    """Normalized surface Dice, weighted by contour length.

    The contour runs between pixels: each 2x2 neighbourhood that is neither empty nor full holds a
    piece of it, whose length follows from which of the four pixels are set, and whose place is
    the centre of the neighbourhood.

    Args:
        pair: The two masks, 2D.
        tolerance: Distance in the unit of the spacing.

    Returns:
        A number in [0, 1]; with an empty mask see ``pair.empty``.

    Raises:
        ValueError: For volumes.

    References:
        Nikolov et al., arXiv:1809.04430; equal to DeepMind's surface-distance package.

    Example:
        >>> nsd_length(Pair([[1, 0, 0]], [[1, 0, 0]]), tolerance=0)
        1.0
    """
    if len(pair.shape) != 2:
        raise ValueError(f"contour lengths are defined in 2D, got shape {pair.shape}; use nsd")
    if pair.pred_empty or pair.target_empty:
        return pair.undefined(perfect=1.0, worst=0.0)
    # One pixel of margin, so that the contour closes around masks at the border.
    sides = [_corners(np.pad(mask, 1)) for mask in (pair.pred, pair.target)]
    near = total = 0.0
    for own, other in (sides, sides[::-1]):
        places = (own > 0) & (own < 15)
        lengths = _lengths(pair.spacing)[own[places]]
        distances = distances_at(places, (other > 0) & (other < 15), pair.spacing)
        near += float(lengths[distances <= tolerance].sum())
        total += float(lengths.sum())
    return near / total


def _corners(mask: Mask) -> NDArray[np.uint8]:
    """Which of the pixels of each 2x2 neighbourhood are set, one bit each."""
    bits = mask.view(np.uint8)
    code = 8 * bits[:-1, :-1] + 4 * bits[:-1, 1:] + 2 * bits[1:, :-1] + bits[1:, 1:]
    return np.asarray(code, np.uint8)


def _lengths(spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Length of the contour in a neighbourhood with a given code."""
    height, width = spacing
    slant = math.hypot(height, width) / 2
    lengths = np.zeros(16)
    for code in range(1, 15):
        pixels = code.bit_count()
        if pixels in (1, 3):
            lengths[code] = slant
        elif code in (0b1100, 0b0011):
            lengths[code] = width
        elif code in (0b1010, 0b0101):
            lengths[code] = height
        else:
            lengths[code] = 2 * slant
    return lengths
