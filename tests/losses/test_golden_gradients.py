"""Gradients of published codes with respect to logits, entry by entry.

``goldens/gradients.npz`` holds what autograd gave for JDTLosses 68ce8ac, LovaszSoftmax 7d48792,
MMSegmentation 1.2.2 and MONAI 1.6.1 on the batch of ``seg_inputs`` (``seg``), and for the codes
named in ``test_pixel_published`` on four samples (``cls``). Not among them are gradients of known
defects: MMSegmentation's Dice and Hausdorff, and two that are not of their value, for the code
detaches a part: ``AsymmetricLoss`` of ASL and ``FocalLoss`` of Active-Passive-Losses.
"""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seglosses.losses import (
    ACLSLoss,
    ActivePassiveLoss,
    AGCELoss,
    AsymmetricLoss,
    AULLoss,
    CompSumLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    GeneralizedDiceLoss,
    HausdorffDTLoss,
    JaccardLoss,
    JaccardMetricLoss,
    LabelSmoothingLoss,
    LDRLoss,
    LogHausdorffDTLoss,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    MarginSmoothingLoss,
    MaxSupLoss,
    MeanAbsoluteErrorLoss,
    NormalizedCrossEntropyLoss,
    NormalizedFocalLoss,
    Poly1CrossEntropyLoss,
    Poly1FocalLoss,
    ReverseCrossEntropyLoss,
    SelfAdjustingDiceLoss,
    SquentropyLoss,
    TverskyLoss,
    UnifiedFocalLoss,
    balanced_accuracy_loss,
    dice_loss,
    distribution_focal_loss,
    f_beta_loss,
    geometric_mean_loss,
    matchability_aware_loss,
    quality_focal_loss,
    varifocal_loss,
)
from tests.reference.seg_inputs import IGNORED, KEEP, LABELS, LOGITS, SOFT

FOREGROUND = (LABELS == 1).long()
SAMPLES = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -0.3], [-1.5, 3.0, 0.0], [12.5, -2.0, 1.0]])
SAMPLE_LABELS = torch.tensor([0, 2, 1, 1])
HALVES = {"image": 0.5, "class": 0.5}
WEIGHTS = [1.0, 2.0, 0.5]

