"""Scores per lesion: panoptica as oracle, numbers of the challenges' programs, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from seglosses.evaluate.measures import choose_columns
from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample
from seglosses.metrics import Pair, lesion_scores
from seglosses.topology import label_components


def lesions() -> tuple[np.ndarray, np.ndarray]:
    """40 predicted and 37 true lesions; 17 true ones when those one voxel apart are one."""
    rng = np.random.default_rng(3)
    truth = ndimage.gaussian_filter(rng.standard_normal((24, 28, 30)), 1.6)
    noise = ndimage.gaussian_filter(rng.standard_normal((24, 28, 30)), 1.3)
    return truth + 0.35 * noise > 0.15, truth > 0.132


def test_brats_dice_and_counts_equal_the_program() -> None:
    # get_LesionWiseScores of rachitsaluja/BraTS-2023-Metrics 43c9052, dil_factor 1
    pair = Pair(*lesions())
    scores = lesion_scores(pair, matching="brats", dilation=1)
    assert scores.dice == pytest.approx(0.402578043344728)
    assert scores.false_positives == 8
    assert scores.sensitivity == 16 / 17
    large = lesion_scores(pair, matching="brats", dilation=1, smallest=8)
    assert large.dice == pytest.approx(0.39581286339224997)
    assert (large.false_positives, large.sensitivity) == (8, 1)


def test_regions_of_cc_metrics() -> None:
    # compute_voronoi_regions of alexanderjaus/CC-Metrics 20a704b gives 0.4920: it leaves voxels as
    # near to two lesions to the first
    scores = lesion_scores(Pair(*lesions()), matching="cc")
    assert scores.dice == pytest.approx(0.49202851386217517, abs=2e-3)


def test_autopet_counts_what_its_program_sums() -> None:
    # false_pos_pix 64 and false_neg_pix 14 voxels of lab-midas/autoPET 468179b, 26 neighbours
    pred, target = lesions()
    missed = []
    for one, other in ((pred, target), (target, pred)):
        labels, count = label_components(one)
        free = np.bincount(labels[other], minlength=count + 1) == 0
        free[0] = False
        missed.append((int(free.sum()), int(free[labels].sum())))
    assert [voxels for _, voxels in missed] == [64, 14]
    scores = lesion_scores(Pair(pred, target), matching="autopet")
    assert scores.false_positives == missed[0][0]
    assert scores.sensitivity == pytest.approx(1 - missed[1][0] / 37)


@pytest.mark.slow
def test_matches_equal_panoptica() -> None:
    panoptica = pytest.importorskip("panoptica", reason="oracle of matched lesions")
    from panoptica.metrics import Metric

    evaluator = panoptica.Panoptica_Evaluator(
        expected_input=panoptica.InputType.UNMATCHED_INSTANCE,
        instance_matcher=panoptica.NaiveThresholdMatching(matching_threshold=0.5),
        instance_metrics=[Metric.IOU, Metric.DSC],
        global_metrics=[],
    )
    pred, target = lesions()
    labels = [label_components(mask)[0].astype(np.uint16) for mask in (pred, target)]
    theirs = evaluator.evaluate(*labels)["ungrouped"]
    ours = lesion_scores(Pair(pred, target))
    assert ours.dice == pytest.approx(float(theirs.sq_dsc))
    assert ours.f1 == pytest.approx(float(theirs.rq))
    assert ours.false_positives == int(theirs.fp)


def test_rules_differ_by_hand() -> None:
    # true lesions of 4 and 2 pixels, 2 apart; a prediction over both, and a false one
    target = np.array([[1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    pred = np.array([[1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]])
    pair = Pair(pred, target)
    # IoU 4 / 7 with the first
    panoptica = lesion_scores(pair)
    assert panoptica.dice == pytest.approx(8 / 11)
    assert panoptica.f1 == pytest.approx(2 / (2 + 1 + 1))
    # both are found, by the same seven pixels
    autopet = lesion_scores(pair, matching="autopet")
    assert autopet.dice == pytest.approx((8 / 11 + 2 / 9) / 2)
    assert (autopet.sensitivity, autopet.false_positives) == (1, 1)
    # one lesion of six pixels, and a false positive
    brats = lesion_scores(pair, matching="brats", dilation=1)
    assert brats.dice == pytest.approx((2 * 5 / 13 + 0) / 2)
    assert brats.hd95 > (pair.diagonal - 1) / 2
    # the gap belongs to either side, the last pixel to the second
    regions = lesion_scores(pair, matching="cc")
    assert regions.dice == pytest.approx((8 / 9 + 2 * 1 / (3 + 2)) / 2)
    assert regions.sensitivity == 1


def test_small_lesions_need_not_count() -> None:
    target, pred = np.zeros((2, 8, 8), bool)
    target[0, 0] = target[5:8, 5:8] = pred[5:8, 5:8] = True
    assert lesion_scores(Pair(pred, target)).sensitivity == 0.5
    assert lesion_scores(Pair(pred, target), smallest=1).sensitivity == 1
    half = Pair(pred, target, spacing=(0.5, 0.5))
    assert lesion_scores(half, smallest=0.25).sensitivity == 1
    assert lesion_scores(half, smallest=0.2).sensitivity == 0.5


def test_empty_masks_follow_the_policy() -> None:
    none, some = np.zeros((4, 4), bool), np.eye(4, dtype=bool)
    assert lesion_scores(Pair(none, none, empty="perfect")) == (1, 0, 1, 1, 0)
    assert lesion_scores(Pair(some, none)) == pytest.approx((0, 18**0.5, 0, 0, 1))
    assert lesion_scores(Pair(none, some)) == pytest.approx((0, 18**0.5, 0, 0, 0))
    with pytest.raises(ValueError, match="panoptica, brats, autopet, cc"):
        lesion_scores(Pair(some, some), matching="lesionwise")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lesion_matching"):
        Options(lesion_matching="lesionwise")  # type: ignore[arg-type]


def test_columns_say_their_rule() -> None:
    pred, target = lesions()
    options = Options(lesion_matching="brats", lesion_dilation=1)
    columns = {
        column.name: column for column in choose_columns(["lesions"], ndim=3, options=options)
    }
    sample = Sample(Pair(pred, target), target, np.ones_like(target))
    assert columns["lesion_dice"].measure(sample, options) == pytest.approx(0.402578043344728)
    assert columns["lesion_false_positives"].measure(sample, options) == 8
    assert "matched as in brats: true lesions within" in columns["lesion_dice"].meaning
