"""What heads of detectors hand over: bags of boxes, deltas, other boxes, probabilities."""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest
import torch
from torch.nn import functional as F

from seglosses import losses
from seglosses.losses.rows import BoxLoss, RotatedBoxLoss

BOXES = sorted(
    name
    for name in losses.EXPORTS
    if isinstance(found := getattr(losses, name), type)
    and issubclass(found, BoxLoss)
    and not issubclass(found, RotatedBoxLoss)
)
OPTIONS = {"MPDIoULoss": {"image_size": (64, 64)}}


def make(name: str) -> BoxLoss:
    return getattr(losses, name)(**OPTIONS.get(name, {})).eval()


def pairs(*lead: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    low, size = torch.rand(2, *lead, 2) * 20, torch.rand(2, *lead, 2) * 20 + 1
    return tuple(torch.cat([low, low + size], -1))


@pytest.mark.parametrize("name", BOXES)
def test_bags_of_boxes_are_boxes(name: str) -> None:
    pred, target = pairs(3, 5)
    weight = torch.arange(15.0).view(3, 5)
    loss = make(name)
    each = loss(pred, target, reduction_override="none")
    assert each.shape == (3, 5)
    flat = loss(pred.flatten(0, 1), target.flatten(0, 1), reduction_override="none")
    torch.testing.assert_close(each.flatten(), flat)
    torch.testing.assert_close(loss(pred, target, weight), (each * weight).mean())
    sides = weight.unsqueeze(-1).expand(3, 5, 4)
    torch.testing.assert_close(loss(pred, target, sides), (each * weight).mean())
    weighed = loss(pred, target, weight, reduction_override="none")
    torch.testing.assert_close(weighed, each * weight)


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize(("width", "word"), [(8, "quadrilaterals"), (5, "rotated"), (7, "decode")])
def test_boxes_without_two_corners_are_refused_by_name(name: str, width: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make(name)(torch.rand(3, width), torch.rand(3, width))


def test_vertices_and_sizes_are_no_bags_of_segments() -> None:
    with pytest.raises(ValueError, match="quadrilaterals"):
        losses.GIoULoss()(torch.rand(3, 4, 2), torch.rand(3, 4, 2))
    with pytest.raises(ValueError, match=r"sizes \(loss_wh of YOLOv3\).*flatten segments"):
        losses.GIoULoss()(torch.rand(3, 9, 2), torch.rand(3, 9, 2))  # YOLOv3: widths and heights
    segments = torch.tensor([[0.0, 2.0]]), torch.tensor([[0.0, 1.0]])
    assert losses.GIoULoss()(*segments).item() == pytest.approx(0.5)


NO_CORNERS = {
    "deltas": torch.tensor([[0.3, -0.2, 0.1, 0.4], [-0.5, 0.1, 0.2, 0.3]]),
    "deltas in order by chance": torch.tensor([[-0.3, -0.2, 0.1, 0.4], [-0.5, 0.1, 0.2, 0.3]]),
    "centres and sizes": torch.tensor([[0.5, 0.6, 0.2, 0.1]]),
    "inverted": torch.tensor([[30.0, 30, 10, 10], [0, 0, 9, 9]]),
}


@pytest.mark.at_hand
@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("case", NO_CORNERS)
def test_targets_without_corners_are_named_once(name: str, case: str) -> None:
    loss, target = make(name), NO_CORNERS[case]
    # rows of weight zero, which anchor heads fill with zeros, say nothing
    target = torch.cat([target, torch.zeros(3, 4)])
    weight = (torch.arange(len(target)) < len(target) - 3).float()
    with pytest.warns(UserWarning, match="reg_decoded_bbox=True"):
        loss(target.clone(), target, weight)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(target.clone(), target, weight)


@pytest.mark.parametrize("name", BOXES)
def test_right_boxes_are_silent(name: str) -> None:
    pred, target = pairs(6)
    outside = torch.tensor([[-20.0, -5, 3, 8], [0, 0, 0, 0], [-1, 4, 50, 9]])
    loss = make(name)
    weight = torch.tensor([1.0, 0])
    inverted = torch.tensor([[1.0, 1, 5, 5], [5, 5, 1, 1]])  # the second does not count
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            loss(pred, target)
            loss(pred[:3], outside)
            loss(inverted.clone(), inverted, weight)


@pytest.mark.at_hand
def test_a_loss_that_warned_can_be_copied() -> None:
    loss = make("GIoULoss")
    target = NO_CORNERS["inverted"]
    with pytest.warns(UserWarning, match="reg_decoded_bbox"):
        loss(target.clone(), target)
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert "_calls" not in repr(other)


def test_varifocal_reduces_as_in_mmdetection() -> None:
    torch.manual_seed(0)
    logits, quality = torch.randn(4, 3), torch.rand(4, 3) * (torch.rand(4, 3) > 0.6)
    prob = logits.sigmoid()
    factor = torch.where(quality > 0, quality, 0.75 * prob.square())
    each = F.binary_cross_entropy_with_logits(logits, quality, reduction="none") * factor
    loss = losses.VarifocalLoss()
    torch.testing.assert_close(loss(logits, quality, reduction_override="none"), each)
    torch.testing.assert_close(loss(logits, quality), each.mean())
    torch.testing.assert_close(loss(logits, quality, avg_factor=2.0), each.sum() / 2)


@pytest.mark.parametrize("name", ["QualityFocalLoss", "VarifocalLoss", "MatchabilityAwareLoss"])
def test_unreduced_scores_have_a_value_a_class(name: str) -> None:
    # PAA sums them over the last dimension: of (n,) that would be one number for all rows
    loss = getattr(losses, name)()
    each = loss(torch.randn(4, 3), torch.tensor([0, 1, 2, 3]), reduction_override="none")
    assert each.shape == (4, 3)


@pytest.mark.at_hand
@pytest.mark.parametrize(
    ("name", "pred", "target"),
    [
        ("DiceLoss", torch.rand(2, 4, 4), torch.ones(2, 4, 4)),
        ("SoftClDiceLoss", torch.rand(2, 4, 4), torch.ones(2, 4, 4)),
        ("FocalLoss", torch.rand(5, 3), torch.tensor([0, 1, 2, 3, 0])),
        ("CrossEntropyLoss", torch.rand(5, 3), torch.tensor([0, 1, 2, 3, 0])),
        ("QualityFocalLoss", torch.rand(5, 3), torch.tensor([0, 1, 2, 3, 0])),
    ],
)
def test_probabilities_in_place_of_logits_are_named_once(
    name: str, pred: torch.Tensor, target: torch.Tensor
) -> None:
    loss = getattr(losses, name)(use_sigmoid=True)
    with pytest.warns(UserWarning, match="ForProbabilities"):
        loss(pred, target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(pred, target)
        # raw outputs, and those of a network that has learned nothing yet
        getattr(losses, name)(use_sigmoid=True)(pred - 0.5, target)
        getattr(losses, name)(use_sigmoid=True)(torch.zeros_like(pred), target)


@pytest.mark.parametrize("name", BOXES)
def test_weights_of_sides_count_by_their_mean(name: str) -> None:
    pred, target = pairs(4)
    weight = torch.tensor([[1.0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 0, 0], [3, 2, 0, 0]])
    loss = make(name)
    torch.testing.assert_close(loss(pred, target, weight), loss(pred, target, weight.mean(1)))
    each = loss(pred, target, reduction_override="none")
    torch.testing.assert_close(
        loss(pred, target, weight), (each * torch.tensor([0.25, 1.5, 0, 1.25])).mean()
    )


@pytest.mark.parametrize("name", BOXES)
def test_a_single_box_is_a_row(name: str) -> None:
    pred, target = pairs(1)
    loss = make(name)
    alone = loss(pred[0], target[0], reduction_override="none")
    assert alone.shape == ()
    torch.testing.assert_close(alone, loss(pred, target))
    torch.testing.assert_close(loss(pred[0], target[0], torch.tensor(3.0)), 3 * alone)


@pytest.mark.parametrize("name", ["FocalLoss", "CrossEntropyLoss", "Poly1FocalLoss"])
def test_classes_of_a_row_may_have_weights_of_their_own(name: str) -> None:
    # FSAF leaves out the classes whose objects another level learns, with flattened weights
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 3), torch.tensor([0, 2, 3, 255])
    weight = torch.tensor([[1.0, 0, 1], [1, 1, 0.5], [0, 0, 0], [1, 1, 1]])
    loss = getattr(losses, name)(use_sigmoid=True)
    each = loss(logits, labels, reduction_override="none")
    assert each.shape == (4, 3)
    assert (each[3] == 0).all()
    for given in (weight, weight.flatten()):
        value = loss(logits, labels, given, avg_factor=2.0)
        torch.testing.assert_close(value, (each * weight).sum() / 2)
    unreduced = loss(logits, labels, weight, reduction_override="none")
    torch.testing.assert_close(unreduced, each * weight)


def test_labels_of_weighed_entries_are_checked() -> None:
    loss = losses.FocalLoss(use_sigmoid=True)
    with pytest.raises(ValueError, match=r"labels must lie in \[0, 3\]"):
        loss(torch.randn(2, 3), torch.tensor([0, 4]), torch.ones(2, 3))