PRICES = {"jaccard": (1.0, 1.0), "dice": (0.5, 0.5), "tversky": (0.3, 0.7)}
AVERAGES = {"D": "dataset", "I": "image", "C": "class", "IC": HALVES}
TARGETS = {
    "hard/present/smooth0": (LABELS, "present", 0.0),
    "hard/all/smooth1": (LABELS, "all", 1.0),
    "soft/all/smooth1e-3": (SOFT, "all", 1e-3),
    "hard_ign/present/default": (IGNORED, "present", 1e-3),
}
SEG: dict[str, tuple[nn.Module, Tensor]] = {
    f"jdt/{prices}/{average}/{target}": (
        JaccardMetricLoss(*PRICES[prices], smooth, average=AVERAGES[average], classes=classes),
        labels,
    )
    for prices, average, (target, (labels, classes, smooth)) in itertools.product(
        PRICES, AVERAGES, TARGETS.items()
    )
}
SEG |= {
    "jdt/jaccard/D/soft/keep": (JaccardMetricLoss(), SOFT),
    "jdt/jaccard/D/soft/norm2": (JaccardMetricLoss(intersection="norm2"), SOFT),
    "jdt/jaccard/D/hard/norm2": (JaccardMetricLoss(intersection="norm2"), LABELS),
    "jdt/dice/D/hard/norm2": (JaccardMetricLoss(0.5, 0.5, intersection="norm2"), LABELS),
    "jdt/jaccard/D/hard/log": (JaccardMetricLoss(log=True), LABELS),
    "jdt/jaccard/D/hard/gamma2": (JaccardMetricLoss(gamma=2.0), LABELS),
    "jdt/jaccard/D/hard/weights": (JaccardMetricLoss(class_weight=WEIGHTS), LABELS),
    "jdt/jaccard/IC/hard/weights": (
        JaccardMetricLoss(class_weight=WEIGHTS, average=HALVES),
        LABELS,
    ),
    "jdt/jaccard/D/hard/allignored": (JaccardMetricLoss(), torch.full_like(LABELS, 255)),
    "lovasz/softmax/present/batch": (LovaszSoftmaxLoss(), LABELS),
    "lovasz/softmax/all/batch": (LovaszSoftmaxLoss(classes="all"), LABELS),
    "lovasz/softmax/present/per_image": (LovaszSoftmaxLoss(average="image"), LABELS),
    "lovasz/softmax/present/batch/ignore": (LovaszSoftmaxLoss(), IGNORED),
    "lovasz/hinge/per_image": (LovaszHingeLoss(), FOREGROUND),
    "lovasz/hinge/batch": (LovaszHingeLoss(average="dataset"), FOREGROUND),
    "lovasz/hinge/batch/ignore": (
        LovaszHingeLoss(average="dataset"),
        FOREGROUND.masked_fill(IGNORED == 255, 255),
    ),
    "mmseg/TverskyLoss/default": (TverskyLoss(classes="all"), LABELS),
    "mmseg/TverskyLoss/default/ignore255": (TverskyLoss(classes="all"), IGNORED),
    "mmseg/Lovasz/multi_class/per_image": (LovaszSoftmaxLoss(average="image"), LABELS),
    "monai/DiceLoss/softmax": (DiceLoss(smooth=1e-5, classes="all"), LABELS),
    "monai/DiceLoss/softmax/squared": (
        DiceLoss(smooth=1e-5, classes="all", intersection="norm2"),
        LABELS,
    ),
    "monai/DiceLoss/softmax/batch": (
        DiceLoss(smooth=1e-5, classes="all", average="dataset"),
        LABELS,
    ),
    "monai/DiceLoss/softmax/jaccard": (JaccardLoss(smooth=1e-5, classes="all"), LABELS),
    "monai/DiceLoss/soft_label": (DiceLoss(smooth=1e-5), SOFT),
    "monai/GeneralizedDice/softmax": (GeneralizedDiceLoss(classes="all"), LABELS),
    "monai/GeneralizedDice/softmax/batch": (
        GeneralizedDiceLoss(classes="all", average="dataset"),
        LABELS,
    ),
    "monai/Tversky/softmax/0.3,0.7": (TverskyLoss(smooth=1e-5, classes="all"), LABELS),
    "monai/HausdorffDT/softmax": (HausdorffDTLoss(), LABELS),
    "monai/LogHausdorffDT/softmax": (LogHausdorffDTLoss(), LABELS),
    "monai/AsymUnifiedFocal(prob in)": (UnifiedFocalLoss(delta=0.7, gamma=0.5), FOREGROUND),
}


class FadedDice(nn.Module):
    """The binary form of ShannonAI/dice_loss_for_NLP: Dice of the set, of faded probabilities."""

    reduction = "mean"

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        prob = logits[:, 0].sigmoid()
        faded = (1 - prob) ** 0.1 * prob
        return dice_loss(faded.view(1, 1, -1), (labels == 0).view(1, 1, -1).float(), smooth=1.0)


