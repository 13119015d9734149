"""What is said of options of other libraries gives the numbers of those libraries."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seglosses import losses
from seglosses.losses.foreign import MEANING

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(3, 4, 9, 8, generator=GENERATOR)
LABELS = torch.randint(0, 4, (3, 9, 8), generator=GENERATOR)
SOFT = torch.randn(3, 4, 9, 8, generator=GENERATOR).softmax(1)
ONE, HALVES = LOGITS[:, :1], LABELS % 2


def same(theirs: Tensor, ours: Tensor) -> None:
    torch.testing.assert_close(theirs, ours, atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    ("theirs", "loss", "ours"),
    [
        ({"batch": True}, "DiceLoss", {"average": "dataset"}),
        ({"include_background": False}, "DiceLoss", {"classes": "foreground"}),
        ({"include_background": True}, "DiceLoss", {"classes": "all"}),
        ({"jaccard": True}, "JaccardLoss", {}),
        ({"squared_pred": True}, "DiceLoss", {"intersection": "norm2"}),
        ({"weight": torch.tensor([0.5, 1, 2, 3])}, "DiceLoss", {"class_weight": [0.5, 1, 2, 3]}),
        ({"smooth_nr": 1.0, "smooth_dr": 1.0}, "DiceLoss", {"smooth": 1.0}),
    ],
)
def test_monai(theirs: dict[str, Any], loss: str, ours: dict[str, Any]) -> None:
    dice = pytest.importorskip("monai.losses").DiceLoss
    assert set(theirs) <= set(MEANING)
    ours = {"smooth": 1e-5, **ours}
    value = dice(softmax=True, to_onehot_y=True, **theirs)(LOGITS, LABELS[:, None])
    same(value, getattr(losses, loss)(**ours)(LOGITS, LABELS))


@pytest.mark.parametrize(("jaccard", "price"), [(False, 0.5), (True, 1.0)])
def test_soft_labels_of_monai(jaccard: bool, price: float) -> None:
    dice = pytest.importorskip("monai.losses").DiceLoss
    ours = losses.JaccardMetricLoss(price, price, average="image", smooth=1e-5)
    same(dice(softmax=True, soft_label=True, jaccard=jaccard)(LOGITS, SOFT), ours(LOGITS, SOFT))


@pytest.mark.parametrize("naive", [True, False])
def test_dice_of_mmsegmentation(naive: bool) -> None:
    dice = pytest.importorskip("mmseg.models.losses").DiceLoss
    options = {} if naive else {"intersection": "norm2"}
    ours = losses.DiceLoss(smooth=1e-6, classes="all", average="micro", **options)
    theirs = dice(use_sigmoid=False, naive_dice=naive, eps=1e-6)
    same(theirs(LOGITS, LABELS), ours(LOGITS, LABELS))


@pytest.mark.parametrize("each", [True, False])
def test_lovasz_of_mmsegmentation(each: bool) -> None:
    lovasz = pytest.importorskip("mmseg.models.losses").LovaszLoss
    reduction, average = ("mean", "image") if each else ("none", "dataset")
    options = {"per_image": each, "reduction": reduction}
    same(
        lovasz(loss_type="multi_class", **options)(LOGITS, LABELS),
        losses.LovaszSoftmaxLoss(average=average)(LOGITS, LABELS),
    )
    if each:  # else the binary one fails there
        hinge = losses.LovaszHingeLoss(average="image")
        same(lovasz(loss_type="binary", **options)(ONE[:, 0], HALVES), hinge(ONE, HALVES))


def test_torch() -> None:
    weights = torch.tensor([0.5, 1, 2, 3])
    weighted = losses.CrossEntropyLoss(class_weight=weights.tolist(), renormalize=True)
    same(F.cross_entropy(LOGITS, LABELS, weights), weighted(LOGITS, LABELS))
    smoothed = F.cross_entropy(LOGITS, LABELS, label_smoothing=0.2)
    same(smoothed, losses.LabelSmoothingLoss(alpha=0.2)(LOGITS, LABELS))
    target = HALVES.float()
    positive = F.binary_cross_entropy_with_logits(ONE[:, 0], target, pos_weight=torch.tensor(3.0))
    for options in ({"pos_weight": 3.0}, {"class_weight": [1.0, 3.0]}):
        same(positive, losses.CrossEntropyLoss(use_sigmoid=True, **options)(ONE, HALVES))
    # SoftBCEWithLogitsLoss(smooth_factor=0.1) of segmentation-models-pytorch
    soft = F.binary_cross_entropy_with_logits(ONE[:, 0], 0.1 + 0.8 * target)
    same(soft, losses.LabelSmoothingLoss(alpha=0.2, use_sigmoid=True)(ONE, HALVES))


@pytest.mark.parametrize("name", ["DiceLoss", "JaccardLoss"])
def test_log_of_segmentation_models_pytorch(name: str) -> None:
    smp = pytest.importorskip("segmentation_models_pytorch.losses")
    price = 0.5 if name == "DiceLoss" else 1.0
    ours = losses.JaccardMetricLoss(price, price, log=True, smooth=0.0)
    same(getattr(smp, name)("multiclass", log_loss=True)(LOGITS, LABELS), ours(LOGITS, LABELS))


def test_hard_pixels_of_mmsegmentation() -> None:
    mmseg = pytest.importorskip("mmseg.models.losses.ohem_cross_entropy_loss")
    theirs = mmseg.OhemCrossEntropy(thres=0.3, min_kept=50)
    same(
        theirs(LOGITS, LABELS),
        losses.OHEMCrossEntropyLoss(threshold=0.3, min_kept=50)(LOGITS, LABELS),
    )
