"""Overlap losses against numbers of published codes, run on one batch.

JDTLosses 68ce8ac, MONAI 1.6.1 and mmseg 1.2.2. MONAI and mmseg keep absent classes in the mean,
which is our ``classes='all'``.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from seglosses.losses import DiceLoss, JaccardLoss, JaccardMetricLoss, TverskyLoss
from tests.reference.seg_inputs import IGNORED, KEEP, LABELS, LOGITS, SOFT

PRICES = {"jaccard": (1.0, 1.0), "dice": (0.5, 0.5), "tversky": (0.3, 0.7)}
AVERAGES = {
    "D": "dataset",
    "I": "image",
    "C": "class",
    "IC": {"image": 0.5, "class": 0.5},
}
TARGETS = {
    "hard, present, smooth 0": (LABELS, "present", 0.0),
    "hard, all, smooth 1": (LABELS, "all", 1.0),
    "soft, all, smooth 1e-3": (SOFT, "all", 1e-3),
    "ignored, present, smooth 1e-3": (IGNORED, "present", 1e-3),
}
# D, I, C, IC of each
JDT = {
    ("jaccard", "hard, present, smooth 0"): (0.8547828, 0.8265870, 0.8214409, 0.8240139),
    ("jaccard", "hard, all, smooth 1"): (0.8106179, 0.7703532, 0.7703531, 0.7703532),
    ("jaccard", "soft, all, smooth 1e-3"): (0.6307666, 0.6300011, 0.6300011, 0.6300011),
    ("jaccard", "ignored, present, smooth 1e-3"): (0.8460378, 0.8186073, 0.8131927, 0.8159000),
    ("dice", "hard, present, smooth 0"): (0.7481454, 0.7055820, 0.6982375, 0.7019098),
    ("dice", "hard, all, smooth 1"): (0.6826684, 0.6306400, 0.6306400, 0.6306400),
    ("dice", "soft, all, smooth 1e-3"): (0.4643675, 0.4676226, 0.4676227, 0.4676226),
    ("dice", "ignored, present, smooth 1e-3"): (0.7351255, 0.6942742, 0.6865828, 0.6904285),
    ("tversky", "hard, present, smooth 0"): (0.7472656, 0.7219765, 0.7126708, 0.7173237),
    ("tversky", "hard, all, smooth 1"): (0.6795399, 0.6272480, 0.6272480, 0.6272480),
    ("tversky", "soft, all, smooth 1e-3"): (0.4630205, 0.4680697, 0.4680698, 0.4680697),
    ("tversky", "ignored, present, smooth 1e-3"): (0.7350329, 0.7095038, 0.7005160, 0.7050099),
}


@pytest.mark.parametrize(
    ("prices", "case", "average"), [(*key, a) for key, a in itertools.product(JDT, range(4))]
)
def test_jdt(prices: str, case: str, average: int) -> None:
    alpha, beta = PRICES[prices]
    target, classes, smooth = TARGETS[case]
    loss = JaccardMetricLoss(
        alpha, beta, smooth, average=list(AVERAGES.values())[average], classes=classes
    )
    expected = JDT[prices, case][average]
    assert loss(LOGITS, target).item() == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("options", "target", "expected"),
    [
        ({"intersection": "norm2"}, SOFT, 0.5630608),
        ({"intersection": "norm2"}, LABELS, 0.8158364),
        ({"intersection": "norm2", "alpha": 0.5, "beta": 0.5}, LABELS, 0.6909273),
        ({"log": True}, LABELS, 1.9602838),
        ({"gamma": 2.0}, LABELS, 0.7319014),
        ({"class_weight": [1.0, 2.0, 0.5]}, LABELS, 0.9934096),
        (
            {"class_weight": [1.0, 2.0, 0.5], "average": {"image": 0.5, "class": 0.5}},
            LABELS,
            1.0464621,
        ),
    ],
)
def test_jdt_options(options: dict, target: torch.Tensor, expected: float) -> None:
    assert JaccardMetricLoss(**options)(LOGITS, target).item() == pytest.approx(expected, abs=5e-7)


def test_jdt_keep_mask_is_a_weight() -> None:
    value = JaccardMetricLoss()(LOGITS, SOFT, weight=KEEP.float())
    assert value.item() == pytest.approx(0.6436549, abs=5e-7)


@pytest.mark.parametrize(
    ("loss", "target", "expected"),
    [
        (DiceLoss(smooth=1e-5, classes="all"), LABELS, 0.7542710),
        (DiceLoss(smooth=1e-5, classes="all", intersection="norm2"), LABELS, 0.7027809),
        (DiceLoss(smooth=1e-5, classes="all", average="dataset"), LABELS, 0.7481449),
        (DiceLoss(smooth=1e-5), SOFT, 0.4677154),
        (TverskyLoss(smooth=1e-5, classes="all"), LABELS, 0.7657536),
        # MONAI halves its smoothing in the numerator: equal to the rounding of 1e-5 only
        (JaccardLoss(smooth=1e-5, classes="all"), LABELS, 0.8551190),
    ],
)
def test_monai(loss: nn.Module, target: torch.Tensor, expected: float) -> None:
    assert loss(LOGITS, target).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("target", "expected"), [(LABELS, 0.6272479), (IGNORED, 0.6056390)])
def test_mmseg_tversky(target: torch.Tensor, expected: float) -> None:
    assert TverskyLoss(classes="all")(LOGITS, target).item() == pytest.approx(expected, abs=5e-7)


def test_bird_eye_view_dice_leaves_absent_classes_out() -> None:
    # classes: tp 2, fp 1, fn 1 over two images; tp 1, fp 0, fn 1; the third nowhere.
    # SeaBird's own formula would cost 1 for the third, without a gradient
    shape = (2, 3, 1, 3)
    truth = torch.tensor([1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0.0]).view(shape)
    guess = torch.tensor([1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0.0]).view(shape)
    loss = DiceLoss(use_sigmoid=True, average="dataset", classes="present", smooth=1e-5)
    logits = (80 * guess - 40).requires_grad_()
    value = loss(logits, truth)
    assert value.item() == pytest.approx(((1 - 4 / 6) + (1 - 2 / 3)) / 2, abs=1e-5)


@pytest.mark.parametrize("name", ["one", "maps"])
def test_dice_of_freecos_and_seabird(name: str) -> None:
    # one foreground of FreeCOS, three maps of SeaBird of which one is absent, both over the batch
    golden = json.loads((Path(__file__).parent / "goldens" / "dice.json").read_text())[name]
    logits, target = torch.tensor(golden["prob"]).logit(), torch.tensor(golden["target"])
    loss = DiceLoss(use_sigmoid=True, smooth=0.0, average="dataset", classes="all")
    assert loss(logits, target).item() == pytest.approx(golden["dice"], abs=1e-6)