# each a sum of losses; a list of published values is of the samples, and the gradient of their sum
CLS: dict[str, tuple[nn.Module, ...]] = {
    "poly1_ce/eps1": (Poly1CrossEntropyLoss(reduction="sum"),),
    "poly1_ce/eps-1": (Poly1CrossEntropyLoss(epsilon=-1.0, reduction="sum"),),
    "poly1_ce/eps2/weight": (
        CrossEntropyLoss(class_weight=WEIGHTS, reduction="sum"),
        MeanAbsoluteErrorLoss(loss_weight=2.0, reduction="sum"),
    ),
    "poly1_focal/default": (Poly1FocalLoss(alpha=0.25, use_sigmoid=True, reduction="sum"),),
    "poly1_focal/alpha-1,eps-1": (Poly1FocalLoss(epsilon=-1, use_sigmoid=True, reduction="sum"),),
    "apl/NCE": (NormalizedCrossEntropyLoss(),),
    "apl/RCE": (ReverseCrossEntropyLoss(),),
    "apl/MAE(1-p)": (MeanAbsoluteErrorLoss(),),
    "apl/MAE/(2(K-1))": (MeanAbsoluteErrorLoss(loss_weight=1 / 4),),
    # 1/4 (K - 1) where the paper has 1 / (4 (K - 1))
    "apl/NRCE(code)": (ReverseCrossEntropyLoss(loss_weight=1 / 2),),
    "apl/GCE q.7": (GeneralizedCrossEntropyLoss(),),
    "apl/SCE a.1 b1": (CrossEntropyLoss(loss_weight=0.1), ReverseCrossEntropyLoss()),
    "apl/NFL g0.5": (NormalizedFocalLoss(gamma=0.5),),
    "apl/NFL g2": (NormalizedFocalLoss(gamma=2.0),),
    "apl/NCE+RCE 1,1": (ActivePassiveLoss(),),
    "apl/NCE+MAE 1,1": (ActivePassiveLoss(passive="absolute"),),
    "apl/NFL+RCE 1,1": (ActivePassiveLoss(active="focal"),),
    "apl/NFL+MAE 1,1": (ActivePassiveLoss(active="focal", passive="absolute"),),
    "ldr_repo/AGCE": (AGCELoss(),),
    "ldr_repo/AUL": (AULLoss(),),
    "ldr_repo/GCE": (GeneralizedCrossEntropyLoss(),),
    "ldr_repo/LDR": (LDRLoss(),),
    "ldr_repo/NCE_AGCE": (NormalizedCrossEntropyLoss(), AGCELoss(a=3, q=1.5)),
    "ldr_repo/NCE_AUL": (NormalizedCrossEntropyLoss(), AULLoss(a=6, q=1.5)),
    "ldr_repo/LDR t0 lam1": (LDRLoss(margin=0.0),),
    "ce": (CrossEntropyLoss(),),
    "ls_ce a.1": (LabelSmoothingLoss(),),
    "mbls m10 a.1": (MarginSmoothingLoss(),),
    "mbls m1 a.1": (MarginSmoothingLoss(margin=1.0),),
    "acls default": (ACLSLoss(),),
    "acls margin1": (ACLSLoss(margin=1.0),),
    "maxsup lam.1": (MaxSupLoss(),),
    "dsc/multi/issue2 recommended": (SelfAdjustingDiceLoss(reduction="sum"),),
    "dsc/binary/alpha.1,smooth1": (FadedDice(),),
    "squentropy(formula)": (SquentropyLoss(),),
    "comp_sum/tau1.0(formula)": (CompSumLoss(tau=1.0),),
    "comp_sum/tau1.7(formula)": (CompSumLoss(tau=1.7),),
    "comp_sum/tau2.0(formula)": (CompSumLoss(tau=2.0),),
}


@functools.cache
def _published(part: str) -> dict[str, Tensor]:
    with np.load(Path(__file__).parent / "goldens" / "gradients.npz") as stored:
        return dict(
            zip(stored[part].tolist(), torch.from_numpy(stored[f"{part}_gradients"]), strict=True)
        )


def test_every_stored_gradient_is_compared() -> None:
    assert _published("seg").keys() == SEG.keys()
    assert _published("cls").keys() == CLS.keys()


@pytest.mark.parametrize("name", SEG)
def test_segmentation(name: str) -> None:
    loss, target = SEG[name]
    leaf = LOGITS.clone().requires_grad_()
    one = isinstance(loss, (LovaszHingeLoss, UnifiedFocalLoss))
    weight = {"weight": KEEP.float()} if name.endswith("/keep") else {}
    loss(leaf[:, 1:2] if one else leaf, target, **weight).backward()
    torch.testing.assert_close(leaf.grad, _published("seg")[name], atol=3e-7, rtol=1e-5)


@pytest.mark.parametrize("name", CLS)
def test_classification(name: str) -> None:
    leaf = SAMPLES.clone().requires_grad_()
    sum(loss(leaf, SAMPLE_LABELS) for loss in CLS[name]).backward()
    torch.testing.assert_close(leaf.grad, _published("cls")[name], atol=2e-6, rtol=1e-5)


def test_binary_self_adjusting_dice() -> None:
    # ShannonAI/dice_loss_for_NLP, alpha .1, smooth 1: of a set of samples, not of each
    assert FadedDice()(SAMPLES, SAMPLE_LABELS).item() == pytest.approx(0.3384801, abs=1e-6)


