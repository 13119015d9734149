"""Overlap losses: by hand, averaging, borders."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    CrossEntropyLoss,
    DiceLoss,
    JaccardLoss,
    JaccardMetricLoss,
    TverskyLoss,
    dice_loss,
    jaccard_loss,
    jaccard_metric_loss,
    tversky_loss,
)

SURE = 40.0


def certain(labels: Tensor, classes: int) -> Tensor:
    shape = (1, -1, *(1,) * (labels.dim() - 1))
    return torch.where(labels.unsqueeze(1) == torch.arange(classes).view(shape), SURE, -SURE)


# 6 pixels: truth 0 0 0 1 1 2, prediction 0 0 1 1 2 2
#   class 0: tp 2, fp 0, fn 1; class 1: tp 1, fp 1, fn 1; class 2: tp 1, fp 1, fn 0
TRUTH = torch.tensor([[[0, 0, 0, 1, 1, 2]]])
PREDICTED = certain(torch.tensor([[[0, 0, 1, 1, 2, 2]]]), 3)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (DiceLoss(smooth=0), 1 - (4 / 5 + 2 / 4 + 2 / 3) / 3),
        (DiceLoss(smooth=1), 1 - (5 / 6 + 3 / 5 + 3 / 4) / 3),
        (JaccardLoss(smooth=0), 1 - (2 / 3 + 1 / 3 + 1 / 2) / 3),
        (TverskyLoss(smooth=0), 1 - (2 / 2.7 + 1 / 2 + 1 / 1.3) / 3),
        # alpha is the price of false positives: exchanged, classes 0 and 2 change
        (TverskyLoss(alpha=0.7, beta=0.3, smooth=0), 1 - (2 / 2.3 + 1 / 2 + 1 / 1.7) / 3),
        (JaccardMetricLoss(smooth=0), 1 - (2 / 3 + 1 / 3 + 1 / 2) / 3),
        (DiceLoss(smooth=0, classes=[1]), 0.5),
        (DiceLoss(smooth=0, classes="foreground"), 1 - (2 / 4 + 2 / 3) / 2),
        (DiceLoss(smooth=0, class_weight=[3.0, 0.0, 0.0]), 1 - 4 / 5),
    ],
)
def test_by_hand(loss: torch.nn.Module, expected: float) -> None:
    assert loss(PREDICTED, TRUTH).item() == pytest.approx(expected, abs=1e-6)


# logits and labels of JDTLosses' golden run are random; these are the same kind, worked by hand:
# image 0 holds classes 0, 1 and image 1 only class 0
IMAGES = torch.tensor([[[0, 0, 1, 1]], [[0, 0, 0, 0]]])
GUESS = certain(torch.tensor([[[0, 0, 0, 1]], [[0, 0, 0, 1]]]), 2)
# image 0: IoU 2/3, 1/2; image 1: IoU 3/4, class 1 absent
# pooled: class 0 tp 5 of 7, class 1 tp 1 of 3


@pytest.mark.parametrize(
    ("average", "expected"),
    [
        ("image", 1 - ((2 / 3 + 1 / 2) / 2 + 3 / 4) / 2),
        ("class", 1 - ((2 / 3 + 3 / 4) / 2 + 1 / 2) / 2),
        ("dataset", 1 - (5 / 7 + 1 / 3) / 2),
        (
            {"image": 0.5, "class": 0.25},
            0.5 * (1 - ((2 / 3 + 1 / 2) / 2 + 3 / 4) / 2)
            + 0.25 * (1 - ((2 / 3 + 3 / 4) / 2 + 1 / 2) / 2),
        ),
    ],
)
def test_averages(average: object, expected: float) -> None:
    loss = JaccardMetricLoss(smooth=0, average=average)
    assert loss(GUESS, IMAGES).item() == pytest.approx(expected, abs=1e-6)


def test_the_key_that_configs_can_write() -> None:
    # "class" is a keyword of Python, and mmengine writes configs as dict(key=value)
    mixed = JaccardMetricLoss(smooth=0, average={"image": 0.5, "classes": 0.25})
    named = JaccardMetricLoss(smooth=0, average={"image": 0.5, "class": 0.25})
    assert mixed(GUESS, IMAGES).item() == named(GUESS, IMAGES).item()
    assert repr(mixed) == repr(named)
    for wrong in ({"class": 0.5, "classes": 0.5}, {"images": 1.0}, "classes", {}):
        with pytest.raises(ValueError, match="'classes' also means 'class'"):
            JaccardMetricLoss(average=wrong)


def test_weights_of_images() -> None:
    second = torch.tensor([0.0, 2.0])
    # the second image alone: pooled IoU 3/4; by image 2 * 1/4 over two images
    assert JaccardMetricLoss(smooth=0)(GUESS, IMAGES, second).item() == pytest.approx(1 / 4)
    by_image = JaccardMetricLoss(smooth=0, average="image")
    assert by_image(GUESS, IMAGES, second).item() == pytest.approx(1 / 4)
    with pytest.raises(ValueError, match="weights of images"):
        JaccardMetricLoss(average="class")(GUESS, IMAGES, second)


LOGITS = torch.tensor([[[0.0, 1.0, -1.0]], [[2.0, 0.5, 0.0]]]).view(1, 2, 3)


def test_soft_labels_cost_nothing_where_they_are_met() -> None:
    soft = LOGITS.softmax(1)
    for loss in (
        DiceLoss(),
        JaccardLoss(),
        TverskyLoss(alpha=0.4, beta=0.4),
        JaccardMetricLoss(),
        JaccardMetricLoss(intersection="difference"),
        DiceLoss(intersection="norm2"),
    ):
        leaf = LOGITS.clone().requires_grad_()
        value = loss(leaf, soft)
        value.backward()
        assert value.item() == pytest.approx(0, abs=1e-6)
        assert leaf.grad is not None
        assert leaf.grad.abs().max() < 1e-6
    # the classical product does not vanish there
    assert DiceLoss(intersection="product")(LOGITS, soft).item() > 0.05


def test_metric_losses_agree_on_hard_labels() -> None:
    prob = LOGITS.softmax(1)
    hard = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]])
    jml1 = jaccard_metric_loss(prob, hard, smooth=0)
    jml2 = jaccard_metric_loss(prob, hard, smooth=0, intersection="difference")
    torch.testing.assert_close(jml1, jml2)
    torch.testing.assert_close(jml1, jaccard_loss(prob, hard, smooth=0, intersection="product"))
    torch.testing.assert_close(
        dice_loss(prob, hard, smooth=0), tversky_loss(prob, hard, alpha=0.5, beta=0.5, smooth=0)
    )


def test_soft_labels_that_are_none_do_not_cost_nothing() -> None:
    # a target of NaN, or one that is negative in sum, passed for ignored pixels and cost 0
    for loss in (CrossEntropyLoss(), DiceLoss(), JaccardMetricLoss()):
        for wrong in (torch.nan, -0.5):
            with pytest.raises(ValueError, match=r"dense targets must lie in \[0, 1\]"):
                loss(LOGITS, torch.full_like(LOGITS, wrong))
        with pytest.raises(ValueError, match="use_sigmoid=True"):
            loss(LOGITS, torch.ones_like(LOGITS))


@pytest.mark.parametrize("gamma", [0.5, 0.75, 1.0, 1.5, 2.0])
def test_focal_exponent_is_finite_where_labels_are_met(gamma: float) -> None:
    loss = JaccardMetricLoss(gamma=gamma)
    for seed in range(50):
        logits = torch.randn(2, 3, 16, generator=torch.Generator().manual_seed(seed))
        leaf = logits.clone().requires_grad_()
        value = loss(leaf, logits.softmax(1))
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(leaf.grad).all()


def test_log_form_by_hand() -> None:
    loss = JaccardMetricLoss(log=True, smooth=0)
    expected = -(torch.tensor([2 / 3, 1 / 3, 1 / 2]).log().mean())
    torch.testing.assert_close(loss(PREDICTED, TRUTH), expected)


def test_empty_foreground() -> None:
    empty = torch.zeros(1, 4, 4, dtype=torch.long)
    nothing, something = torch.full((1, 1, 4, 4), -SURE), torch.full((1, 1, 4, 4), SURE)
    for loss in (DiceLoss(), JaccardLoss(), TverskyLoss(), JaccardMetricLoss()):
        assert loss(nothing, empty).item() == pytest.approx(0, abs=1e-6)
        assert loss(something, empty).item() > 0.8
        # absent classes that nobody sees cost nothing under softmax either
        assert loss(certain(empty, 3), empty).item() == pytest.approx(0, abs=1e-6)


def test_absent_classes_do_not_dilute_the_mean() -> None:
    # one of 19 classes present, uniform logits: smp averages the 18 zeros in (.0474)
    logits, labels = torch.zeros(1, 19, 8, 8), torch.zeros(1, 8, 8, dtype=torch.long)
    assert DiceLoss(smooth=0)(logits, labels).item() == pytest.approx(0.9, abs=1e-4)


def test_missing_a_rare_class_is_seen() -> None:
    # one of 100 pixels: flattened over classes this costs .0100, per class (1/201 + 1) / 2
    labels = torch.zeros(1, 10, 10, dtype=torch.long)
    labels[0, 0, 0] = 1
    logits = certain(torch.zeros_like(labels), 2)
    expected = (1 - 2 * 99 / (100 + 99) + 1) / 2
    assert DiceLoss(smooth=0)(logits, labels).item() == pytest.approx(expected, abs=1e-5)


def test_an_all_ignored_image_does_not_dilute_the_batch() -> None:
    labels = torch.cat([TRUTH, torch.full_like(TRUTH, 255)])
    logits = torch.cat([PREDICTED, PREDICTED])
    assert DiceLoss()(logits, labels).item() == pytest.approx(DiceLoss()(PREDICTED, TRUTH).item())


def test_reductions_and_factors() -> None:
    per_image = JaccardLoss(smooth=0, reduction="none")(GUESS, IMAGES)
    torch.testing.assert_close(per_image, torch.tensor([1 - 7 / 12, 1 / 4]), atol=1e-6, rtol=0)
    loss = JaccardLoss(smooth=0, loss_weight=3.0)
    assert loss(GUESS, IMAGES).item() == pytest.approx(3 * per_image.mean().item())
    assert loss(GUESS, IMAGES, avg_factor=1.0).item() == pytest.approx(3 * per_image.sum().item())
    weighted = loss(GUESS, IMAGES, weight=torch.tensor([1.0, 0.0]))
    assert weighted.item() == pytest.approx(1.5 * per_image[0].item())
    with pytest.raises(ValueError, match="average='image'"):
        JaccardMetricLoss()(GUESS, IMAGES, avg_factor=2.0)


def test_pixel_weights_enter_the_counts() -> None:
    weight = torch.tensor([[[1.0, 1.0, 0.0, 1.0, 0.0, 1.0]]])
    # the two wrong pixels are weighed out
    assert DiceLoss(smooth=0)(PREDICTED, TRUTH, weight=weight).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"average": "batch"}, "average must be"),
        ({"average": {}}, "average must be"),
        ({"intersection": "max"}, "intersection must be"),
        ({"classes": "rare"}, "classes must be"),
        ({"reduction": "median"}, "reduction must be"),
        ({"loss_name": "dice"}, "must contain 'loss'"),
    ],
)
def test_options_at_the_border(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DiceLoss(**options)


@pytest.mark.at_hand
def test_calls_at_the_border() -> None:
    with pytest.raises(ValueError, match="one factor a channel: expected 3, got 2"):
        DiceLoss(class_weight=[1.0, 2.0])(PREDICTED, TRUTH)
    with pytest.raises(ValueError, match=r"indices in \[0, 3\)"):
        DiceLoss(classes=[5])(PREDICTED, TRUTH)
    broken = PREDICTED.clone()
    broken[0, 0, 0, :2] = torch.nan
    with pytest.raises(ValueError, match="2 of 18 values of pred are NaN or infinite"):
        DiceLoss()(broken, TRUTH)


def test_call_time_ignore_index_wins() -> None:
    labels = TRUTH.clone()
    labels[..., 2] = 7
    expected = DiceLoss(ignore_index=7)(PREDICTED, labels)
    assert DiceLoss()(PREDICTED, labels, ignore_index=7) == expected


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
