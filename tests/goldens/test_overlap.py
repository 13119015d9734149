"""Overlap losses against published codes, on two images of three classes.

JDTLosses 68ce8ac, LovaszSoftmax 7d48792, MMSegmentation 1.2.2 and MONAI 1.6.1. MMSegmentation and
MONAI keep absent classes in the mean, which is our ``classes='all'``.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from seglosses.losses import (
    DiceLoss,
    GeneralizedDiceLoss,
    HausdorffDTLoss,
    JaccardLoss,
    JaccardMetricLoss,
    LogHausdorffDTLoss,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    TverskyLoss,
    UnifiedFocalLoss,
)
from tests.goldens.published import Slip, inputs, is_near, numbers, values
from tests.reference.seg_inputs import IGNORED, KEEP, LABELS, LOGITS, SOFT

PUBLISHED, SLOPES = values("seg_overlap"), inputs("seg_overlap_grads")
FOREGROUND = (LABELS == 1).long()


class Row(NamedTuple):
    """A loss, what it is held against, and how it gets the logits."""

    loss: nn.Module
    target: Tensor = LABELS
    weight: Tensor | None = None
    channels: slice = slice(None)

    def __call__(self, logits: Tensor) -> Tensor:
        return self.loss(logits[:, self.channels], self.target, self.weight)


def one(loss: nn.Module, target: Tensor = FOREGROUND) -> Row:
    """The logit of class 1 against that class."""
    return Row(loss, target, channels=slice(1, 2))


PRICES = {"jaccard": (1.0, 1.0), "dice": (0.5, 0.5), "tversky": (0.3, 0.7)}
HALVES = {"image": 0.5, "class": 0.5}
AVERAGES = {"D": "dataset", "I": "image", "C": "class", "IC": HALVES}
TARGETS = {
    "hard/present/smooth0": (LABELS, "present", 0.0),
    "hard/all/smooth1": (LABELS, "all", 1.0),
    "soft/all/smooth1e-3": (SOFT, "all", 1e-3),
    "hard_ign/present/default": (IGNORED, "present", 1e-3),
}
WEIGHTS = [1.0, 2.0, 0.5]
everything = {"smooth": 1e-5, "classes": "all"}


def macro_dice(prob: Tensor, target: Tensor, squared: bool = False) -> float:
    """Mean over classes of the Dice of a batch, from its formula alone."""
    p, y = (x.transpose(0, 1).flatten(1).double() for x in (prob, target))
    sizes = (p**2).sum(1) + (y**2).sum(1) if squared else p.sum(1) + y.sum(1)
    return float((1 - (2 * (p * y).sum(1) + 1e-3) / (sizes + 1e-3)).mean())


HOT = torch.stack([c == LABELS for c in range(3)], 1).float()
KNOWN = (IGNORED != 255).unsqueeze(1)
FLAT = "flattens classes and pixels into one Dice"
ROWS: dict[str, Row | Slip] = {
    f"jdt/{prices}/{average}/{target}": Row(
        JaccardMetricLoss(*PRICES[prices], smooth, average=AVERAGES[average], classes=classes),
        labels,
    )
    for prices, average, (target, (labels, classes, smooth)) in itertools.product(
        PRICES, AVERAGES, TARGETS.items()
    )
}
ROWS |= {
    "jdt/jaccard/D/soft/keep": Row(JaccardMetricLoss(), SOFT, KEEP.float()),
    "jdt/jaccard/D/soft/norm2": Row(JaccardMetricLoss(intersection="norm2"), SOFT),
    "jdt/jaccard/D/hard/norm2": Row(JaccardMetricLoss(intersection="norm2")),
    "jdt/dice/D/hard/norm2": Row(JaccardMetricLoss(0.5, 0.5, intersection="norm2")),
    "jdt/jaccard/D/hard/log": Row(JaccardMetricLoss(log=True)),
    "jdt/jaccard/D/hard/gamma2": Row(JaccardMetricLoss(gamma=2.0)),
    "jdt/jaccard/D/hard/weights": Row(JaccardMetricLoss(class_weight=WEIGHTS)),
    "jdt/jaccard/IC/hard/weights": Row(JaccardMetricLoss(class_weight=WEIGHTS, average=HALVES)),
    "jdt/jaccard/D/hard/allignored": Row(JaccardMetricLoss(), torch.full_like(LABELS, 255)),
    "lovasz/softmax/present/batch": Row(LovaszSoftmaxLoss()),
    "lovasz/softmax/all/batch": Row(LovaszSoftmaxLoss(classes="all")),
    "lovasz/softmax/present/per_image": Row(LovaszSoftmaxLoss(average="image")),
    "lovasz/softmax/present/batch/ignore": Row(LovaszSoftmaxLoss(), IGNORED),
    "lovasz/hinge/per_image": one(LovaszHingeLoss()),
    "lovasz/hinge/batch": one(LovaszHingeLoss(average="dataset")),
    "lovasz/hinge/batch/ignore": one(
        LovaszHingeLoss(average="dataset"), FOREGROUND.masked_fill(IGNORED == 255, 255)
    ),
    "mmseg/DiceLoss/default(sigmoid,vnet)": Slip(
        Row(
            DiceLoss(1e-3, use_sigmoid=True, classes="all", average="dataset", intersection="norm2")
        ),
        macro_dice(LOGITS.sigmoid(), HOT, squared=True),
        FLAT,
    ),
    "mmseg/DiceLoss/softmax,naive": Slip(
        Row(DiceLoss(1e-3, classes="all", average="dataset")),
        macro_dice(LOGITS.softmax(1), HOT),
        FLAT,
    ),
    "mmseg/DiceLoss/softmax,naive/ignore255": Slip(
        Row(DiceLoss(1e-3, classes="all", average="dataset"), IGNORED),
        macro_dice(LOGITS.softmax(1) * KNOWN, HOT * KNOWN),
        f"{FLAT}, and counts ignored pixels",
    ),
    "mmseg/TverskyLoss/default": Row(TverskyLoss(classes="all")),
    "mmseg/TverskyLoss/default/ignore255": Row(TverskyLoss(classes="all"), IGNORED),
    "mmseg/Lovasz/multi_class/per_image": Row(LovaszSoftmaxLoss(average="image")),
    "mmseg/Hausdorff/C3": Slip(
        Row(HausdorffDTLoss(classes="foreground")),
        PUBLISHED["monai/HausdorffDT/softmax"],
        "compares probabilities with the numbers of labels, distances of all classes in one",
    ),
    "mmseg/Hausdorff/C2": Slip(
        Row(HausdorffDTLoss(), FOREGROUND, channels=slice(0, 2)),
        1.4242204,  # MONAI's HausdorffDTLoss of the same two channels
        "measures one of the two distances",
    ),
    "monai/DiceLoss/softmax": Row(DiceLoss(**everything)),
    "monai/DiceLoss/softmax/squared": Row(DiceLoss(**everything, intersection="norm2")),
    "monai/DiceLoss/softmax/batch": Row(DiceLoss(**everything, average="dataset")),
    # MONAI halves its smoothing in the numerator: equal up to the rounding of 1e-5
    "monai/DiceLoss/softmax/jaccard": Row(JaccardLoss(**everything)),
    "monai/DiceLoss/soft_label": Row(DiceLoss(smooth=1e-5), SOFT),
    "monai/GeneralizedDice/softmax": Row(GeneralizedDiceLoss(classes="all")),
    "monai/GeneralizedDice/softmax/batch": Row(
        GeneralizedDiceLoss(classes="all", average="dataset")
    ),
    "monai/Tversky/softmax/0.3,0.7": Row(TverskyLoss(**everything)),
    "monai/HausdorffDT/softmax": Row(HausdorffDTLoss(classes="foreground")),
    "monai/LogHausdorffDT/softmax": Row(LogHausdorffDTLoss(classes="foreground")),
    "monai/AsymUnifiedFocal(prob in)": one(UnifiedFocalLoss(delta=0.7, gamma=0.5)),
}


def test_every_number_has_a_row() -> None:
    assert ROWS.keys() == numbers("seg_overlap") == SLOPES.keys()


@pytest.mark.parametrize("name", ROWS)
def test_values(name: str) -> None:
    row = ROWS[name]
    if isinstance(row, Slip):
        is_near(row.ours(LOGITS), row.right, atol=2e-6, rtol=2e-6)
        assert abs(PUBLISHED[name] - row.right) > 5e-4
    else:
        # MONAI smooths beside weights as small as 1 / 13^2, we beside weights up to 1
        atol = 1e-5 if "Generalized" in name else 2e-6
        is_near(row(LOGITS), PUBLISHED[name], atol=atol, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in ROWS if not isinstance(ROWS[name], Slip)])
def test_gradients(name: str) -> None:
    leaf = LOGITS.clone().requires_grad_()
    ROWS[name](leaf).backward()
    torch.testing.assert_close(leaf.grad, SLOPES[name], atol=3e-7, rtol=1e-5)
