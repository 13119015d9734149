"""Losses of single pixels against published codes, on four samples of three classes.

abhuse/polyloss-pytorch, Alibaba-MIIL/ASL, HanxunH/Active-Passive-Losses, Optimization-AI's LDR,
by-liu/MbLS, cvlab-yonsei/ACLS, ZhouYuxuanYX's MaxSup, ShannonAI/dice_loss_for_NLP, MMDetection
3.3.0 (quality focal, varifocal, distribution focal), TriDet, a calibration of detections by kernel
densities; squentropy, comp-sum, AnyLoss and matchability-aware from their formulas.

A list of published values is of the samples; gradients are those of its sum.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.losses import (
    ACLSLoss,
    ActivePassiveLoss,
    AGCELoss,
    AsymmetricLoss,
    AULLoss,
    CompSumLoss,
    CrammerSingerLoss,
    CrossEntropyLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    JensenShannonLoss,
    LabelSmoothingLoss,
    LDRLoss,
    MarginSmoothingLoss,
    MaxSupLoss,
    MeanAbsoluteErrorLoss,
    NormalizedCrossEntropyLoss,
    NormalizedFocalLoss,
    NormalizedGeneralizedCrossEntropyLoss,
    Poly1CrossEntropyLoss,
    Poly1FocalLoss,
    ReverseCrossEntropyLoss,
    SelfAdjustingDiceLoss,
    SingleLabelAsymmetricLoss,
    SquentropyLoss,
    WestonWatkinsLoss,
    accuracy_loss,
    balanced_accuracy_loss,
    dice_loss,
    diou_loss,
    distribution_focal_loss,
    f_beta_loss,
    geometric_mean_loss,
    giou_loss,
    kernel_calibration_loss,
    matchability_aware_loss,
    quality_focal_loss,
    varifocal_loss,
)
from tests.goldens.published import Slip, is_near, numbers, values

PUBLISHED, SLOPES = values("cls_losses"), values("cls_losses_grads")
X, Y = (torch.tensor(PUBLISHED["_inputs"][key]) for key in ("x", "y"))
MANY_X, MANY_Y = (torch.tensor(PUBLISHED["_inputs"][key]) for key in ("ml_x", "ml_y"))
HOT = F.one_hot(Y, 3)
SCORE, RIGHT = (torch.tensor(PUBLISHED["_any_inputs"][key]) for key in ("p", "y"))
DETECTED = torch.tensor(PUBLISHED["_det_inputs"]["logits"])
QUALITY = torch.zeros(4, 4)
QUALITY[range(4), PUBLISHED["_det_inputs"]["labels(3=bg)"]] = torch.tensor(
    PUBLISHED["_det_inputs"]["iou"]
)
QUALITY = QUALITY[:, :3]
BINS, EDGE = (torch.tensor(PUBLISHED["_dfl"][key]) for key in ("pred", "label"))
CONFIDENCE, IOU = (torch.tensor(PUBLISHED["_kde"][key]) for key in ("conf", "iou"))
EXTENT, WANTED = (torch.tensor(PUBLISHED["_tri"][key]) for key in ("pred", "target"))
WEIGHTS = [1.0, 2.0, 0.5]

Call = Callable[[Tensor], Tensor]


def each(loss: type[torch.nn.Module], **options: object) -> Call:
    """Values of the four samples."""
    return lambda x: loss(reduction="none", **options)(x, Y)


def mean(*losses: torch.nn.Module) -> Call:
    """The mean of the four samples, of one loss or a sum of some."""
    return lambda x: sum(loss(x, Y) for loss in losses)


def channels(**options: float) -> Call:
    """Poly-1 focal of every channel, as twelve pixels of one foreground."""
    loss = Poly1FocalLoss(reduction="none", **options)
    return lambda x: loss(x.reshape(1, 1, -1), HOT.reshape(1, -1)).view(4, 3)


def many(*options: float) -> Call:
    """Asymmetric loss of two samples with several labels each."""
    return lambda x: AsymmetricLoss(*options, reduction="sum")(x, MANY_Y)


def confusion(loss: Callable[[Tensor, Tensor], Tensor]) -> Call:
    """A loss of five scores as one set."""
    return lambda p: loss(p.view(1, 1, -1), RIGHT.view(1, 1, -1)).sum()


def segments(loss: Callable[[Tensor, Tensor], Tensor]) -> Call:
    """A box loss of segments, given as what lies left and right of a point."""
    sign = torch.tensor([-1.0, 1.0])
    return lambda x: loss(x * sign, WANTED * sign)


def kernel(bandwidth: float, threshold: float | None = None) -> Call:
    """Calibration error of detections: the IoU, or whether it reaches a threshold."""
    target = IOU if threshold is None else (threshold <= IOU).float()
    return lambda score: kernel_calibration_loss(score, target, bandwidth=bandwidth).mean()


def faded_dice(x: Tensor) -> Tensor:
    """Dice of the set of samples, of faded probabilities (1 - p)^.1 p of class 0."""
    prob = x[:, 0].sigmoid()
    faded = ((1 - prob) ** 0.1 * prob).view(1, 1, -1)
    return dice_loss(faded, (Y == 0).view(1, 1, -1).float(), smooth=1.0).sum()


ROWS: dict[str, Call] = {
    "poly1_ce/eps1": each(Poly1CrossEntropyLoss),
    "poly1_ce/eps-1": each(Poly1CrossEntropyLoss, epsilon=-1.0),
    # the port weighs cross-entropy alone by class; ours weighs both terms
    "poly1_ce/eps2/weight": lambda x: (
        each(CrossEntropyLoss, class_weight=WEIGHTS)(x)
        + each(MeanAbsoluteErrorLoss, loss_weight=2.0)(x)
    ),
    "poly1_focal/default": channels(alpha=0.25),
    "poly1_focal/alpha-1,eps-1": channels(epsilon=-1.0),
    "asl/multilabel/default(gneg4,gpos1,clip.05,detached w)": many(),
    "asl/multilabel/optimized(not detached)": many(),
    "asl/multilabel/0,0,0 (=BCE sum)": many(0.0, 0.0, 0.0),
    "asl/single/default": mean(SingleLabelAsymmetricLoss()),
    "asl/single/eps0": mean(SingleLabelAsymmetricLoss(smoothing=0.0)),
    "apl/NCE": mean(NormalizedCrossEntropyLoss()),
    "apl/RCE": mean(ReverseCrossEntropyLoss()),
    "apl/MAE(1-p)": mean(MeanAbsoluteErrorLoss()),
    "apl/NMAE": mean(MeanAbsoluteErrorLoss(loss_weight=1 / 4)),
    "apl/GCE q.7": mean(GeneralizedCrossEntropyLoss()),
    "apl/NGCE q.7": mean(NormalizedGeneralizedCrossEntropyLoss()),
    "apl/SCE a.1 b1": mean(CrossEntropyLoss(loss_weight=0.1), ReverseCrossEntropyLoss()),
    "apl/NFL g0.5": mean(NormalizedFocalLoss(gamma=0.5)),
    "apl/NFL g2": mean(NormalizedFocalLoss(gamma=2.0)),
    "apl/FL g.5": mean(FocalLoss(gamma=0.5)),
    "apl/NCE+RCE 1,1": mean(ActivePassiveLoss()),
    "apl/NCE+MAE 1,1": mean(ActivePassiveLoss(passive="absolute")),
    "apl/NFL+RCE 1,1": mean(ActivePassiveLoss(active="focal")),
    "apl/NFL+MAE 1,1": mean(ActivePassiveLoss(active="focal", passive="absolute")),
    "ldr_repo/AGCE": mean(AGCELoss()),
    "ldr_repo/AUL": mean(AULLoss()),
    "ldr_repo/GCE": mean(GeneralizedCrossEntropyLoss()),
    "ldr_repo/CS": mean(CrammerSingerLoss()),
    "ldr_repo/WW": mean(WestonWatkinsLoss()),
    # cross-entropy less log 3
    "ldr_repo/CEv1": mean(LDRLoss(margin=0.0, normalize=False)),
    "ldr_repo/JSC .5 .5": mean(JensenShannonLoss()),
    "ldr_repo/LDR": mean(LDRLoss()),
    "ldr_repo/NCE_AGCE": mean(NormalizedCrossEntropyLoss(), AGCELoss(a=3, q=1.5)),
    "ldr_repo/NCE_AUL": mean(NormalizedCrossEntropyLoss(), AULLoss(a=6, q=1.5)),
    "ldr_repo/LDR t0 lam1": mean(LDRLoss(margin=0.0)),
    "ce": mean(CrossEntropyLoss()),
    "ls_ce a.1": mean(LabelSmoothingLoss()),
    "torch_ce_label_smoothing.1": mean(LabelSmoothingLoss()),
    "mbls m10 a.1": mean(MarginSmoothingLoss()),
    "mbls m1 a.1": mean(MarginSmoothingLoss(margin=1.0)),
    "acls default": mean(ACLSLoss()),
    "acls margin1": mean(ACLSLoss(margin=1.0)),
    "maxsup lam.1": mean(MaxSupLoss()),
    "dsc/multi/issue2 recommended": each(SelfAdjustingDiceLoss),
    "dsc/binary/alpha.1,smooth1": faded_dice,
    "squentropy(formula)": mean(SquentropyLoss()),
    "comp_sum/tau0.0(formula)": mean(CompSumLoss(tau=0.0)),
    "comp_sum/tau0.5(formula)": mean(CompSumLoss(tau=0.5)),
    "comp_sum/tau1.0(formula)": mean(CompSumLoss(tau=1.0)),
    "comp_sum/tau1.7(formula)": mean(CompSumLoss(tau=1.7)),
    "comp_sum/tau2.0(formula)": mean(CompSumLoss(tau=2.0)),
    "bce_sum": lambda x: CrossEntropyLoss(use_sigmoid=True, reduction="sum")(x, MANY_Y),
    "anyloss/F1 L73": confusion(f_beta_loss),
    "anyloss/acc": confusion(accuracy_loss),
    "anyloss/gmean": confusion(geometric_mean_loss),
    "anyloss/balacc": confusion(balanced_accuracy_loss),
    "qfl beta2 none": lambda x: quality_focal_loss(x, QUALITY).sum(1),
    "vfl default none": lambda x: varifocal_loss(x, QUALITY),
    "mal g1.5 none (DEIM formula)": lambda x: matchability_aware_loss(x, QUALITY),
    "dfl none": lambda x: distribution_focal_loss(x, EDGE),
    "tridet/giou1d": segments(giou_loss),
    "tridet/diou1d": segments(diou_loss),
}
for width in (0.01, 0.05, 0.1):
    ROWS[f"kde/ece_identity bw{width}"] = kernel(width)
    ROWS[f"kde/ece_thr0.5 bw{width}"] = kernel(width, 0.5)
SLIPS = {
    "apl/NRCE(code)": Slip(
        mean(ReverseCrossEntropyLoss(loss_weight=1 / 8)),
        PUBLISHED["apl/RCE"] / 8,
        "1 / 4 (K - 1) where 1 / (4 (K - 1)) is meant",
    ),
    "dsc/multi/default": Slip(
        each(SelfAdjustingDiceLoss),
        PUBLISHED["dsc/multi/issue2 recommended"],
        "divides the overlap of one sample by the mass of the batch",
    ),
}
# a search for the bandwidth normalises a normalised kernel again, and so picks the smallest
# candidate; there is none here
NOT_A_LOSS = {"kde/bandwidth"}
# what is differentiated, by the start of the key; the four samples where none fits
LEAVES = {"asl/multi": MANY_X, "bce_": MANY_X, "anyloss/": SCORE, "dfl ": BINS}
LEAVES |= {"tridet/": EXTENT, "kde/": CONFIDENCE}
# the weight of a term is detached there, so that the gradient is not the one of the value
DETACHED = {"asl/multilabel/default(gneg4,gpos1,clip.05,detached w)", "apl/FL g.5"}


def leaf_of(name: str) -> Tensor:
    """What a row differentiates."""
    found = [leaf for start, leaf in LEAVES.items() if name.startswith(start)]
    return found[0].clone() if found else X.clone()


def test_every_number_has_a_row() -> None:
    assert ROWS.keys() | SLIPS.keys() | NOT_A_LOSS == numbers("cls_losses")
    assert SLOPES.keys() <= numbers("cls_losses")


@pytest.mark.parametrize("name", ROWS)
def test_values(name: str) -> None:
    is_near(ROWS[name](leaf_of(name)), PUBLISHED[name], atol=2e-6, rtol=1e-6)


@pytest.mark.parametrize("name", SLIPS)
def test_slips(name: str) -> None:
    ours, right, why = SLIPS[name]
    assert why
    is_near(ours(X), right, atol=2e-6, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in ROWS if name in SLOPES])
def test_gradients(name: str) -> None:
    leaf = leaf_of(name).requires_grad_()
    ROWS[name](leaf).sum().backward()
    if name in DETACHED:
        assert not torch.allclose(leaf.grad, torch.tensor(SLOPES[name]), atol=1e-3)
        leaf = leaf.detach().double().requires_grad_()
        assert torch.autograd.gradcheck(ROWS[name], leaf)
    else:
        slope = torch.tensor(SLOPES[name]).view_as(leaf)
        is_near(leaf.grad, slope, atol=4e-6, rtol=1e-5)
