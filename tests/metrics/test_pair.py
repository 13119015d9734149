"""A pair crops without changing a number, measures once, and has a policy for empty masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seglosses.metrics import Pair, betti_error, brier_score, cldice, dice, hd95, hd95_directed, iou
from seglosses.metrics import pair as pair_module
from seglosses.metrics.structures import structure_errors
from seglosses.primitives.distance import distance_to
from seglosses.topology import betti_numbers
from seglosses.topology.skeleton import skeletonize

MASKS = arrays(bool, (7, 9))


@given(MASKS, MASKS, st.integers(0, 4), st.integers(0, 4))
def test_position_in_a_larger_image_changes_nothing(
    pred: np.ndarray, target: np.ndarray, top: int, left: int
) -> None:
    small = Pair(np.pad(pred, 1), np.pad(target, 1), empty="nan")
    margins = ((top + 1, 6 - top), (left + 1, 6 - left))
    large = Pair(np.pad(pred, margins), np.pad(target, margins), empty="nan")
    for metric in (dice, iou, hd95, hd95_directed, cldice):
        np.testing.assert_equal(metric(large), metric(small))
    assert large.betti == small.betti
    assert large.euler == small.euler


@given(MASKS, MASKS)
def test_cropping_keeps_what_touches_the_border(pred: np.ndarray, target: np.ndarray) -> None:
    pair = Pair(pred, target)
    assert pair.betti == (betti_numbers(pred), betti_numbers(target))
    full = np.zeros(pair.shape, bool)
    full[pair.box] = pair.skeletons.pred
    np.testing.assert_array_equal(full, skeletonize(pred))


@given(MASKS, MASKS)
def test_counts_add_up(pred: np.ndarray, target: np.ndarray) -> None:
    pair = Pair(pred, target)
    assert pair.true_positives + pair.false_positives == pred.sum()
    assert pair.true_positives + pair.false_negatives == target.sum()
    assert pair.pred_empty == (not pred.any())
    assert pair.target_empty == (not target.any())


def test_expensive_statistics_are_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("distances_at", "skeletonize", "betti_numbers", "label_components"):
        original = getattr(pair_module, name)

        def counted(*args: object, _name: str = name, _call: object = original, **more: object):
            calls.append(_name)
            return _call(*args, **more)  # type: ignore[operator]

        monkeypatch.setattr(pair_module, name, counted)
    rng = np.random.default_rng(0)
    pair = Pair(rng.random((9, 9)) > 0.5, rng.random((9, 9)) > 0.5)
    for _ in range(2):
        hd95(pair), hd95_directed(pair), cldice(pair), betti_error(pair, 0), betti_error(pair, 1)
        structure_errors(pair)
    assert sorted(calls) == sorted(
        2 * ["distances_at", "skeletonize", "betti_numbers", "label_components"]
    )


FULL, EMPTY = np.ones((4, 5), bool), np.zeros((4, 5), bool)
DIAGONAL = 5.0  # from (0, 0) to (3, 4)


NOTHING, PERFECT, MISSED = (np.nan,) * 4, (1.0, 1.0, 0.0, 1.0), (0.0, 0.0, DIAGONAL, 0.0)


@pytest.mark.parametrize(
    ("empty", "both", "missed", "invented"),
    [
        ("skip", NOTHING, MISSED, MISSED),
        ("ignore_empty", NOTHING, MISSED, NOTHING),
        ("nan", NOTHING, NOTHING, NOTHING),
        ("perfect", PERFECT, MISSED, MISSED),
        ("worst", PERFECT, MISSED, MISSED),
    ],
)
def test_policies_for_empty_masks(
    empty: str, both: tuple[float, ...], missed: tuple[float, ...], invented: tuple[float, ...]
) -> None:
    def scores(pred: np.ndarray, target: np.ndarray) -> tuple[float, ...]:
        pair = Pair(pred, target, empty=empty)  # type: ignore[arg-type]
        assert betti_error(pair, 0) == abs(int(pred.any()) - int(target.any()))
        return dice(pair), iou(pair), hd95(pair), cldice(pair)

    np.testing.assert_equal(scores(EMPTY, EMPTY), both)
    np.testing.assert_equal(scores(EMPTY, FULL), missed)
    np.testing.assert_equal(scores(FULL, EMPTY), invented)
    assert np.isfinite(scores(FULL, FULL)).all()


def test_absent_from_both_is_undefined_by_default() -> None:
    for metric in (dice, iou, hd95, hd95_directed, cldice):
        assert np.isnan(metric(Pair(EMPTY, EMPTY)))
        assert not np.isnan(metric(Pair(EMPTY, FULL)))


def test_diagonal_has_the_unit_of_the_spacing() -> None:
    assert hd95(Pair(EMPTY, FULL, spacing=(2.0, 2.0))) == 2 * DIAGONAL


MASK = np.array([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    "wrong",
    [
        np.array([[0.1, 0.9], [0.8, 0.0]]),
        np.array([[0.0, np.nan], [1.0, 0.0]]),
        np.array([[0.0, np.inf], [1.0, 0.0]]),
        np.array([[0, 2], [1, 0]]),
        np.array([[0, -1], [1, 0]]),
        np.array([[0, 255], [255, 0]], np.uint8),
        np.array([[0, 1 + 1e-9], [1, 0]]),
    ],
)
def test_what_is_no_mask_is_refused(wrong: np.ndarray) -> None:
    for pair, name in (((wrong, MASK), "prediction"), ((MASK, wrong), "ground truth")):
        with pytest.raises(ValueError, match=f"the {name} must hold 0 and 1 only, got "):
            Pair(*pair)
    for call in (distance_to, skeletonize, lambda mask: brier_score(MASK, mask)):
        with pytest.raises(ValueError, match="0 and 1 only"):
            call(wrong)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float64])
def test_zeros_and_ones_of_any_type_are_masks(dtype: type) -> None:
    pair = Pair(MASK.astype(dtype), MASK.astype(bool))
    assert dice(pair) == 1
    assert pair.pred.dtype == bool


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Pair(np.zeros((2, 2)), np.zeros((2, 3))), "differ in shape"),
        (lambda: Pair(np.zeros(3), np.zeros(3)), r"\(H, W\) or \(D, H, W\)"),
        (lambda: Pair(EMPTY, EMPTY, empty="best"), "worst, skip or nan"),
        (lambda: Pair(EMPTY, EMPTY, spacing=(1, 2, 3)), "2 positive numbers"),
        (lambda: betti_error(Pair(EMPTY, EMPTY), 2), "below 2"),
    ],
)
def test_errors_say_what_to_give(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
