"""Pictures of errors."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seglosses.metrics import Pair
from seglosses.report.overlay import (
    GROUND,
    MISSING,
    RIGHT,
    SPURIOUS,
    data_url,
    error_overlay,
    mask_picture,
    worst_slice,
)


def test_colours_say_what_is_wrong() -> None:
    target = np.zeros((400, 400), bool)
    target[100:140] = True
    pred = np.roll(target, 20, axis=0)
    colours = np.asarray(error_overlay(Pair(pred, target)))
    assert colours.shape == (400, 400, 3)
    for row, colour in ((50, GROUND), (110, MISSING), (130, RIGHT), (150, SPURIOUS)):
        assert (colours[row] == colour).all()


def test_structures_are_marked() -> None:
    target = np.zeros((400, 400), bool)
    target[100:200, 100:200] = True
    target[140:160, 140:160] = False
    pred = np.zeros_like(target)
    pred[100:200, 100:200] = True
    pred[300:303, 300:303] = True
    colours = np.asarray(error_overlay(Pair(pred, target)))
    hole = colours[141:159, 141:159].reshape(-1, 3)
    assert {tuple(colour) for colour in hole.tolist()} == {MISSING, SPURIOUS}
    ring = colours[285:318, 285:318].copy()
    ring[14:19, 14:19] = 0
    assert (ring == SPURIOUS).all(axis=-1).any()


def test_rings_surround_all_but_the_largest_component() -> None:
    mask = np.zeros((400, 400), bool)
    mask[100:140, 20:380] = True
    mask[300:303, 100:103] = mask[300:305, 300:305] = True
    for rings, near in ((0, (False, False)), (1, (True, False)), (9, (True, True))):
        colours = np.asarray(mask_picture(mask, rings=rings))
        orange = (colours == SPURIOUS).all(axis=2)
        assert not orange[:250].any()
        assert (orange[:, :200].any(), orange[:, 200:].any()) == near
    assert (colours[105, 200] == RIGHT).all()
    assert (colours[118:122, 200] == MISSING).all(axis=1).any()  # the centre line
    photo = np.full((400, 400, 3), 100, np.uint8)
    assert np.asarray(mask_picture(mask, photo))[10, 10].tolist() == [60, 60, 60]


def test_drawn_on_a_picture_of_the_same_size() -> None:
    mask = np.eye(8, dtype=bool)
    photo = np.full((8, 8, 3), 200, np.uint8)
    picture = error_overlay(Pair(mask, mask), photo)
    assert picture.size == (384, 384)
    assert len(picture.getcolors(maxcolors=10) or []) == 2


def test_a_volume_shows_its_worst_slice() -> None:
    target = np.zeros((3, 6, 6), bool)
    pred = target.copy()
    pred[2, 1:4, 1:4] = True
    pair = Pair(pred, target, connectivity=6)
    assert worst_slice(pair) == 2
    colours = np.asarray(error_overlay(pair))
    assert (colours == SPURIOUS).all(axis=-1).any()


@pytest.mark.parametrize("size", [(2000, 100), (1, 1)])
def test_sizes_are_bounded(size: tuple[int, int]) -> None:
    picture = error_overlay(Pair(np.ones(size), np.zeros(size)))
    assert max(picture.size) <= 640
    assert data_url(picture, photo=True).startswith("data:image/jpeg;base64,")


def test_flat_pictures_stay_exact() -> None:
    picture = Image.new("RGB", (4, 4), SPURIOUS)
    assert data_url(picture, photo=False).startswith("data:image/png;base64,")
