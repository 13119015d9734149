"""Weights, avg_factor, reduction and the mean of classes."""

from __future__ import annotations

import pytest
import torch

from seglosses.primitives.reduction import (
    average_classes,
    average_pixels,
    reduce_loss,
    select_classes,
)

LOSS = torch.tensor([1.0, 2.0, 3.0])


def test_mean_sum_none() -> None:
    weight = torch.tensor([1.0, 0.5, 0.0])
    assert reduce_loss(LOSS, weight).item() == pytest.approx(2 / 3)
    assert reduce_loss(LOSS, weight, reduction="sum").item() == 2
    assert reduce_loss(LOSS, weight, reduction="none").tolist() == [1, 1, 0]
    # 2 / 4, not 2 / 3: avg_factor replaces the number of rows
    assert reduce_loss(LOSS, weight, avg_factor=4).item() == pytest.approx(0.5)
    assert reduce_loss(LOSS, avg_factor=torch.tensor(6.0)).item() == pytest.approx(1)
    assert reduce_loss(LOSS, count=2).item() == 3
    assert reduce_loss(LOSS, count=torch.tensor(0)).item() == 6


def test_nothing_is_zero_with_a_graph() -> None:
    none = torch.zeros(0, requires_grad=True)
    for options in ({}, {"avg_factor": 0.0}, {"reduction": "sum"}):
        value = reduce_loss(none * 2, **options)
        assert value.item() == 0
        assert value.requires_grad


def test_border() -> None:
    with pytest.raises(ValueError, match="'mean', 'sum' or 'none'"):
        reduce_loss(LOSS, reduction="max")
    with pytest.raises(ValueError, match="avg_factor with reduction='sum'"):
        reduce_loss(LOSS, avg_factor=1, reduction="sum")
    with pytest.raises(ValueError, match="classes must be 'present'"):
        select_classes("some", 3)
    with pytest.raises(ValueError, match=r"indices in \[0, 3\)"):
        select_classes([3], 3)
    with pytest.raises(ValueError, match=r"indices in \[0, 3\)"):
        select_classes([], 3)


def test_foreground_of_one_channel_is_that_channel() -> None:
    assert select_classes("foreground", 1) is None
    assert select_classes("foreground", 2) == [1]


def test_mean_of_classes() -> None:
    loss = torch.tensor([[0.2, 0.4, torch.nan], [0.6, 0.8, 1.0]])
    present = torch.tensor([[True, True, False], [False, False, False]])
    assert average_classes(loss, present).tolist() == pytest.approx([0.3, 0.0])
    # weights scale and are not renormalised: (0.2 * 2 + 0.4 * 1) / 2
    weight = torch.tensor([2.0, 1.0, 1.0])
    assert average_classes(loss, present, weight)[0].item() == pytest.approx(0.4)
    assert average_classes(loss[:, :0]).tolist() == [0, 0]


def test_an_avg_factor_below_one_divides() -> None:
    assert reduce_loss(LOSS, avg_factor=0.5).item() == pytest.approx(12)


def test_mean_of_pixels_is_by_weight() -> None:
    loss = torch.tensor([[[1.0, 3.0, 5.0]]])
    assert average_pixels(loss).tolist() == [[3]]
    assert average_pixels(loss, torch.tensor([[[1.0, 3.0, 0.0]]])).tolist() == [[2.5]]
    assert average_pixels(loss, torch.zeros(1, 1, 3)).tolist() == [[0]]


@pytest.mark.parametrize(
    "wrong",
    [
        *(-1, float("inf"), "4", [4], torch.ones(2)),
        # elsewhere to look would be to wait
        pytest.param(torch.tensor(-1.0), marks=pytest.mark.at_hand),
    ],
)
def test_what_is_no_divisor_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="avg_factor is what 'mean' divides by, one number"):
        reduce_loss(LOSS, avg_factor=wrong)


def test_a_divisor_of_one_element_leaves_a_scalar() -> None:
    found = reduce_loss(LOSS, avg_factor=torch.tensor([6.0]))
    assert found.shape == ()
    assert found.item() == pytest.approx(1)
