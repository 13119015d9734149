"""Scores of attribution maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seglosses.losses import attribution_energy_loss
from seglosses.metrics import attribution_iou, energy_pointing_game

MAPS = arrays(np.float64, (5, 6), elements=st.floats(-4, 4, width=32))
MASKS = arrays(bool, (5, 6))


@given(MAPS, MASKS)
def test_the_energy_is_what_its_loss_leaves(attribution: np.ndarray, mask: np.ndarray) -> None:
    if not (attribution > 0.01).any() or not mask.any():
        return
    pair = (torch.from_numpy(array.astype(float))[None, None] for array in (attribution, mask))
    loss = attribution_energy_loss(*pair).item()
    assert energy_pointing_game(attribution, mask) == pytest.approx(1 - loss, abs=1e-6)


@given(MAPS, MASKS, st.floats(0.1, 50))
def test_the_scale_does_not_matter(attribution: np.ndarray, mask: np.ndarray, by: float) -> None:
    attribution = np.round(attribution)
    for score in (energy_pointing_game, attribution_iou):
        one, two = score(attribution, mask), score(attribution * 2.0**3, mask)
        assert one == pytest.approx(two, nan_ok=True)
    assert np.isnan(energy_pointing_game(-np.abs(attribution), mask))


def test_a_point_on_the_object_has_all_energy_and_little_iou() -> None:
    mask, point = np.zeros((8, 8), bool), np.zeros((8, 8))
    mask[2:6, 2:6] = True
    point[3, 3] = 7
    assert energy_pointing_game(point, mask) == 1
    assert attribution_iou(point, mask) == 1 / 16
    spread = np.where(mask, 1.0, 0.4)
    assert attribution_iou(spread, mask) == 1
    assert attribution_iou(spread, mask, threshold=0.3) == 16 / 64
    assert energy_pointing_game(spread, mask) == pytest.approx(16 / (16 + 48 * 0.4))


def test_errors_and_nothing_at_all() -> None:
    none = np.zeros((3, 3))
    assert np.isnan(attribution_iou(none, none))
    assert attribution_iou(none, np.eye(3)) == 0
    with pytest.raises(ValueError, match="differ in shape"):
        energy_pointing_game(none, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="finite"):
        energy_pointing_game(none * np.nan, none)
    with pytest.raises(ValueError, match="threshold"):
        attribution_iou(none, none, threshold=0)
