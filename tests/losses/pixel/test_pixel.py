"""Pixel losses: ignored pixels, weights, soft labels, sigmoid heads, gradients, borders."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import seglosses.losses as exported
from seglosses.losses import (
    ActivePassiveLoss,
    AsymmetricLoss,
    CompSumLoss,
    CrossEntropyLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    LDRLoss,
    MarginSmoothingLoss,
    Poly1FocalLoss,
    SquentropyLoss,
)
from seglosses.losses.base import PixelLoss
from tests.reference.seg_inputs import IGNORED, LABELS, LOGITS, SOFT

FAMILIES = (
    "active_passive",
    "asymmetric",
    "calibration",
    "calibration_margins",
    "classification",
    "entropy_forms",
    "focal",
    "label_margins",
    "noise_robust",
    "normalized",
)
PIXEL_LOSSES = [
    member
    for member in (getattr(exported, name) for name in exported.__all__)
    if isinstance(member, type)
    and issubclass(member, PixelLoss)
    and member.__module__.rpartition(".")[2] in FAMILIES
]


def test_cross_entropy_is_torchs() -> None:
    weight = torch.tensor([0.5, 1.0, 3.0])
    each = F.cross_entropy(LOGITS, IGNORED, weight=weight, ignore_index=255, reduction="none")
    loss = CrossEntropyLoss(class_weight=weight.tolist(), reduction="none")
    torch.testing.assert_close(loss(LOGITS, IGNORED), each)
    # class weights are not renormalised: the divisor is the number of pixels, as in mmseg
    kept = (IGNORED != 255).sum()
    mean = CrossEntropyLoss(class_weight=weight.tolist())
    torch.testing.assert_close(mean(LOGITS, IGNORED), each.sum() / kept)
    every = CrossEntropyLoss(class_weight=weight.tolist(), avg_non_ignore=False)
    torch.testing.assert_close(every(LOGITS, IGNORED), each.mean())


@pytest.mark.parametrize("ignored", [False, True])
def test_cross_entropy_of_many_classes_is_torchs(ignored: bool) -> None:
    # of up to eight classes kernels compute it
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 19, 4, 5, generator=generator).requires_grad_()
    labels = torch.randint(0, 19, (2, 4, 5), generator=generator)
    if ignored:
        labels[:, 0] = 255
    weight = torch.rand(2, 4, 5, generator=generator)
    each = F.cross_entropy(logits, labels, ignore_index=255, reduction="none")
    (expected,) = torch.autograd.grad((weight * each).sum(), logits)
    value = CrossEntropyLoss(reduction="sum")(logits, labels, weight=weight)
    torch.testing.assert_close(value, (weight * each).sum())
    torch.testing.assert_close(torch.autograd.grad(value, logits)[0], expected)


def test_cross_entropy_with_class_weight_meets_label_255() -> None:
    # mmseg 1.2.2: IndexError
    labels = torch.tensor([[[1, 255]]])
    value = CrossEntropyLoss(class_weight=[1.0, 2.0])(torch.zeros(1, 2, 1, 2), labels)
    torch.testing.assert_close(value, 2 * torch.tensor(2.0).log())


def test_binary_cross_entropy_of_nothing_but_ignored() -> None:
    # mmseg 1.2.2: RuntimeError, maximum of an empty tensor; torch: NaN
    leaf = torch.zeros(1, 1, 2, 2).requires_grad_()
    value = CrossEntropyLoss(use_sigmoid=True)(leaf, torch.full((1, 2, 2), 255))
    value.backward()
    assert value.item() == 0
    assert (leaf.grad == 0).all()


@pytest.mark.parametrize("cls", PIXEL_LOSSES)
def test_one_hot_targets_are_labels(cls) -> None:
    hard = cls(reduction="none")(LOGITS, LABELS)
    soft = cls(reduction="none")(LOGITS, F.one_hot(LABELS, 3).movedim(-1, 1).float())
    torch.testing.assert_close(soft, hard, atol=1e-4, rtol=1e-4)


def test_focal_loss_of_detection() -> None:
    # mmdet's rows: label C = 2 is background; by hand with p = 1/2: alpha (1/4) log 2
    log2 = torch.tensor(2.0).log().item()
    loss = FocalLoss(use_sigmoid=True, alpha=0.25, reduction="none", ignore_index=None)
    value = loss(torch.zeros(2, 2), torch.tensor([1, 2]))
    expected = torch.tensor([[0.75, 0.25], [0.75, 0.75]]) / 4 * log2  # one value a channel
    torch.testing.assert_close(value, expected)
    total = FocalLoss(use_sigmoid=True, alpha=0.25, ignore_index=None)(
        torch.zeros(2, 2), torch.tensor([1, 2]), torch.tensor([1.0, 0.0]), avg_factor=4.0
    )
    assert total.item() == pytest.approx(expected[0].sum().item() / 4, rel=1e-5)


def test_focal_loss_works_on_a_cpu_with_many_classes() -> None:
    # mmseg 1.2.2's takes one column of logits there: RuntimeError
    value = FocalLoss(use_sigmoid=True)(LOGITS, LABELS)
    p = LOGITS.sigmoid()
    y = F.one_hot(LABELS, 3).movedim(-1, 1).float()
    expected = -(y * (1 - p) ** 2 * p.log() + (1 - y) * p**2 * (1 - p).log()).mean()
    torch.testing.assert_close(value, expected)


def test_labels_beyond_255_are_classes_of_a_detector() -> None:
    logits = torch.zeros(1, 300)
    loss = FocalLoss(use_sigmoid=True, ignore_index=None, reduction="sum")
    assert loss(logits, torch.tensor([255])).item() > 0


def test_asymmetric_loss_leaves_the_grad_mode_alone() -> None:
    # the authors' turns it on inside the caller's no_grad
    with torch.no_grad():
        AsymmetricLoss()(LOGITS, LABELS)
        assert not torch.is_grad_enabled()


def test_asymmetric_loss_reads_channels_independently() -> None:
    plain, stated = AsymmetricLoss(), AsymmetricLoss(use_sigmoid=True)
    assert plain.use_sigmoid
    assert plain(LOGITS, LABELS).item() == stated(LOGITS, LABELS).item()


def test_one_foreground_logit_is_symmetric() -> None:
    # (-z/2, z/2): exchanging the labels and the sign changes nothing, even where logits count
    logits, labels = LOGITS[:, :1], (LABELS == 1).long()
    for cls in PIXEL_LOSSES:
        if cls in (AsymmetricLoss,):
            continue
        value, mirrored = cls()(logits, labels), cls()(-logits, 1 - labels)
        torch.testing.assert_close(value, mirrored, atol=1e-5, rtol=1e-5)
    value = SquentropyLoss()(torch.full((1, 1, 1), 4.0), torch.tensor([[1]]))
    assert value.item() == pytest.approx(4 + 0.0181499, abs=1e-5)


def test_margin_smoothing_of_a_single_pixel_and_of_labels_to_ignore() -> None:
    # MbLS: IndexError with one valid pixel; ACLS: label 255 crashes
    one = torch.full((1, 4, 4), 255)
    one[0, 0, 0] = 2
    for cls in (MarginSmoothingLoss, exported.ACLSLoss):
        assert torch.isfinite(cls()(LOGITS[:1], one))
        assert cls()(LOGITS[:1], torch.full_like(one, 255)).item() == 0


# parts of these are without gradient, as published: tests/goldens/test_pixels.py
FROZEN = (exported.NormalizedFocalLoss, exported.ACLSLoss)


@pytest.mark.parametrize("cls", [cls for cls in PIXEL_LOSSES if cls not in FROZEN])
def test_gradients(cls) -> None:
    logits = LOGITS[:, :, :1].double().requires_grad_()
    loss = cls()
    assert torch.autograd.gradcheck(lambda z: loss(z, IGNORED[:, :1]), logits)
    assert torch.autograd.gradcheck(lambda z: loss(z, SOFT[:, :, :1].double()), logits)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CompSumLoss(tau=-0.5)(LOGITS, LABELS), r"tau must lie in \[0, inf\).*2 mean abs"),
        (lambda: CompSumLoss(max_slope=1.0)(LOGITS, LABELS), r"max_slope must lie in \(1, inf\)"),
        (lambda: GeneralizedCrossEntropyLoss(q=2.0)(LOGITS, LABELS), r"q must lie in \[0, 1\]"),
        (lambda: ActivePassiveLoss(active="ce"), "active must be one of"),
        (lambda: ActivePassiveLoss(passive="mse"), "passive one of"),
        (lambda: CrossEntropyLoss(class_weight=[1.0])(LOGITS, LABELS), "one factor a channel"),
    ],
)
def test_border(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_alpha_weighs_foreground_against_class_zero() -> None:
    even = FocalLoss(reduction="none")(LOGITS, LABELS)
    for cls in (FocalLoss, Poly1FocalLoss):
        options = {"epsilon": 0.0} if cls is Poly1FocalLoss else {}
        weighed = cls(alpha=0.9, reduction="none", **options)(LOGITS, LABELS)
        factor = torch.where(LABELS == 0, 0.1, 0.9)
        torch.testing.assert_close(weighed, even * factor)


def test_ldr_survives_logits_without_any_softplus() -> None:
    leaf = torch.full((1, 3, 1), -200.0).requires_grad_()
    value = LDRLoss()(leaf, torch.tensor([[1]]))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(leaf.grad).all()
