"""How features are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.report.barcodes import panel_height
from seglosses.report.features import feature_region, find_features
from seglosses.report.figures import standalone
from seglosses.report.overlay import MISSING, SPURIOUS
from seglosses.report.pdf import pdf
from seglosses.report.topology import (
    FAINT,
    HEADER,
    MATCHED,
    describe,
    topology_drawing,
    topology_picture,
)
from seglosses.report.topology_legend import entries_of
from seglosses.report.volume import fullest_slice, projections, shaded
from tests.report.shapes import ring_and_island


def colours(picture: np.ndarray) -> set[tuple[int, ...]]:
    return set(map(tuple, picture.reshape(-1, 3).tolist()))


def test_picture_shows_every_kind_in_its_colour() -> None:
    pred, target = ring_and_island(0.3, 0.9)
    target[25:27, 5:7] = 0.9
    picture = np.asarray(topology_picture(pred, target))[HEADER:]
    scale = 640 // 40
    drawn, bars = picture[: 40 * scale], picture[40 * scale :]
    assert drawn.shape == (640, 640, 3)
    assert FAINT in colours(drawn[9 * scale : 16 * scale, 9 * scale : 16 * scale])
    assert SPURIOUS in colours(drawn[29 * scale : 34 * scale, 29 * scale : 34 * scale])
    assert MISSING in colours(drawn[24 * scale : 28 * scale, 4 * scale : 8 * scale])
    assert MATCHED in colours(drawn)
    bars = bars[-panel_height(find_features(pred, target)) :]
    left, right = bars[:, :320], bars[:, 320:]
    assert {MATCHED, FAINT, SPURIOUS} <= colours(left)
    assert MISSING not in colours(left)
    assert {MATCHED, FAINT, MISSING} <= colours(right)
    assert SPURIOUS not in colours(right)


def test_photographs_stay_under_the_marks() -> None:
    pred, target = ring_and_island(0.0, 0.9)
    photo = np.full((40, 40, 3), 200, np.uint8)
    picture = np.asarray(topology_picture(pred, target, photo))
    assert tuple(picture[HEADER + 630, 10]) == (110, 110, 110)  # 0.55 * 200, far from any mark
    assert MISSING in colours(picture)


def test_a_volume_shows_the_slice_with_most_errors() -> None:
    pred, target = (np.stack([side] * 4) for side in ring_and_island(1.0, 0.0))
    pred[2, 25:28, 25:28] = 1
    assert describe(find_features(pred, target)).endswith("spurious: 1 component")
    picture = np.asarray(topology_picture(pred, target))[HEADER:]
    assert SPURIOUS in colours(picture[380:480, 380:480])


def test_a_missing_loop_of_a_volume_is_drawn_as_a_cycle_from_three_sides() -> None:
    target = np.zeros((7, 9, 9), np.float32)
    target[3, 2:7, 2:7] = 1
    target[3, 3:6, 3:6] = 0
    pred = target.copy()
    pred[3, 4, 6] = 0
    (missing,) = [f for f in find_features(pred, target) if f.kind == "missing"]
    region = feature_region(missing, pred, target)
    assert (region == (target == 1)).all()
    views = np.asarray(projections(pred, target, [(region, MISSING)]))
    from_above = views[20:, :206].reshape(-1, 3)
    assert 0.1 < (from_above == MISSING).all(1).mean() < 0.3
    picture = np.asarray(topology_picture(pred, target))[HEADER:]
    assert picture.shape[0] > 640 + views.shape[0]
    assert MISSING in colours(picture[640 : 640 + views.shape[0]])


def test_a_slice_goes_through_the_most_features_and_is_marked_in_the_views() -> None:
    target = np.zeros((9, 12, 12), np.float32)
    pred = target.copy()
    pred[1, 1:6, 1:6] = 1  # one large island
    for row in (1, 5, 9):
        pred[6:8, row, 9] = 1  # three small ones, two slices deep
    wrong = find_features(pred, target)
    regions = [feature_region(f, pred, target) for f in wrong]
    assert fullest_slice(regions, 9) == 6
    plain, marked = (
        np.asarray(projections(pred, target, [], plane=plane)).astype(int) for plane in (None, 6)
    )
    rows = np.flatnonzero((plain != marked).any(axis=(1, 2)))
    panel = (640 - 2 * 10) // 3
    assert rows.tolist() == [20 + int(6.5 * panel / 12)]
    assert (plain == marked)[:, :panel].all()  # the view from above has no line


def test_a_component_of_probabilities_is_drawn_as_it_is_at_half() -> None:
    pred = np.zeros((9, 40))
    pred[3:6, 5:30] = 0.2
    pred[4, 6:9], pred[4, 20:23] = 0.9, 0.8
    target = np.zeros(pred.shape)
    target[4, 6:9] = 1
    (spurious,) = [f for f in find_features(pred, target) if f.kind == "spurious"]
    assert feature_region(spurious, pred, target, least=0.5).sum() == 3
    drawn = np.asarray(topology_picture(pred, target))[HEADER:]
    scale = 640 // 40
    # nothing is orange where the probability is 0.2 and no ring is near
    assert SPURIOUS not in colours(drawn[: 9 * scale, 10 * scale : 15 * scale])


def test_a_cycle_is_seen_on_a_component_of_its_colour() -> None:
    pred = np.zeros((7, 15, 15), np.float32)
    pred[2:5, 2:13, 2:13] = 1
    pred[:, 5:10, 5:10] = 0  # a thick ring, spurious as a component and as a loop
    views = np.asarray(topology_picture(pred, np.zeros_like(pred)))[-400:]
    assert {SPURIOUS, shaded(SPURIOUS)} <= colours(views)


def test_the_legend_names_wrong_pixels_where_there_are_some() -> None:
    pred, target = np.zeros((2, 5, 5), bool)
    target[2, 1:4] = True
    entries = entries_of([], [], pred, target)
    assert entries == [("full", "missing", -1)]
    assert entries_of([], [], target, target) == []


def test_a_loop_of_corners_is_drawn_where_it_is() -> None:
    """26-connected voxels close it, 6-connected ones do not."""
    target = np.zeros((3, 7, 7), np.float32)
    for row, column in ((1, 3), (2, 2), (2, 4), (3, 1), (3, 5), (4, 2), (4, 4), (5, 3)):
        target[1, row, column] = 1
    (loop,) = [f for f in find_features(target * 0, target) if f.dimension == 1]
    assert feature_region(loop, target * 0, target).sum() == 1
    assert MISSING in colours(np.asarray(topology_picture(target * 0, target)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3)])
def test_odd_shapes(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).random(shape)
    picture = topology_picture(noise, noise > 0.5)
    assert picture.width >= 400
    assert picture.height > 48


def test_title_legend_and_formats() -> None:
    pred, target = ring_and_island(0.3, 0.9)
    drawing = topology_drawing(pred, target, title="<case> 7")
    svg = drawing.svg()
    for words in ("&lt;case&gt; 7", "spurious component", "matched loop, not at 1/2"):
        assert words in svg
    # the loop is there below 1/2: its pixels are missing, it is not
    assert "missing pixels" in svg
    assert "missing loop" not in svg
    assert standalone(svg).startswith('<svg role="img" aria-label="&lt;case&gt; 7" viewBox=')
    data = pdf(svg)
    assert data.startswith(b"%PDF")
    assert data.endswith(b"%%EOF\n")


def test_noise_of_a_soft_map_is_marked_small_and_not_ringed() -> None:
    rng = np.random.default_rng(0)
    target = np.zeros((64, 64), np.float32)
    target[30:34] = 1
    noise = np.where(rng.random(target.shape) < 0.05, 0.3, 0).astype(np.float32)
    drawing = topology_drawing(np.maximum(target, noise), target)
    svg = drawing.svg()
    found = find_features(np.maximum(target, noise), target)
    weak = [f for f in found if f.kind == "spurious"]
    assert len(weak) > 60
    assert "spurious component, not at 1/2" in svg
    # hollow dots of three pixels, at most 80, and the matched one
    assert svg.count('rx="3.0"') == min(80, len(weak))
    assert 'rx="7.0"' not in svg


def test_words_stay_in_the_picture_with_the_letters_of_a_browser() -> None:
    """In an SVG file they are wider than in a PNG file: ends were cut off, legends ran together."""
    import matplotlib
    from PIL import ImageFont

    from seglosses.report.drawing import Drawing
    from seglosses.report.topology import _COLUMN, _wrapped

    def wide(text: str, size: int) -> float:
        path = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
        return ImageFont.truetype(path, size).getlength(text)

    words = "matched: 1 component, 72 loops; missing: 7 loops; spurious: 18 components, 31 loops"
    lines = _wrapped(Drawing(512, 100, (0, 0, 0)), words, 496)
    assert len(lines) == 2
    assert max(wide(line, 12) for line in lines) <= 496
    assert 15 + wide("spurious component, not at 1/2", 11) < _COLUMN
