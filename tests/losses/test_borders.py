"""What losses refuse at the border, and what their messages say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from seglosses import losses
from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    CrossEntropyLoss,
    DiceLoss,
    IoULoss,
    KLDistillationLoss,
    LovaszSoftmaxLoss,
    VarifocalLoss,
)
from seglosses.losses.classes import ClassLoss
from seglosses.primitives.checks import class_factors

LOGITS = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(72).view(2, 6, 6) % 3
ONE = LOGITS[:, :1]
BOXES = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
NAN, INF = float("nan"), float("inf")

OTHER_SUSPECTS = r"pred itself is finite.*extra inputs \(a teacher's logits\)"


def taught_by_nan() -> torch.Tensor:
    with extra_inputs(teacher=torch.full_like(LOGITS, torch.nan)):
        return KLDistillationLoss()(LOGITS, LABELS)


@pytest.mark.at_hand
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (taught_by_nan, OTHER_SUSPECTS),
        (lambda: CrossEntropyLoss()(LOGITS, LABELS, avg_factor=NAN), OTHER_SUSPECTS),
        (lambda: CrossEntropyLoss()(LOGITS * torch.inf, LABELS), "lower the learning rate"),
        (lambda: CrossEntropyLoss()(LOGITS, LABELS, -torch.ones(2, 6, 6)), "from -1.0 to -1.0"),
        (lambda: DiceLoss()(LOGITS, LABELS, torch.tensor([1.0, -1.0])), "weight must be finite"),
        (lambda: DiceLoss()(LOGITS, LABELS, torch.full((2,), torch.inf)), "weight must be finite"),
        (
            lambda: LovaszSoftmaxLoss()(LOGITS, LABELS, torch.full((2, 6, 6), torch.nan)),
            "weight must be finite",
        ),
        (lambda: IoULoss()(BOXES, BOXES, torch.tensor([-1.0])), "weight must be finite"),
        (
            lambda: VarifocalLoss()(BOXES, torch.tensor([0]), torch.tensor([torch.nan])),
            "weight must be finite",
        ),
        (lambda: CrossEntropyLoss(class_weight=[1.0])(ONE, LABELS % 2), "background and foregr"),
        (lambda: DiceLoss(class_weight=[1.0, 2.0])(ONE, LABELS % 2), "channel: expected 1, got 2"),
        (lambda: DiceLoss(classes=[1, 1])(LOGITS, LABELS), "each once"),
        (lambda: CrossEntropyLoss(pos_weight=2)(LOGITS, LABELS), "weigh the classes of a softmax"),
        (
            lambda: CrossEntropyLoss(pos_weight=[1, 2], use_sigmoid=True)(LOGITS, LABELS),
            "or one per channel",
        ),
    ],
)
def test_calls(call: Callable[[], torch.Tensor], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("CrossEntropyLoss", {"class_weight": "w.npy"}, "class_weight cannot be read from w.npy"),
        ("CrossEntropyLoss", {"class_weight": 3.0}, "one per class, .* got 3.0"),
        ("CrossEntropyLoss", {"class_weight": [1.0, -1.0]}, "at least 0"),
        ("CrossEntropyLoss", {"class_weight": [1.0, NAN]}, "finite numbers"),
        ("CrossEntropyLoss", {"class_weight": [[1.0]]}, "one per class"),
        ("CrossEntropyLoss", {"class_weight": "w.pkl"}, "a pickle can run code"),
        ("CrossEntropyLoss", {"pos_weight": -1}, "pos_weight must be finite numbers"),
        ("CrossEntropyLoss", {"ignore_index": "255"}, "ignore_index must be a whole number"),
        ("DiceLoss", {"average": {"image": -1.0}}, "average must lie in"),
        ("ClassRatioKLLoss", {"prior": []}, "sum to 1"),
        ("MixtureContrastLoss", {"prior": [0.5, 0.0]}, "prior must .* got 0.0"),
        ("ClassRatioKLLoss", {"prior": [NAN, 1.0]}, "sum to 1"),
        ("CrossEntropyLoss", {"loss_weight": INF}, "and finite, got inf"),
    ],
)
def test_options(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(losses, name)(**options)


#: Options out of their range, and the range.
OUTSIDE = [
    ("ACLSLoss", "margin", -1.0, "[0, inf)"),
    ("AGCELoss", "a", -1.0, "[0, inf)"),
    ("AGCELoss", "q", 0.0, "(0, inf)"),
    ("AULLoss", "a", 0.5, "(1, inf)"),
    ("AULLoss", "q", 0.0, "(0, inf)"),
    ("AccuracyLoss", "sharpness", 0.0, "(0, inf)"),
    ("ActiveBoundaryLoss", "label_smoothing", 2.0, "[0, 1]"),
    ("ActiveBoundaryLoss", "max_distance", 0.0, "(0, inf)"),
    ("ActiveBoundaryLoss", "max_ratio", -1.0, "(0, 1]"),
    ("ActivePassiveLoss", "alpha", -1.0, "[0, inf)"),
    ("AsymmetricLoss", "clip", 1.0, "[0, 1)"),
    ("AsymmetricLoss", "gamma_neg", -1.0, "[0, inf)"),
    ("BettiMatchingLoss", "min_length", -1.0, "[0, inf)"),
    ("BoundaryCrossEntropyLoss", "radius", 1.5, "[1, inf)"),
    ("BoundaryDistillationLoss", "edge_weight", -1.0, "[0, inf)"),
    ("BoundaryDistillationLoss", "radius", -1, "[1, inf)"),
    ("BoxProjectionLoss", "smooth", -1.0, "[0, inf)"),
    ("CenterlineBoundaryDiceLoss", "smooth", NAN, "[0, inf)"),
    ("CenterlineCrossEntropyLoss", "iterations", -1, "[0, inf)"),
    ("ConfidenceWeightedCrossEntropyLoss", "gamma", -1.0, "[0, inf)"),
    ("CrammerSingerLoss", "margin", -1.0, "[0, inf)"),
    ("ChannelWiseDistillationLoss", "temperature", 0.0, "(0, inf)"),
    ("CrossImageDistillationLoss", "grid", 0, "[1, inf)"),
    ("DISTLoss", "inter", -1.0, "[0, inf)"),
    ("DiceLoss", "smooth", -1.0, "[0, inf)"),
    ("DiceLoss", "smooth", "1", "[0, inf)"),
    ("ExclusionCrossEntropyLoss", "epsilon", 0.0, "(0, inf)"),
    ("FBetaLoss", "beta", -1.0, "[0, inf)"),
    ("FocalLoss", "alpha", 2.0, "[0, 1]"),
    ("FocalLoss", "gamma", -1.0, "[0, inf)"),
    ("FocalLoss", "gamma", None, "[0, inf)"),
    ("FocalTverskyLoss", "gamma", 0.0, "(0, inf)"),
    ("GatedCRFLoss", "radius", 0, "[1, inf)"),
    ("GeneralizedDiceLoss", "smooth", INF, "[0, inf)"),
    ("HausdorffDTLoss", "alpha", -1.0, "[0, inf)"),
    ("HausdorffErosionLoss", "alpha", -1.0, "[0, inf)"),
    ("ComponentBalancedDiceLoss", "smooth", -1.0, "[0, inf)"),
    ("InstanceBoundaryCrossEntropyLoss", "radius", 0, "[1, inf)"),
    ("PixelContrastLoss", "samples", 1, "[2, inf)"),
    ("PixelContrastLoss", "temperature", 0.0, "(0, inf)"),
    ("PixelContrastLoss", "memory", 2.5, "[0, inf)"),
    ("PixelContrastLoss", "update", 0, "[1, inf)"),
    ("CentreContrastLoss", "momentum", 1.0, "[0, 1)"),
    ("NormDirectionDistillationLoss", "momentum", 1.0, "[0, 1)"),
    ("NormDirectionDistillationLoss", "samples", 1, "[2, inf)"),
    ("InfoNCELoss", "samples", 2.5, "[2, inf)"),
    ("IoULoss", "eps", 0.0, "(0, inf)"),
    ("JaccardDistillationLoss", "beta", -1.0, "[0, inf)"),
    ("JaccardLoss", "smooth", -1.0, "[0, inf)"),
    ("JaccardMetricLoss", "gamma", -1.0, "(0, inf)"),
    ("KLDistillationLoss", "temperature", INF, "(0, inf)"),
    ("KernelCalibrationLoss", "bandwidth", None, "(0, inf)"),
    ("L1ACELoss", "bins", 0, "[1, inf)"),
    ("NACLLoss", "alpha", -1.0, "[0, inf)"),
    ("SVLSLoss", "sigma", 0.0, "(0, inf)"),
    ("LDRLoss", "lam", 0.0, "(0, inf)"),
    ("LDRLoss", "margin", -1.0, "[0, inf)"),
    ("LabelSmoothingLoss", "alpha", 2.0, "[0, 1]"),
    ("LabelSmoothingLoss", "alpha", -1.0, "[0, 1]"),
    ("LocalPairwiseLoss", "dilation", 1.5, "[1, inf)"),
    ("MIPLoss", "gamma", 0.0, "(0, inf)"),
    ("MalisLoss", "positive", -1.0, "[0, inf)"),
    ("MarginalDiceLoss", "smooth", -1.0, "[0, inf)"),
    ("MarginSmoothingLoss", "margin", -1.0, "[0, inf)"),
    ("MatchabilityAwareLoss", "gamma", -1.0, "[0, inf)"),
    ("MaxSupLoss", "alpha", -1.0, "[0, inf)"),
    ("NormalizedFocalLoss", "gamma", -1.0, "[0, inf)"),
    ("PairwiseAffinityLoss", "threshold", 2.0, "[0, 1]"),
    ("Poly1CrossEntropyLoss", "epsilon", -5.0, "[-1, inf)"),
    ("Poly1FocalLoss", "epsilon", -5.0, "[-1, inf)"),
    ("QualityFocalLoss", "beta", -1.0, "[0, inf)"),
    ("ReverseCrossEntropyLoss", "floor", 0.0, "(0, 1)"),
    ("EQLv2Loss", "gamma", 0.0, "(0, inf)"),
    ("SeesawLoss", "floor", 0.0, "(0, 1]"),
    ("RMILoss", "radius", 0, "[1, inf)"),
    ("SIoULoss", "theta", -1.0, "[0, inf)"),
    ("MultiScaleSSIMLoss", "sigma", 0.0, "(0, inf)"),
    ("SSIMLoss", "sigma", 0.0, "(0, inf)"),
    ("SelfAdjustingDiceLoss", "smooth", 0.0, "(0, inf)"),
    ("ShapeIoULoss", "scale", -1.0, "[0, inf)"),
    ("SingleLabelAsymmetricLoss", "smoothing", 2.0, "[0, 1]"),
    ("SkeletonAwareLoss", "dilation", 0.5, "[0, inf)"),
    ("SkeletonRecallLoss", "smooth", -1.0, "[0, inf)"),
    ("SkeletonToleranceLoss", "boost", -1.0, "[0, inf)"),
    ("SoftClDiceLoss", "iterations", 1.5, "[0, inf)"),
    ("TopoLoss", "min_length", -1.0, "[0, inf)"),
    ("TverskyLoss", "alpha", -1.0, "[0, inf)"),
    ("UnifiedFocalLoss", "balance", 3.0, "[0, 1]"),
    ("UnifiedFocalLoss", "gamma", 1, "[0, 1)"),
    ("UnifiedFocalLoss", "gamma", 2, "[0, 1)"),
    ("VarifocalLoss", "alpha", -1.0, "[0, inf)"),
    ("WestonWatkinsLoss", "margin", -1.0, "[0, inf)"),
    ("WiseIoULoss", "delta", 0.0, "(0, inf)"),
]


@pytest.mark.parametrize(("name", "option", "value", "interval"), OUTSIDE)
def test_numbers_out_of_range(name: str, option: str, value: object, interval: str) -> None:
    words = rf"{option} must .* in {re.escape(interval)}, got {re.escape(repr(value))}"
    with pytest.raises(ValueError, match=words):
        getattr(losses, name)(**{option: value})


def test_what_definitions_allow() -> None:
    losses.Poly1CrossEntropyLoss(epsilon=-1)
    losses.TverskyLoss(alpha=0.9, beta=0.9, smooth=0)
    losses.CrammerSingerLoss(margin=0)
    assert DiceLoss(loss_weight=0, smooth=np.float32(1.0)).loss_weight == 0


def test_a_negative_weight_maximises_and_is_named() -> None:
    with pytest.warns(UserWarning, match=r"loss_weight=-0\.5 of loss_dice is negative"):
        loss = DiceLoss(loss_weight=-0.5)
    logits, labels = torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long)
    assert torch.equal(loss(logits, labels), -0.5 * DiceLoss()(logits, labels))


def test_class_weights_may_be_tensors_and_arrays() -> None:
    numbers = [torch.tensor(1.0), torch.tensor(2)]
    for given in (torch.tensor([1.0, 2.0]), np.array([1, 2], np.float32), (1, 2), numbers):
        assert class_factors(given).tolist() == [1.0, 2.0]
    given = torch.ones(3)
    loss = DiceLoss(class_weight=given)
    given.fill_(5.0)
    assert loss.class_weight.tolist() == [1.0, 1.0, 1.0]


MASKED = [
    cls
    for cls in vars(losses).values()
    if isinstance(cls, type)
    and issubclass(cls, ClassLoss)
    and not cls.needs
    and not cls.no_classes
    and cls is not losses.UnifiedFocalLoss  # needs all classes
    and 2 in getattr(cls, "spatial_dims", (2,))
]


@pytest.mark.parametrize("cls", MASKED)
@pytest.mark.parametrize("classes", [[2], [0, 2]])
def test_nan_in_a_channel_that_is_left_out(cls: type[ClassLoss], classes: list[int]) -> None:
    loss = cls(use_sigmoid=True, classes=classes)
    logits = LOGITS.clone()
    logits[:, 1, 3] = torch.nan
    logits.requires_grad_()
    value = loss(logits, LABELS)
    value.backward()
    torch.testing.assert_close(value, loss(LOGITS, LABELS))
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[:, 1].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["FocalLoss", "KernelCalibrationLoss", "CrossEntropyLoss"])
def test_class_weights_of_another_precision(name: str, dtype: torch.dtype) -> None:
    loss = getattr(losses, name)(use_sigmoid=True, class_weight=[1.0, 2.0, 0.5])
    expected = loss(LOGITS, LABELS)
    logits = LOGITS.to(dtype, copy=True).requires_grad_()
    value = loss.double()(logits, LABELS)
    value.backward()
    torch.testing.assert_close(value.float(), expected)
    assert logits.grad.dtype == dtype
