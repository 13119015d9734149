"""Known defects of published losses, each with our right number.

What the other code returned is in the comment; the names of the tests say whose it is. Two more are
beside their relatives: class balancing (29) in tests/goldens/test_weak, the bandwidth of
calibration by kernels (30) in tests/metrics/test_detection.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seglosses import losses
from seglosses.losses import (
    ACLSLoss,
    ActiveBoundaryLoss,
    AsymmetricLoss,
    CIoULoss,
    CrossEntropyLoss,
    DiceLoss,
    DIoULoss,
    EfficientIoULoss,
    FocalTverskyLoss,
    GeneralizedDiceLoss,
    GIoULoss,
    HausdorffDTLoss,
    IoULoss,
    JaccardMetricLoss,
    LovaszSoftmaxLoss,
    MarginSmoothingLoss,
    NormalizedCrossEntropyLoss,
    ReverseCrossEntropyLoss,
    SIoULoss,
    TverskyLoss,
    UnifiedFocalLoss,
)
from seglosses.losses.fields import signed_fields
from seglosses.primitives.distance import signed_distance, surface
from tests.reference.seg_inputs import LABELS, LOGITS

SURE = 40.0


def certain(labels: Tensor, classes: int) -> Tensor:
    if classes == 1:
        return SURE * (2.0 * labels - 1).unsqueeze(1)
    shape = (1, -1, *(1,) * (labels.dim() - 1))
    return torch.where(labels.unsqueeze(1) == torch.arange(classes).view(shape), SURE, -SURE)


def stepped(
    loss: nn.Module, logits: Tensor, labels: Tensor, **call: Tensor
) -> tuple[float, Tensor]:
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, labels, **call)
    value.backward()
    return value.item(), leaf.grad


@pytest.mark.parametrize("scale", [1.0, 32.0, 640.0])
def test_1_mmdet_ciou_of_a_perfect_box(scale: float) -> None:
    corner, size = torch.rand(2, 10_000, 2, generator=torch.Generator().manual_seed(0)) * scale
    boxes = torch.cat([corner, corner + size + 0.01 * scale], 1)
    leaf = boxes.clone().requires_grad_()
    loss = CIoULoss(reduction="none")(leaf, boxes)
    loss.sum().backward()
    assert loss.abs().max() < 1e-6  # mmdet: NaN for 9824 of them at scale 32, for all at 640
    assert torch.isfinite(leaf.grad).all()


def test_2_mmdet_siou_falls_as_boxes_separate() -> None:
    shift = torch.tensor([0.0, 1.0, 2.0, 4.0, 8.0, 20.0])
    target = torch.tensor([0.0, 0.0, 2.0, 2.0]).expand(6, 4)
    pred = target + torch.stack([shift, 0 * shift, shift, 0 * shift], 1)
    # mmdet: 0, .5422, .6756, .2838, 0, 0; with neg_gamma=True these
    expected = torch.tensor([0.0, 0.7663, 1.1967, 1.2944, 1.3610, 1.4043])
    torch.testing.assert_close(
        SIoULoss(reduction="none")(pred, target), expected, atol=1e-4, rtol=0
    )


def test_3_mmseg_dice_with_one_channel_inverts_the_target() -> None:
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    labels[0, :3] = 1
    loss = DiceLoss(use_sigmoid=True, smooth=0)
    # mmseg: .99975 and 0
    assert loss(certain(labels, 1), labels).item() == pytest.approx(0, abs=1e-6)
    assert loss(certain(1 - labels, 1), labels).item() == pytest.approx(1, abs=1e-6)


def test_4_mmseg_dice_flattens_classes() -> None:
    labels = torch.zeros(1, 10, 10, dtype=torch.long)
    labels[0, 0, 0] = 1
    value = DiceLoss(smooth=0)(certain(torch.zeros_like(labels), 2), labels)
    assert value.item() == pytest.approx((1 / 199 + 1) / 2, abs=1e-6)  # mmseg: .0100


@pytest.mark.parametrize("sigmoid", [False, True])
def test_5_mmseg_dice_counts_ignored_pixels(sigmoid: bool) -> None:
    labels = LABELS.clone()
    labels[:, 0, 0] = 255
    value, grad = stepped(DiceLoss(use_sigmoid=sigmoid), LOGITS, labels)
    assert (grad[:, :, 0, 0] == 0).all()  # mmseg: .0310 a class
    other = LOGITS.clone()
    other[:, :, 0, 0] = 9.0
    assert DiceLoss(use_sigmoid=sigmoid)(other, labels).item() == value


@pytest.mark.parametrize("intersection", ["min", "product", "norm2"])
def test_6_mmseg_dice_of_nothing_is_one(intersection: str) -> None:
    labels = torch.zeros(1, 4, 4, dtype=torch.long)
    loss = DiceLoss(use_sigmoid=True, intersection=intersection)
    assert loss(certain(labels, 1), labels).item() == pytest.approx(0, abs=1e-6)  # mmseg: 1
    assert loss(certain(1 - labels, 1), labels).item() > 0.9


def test_7_mmseg_dice_refuses_the_weights_of_a_sampler() -> None:
    ones = torch.ones(LABELS.shape)
    plain = DiceLoss()(LOGITS, LABELS)
    assert DiceLoss()(LOGITS, LABELS, weight=ones).item() == pytest.approx(plain.item())


@pytest.mark.parametrize("cls", [TverskyLoss, JaccardMetricLoss])
def test_8_softmax_over_one_channel_is_constant(cls) -> None:
    labels = (LABELS == 1).long()
    value, grad = stepped(cls(), LOGITS[:, 1:2], labels)
    assert value > 0.3  # mmseg, JDTLosses: 0
    assert grad.abs().max() > 1e-3
    assert cls()(certain(labels, 1), labels).item() == pytest.approx(0, abs=1e-6)


def test_9_mmseg_hausdorff_reads_label_numbers() -> None:
    labels = torch.zeros(1, 12, 12, dtype=torch.long)
    labels[0, 2:5, 2:5], labels[0, 7:10, 6:11] = 1, 2
    loss = HausdorffDTLoss(class_weight=[1.0, 2.0, 1.0])
    assert loss(certain(labels, 3), labels).item() == pytest.approx(0, abs=1e-6)  # mmseg: .25
    near, far = labels.clone(), labels.clone()
    near[0, 5, 2], far[0, 11, 2] = 1, 1
    costs = [HausdorffDTLoss()(certain(x, 3), labels).item() for x in (near, far)]
    assert costs[1] > 2 * costs[0] > 0  # one-sided distances do not see where a false pixel lies


def test_10_mmseg_lovasz_defaults() -> None:
    value, grad = stepped(LovaszSoftmaxLoss(), LOGITS, torch.full_like(LABELS, 255))
    assert value == 0  # mmseg: AssertionError, then NaN
    assert (grad == 0).all()


def test_11_kornia_tversky_is_blind_to_alpha_and_beta() -> None:
    # kornia before 0.9: .741228 for both; 0.9.0 has the numbers below
    for (alpha, beta), expected in {(0.9, 0.1): 0.6383345, (0.1, 0.9): 0.7326059}.items():
        value = TverskyLoss(alpha=alpha, beta=beta, smooth=0)(LOGITS, LABELS)
        assert value.item() == pytest.approx(expected, abs=1e-6)


def test_12_kornia_lovasz_sorts_class_numbers() -> None:
    loss = LovaszSoftmaxLoss(average="image", classes="all")
    assert loss(LOGITS, LABELS).item() == pytest.approx(0.8167877, abs=1e-6)  # before 0.9: .6062


def test_13_kornia_micro_dice_is_a_mean_of_probabilities() -> None:
    value = DiceLoss(smooth=0)(LOGITS, LABELS)
    mean = 1 - LOGITS.softmax(1).gather(1, LABELS.unsqueeze(1)).mean().item()
    assert mean == pytest.approx(0.7412282, abs=1e-6)  # and kornia's dice_loss
    assert value.item() == pytest.approx(0.7055820, abs=1e-6)


@pytest.mark.parametrize("side", [8, 32, 128])
def test_14_15_smoothing_drowns_generalized_dice(side: int) -> None:
    labels = torch.zeros(1, side, side, side, dtype=torch.long)
    labels[0, : side // 2] = 1
    loss = GeneralizedDiceLoss()
    # JunMa11: -1.72 and -1.45 at 128^3; MONAI: .9994 at 8^3, .2761 at 128^3
    assert loss(certain(1 - labels, 2), labels).item() >= 0.99
    assert loss(certain(labels, 2), labels).item() == pytest.approx(0, abs=1e-6)


def test_16_smp_keeps_absent_classes_in_the_mean() -> None:
    logits, labels = torch.zeros(1, 19, 8, 8), torch.zeros(1, 8, 8, dtype=torch.long)
    # p = 1/19: 1 - (2/19) / (1 + 1/19) = .9; smp: .0474
    assert DiceLoss(smooth=0)(logits, labels).item() == pytest.approx(0.9, abs=1e-6)


def test_17_smp_focal_tversky_takes_the_power_of_the_mean() -> None:
    loss = FocalTverskyLoss(gamma=0.75, smooth=0, average="dataset")
    assert loss(LOGITS, LABELS).item() == pytest.approx(0.803639, abs=1e-6)  # smp: .803723
    _, grad = stepped(loss, certain(LABELS, 3), LABELS)
    assert torch.isfinite(grad).all()  # smp: NaN


def test_18_jdt_focal_power_of_a_tiny_negative() -> None:
    loss = JaccardMetricLoss(gamma=1.5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        logits = torch.randn(2, 3, 16, generator=generator)
        value, grad = stepped(loss, logits, logits.softmax(1))
        assert value == pytest.approx(0, abs=1e-6)  # JDTLosses: NaN in 90 of 300
        assert torch.isfinite(grad).all()


def test_19_jdt_log_of_an_absent_class() -> None:
    # class 2 is absent from image 0: infinity times zero
    hot = torch.stack([(c == LABELS).float() for c in range(3)], 1).flatten(2)
    prob = LOGITS.softmax(1).flatten(2)
    both = (prob * hot).sum(2)
    each = -(both / (prob.sum(2) + hot.sum(2) - both)).log()
    image = (each[0, :2].mean() + each[1].mean()) / 2
    by_class = (each[:, :2].mean(0).sum() + each[1, 2]) / 3
    for average, expected in {"image": image, "class": by_class}.items():
        loss = JaccardMetricLoss(log=True, smooth=0, average=average)
        torch.testing.assert_close(loss(LOGITS, LABELS), expected)


def test_20_lovasz_of_one_pixel() -> None:
    labels = torch.full((1, 4, 4), 255)
    labels[0, 1, 2] = 1
    # one pixel, p of its class 1/3: error 2/3 for the only present class; IndexError elsewhere
    value, _ = stepped(LovaszSoftmaxLoss(), torch.zeros(1, 3, 4, 4), labels)
    assert value == pytest.approx(2 / 3, abs=1e-6)


def test_21_unified_focal_can_be_imported() -> None:
    value = UnifiedFocalLoss(delta=0.7, gamma=0.5)(LOGITS[:, 1:2], (LABELS == 1).long())
    assert value.item() == pytest.approx(0.4004262, abs=1e-6)


def test_22_asymmetric_loss_changes_the_grad_mode() -> None:
    with torch.no_grad():
        AsymmetricLoss()(LOGITS, LABELS)
        assert not torch.is_grad_enabled()


@pytest.mark.parametrize("cls", [MarginSmoothingLoss, ACLSLoss])
def test_23_smoothing_of_one_pixel_and_of_ignored_ones(cls) -> None:
    labels = torch.full((1, 4, 4), 255)
    labels[0, 1, 2] = 1
    # far below the margin only cross-entropy is left; MbLS: IndexError, ACLS: label 255 crashes
    value, grad = stepped(cls(), LOGITS[:1], labels)
    assert value == pytest.approx(CrossEntropyLoss()(LOGITS[:1], labels).item(), abs=1e-6)
    assert (grad[0, :, 0] == 0).all()


def test_24_signed_distance_of_a_full_crop() -> None:
    full = torch.ones(1, 1, 6, 6) > 0
    assert (signed_fields(full) == 0).all()  # scipy: distances to a virtual point
    mask = np.zeros((5, 7), np.uint8)
    mask[1:4, 1:6] = 1
    phi = signed_distance(mask, (2.0, 1.0))
    assert phi.min() == -2.0  # an integer result wraps to 255 and the like
    assert (phi[surface(mask)] == 0).all()  # published: -1 mm on rims across the wider axis


@pytest.mark.parametrize("cls", [IoULoss, GIoULoss, DIoULoss, CIoULoss, EfficientIoULoss, SIoULoss])
def test_25_mmdet_box_losses_of_nothing_and_in_half_precision(cls) -> None:
    none = torch.zeros(0, 4, requires_grad=True)
    value = cls()(none, torch.zeros(0, 4))
    assert value.item() == 0  # mmdet: NaN
    value.backward()
    corner = torch.rand(50, 2, generator=torch.Generator().manual_seed(0)) * 100
    boxes = torch.cat([corner, corner + 300], 1).half()
    half, full = cls()(boxes, boxes.flip(0)), cls()(boxes.float(), boxes.flip(0).float())
    assert half.item() == pytest.approx(full.item(), abs=1e-4)  # mmdet: -inf, NaN, 0
    inverted = cls()(torch.tensor([[3.0, 3.0, 1.0, 1.0]]), torch.tensor([[0.0, 0.0, 2.0, 2.0]]))
    assert inverted.item() >= 1 - 1e-6  # mmdet GIoU: 0


def test_26_empty_against_empty() -> None:
    # -1, NaN and 1 in FreeCOS, BASNet and SeaBird
    labels = torch.zeros(2, 4, 4, dtype=torch.long)
    for name in ("DiceLoss", "JaccardLoss", "GeneralizedDiceLoss"):
        value = getattr(losses, name)(use_sigmoid=True)(certain(labels, 1), labels)
        assert value.item() == pytest.approx(0, abs=1e-6)


def test_27_active_boundary_without_a_boundary() -> None:
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    logits = torch.zeros(1, 2, 8, 8)
    logits[:, 0] = 1.0
    value, grad = stepped(ActiveBoundaryLoss(), logits, labels)
    assert value == 0  # None, or 1.75 for a label without boundary
    assert (grad == 0).all()


def test_28_scales_of_the_active_passive_family() -> None:
    # at uniform probabilities of K classes: 1/K, and 9.2103 (1 - 1/K); the published normalised
    # reverse form is K - 1 squared times too large, so it is not offered
    for classes in (3, 5):
        logits, labels = torch.zeros(1, classes, 1), torch.tensor([[1]])
        normalised = NormalizedCrossEntropyLoss()(logits, labels)
        assert normalised.item() == pytest.approx(1 / classes, abs=1e-6)
        reverse = ReverseCrossEntropyLoss()(logits, labels)
        assert reverse.item() == pytest.approx(9.210340 * (1 - 1 / classes), abs=1e-5)
