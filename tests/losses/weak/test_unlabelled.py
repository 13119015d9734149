from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    BoundaryCrossEntropyLoss,
    ClassRatioKLLoss,
    ConfidenceWeightedCrossEntropyLoss,
    CrossEntropyLoss,
    EntropyLoss,
    boundary_cross_entropy_loss,
    class_ratio_kl_loss,
    confidence_threshold,
    confidence_weighted_cross_entropy_loss,
    entropy_loss,
    soft_class_ratios,
)
from tests.goldens.published import inputs

STUDENT = inputs("misc")["cw_student"]
UNLABELLED = torch.zeros(1, 6, 6, dtype=torch.long)


def test_ratios_are_those_of_a_label_map() -> None:
    logits = inputs("misc")["sfda_prob"].log()
    sizes = inputs("misc")["sfda_bounds(pixels)"].squeeze(2)
    value = class_ratio_kl_loss(soft_class_ratios(logits), sizes / 16).sum(1).mean()
    labels = torch.stack([torch.arange(3).repeat_interleave(each.int()) for each in sizes])
    loss = ClassRatioKLLoss()(logits, labels.view(2, 4, 4))
    torch.testing.assert_close(loss, value)


def test_entropy_by_hand() -> None:
    labels = torch.zeros(1, 1, 2, dtype=torch.long)
    half = torch.zeros(1, 1, 1, 2)
    assert EntropyLoss()(half, labels).item() == pytest.approx(math.log(2))
    two = torch.zeros(1, 2, 1, 2)
    # the mean of independent channels, each with its weight
    loss = EntropyLoss(use_sigmoid=True, class_weight=[1.0, 2.0])
    assert loss(two, labels).item() == pytest.approx(1.5 * math.log(2))
    weighted = EntropyLoss(class_weight=[1.0, 3.0])
    assert weighted(half, labels).item() == pytest.approx(2 * math.log(2))
    assert entropy_loss(torch.full((1, 4, 1), 3.0)).item() == pytest.approx(math.log(4))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("use_sigmoid", [False, True])
def test_renormalized_entropy_is_a_weighted_mean_of_terms(channels: int, use_sigmoid: bool) -> None:
    logits = torch.arange(8.0 * channels).view(2, channels, 1, 4).cos()
    labels = torch.tensor([[[0, 1, 255, 0]], [[1, 255, 0, 0]]])
    # of whatever label, the mean weight of the classes is 3/4
    options = {"use_sigmoid": use_sigmoid, "class_weight": [0.5, 1.0]}
    plain = EntropyLoss(**options)(logits, labels)
    found = EntropyLoss(renormalize=True, **options)(logits, labels)
    torch.testing.assert_close(found, plain / 0.75)
    alike = EntropyLoss(renormalize=True, use_sigmoid=use_sigmoid, class_weight=[2.0, 2.0])
    unweighted = EntropyLoss(use_sigmoid=use_sigmoid)
    torch.testing.assert_close(alike(logits, labels), unweighted(logits, labels))


def test_ratios_do_not_care_where() -> None:
    labels = torch.tensor([[[0, 0, 0, 1]]])
    logits = 40.0 * torch.stack([labels.flip(2) == 0, labels.flip(2) == 1], 1)
    assert ClassRatioKLLoss()(logits, labels).item() == pytest.approx(0.0, abs=1e-6)
    # 1/4 foreground wanted to be 1/2: 3/4 log 3/2 + 1/4 log 1/2
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    prior = ClassRatioKLLoss(prior=[0.5, 0.5])
    assert prior(logits, labels).item() == pytest.approx(expected, rel=1e-5)
    one_channel = logits[:, 1:] - logits[:, :1]
    assert prior(one_channel, labels).item() == pytest.approx(expected, rel=1e-5)
    many = ClassRatioKLLoss(prior=[0.5, 0.5], use_sigmoid=True)
    wrong_way = torch.cat([-one_channel, one_channel], 1)
    # channel 0 has 3/4 instead of 1/2, channel 1 1/4: the same divergence
    assert many(wrong_way, labels).item() == pytest.approx(expected, rel=1e-5)


def test_wanted_ratios_move_with_the_loss() -> None:
    loss = ClassRatioKLLoss(prior=[0.25, 0.75])
    assert loss.prior is not None
    assert loss.to("meta").prior.device.type == "meta"
    assert not loss.state_dict()
    given = torch.tensor([0.25, 0.75])
    logits, labels = inputs("misc")["sfda_prob"].log()[:, :2], torch.zeros(2, 4, 4).long()
    expected = ClassRatioKLLoss(prior=[0.25, 0.75])(logits, labels)
    assert ClassRatioKLLoss(prior=given)(logits, labels) == expected


def test_ratios_of_kept_pixels_only() -> None:
    labels = torch.tensor([[[0, 1, 255, 255]]])
    logits = torch.tensor([[40.0, -40, 40, 40], [-40, 40, -40, -40]]).view(1, 2, 1, 4)
    assert ClassRatioKLLoss()(logits, labels).item() == pytest.approx(0.0, abs=1e-6)
    assert ClassRatioKLLoss()(logits, torch.full_like(labels, 255)).item() == 0.0


def test_boundaries_of_two_pixels() -> None:
    labels = torch.tensor([[[0, 0, 0, 1, 1, 1, 255]]]).repeat(1, 2, 1)
    logits = torch.randn(1, 2, 2, 7, generator=torch.Generator().manual_seed(1))
    known = labels.masked_fill(labels == 255, 0)
    each = boundary_cross_entropy_loss(logits, known, valid=labels != 255, radius=2)
    seen = torch.tensor([False, True, True, True, True, False, False]).expand(1, 2, 7)
    entropy = F.cross_entropy(logits, known, reduction="none")
    torch.testing.assert_close(each, torch.where(seen, entropy, 0.0))
    loss = BoundaryCrossEntropyLoss(radius=2)
    torch.testing.assert_close(loss(logits, labels), each.sum() / 8)


