"""Routes, junctions, edges and runs of centrelines."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from seglosses import metrics
from seglosses.evaluate import evaluate
from seglosses.metrics import (
    Pair,
    apls,
    centerline_hd,
    edge_scores,
    expected_run_length,
    junction_scores,
    topo_scores,
)


def roads() -> tuple[np.ndarray, np.ndarray]:
    """A grid of streets in two parts, and a shifted copy with a gap, a spur and an edge cut off."""
    rows, columns = np.indices((60, 80))
    target = (rows % 20 < 3) | (columns % 27 < 3)
    pred = np.roll(target, 1, axis=1)
    pred[18:25, 30:40] = False
    pred[45:55, 50:53] = True
    pred[:, 70:] = False
    target[30:34, :26] = False
    return pred, target


def test_scores_equal_the_published_programs() -> None:
    pair = Pair(*roads())
    # path_sim_metric of CosmiQ/apls 4a78807 in both directions, harmonic mean, with the routes of
    # our graphs; it also counts short routes from points that were not found (then 0.7210)
    assert apls(pair, tolerance=2, step=10) == pytest.approx(0.7240394462989356)
    # funlib.evaluate d2852b3, float32
    assert expected_run_length(pair).length == pytest.approx(318.09354, rel=1e-6)


def line(*pieces: tuple[int, int], length: int = 60) -> np.ndarray:
    mask = np.zeros((5, length), bool)
    for start, stop in pieces:
        mask[2, start:stop] = True
    return mask


def test_a_detour_costs_its_share_of_a_route() -> None:
    # a straight line of 40 steps against one with a bump of 5, whose corners thinning cuts
    straight, bumpy = np.zeros((12, 60), bool), np.zeros((12, 60), bool)
    straight[8, 10:51] = True
    bumpy[8, 10:31] = bumpy[8, 40:51] = True
    bumpy[3:9, 30] = bumpy[3:9, 40] = True
    bumpy[3, 30:41] = True
    got = apls(Pair(bumpy, straight), tolerance=2, step=1000)
    longer = 10 - 4 * (2 - 2**0.5)
    one, two = 1 - longer / 40, 1 - longer / (40 + longer)
    assert got == pytest.approx(2 * one * two / (one + two), rel=1e-6)


def test_a_broken_line_keeps_no_route_and_half_of_its_runs() -> None:
    pair = Pair(line((0, 29), (32, 60)), line((0, 60)))
    assert apls(pair, tolerance=2) == pytest.approx(0, abs=0.7)
    assert apls(pair, tolerance=2, step=1000) == 0
    run = expected_run_length(pair)
    assert run.length == pytest.approx((28**2 + 27**2) / 59)
    assert run.share == pytest.approx((28**2 + 27**2) / 59**2)


def test_merged_lines_have_no_right_run() -> None:
    target, pred = np.zeros((2, 12, 40), bool)
    target[2] = target[9] = True
    pred[2] = pred[9] = True
    assert expected_run_length(Pair(pred, target)) == pytest.approx((39.0, 1.0))
    pred[2:10, 20] = True  # the Betti numbers of one bridge, and all is lost
    assert expected_run_length(Pair(pred, target)) == (0, 0)


def test_topo_sees_a_missing_branch_only_where_it_can_be_reached() -> None:
    target = line((0, 60))
    target[3:, 30] = True
    pred = line((0, 60))
    far = topo_scores(Pair(pred, target), tolerance=0, step=1000, reach=5)
    assert far.precision == 1
    # ends see 6 pixels each; the junction of four pixels and the end of the branch see the gap
    near = topo_scores(Pair(pred, target), tolerance=0, step=1000, reach=100)
    # every place but the branch's own end finds its start: 60 of 62 holes each
    assert near.recall == pytest.approx(3 * 60 / (4 * 62))
    assert near.precision == 1


def test_junctions_count_their_edges() -> None:
    cross = np.zeros((41, 41), bool)
    cross[20], cross[:, 20] = True, True
    tee = cross.copy()
    tee[21:] = False
    assert junction_scores(Pair(cross, tee), tolerance=2) == pytest.approx((0.75, 1, 6 / 7))
    assert junction_scores(Pair(tee, cross), tolerance=2) == pytest.approx((1, 0.75, 6 / 7))
    moved = np.roll(cross, 3, axis=(0, 1))
    assert junction_scores(Pair(moved, cross), tolerance=2) == (0, 0, 0)
    assert all(np.isnan(junction_scores(Pair(cross[:1], cross[:1]), tolerance=2)))


def test_edges_are_right_when_both_ends_are() -> None:
    # a T whose stem is gone: its ends are found, but nothing ends at the junction
    tee = line((0, 60))
    tee[3:, 30] = True
    scores = edge_scores(Pair(line((0, 60)), tee), tolerance=1)
    assert scores == (0, 0, 0)
    assert edge_scores(Pair(tee, tee), tolerance=1) == (1, 1, 1)


@pytest.mark.parametrize(("size", "right"), [(9, 1), (10, 1), (13, 0)])
def test_closed_lines_are_matched_as_a_whole(size: int, right: int) -> None:
    def ring(edge: int) -> np.ndarray:
        mask = np.zeros((20, 20), bool)
        mask[2 : 2 + edge, 2 : 2 + edge] = True
        mask[3 : 1 + edge, 3 : 1 + edge] = False
        return mask

    assert edge_scores(Pair(ring(size), ring(9)), tolerance=1.5).f1 == right


def test_the_distance_of_centrelines_ignores_how_wide_a_line_is() -> None:
    thin, wide = np.zeros((2, 15, 60), bool)
    thin[7] = wide[4:11] = True
    pair = Pair(thin, wide)
    assert metrics.hd95_directed(pair) == 3
    assert centerline_hd(pair, percentile=50) == 0
    assert centerline_hd(Pair(line((0, 60)), line((0, 50))), percentile=100) == 10


def test_evaluate_has_them_by_name(tmp_path) -> None:
    pred, target = roads()
    for folder, mask in (("pred", pred), ("gt", target)):
        (tmp_path / folder).mkdir()
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / folder / "a.png")
    result = evaluate(
        tmp_path / "pred", tmp_path / "gt", num_classes=2, metrics=["graphs"], out=tmp_path / "out"
    )
    pair = Pair(pred, target)
    expected = {
        "apls": apls(pair, tolerance=2),
        "topo_recall": topo_scores(pair, tolerance=2).recall,
        "junction_f1": junction_scores(pair, tolerance=2).f1,
        "edge_precision": edge_scores(pair, tolerance=2).precision,
        "erl_share": expected_run_length(pair).share,
        "centerline_hd": centerline_hd(pair),
    }
    for name, value in expected.items():
        assert result.table.matrix(name)[0, 0] == pytest.approx(value), name