def test_focal_gradient_is_the_one_of_the_value() -> None:
    # Active-Passive-Losses detach (1 - p)^gamma: -.0248 at the first logit, and the same value
    leaf = SAMPLES.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: FocalLoss(gamma=0.5)(x, SAMPLE_LABELS), leaf)
    FocalLoss(gamma=0.5)(leaf, SAMPLE_LABELS).backward()
    assert leaf.grad[0, 0].item() == pytest.approx(-0.035792, abs=1e-5)


DENSE = torch.tensor([[0.8, 0, 0], [0, 0, 0.3], [0, 0, 0], [0, 1, 0]])
RIGHT = torch.tensor([[[1.0, 1.0, 0.0, 0.0, 1.0]]])
SCORES = [0.9, 0.4, 0.6, 0.2, 0.52]
OTHERS = {
    # Alibaba-MIIL/ASL, AsymmetricLossOptimized
    "asymmetric": (
        lambda z: AsymmetricLoss(reduction="sum")(z, torch.tensor([[1.0, 0, 1], [0, 1, 0]])),
        [[1.2, -0.7, 3.0], [-2.0, 0.3, 0.0]],
        [[-0.1004172, 0.0085175, -0.0044442], [1.26e-05, -0.3166159, 0.0731171]],
    ),
    "asymmetric without powers": (
        lambda z: AsymmetricLoss(0.0, 0.0, 0.0, reduction="sum")(
            z, torch.tensor([[1.0, 0, 1], [0, 1, 0]])
        ),
        [[1.2, -0.7, 3.0], [-2.0, 0.3, 0.0]],
        [[-0.2314752, 0.3318122, -0.0474259], [0.1192029, -0.4255575, 0.5]],
    ),
    # MMDetection 3.3.0
    "quality focal": (
        lambda z: quality_focal_loss(z, DENSE),
        SAMPLES.tolist(),
        [
            [0.0094675, 0.0525811, 0.5261518],
            [0.3395946, 0.3834666, 0.0415345],
            [0.0170311, 1.1267499, 0.2982868],
            [1.0000813, -1.0767138, 0.7682347],
        ],
    ),
    "varifocal": (
        lambda z: varifocal_loss(z, DENSE),
        SAMPLES.tolist(),
        [
            [0.0646376, 0.0394359, 0.3946139],
            [0.254696, 0.2876, 0.0376672],
            [0.0127733, 0.8450624, 0.2237151],
            [0.750061, -0.8807971, 0.576176],
        ],
    ),
    "distribution focal": (
        lambda z: distribution_focal_loss(z, torch.tensor([1.3, 2.0])),
        [[0.2, 1, 0.3, -0.5], [0, 0, 2, 1]],
        [
            [0.2071553, -0.2389675, -0.071058, 0.1028703],
            [0.0825946, 0.0825946, -0.3897043, 0.2245152],
        ],
    ),
    # formula of DEIM
    "matchability": (
        lambda z: matchability_aware_loss(z, DENSE),
        SAMPLES.tolist(),
        [
            [0.1652552, 0.0375098, 0.3056874],
            [0.1996895, 0.2241707, 0.2612407],
            [0.0142139, 0.8856191, 0.1767767],
            [0.9999908, -0.8807971, 0.4569624],
        ],
    ),
    # the notebook of AnyLoss
    "F1": (
        lambda p: f_beta_loss(p.view(1, 1, -1), RIGHT),
        SCORES,
        [0, -0.0116633, 0.005285, 0, -2.6442387],
    ),
    "geometric mean": (
        lambda p: geometric_mean_loss(p.view(1, 1, -1), RIGHT),
        SCORES,
        [0, -0.0074701, 0.0135281, 0, -1.6935662],
    ),
    "balanced accuracy": (
        lambda p: balanced_accuracy_loss(p.view(1, 1, -1), RIGHT),
        SCORES,
        [0, -0.008208, 0.0123119, 0, -1.8608614],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_functions(name: str) -> None:
    loss, values, expected = OTHERS[name]
    leaf = torch.tensor(values).requires_grad_()
    loss(leaf).sum().backward()
    torch.testing.assert_close(
        leaf.grad, torch.tensor(expected, dtype=torch.float32), atol=2e-6, rtol=1e-6
    )