def test_edges_of_sobel_filters() -> None:
    labels = torch.zeros(1, 5, 6, dtype=torch.long)
    labels[:, :, 3] = 1  # a line of one pixel
    labels[:, 4, 5] = 255
    logits = torch.randn(1, 2, 5, 6, generator=torch.Generator().manual_seed(1))
    each = F.cross_entropy(logits, labels, reduction="none", ignore_index=255)
    marked = torch.ones(5, 6, dtype=torch.bool)  # the frame, both sides of the line, the rim
    marked[1:4, [1, 3]] = False
    marked[4, 5] = False
    loss = BoundaryCrossEntropyLoss(edges="sobel")
    torch.testing.assert_close(loss(logits, labels), each[0][marked].mean())
    one = logits[:, 1:] - logits[:, :1]
    torch.testing.assert_close(loss(one, labels), each[0][marked].mean())
    with pytest.raises(ValueError, match="H, W"):
        loss(torch.zeros(1, 2, 3, 4, 5), torch.zeros(1, 3, 4, 5, dtype=torch.long))
    with pytest.raises(ValueError, match="edges must be"):
        BoundaryCrossEntropyLoss(edges="canny")
    with pytest.raises(ValueError, match="radius 1"):
        BoundaryCrossEntropyLoss(2, edges="sobel")


def test_threshold_is_nearly_constant() -> None:
    values = [confidence_threshold(torch.tensor(c)).item() for c in (0.0, 0.5, 1.0)]
    assert values[0] == values[1] == pytest.approx(0.3)
    assert values[2] == pytest.approx(0.6 / (1 + math.exp(-0.25)))
    assert confidence_threshold(torch.zeros(0)).item() == pytest.approx(0.3)


def test_unsure_pixels_are_left_out() -> None:
    teacher = torch.zeros(1, 4, 1, 2)
    teacher[0, 2, 0, 0] = 5.0  # sure of class 2; the other pixel has confidence 1/4
    student = torch.randn(1, 4, 1, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1, 1, 2, dtype=torch.long)
    with extra_inputs(teacher=teacher):
        value = ConfidenceWeightedCrossEntropyLoss(gamma=2.0)(student, labels)
        everything = ConfidenceWeightedCrossEntropyLoss(threshold=False)(student, labels)
    sure = teacher.softmax(1)[0, 2, 0, 0]
    expected = -(sure**2) * student.log_softmax(1)[0, 2, 0, 0]
    torch.testing.assert_close(value, expected)
    assert everything != value
    half = confidence_weighted_cross_entropy_loss(student, labels, torch.full((1, 1, 2), 0.5))
    torch.testing.assert_close(half, F.cross_entropy(student, labels, reduction="none") / 2)


def test_integer_labels_are_certain() -> None:
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(2))
    labels[:, 0] = 255
    torch.testing.assert_close(
        ConfidenceWeightedCrossEntropyLoss()(logits, labels), CrossEntropyLoss()(logits, labels)
    )


def test_only_boundary_pixels_count() -> None:
    labels = torch.tensor([[[0, 0, 0, 0, 1, 1, 1, 255]]])
    logits = torch.randn(1, 2, 1, 8, generator=torch.Generator().manual_seed(1))
    each = F.cross_entropy(logits, labels, reduction="none", ignore_index=255)[0, 0]
    torch.testing.assert_close(BoundaryCrossEntropyLoss()(logits, labels), each[3:5].mean())
    wide = BoundaryCrossEntropyLoss(radius=2)
    torch.testing.assert_close(wide(logits, labels), each[2:6].mean())
    # a line of one pixel is boundary, which Sobel filters do not see
    line = torch.tensor([[[0, 0, 0, 1, 0, 0, 0, 0]]])
    each = F.cross_entropy(logits, line, reduction="none")[0, 0]
    torch.testing.assert_close(BoundaryCrossEntropyLoss()(logits, line), each[2:5].mean())
    assert BoundaryCrossEntropyLoss()(logits, torch.zeros_like(labels)).item() == 0.0


@pytest.mark.parametrize("channels", [1, 3])
def test_teachers_of_all_heads(channels: int) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, channels, 5, 6, generator=generator)
    teacher = 3 * torch.randn(1, channels, 5, 6, generator=generator)
    labels = torch.zeros(1, 5, 6, dtype=torch.long)
    labels[0, 0] = 255
    for cls in (ConfidenceWeightedCrossEntropyLoss, BoundaryCrossEntropyLoss):
        for sigmoid in (False, True):
            loss = cls(use_sigmoid=sigmoid)
            leaf = logits.clone().requires_grad_()
            with extra_inputs(teacher=teacher):
                value = loss(leaf, labels)
            value.backward()
            assert torch.isfinite(value)
            assert leaf.grad is not None
            assert leaf.grad[:, :, 0].abs().max() == 0


def test_borders() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        ClassRatioKLLoss(prior=[0.5, 0.6])
    with pytest.raises(ValueError, match="one ratio per class"):
        ClassRatioKLLoss(prior=[0.5, 0.5])(STUDENT, UNLABELLED)
    with pytest.raises(ValueError, match=r"radius must be a whole number in \[1"):
        BoundaryCrossEntropyLoss(radius=0)


def test_gradients() -> None:
    logits = torch.randn(1, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[[0, 1, 2], [0, 0, 255]]])
    for loss in (EntropyLoss(), ClassRatioKLLoss(), BoundaryCrossEntropyLoss()):
        assert torch.autograd.gradcheck(lambda z, loss=loss: loss(z, labels), logits)
