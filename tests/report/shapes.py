"""Shapes of which features are known."""

from __future__ import annotations

import numpy as np


def ring_and_island(gap: float, island: float) -> tuple[np.ndarray, np.ndarray]:
    """A ring with a pixel of value ``gap``, an island beside it, and the label without island."""
    target = np.zeros((40, 40), np.float32)
    target[5:20, 5:20] = 1
    target[8:17, 8:17] = 0
    pred = target.copy()
    pred[10:12, 17:20] = gap
    pred[30:33, 30:33] = island
    return pred, target
