"""Partitions: scikit-image and panoptica as oracles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import metrics as theirs

from seglosses.metrics import Pair, adapted_rand, panoptic_quality, variation_of_information
from seglosses.metrics.cells import Contingency, Regions, contingency
from seglosses.topology import label_components

MASKS = arrays(bool, (7, 8))
REGIONS = st.sampled_from(["background", "foreground"])


def regions_of(pred: np.ndarray, target: np.ndarray, regions: str) -> list[np.ndarray]:
    if regions == "background":
        return [label_components(~mask, connectivity=4)[0] for mask in (pred, target)]
    return [label_components(mask)[0] for mask in (pred, target)]


@given(MASKS, MASKS, REGIONS)
def test_rand_error_equals_scikit_image(pred: np.ndarray, target: np.ndarray, regions: str) -> None:
    labels = regions_of(pred, target, regions)
    assume((labels[1] > 0).sum() > 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        error, recall, precision = theirs.adapted_rand_error(labels[1], labels[0])
    ours = adapted_rand(Pair(pred, target), regions=regions)  # type: ignore[arg-type]
    # Where there is no pair of pixels scikit-image divides 0 by 0.
    if np.isfinite(error):
        assert ours.error == pytest.approx(error)
    for mine, yours in ((ours.precision, precision), (ours.recall, recall)):
        if np.isfinite(yours):
            assert mine == pytest.approx(yours)


@given(MASKS, MASKS, REGIONS)
def test_variation_of_information_equals_scikit_image(
    pred: np.ndarray, target: np.ndarray, regions: str
) -> None:
    labels = regions_of(pred, target, regions)
    assume(labels[1].any())
    merge, split = theirs.variation_of_information(labels[0], labels[1], ignore_labels=())
    inside = labels[1] > 0
    split, merge = theirs.variation_of_information(labels[1][inside], labels[0][inside])
    ours = variation_of_information(Pair(pred, target), regions=regions)  # type: ignore[arg-type]
    np.testing.assert_allclose([ours.split, ours.merge], [split, merge], atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("regions", ["background", "foreground"])
def test_panoptic_quality_equals_panoptica(regions: Regions) -> None:
    panoptica = pytest.importorskip("panoptica", reason="oracle of panoptic quality")
    from panoptica.metrics import Metric

    evaluator = panoptica.Panoptica_Evaluator(
        expected_input=panoptica.InputType.UNMATCHED_INSTANCE,
        # The definition wants more than one half, panoptica at least the threshold.
        instance_matcher=panoptica.NaiveThresholdMatching(matching_threshold=0.5 + 1e-9),
        instance_metrics=[Metric.IOU],
        global_metrics=[],
    )
    rng = np.random.default_rng(0)
    compared = 0
    for density in np.linspace(0.2, 0.8, 7):
        for noise in (0.02, 0.1, 0.3):
            target = np.kron(rng.random((6, 6)) < density, np.ones((4, 4))) > 0
            pred = target ^ (rng.random(target.shape) < noise)
            labels = regions_of(pred, target, regions)
            if not labels[0].any() or not labels[1].any():
                continue  # there panoptica follows a handler of its own
            result = evaluator.evaluate(*(label.astype(np.uint16) for label in labels))
            theirs = result["ungrouped"]
            ours = panoptic_quality(Pair(pred, target), regions=regions)
            assert ours.pq == pytest.approx(float(theirs.pq))
            assert ours.rq == pytest.approx(float(theirs.rq))
            # Without a match panoptica has no mean IoU, and we have none that counts.
            assert ours.sq == pytest.approx(np.nan_to_num(float(theirs.sq)))
            compared += 1
    assert compared > 15


def test_panoptic_quality_by_hand() -> None:
    # Regions of 4 and 4; the prediction finds 3 of the first (IoU 3/4) and cuts the second in two
    # halves (IoU 1/2 each, which is no match): TP 1, FP 2, FN 1.
    target = np.array([[1, 1, 1, 1, 0, 1, 1, 1, 1, 0]])
    pred = np.array([[1, 1, 1, 0, 0, 1, 1, 0, 1, 1]])
    scores = panoptic_quality(Pair(pred, target), regions="foreground")
    assert scores == pytest.approx((0.75 / 2.5, 0.75, 1 / 2.5))


@given(
    arrays(np.int32, 30, elements=st.integers(0, 9)),
    arrays(np.int32, 30, elements=st.integers(0, 9)),
)
def test_sparse_and_dense_tables_agree(pred: np.ndarray, target: np.ndarray) -> None:
    dense = Contingency(pred, target)
    sparse = Contingency(pred * 1000, target * 1000)
    np.testing.assert_array_equal(dense.sizes, sparse.sizes)
    np.testing.assert_array_equal(dense.target * 1000, sparse.target)
    np.testing.assert_array_equal(dense.pred * 1000, sparse.pred)


def test_no_region_at_all() -> None:
    full = np.ones((3, 3))
    pair = Pair(full, full)
    assert adapted_rand(pair).error == 0
    assert variation_of_information(pair) == (0, 0)
    assert panoptic_quality(Pair(full, full, empty="perfect")) == (1, 1, 1)
    assert np.isnan(panoptic_quality(pair)).all()
    with pytest.raises(ValueError, match="background or foreground"):
        contingency(pair, "walls")  # type: ignore[arg-type]


@pytest.mark.parametrize("regions", ["background", "foreground"])
def test_what_lies_beyond_the_box_counts(regions: Regions) -> None:
    # The box of the masks spans the image along one axis, or touches a border or a corner, so that
    # the outside is one region or two.
    rng = np.random.default_rng(0)
    for place in (np.s_[:, 4:9], np.s_[3:8], np.s_[:5, :6], np.s_[4:, 3:], np.s_[2:5, 7:9]):
        pred, target = np.zeros((2, 11, 13), bool)
        pred[place] = rng.random(pred[place].shape) < 0.6
        target[place] = rng.random(pred[place].shape) < 0.6
        labels = regions_of(pred, target, regions)
        expected = Contingency(*labels)
        found = contingency(Pair(pred, target), regions)
        for name in ("sizes", "target", "pred"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
