"""Losses of rows share one way from weights to result, whatever a row is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses import losses
from seglosses.losses.rows import RowLoss, Target
from tests.reference.pair_inputs import boxes_of

ROWS = sorted(
    name
    for name in losses.EXPORTS
    if isinstance(getattr(losses, name), type) and issubclass(getattr(losses, name), RowLoss)
)


def rows(name: str) -> tuple[Tensor, Target]:
    """Three rows that the loss takes, and what it compares them with."""
    if issubclass(getattr(losses, name), losses.DistributionFocalLoss):
        # uneven offsets lie on both sides of a middle one
        numbers = 5 if name.startswith("FineGrained") else 4
        logits = torch.linspace(-1, 1, 3 * numbers).square().view(3, numbers)
        return logits, torch.tensor([0.5, 1.25, 3.0])
    if name == "DecoupledDistillationFocalLoss":
        teacher = torch.linspace(-1, 1, 12).square().view(3, 4)
        return torch.linspace(-1, 1, 12).view(3, 4), (teacher, torch.tensor([True, False, True]))
    if issubclass(getattr(losses, name), losses.QualityFocalLoss.__base__):
        return torch.linspace(-1, 1, 6).view(3, 2), (torch.tensor([0, 1, 2]), torch.ones(3) / 2)
    return boxes_of(getattr(losses, name))


@pytest.mark.parametrize("name", ROWS)
def test_all_share_one_forward(name: str) -> None:
    assert getattr(losses, name).forward is RowLoss.forward


def without_a_distance(name: str) -> tuple[Tensor, Tensor]:
    pred, target = rows(name)
    assert isinstance(target, Tensor)
    target[1] = torch.nan
    return pred, target


@pytest.mark.at_hand
@pytest.mark.parametrize("name", ["DistributionFocalLoss", "FineGrainedLocalizationLoss"])
def test_a_distance_that_is_no_number_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not finite.*target"):
        getattr(losses, name)()(*without_a_distance(name))


@pytest.mark.parametrize("name", ["DistributionFocalLoss", "FineGrainedLocalizationLoss"])
def test_a_distance_that_is_no_number_is_seen_where_it_counts(name: str) -> None:
    pred, target = without_a_distance(name)
    each = getattr(losses, name).compare(getattr(losses, name)(), pred, target)
    assert torch.isfinite(each).tolist() == [True, False, True]
    weight = torch.tensor([1.0, 0.0, 1.0])
    assert torch.isfinite(getattr(losses, name)()(pred, target, weight))


def test_whether_rows_are_matched_is_a_boolean() -> None:
    pred, (teacher, matched) = rows("DecoupledDistillationFocalLoss")
    with pytest.raises(ValueError, match=r"as booleans, got torch\.int64"):
        losses.DecoupledDistillationFocalLoss()(pred, (teacher, matched.long()))


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_weight_zero_may_hold_anything(name: str) -> None:
    pred, target = rows(name)
    loss = getattr(losses, name)().eval()
    spoilt = pred.clone()
    spoilt[1] = float("nan")
    spoilt.requires_grad_()
    weight = torch.tensor([1.0, 0.0, 2.0])
    value = loss(spoilt, target, weight)
    torch.testing.assert_close(value, loss(pred, target, weight))
    value.backward()
    assert torch.isfinite(spoilt.grad).all()
    assert (spoilt.grad[1] == 0).all()


@pytest.mark.parametrize("name", ROWS)
def test_mean_is_the_weighted_sum_over_all_rows(name: str) -> None:
    pred, target = rows(name)
    loss = getattr(losses, name)().eval()
    # rows of weight zero leave the order in which ranks are counted, and the numbers of D-FINE
    counted = ("ALRPLoss", "DecoupledDistillationFocalLoss", "RankSortLoss")
    weight = torch.tensor([1.0, 0.5 if name in counted else 0.0, 2.0])
    each = loss(pred, target, reduction_override="none")
    of_entries = isinstance(loss, losses.QualityFocalLoss.__base__)
    assert each.shape == ((3, 2) if of_entries else (3,))
    rows_of = weight.unsqueeze(1) if of_entries else weight
    count = 6 if loss.mean_of_entries else 3
    torch.testing.assert_close(loss(pred, target, weight), (each * rows_of).sum() / count)
    unreduced = loss(pred, target, weight, reduction_override="none")
    torch.testing.assert_close(unreduced, each * rows_of)
    assert each.std() > 0  # rows differ, else the order of weights would not show


@pytest.mark.parametrize("name", ROWS)
def test_weights_of_other_shapes_are_refused(name: str) -> None:
    pred, target = rows(name)
    with pytest.raises(ValueError, match=r"weight must be \(3,\)"):
        getattr(losses, name)()(pred, target, torch.ones(2))


def test_boxes_take_the_mean_weight_of_their_sides() -> None:
    pred, target = rows("GIoULoss")
    sides = torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [0, 2, 2, 0]])
    loss = losses.GIoULoss()
    expected = loss(pred, target, torch.tensor([0.5, 0.0, 1.0]))
    torch.testing.assert_close(loss(pred, target, sides), expected)


def test_entries_of_weight_zero_may_hold_anything() -> None:
    pred, target = rows("QualityFocalLoss")
    weight = torch.tensor([[1.0, 0], [1, 1], [0, 1]])
    spoilt = pred.clone()
    spoilt[0, 1] = float("nan")
    loss = losses.QualityFocalLoss()
    torch.testing.assert_close(loss(spoilt, target, weight), loss(pred, target, weight))
