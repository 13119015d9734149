"""Which features are found, and where they are."""

from __future__ import annotations

import numpy as np
import pytest

from seglosses.report.features import feature_region, find_features
from seglosses.report.topology import describe
from seglosses.topology import betti_numbers, label_components, matching_error
from tests.report.shapes import ring_and_island


@pytest.mark.parametrize(
    ("gap", "island", "words"),
    [
        (1, 0, "matched: 1 component, 1 loop"),
        (0, 0, "matched: 1 component; missing: 1 loop"),
        (0.3, 0, "matched: 1 component; faint: 1 loop"),
        (1, 0.9, "matched: 1 component, 1 loop; spurious: 1 component"),
        (1, 0.05, "matched: 1 component, 1 loop"),  # too short to be shown
    ],
)
def test_what_is_found(gap: float, island: float, words: str) -> None:
    assert describe(find_features(*ring_and_island(gap, island))) == words


@pytest.mark.parametrize("connectivity", [None, 4, 8])
def test_regions(connectivity: int | None) -> None:
    pred, target = ring_and_island(0.0, 0.9)
    features = find_features(pred, target, connectivity=connectivity)
    regions = {f.kind: feature_region(f, pred, target, connectivity=connectivity) for f in features}
    inside = np.zeros((40, 40), bool)
    inside[8:17, 8:17] = True
    assert (regions["missing"] == inside).all()
    assert (regions["spurious"] == (pred == np.float32(0.9))).all()


def test_connectivity_decides_about_corners() -> None:
    diagonal = np.eye(3)
    whole = np.ones((3, 3))
    assert describe(find_features(diagonal, whole)) == "matched: 1 component"
    found = describe(find_features(diagonal, whole, connectivity=4))
    assert found == "matched: 1 component; spurious: 2 components"


def test_empty_maps_have_no_component() -> None:
    empty, full = np.zeros((4, 4)), np.ones((4, 4))
    assert describe(find_features(empty, full)) == "missing: 1 component"
    assert describe(find_features(full, empty)) == "spurious: 1 component"
    assert describe(find_features(empty, empty)) == "no features"


def test_ties_do_not_match_what_lies_apart() -> None:
    """All edges of masks are equal, so the released order may match any two components."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        pred, target = rng.random((2, 9, 9)) < 0.25
        union, _ = label_components(pred | target)
        shared = np.intersect1d(union[pred], union[target]).size
        kinds = [f.kind for f in find_features(pred, target) if f.dimension == 0]
        assert kinds.count("matched") == shared
        assert kinds.count("spurious") == betti_numbers(pred)[0] - shared
        assert kinds.count("missing") == betti_numbers(target)[0] - shared


def test_the_long_piece_is_matched_and_not_the_splinter() -> None:
    """A network broken into a splinter, which comes first, and all the rest."""
    target = np.zeros((20, 60), bool)
    target[9:11, 2:58] = True
    pred = target.copy()
    pred[:, 6:9] = False
    found = find_features(pred, target)
    regions = {f.kind: feature_region(f, pred, target).sum() for f in found if f.pred}
    assert regions == {"matched": 2 * 49, "spurious": 2 * 4}
    # and the other way round: of two labels the one that a long prediction mostly is
    found = find_features(target, pred)
    assert {
        f.kind: feature_region(f, target, pred).sum() for f in found if f.kind == "missing"
    } == {"missing": 2 * 4}


def test_ties_of_probabilities_go_to_the_larger_share_too() -> None:
    target = np.zeros((12, 40), np.float32)
    target[5:7, 1:39] = 1
    pred = target.copy()
    pred[:, 5:8] = 0
    pred[0, 0] = 0.25  # no mask
    spurious = [f for f in find_features(pred, target) if f.kind == "spurious"]
    sizes = [int(feature_region(f, pred, target).sum()) for f in spurious]
    assert sorted(sizes) == [1, 2 * 4]


@pytest.mark.parametrize("connectivity", [None, 4])
def test_the_picture_counts_what_the_score_counts(connectivity: int | None) -> None:
    rng = np.random.default_rng(1)
    for ndim, tries in ((2, 60), (3, 25)):
        for _ in range(tries):
            pred, target = rng.random((2, *rng.integers(1, 9, ndim))) < rng.random()
            edges = None if connectivity is None else {2: 4, 3: 6}[ndim]
            error = matching_error(pred, target, connectivity=edges, count_essential=True)
            found = find_features(pred, target, connectivity=edges)
            for dim in (0, ndim - 1):
                counts = [
                    sum(f.kind == kind and f.dimension == dim for f in found)
                    for kind in ("matched", "spurious", "missing")
                ]
                sides = (error.matched, error.unmatched_pred, error.unmatched_target)
                assert counts == [side[dim] for side in sides]
