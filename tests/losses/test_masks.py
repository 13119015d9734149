"""Masks of instances (n, H, W): unreduced, one value per mask, as SOLO and CondInst ask."""

from __future__ import annotations

import pytest
import torch

from seglosses import losses
from seglosses.losses.classes import ClassLoss

NAMES = sorted(
    name
    for name in losses.EXPORTS
    if isinstance(kind := getattr(losses, name), type)
    and issubclass(kind, ClassLoss)
    and not kind.needs
    and getattr(kind, "spatial_dims", (2,)) != (3,)
)


def masks() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    target = torch.zeros(3, 12, 12)
    target[0, 2:6, 2:10] = 1
    target[1, 5:7, 1:11] = 1
    target[2, 3:9, 3:9] = 1
    return 2 * torch.randn(3, 12, 12), target


@pytest.mark.parametrize("name", NAMES)
def test_unreduced_masks_have_a_value_each(name: str) -> None:
    loss = getattr(losses, name)(use_sigmoid=True)
    pred, target = masks()
    each = loss(pred, target, reduction_override="none")
    assert each.shape == (3,)
    alone = [loss(pred[i : i + 1], target[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(each, torch.stack(alone))


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "FocalLoss"])
def test_pixel_losses_keep_a_value_a_pixel(name: str) -> None:
    loss = getattr(losses, name)(use_sigmoid=True)
    each = loss(*masks(), reduction_override="none")
    assert each.shape == (3, 12, 12)
    torch.testing.assert_close(each.mean(), loss(*masks()))


def test_projections_of_masks_are_masks_too() -> None:
    # BoxInst compares maxima over rows and columns, (n, 1, W) and (n, H, 1)
    pred, target = masks()
    loss = losses.DiceLoss(use_sigmoid=True)
    for dim in (1, 2):
        most = [x.amax(dim, keepdim=True) for x in (pred, target)]
        each = loss(*most, reduction_override="none")
        assert each.shape == (3,)
        torch.testing.assert_close(
            each, loss(most[0].flatten(1), most[1].flatten(1), reduction_override="none")
        )
