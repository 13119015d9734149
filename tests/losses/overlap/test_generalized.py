"""Generalized Dice, focal Tversky, unified focal: by hand, published numbers, volumes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    FocalTverskyLoss,
    GeneralizedDiceLoss,
    TverskyLoss,
    UnifiedFocalLoss,
    focal_tversky_loss,
    generalized_dice_loss,
    unified_focal_loss,
)
from tests.reference.seg_inputs import LABELS, LOGITS

SURE = 40.0


def certain(labels: Tensor, classes: int) -> Tensor:
    shape = (1, -1, *(1,) * (labels.dim() - 1))
    return torch.where(labels.unsqueeze(1) == torch.arange(classes).view(shape), SURE, -SURE)


# 6 pixels: truth 0 0 0 1 1 2, prediction 0 0 1 1 2 2: tp 2 1 1, P 2 2 2, Y 3 2 1
TRUTH = torch.tensor([[[0, 0, 0, 1, 1, 2]]])
PREDICTED = certain(torch.tensor([[[0, 0, 1, 1, 2, 2]]]), 3)


def test_generalized_dice_by_hand() -> None:
    # w = 1/9 1/4 1: tp 2/9 + 1/4 + 1 = 53/36; masses 5/9 + 4/4 + 3 = 41/9
    loss = GeneralizedDiceLoss(smooth=0)(PREDICTED, TRUTH)
    assert loss.item() == pytest.approx(1 - 2 * (53 / 36) / (41 / 9), abs=1e-6)


@pytest.mark.parametrize(("average", "expected"), [("image", 0.7785056), ("dataset", 0.7810035)])
def test_generalized_dice_is_monais_up_to_smoothing(average: str, expected: float) -> None:
    loss = GeneralizedDiceLoss(classes="all", average=average, smooth=0)
    assert loss(LOGITS, LABELS).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("side", [8, 16, 32, 64, 128])
def test_all_wrong_costs_one_at_every_volume(side: int) -> None:
    # JunMa11 .. MONAI: .9994 at 8^3, .2761 at 128^3, for smoothing drowns weights of 1/n^2
    target = torch.zeros(1, 2, side**3)
    target[:, 1, : side**3 // 8] = 1
    target[:, 0] = 1 - target[:, 1]
    loss = generalized_dice_loss(1 - target, target)
    assert 0.99 <= loss.item() <= 1
    assert generalized_dice_loss(target, target).item() == pytest.approx(0, abs=1e-6)


def test_an_absent_class_does_not_stop_the_gradient() -> None:
    # JunMa11: weight 1/(0 + 1e-10)^2 = 1e20 for the absent class and no gradient for the others
    for classes in ("present", "all"):
        leaf = torch.zeros(1, 3, 4, 4).requires_grad_()
        labels = torch.zeros(1, 4, 4, dtype=torch.long)
        labels[0, :2] = 1
        GeneralizedDiceLoss(classes=classes)(leaf, labels).backward()
        assert leaf.grad[:, :2].abs().max() > 1e-3


def test_absent_classes_take_part_on_request() -> None:
    # class 2 absent; one of 2 pixels of class 0 is predicted as 2: tp 1 2 -, P 1 2 1, Y 2 2 0
    labels, guess = torch.tensor([[[0, 0, 1, 1]]]), certain(torch.tensor([[[0, 2, 1, 1]]]), 3)
    present = GeneralizedDiceLoss(smooth=0)(guess, labels)
    assert present.item() == pytest.approx(1 - 2 * 3 / (3 + 4), abs=1e-6)
    everyone = GeneralizedDiceLoss(smooth=0, classes="all")(guess, labels)
    assert everyone.item() == pytest.approx(1 - 2 * 3 / (3 + 4 + 1), abs=1e-6)


def test_generalized_dice_of_one_empty_foreground() -> None:
    empty = torch.zeros(1, 4, 4, dtype=torch.long)
    loss = GeneralizedDiceLoss()
    assert loss(torch.full((1, 1, 4, 4), -SURE), empty).item() == pytest.approx(0, abs=1e-6)
    assert loss(torch.full((1, 1, 4, 4), SURE), empty).item() > 0.99


def test_generalized_dice_refuses_class_weights() -> None:
    with pytest.raises(ValueError, match=r"leave class_weight out"):
        GeneralizedDiceLoss(class_weight=[1.0, 2.0])


def test_focal_tversky_takes_the_power_per_class() -> None:
    # indices 2/2.7, 1/2, 1/1.3; smp takes the power of the mean instead
    one_minus = torch.tensor([1 - 2 / 2.7, 1 - 1 / 2, 1 - 1 / 1.3])
    loss = FocalTverskyLoss(smooth=0)(PREDICTED, TRUTH)
    torch.testing.assert_close(loss, (one_minus**0.75).mean(), atol=1e-6, rtol=0)
    assert abs(loss.item() - one_minus.mean().item() ** 0.75) > 1e-3


def test_focal_tversky_at_gamma_one_is_tversky() -> None:
    focal, plain = FocalTverskyLoss(gamma=1.0), TverskyLoss()
    assert focal(LOGITS, LABELS).item() == plain(LOGITS, LABELS).item()


@pytest.mark.parametrize("gamma", [0.5, 0.75, 2.0])
def test_focal_tversky_has_a_gradient_at_a_perfect_prediction(gamma: float) -> None:
    # smp 0.6: NaN for gamma < 1
    leaf = certain(TRUTH, 3).requires_grad_()
    FocalTverskyLoss(gamma=gamma)(leaf, TRUTH).backward()
    assert torch.isfinite(leaf.grad).all()


def test_unified_focal_published() -> None:
    # MONAI's asymmetric form, probabilities in, on class 1 as foreground
    foreground = (LABELS == 1).long()
    value = UnifiedFocalLoss(delta=0.7, gamma=0.5)(LOGITS[:, 1:2], foreground)
    assert value.item() == pytest.approx(0.4004262, abs=1e-6)


def test_unified_focal_by_hand() -> None:
    # 3 classes, 2 pixels, p = (1/2, 1/4, 1/4), truth 0 and 1; delta .6, gamma .5
    prob = torch.tensor([0.5, 0.5, 0.25, 0.25, 0.25, 0.25]).view(1, 3, 2)
    target = torch.tensor([1.0, 0, 0, 1, 0, 0]).view(1, 3, 2)
    loss = unified_focal_loss(prob, target, smooth=0)
    log = torch.log(torch.tensor([2.0, 4.0]))
    back = 0.5 * (1 - 0.5 / (0.5 + 0.6 * 0.5 + 0.4 * 0.5)) + 0.5 * 0.4 * 0.5**0.5 * log[0] / 2
    fore = 0.5 * (1 - 0.25 / (0.25 + 0.6 * 0.75 + 0.4 * 0.25)) ** 0.5 + 0.5 * 0.6 * log[1] / 2
    torch.testing.assert_close(loss, torch.stack([back, fore, torch.tensor(0.5)])[None])


def test_unified_focal_of_a_perfect_empty_image_is_zero() -> None:
    # MONAI's: .2274
    empty = torch.zeros(1, 4, 4, dtype=torch.long)
    assert UnifiedFocalLoss()(torch.full((1, 1, 4, 4), -SURE), empty).item() < 1e-5


def test_unified_focal_pulls_a_confident_mistake() -> None:
    leaf = torch.tensor([[[30.0], [-30.0]]]).requires_grad_()
    UnifiedFocalLoss()(leaf, torch.tensor([[1]])).backward()
    assert leaf.grad.abs().max() > 0.1


def test_unified_focal_needs_its_background() -> None:
    with pytest.raises(ValueError, match="'present' or 'all'"):
        UnifiedFocalLoss(classes="foreground")


@pytest.mark.parametrize(
    "formula",
    [
        lambda p, y: focal_tversky_loss(p, y, gamma=0.75),
        generalized_dice_loss,
        unified_focal_loss,
        lambda p, y: unified_focal_loss(p[:, :1], y[:, :1]),
    ],
)
def test_gradients(formula) -> None:
    generator = torch.Generator().manual_seed(0)
    prob = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64).softmax(1)
    soft = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64).softmax(1)
    assert torch.autograd.gradcheck(lambda p: formula(p, soft), prob.requires_grad_())
