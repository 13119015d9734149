"""Each kind of error is counted where it is, and its pixels have one place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from seglosses.metrics import Pair
from seglosses.metrics.error_kinds import KINDS, PIXELS, rim_pixels, wrong
from seglosses.metrics.shapes import measure


def mask(*boxes: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    found = np.zeros((40, 60), bool)
    for top, bottom, left, right in boxes:
        found[top:bottom, left:right] = True
    return found


BAR = (18, 22, 5, 55)
TWO = ((5, 15, 5, 25), (5, 15, 30, 50))
CASES = {
    "breaks": (mask((18, 22, 5, 20), (18, 22, 30, 55)), mask(BAR)),
    "islands": (mask(BAR, (2, 6, 2, 6)), mask(BAR)),
    "merged": (mask(*TWO, (9, 11, 25, 30)), mask(*TWO)),
    "missed": (mask(BAR), mask(BAR, (2, 6, 2, 6))),
    "pinholes": (mask(TWO[0]) & ~mask((9, 11, 12, 14)), mask(TWO[0])),
}


@pytest.mark.parametrize("kind", CASES)
def test_one_error_is_of_its_kind_and_of_no_other(kind: str) -> None:
    found = wrong(Pair(*CASES[kind])).numbers()
    assert {name: found[name] for name in KINDS} == {name: float(name == kind) for name in KINDS}


def test_an_open_loop_is_a_break_and_a_closed_one_a_bridge() -> None:
    ring = mask((5, 30, 5, 30)) & ~mask((9, 26, 9, 26))
    opened = ring & ~mask((14, 18, 26, 30))
    assert wrong(Pair(opened, ring)).breaks == 1
    assert wrong(Pair(ring, opened)).merged == 1


@pytest.mark.parametrize(
    ("place", "pred", "count"),
    [
        ("rim", mask((17, 22, 5, 55)), 50),
        ("leak", mask(BAR, (22, 30, 10, 20)), 60),  # eight rows, of which two are rim
        ("gap", mask((18, 22, 5, 35)), 72),  # twenty columns, of which two are rim
        ("island", mask(BAR, (2, 6, 2, 6)), 16),
    ],
)
def test_wrong_pixels_have_a_place(place: str, pred: NDArray[np.bool_], count: int) -> None:
    assert wrong(Pair(pred, mask(BAR))).numbers()[place] == count


def test_pixels_that_join_true_components_are_a_bridge_and_no_leak() -> None:
    apart = ((5, 15, 5, 20), (5, 15, 35, 50))
    # fifteen columns of two rows, of which two at either end are rim
    found = wrong(Pair(mask(*apart, (9, 11, 20, 35)), mask(*apart)))
    assert (found.merged, found.bridge, found.leak, found.rim) == (1, 22, 0, 8)
    # what grows elsewhere from the same component stays a leak: eight rows, two of them rim
    both = wrong(Pair(mask(*apart, (9, 11, 20, 35), (15, 23, 5, 15)), mask(*apart)))
    assert (both.bridge, both.leak) == (22, 60)
    # and so does what ends before it reaches the other
    assert wrong(Pair(mask(*apart, (9, 11, 20, 31)), mask(*apart))).bridge == 0


def test_missed_objects_have_their_sizes() -> None:
    true = mask((2, 4, 2, 4), (10, 30, 2, 20), (10, 30, 30, 55))
    assert wrong(Pair(mask((10, 30, 2, 20), (10, 30, 30, 55)), true)).missed_sizes == (4,)
    large = wrong(Pair(mask((2, 4, 2, 4), (10, 30, 2, 20)), true))
    assert (large.missed, large.missed_sizes) == (1, (500,))
    assert "missed_sizes" not in large.numbers()


def test_a_filled_hole_is_no_break() -> None:
    """Nothing true is missing there: no centre line is lost."""
    disc = mask((5, 30, 5, 30))
    ring = disc & ~mask((9, 26, 9, 26))
    found = wrong(Pair(disc, ring))
    assert (found.breaks, found.merged, found.pinholes) == (0, 1, 0)
    # the inner half filled is a hole still
    assert wrong(Pair(ring | mask((12, 23, 12, 23)), ring)).breaks == 0


RING = np.zeros((12, 30, 30), bool)
RING[3:9, 4:26, 4:26] = True
RING[:, 9:21, 9:21] = False


def test_tunnels_of_volumes_are_opened_and_closed_as_loops_of_images_are() -> None:
    cut = RING.copy()
    cut[:, 13:17, 20:] = False
    assert (wrong(Pair(cut, RING)).breaks, wrong(Pair(cut, RING)).merged) == (1, 0)
    assert (wrong(Pair(RING, cut)).breaks, wrong(Pair(RING, cut)).merged) == (0, 1)
    # cut twice: one piece too many, and the tunnel
    twice = cut.copy()
    twice[:, 13:17, :10] = False
    assert wrong(Pair(twice, RING)).breaks == 2
    # a plate with a hole through it: pierced by the prediction, or filled by it
    plate = np.zeros((9, 20, 20), bool)
    plate[3:6, 2:18, 2:18] = True
    hole = plate.copy()
    hole[:, 9:11, 9:11] = False
    pierced, filled = wrong(Pair(hole, plate)), wrong(Pair(plate, hole))
    assert (pierced.breaks, pierced.merged, pierced.pinholes) == (0, 0, 1)
    assert (filled.breaks, filled.merged, filled.pinholes) == (0, 1, 0)
    # groups of components do not make up for each other
    here, there = np.concatenate([cut, RING]), np.concatenate([RING, cut])
    found = wrong(Pair(here, there))
    assert (found.breaks, found.merged) == (1, 1)
    # a tunnel that voxels close which touch at an edge is noise
    noisy = cut.copy()
    noisy[3:9, 13:17, 20:26] = False
    noisy[5, 13, 20] = noisy[6, 14, 20] = noisy[5, 15, 20] = noisy[6, 16, 20] = True
    assert wrong(Pair(noisy, cut)).merged == 0


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 0, 2), (1, 2, 0), (2, 1, 0)])
def test_tunnels_are_those_of_the_volume_whatever_its_axes(axes: tuple[int, int, int]) -> None:
    cut = RING.copy()
    cut[:, 13:17, 20:] = False
    plate = np.zeros((9, 20, 24), bool)
    plate[3:6, 2:18, 2:22] = True
    hole = plate.copy()
    hole[:, 9:11, 9:11] = False
    for pred, true, kind in (
        (cut, RING, "breaks"), (RING, cut, "merged"), (hole, plate, "pinholes"),
        (plate, hole, "merged"),
    ):  # fmt: skip
        found = wrong(Pair(pred.transpose(axes), true.transpose(axes))).numbers()
        assert {name: found[name] for name in KINDS} == {
            name: float(name == kind) for name in KINDS
        }


@pytest.mark.parametrize("shape", [(220, 220, 220), (40, 2200, 2200)])
def test_what_is_thicker_than_the_windows_keeps_its_width(shape: tuple[int, ...]) -> None:
    """A ball of radius 100 was 119 to 121 wide, the window less its frame."""
    across = np.meshgrid(
        *(np.arange(size) - size // 2 for size in shape), indexing="ij", sparse=True
    )
    if len(set(shape)) == 1:
        solid = sum(axis**2 for axis in across) <= 100**2
        width = 200
    else:
        solid = np.abs(across[1]) + 0 * across[0] + 0 * across[2] < 300
        width = 40
    found = measure(solid, solid.size)
    assert 2 * float(np.max(found.radii)) == pytest.approx(width, rel=0.06)


@settings(max_examples=60, deadline=None)
@given(arrays(bool, (9, 13)), arrays(bool, (9, 13)))
def test_every_wrong_pixel_has_exactly_one_place(
    pred: NDArray[np.bool_], true: NDArray[np.bool_]
) -> None:
    found = wrong(Pair(pred, true)).numbers()
    assert sum(found[place] for place in PIXELS) == np.count_nonzero(pred != true)


def test_an_empty_prediction_misses_everything() -> None:
    found = wrong(Pair(mask(), mask(*TWO)))
    assert (found.missed, found.breaks, found.miss) == (2, 0, 400)
    assert wrong(Pair(mask(), mask())).numbers() == dict.fromkeys(found.numbers(), 0.0)


def test_annotators_differ_at_the_rim_or_beyond() -> None:
    moved = mask((18, 23, 5, 55))  # one row lower
    assert rim_pixels(moved, mask(BAR)) == rim_pixels(mask(BAR), moved) == 50
    # ten columns reach ten rows further: few of their pixels are near both boundaries
    grown = mask(BAR, (22, 32, 10, 20))
    assert rim_pixels(grown, mask(BAR)) < np.count_nonzero(grown != mask(BAR)) / 2
    assert rim_pixels(mask(BAR), mask()) == 0


def test_measures_of_a_shape_by_hand() -> None:
    two = mask((0, 4, 2, 12), (7, 8, 5, 6))
    found = measure(two, two.size)
    assert (found.components, found.specks, found.at_border, found.neighbours) == (2, 1, 1, 2)
    assert (found.pixels, found.loops) == (41, 0)
    # 4 x 10: the rows at the image border are no boundary there; 16 inside, 10 at the border
    assert found.surface == 10 + 3 * 2 + 1
    ring = mask((10, 13, 10, 13)) & ~mask((11, 12, 11, 12))
    assert (measure(ring, ring.size).loops, measure(ring, ring.size).pinholes) == (1, 1)


def test_distant_components_are_no_neighbours() -> None:
    assert measure(mask((0, 4, 0, 4), (0, 4, 7, 9)), 1).neighbours == 2  # three pixels between
    assert measure(mask((0, 4, 0, 4), (0, 4, 8, 9)), 1).neighbours == 0


def test_a_shell_has_a_cavity() -> None:
    shell = np.ones((5, 5, 5), bool)
    shell[2, 2, 2] = False
    found = measure(shell, shell.size)
    assert (found.components, found.loops, found.cavities) == (1, 0, 1)


@pytest.mark.parametrize("shape", [(2400, 2400), (20, 600, 600)])
def test_large_masks_are_measured_in_windows(shape: tuple[int, ...]) -> None:
    lines = np.zeros(shape, bool)
    lines[..., 100:, :] = (np.indices(shape[-1:])[0] % 40 < 3)[None]
    found = measure(lines, lines.size)
    if len(shape) == 2:
        assert found.components == 60
        assert float(np.median(found.radii)) == 2.0
        # sixty lines of 2300 pixels, of which thinning eats the ends
        assert found.length == pytest.approx(60 * 2300, rel=0.02)
    assert found.pixels == lines.sum()
