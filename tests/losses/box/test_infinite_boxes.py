"""Boxes and scores that are infinite or NaN: refused, or a finite loss with a finite gradient."""

from __future__ import annotations

import pytest
import torch

from seglosses.catalogue import loss_classes
from seglosses.losses.box.quality import QualityLoss
from seglosses.losses.rows import BoxLoss, RotatedBoxLoss

BOXES = {name: cls for name, cls in loss_classes().items() if issubclass(cls, BoxLoss)}
SCORES = {name: cls for name, cls in loss_classes().items() if issubclass(cls, QualityLoss)}


def pair(rotated: bool) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    low, size = 20 * torch.rand(2, 2, 6, 2, generator=generator)
    high = low + size + 1
    turned = torch.rand(2, 6, 1, generator=generator)
    pred, target = torch.cat([(low + high) / 2, high - low, turned] if rotated else [low, high], -1)
    return pred, target


@pytest.mark.at_hand
@pytest.mark.filterwarnings("ignore:loss_.* compares corners")
@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", BOXES)
def test_no_box_is_broken_in_silence(name: str, wrong: float) -> None:
    rotated = issubclass(BOXES[name], RotatedBoxLoss)
    loss = BOXES[name]().eval()
    for side in range(5 if rotated else 4):
        for place in (0, 1):
            boxes = [each.clone() for each in pair(rotated)]
            boxes[place][2, side] = wrong
            leaf = boxes[0].requires_grad_()
            try:
                value = loss(leaf, boxes[1])
            except ValueError:
                with pytest.raises(ValueError, match="not finite"):
                    loss(leaf, boxes[1])
                continue
            assert wrong == wrong, "NaN passed"
            assert torch.isfinite(value)
            (slope,) = torch.autograd.grad(value, leaf)
            assert torch.isfinite(slope).all(), (side, place)


@pytest.mark.at_hand
@pytest.mark.parametrize("name", SCORES)
def test_no_score_is_broken_in_silence(name: str) -> None:
    loss = SCORES[name]().eval()
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    labels, quality = torch.tensor([0, 1, 3, 2, 3]), torch.tensor([0.5, 0.9, 0.0, 0.2, 0.0])
    for place in ((0, 0), (2, 1)):
        broken = logits.clone()
        broken[place] = torch.nan
        with pytest.raises(ValueError, match=r"not finite|NaN"):
            loss(broken, (labels, quality))
    for wrong in (torch.nan, torch.inf, -0.5, 2.0):
        with pytest.raises(ValueError, match=r"qualities must lie in \[0, 1\].*got values from"):
            loss(logits, (labels, quality.index_fill(0, torch.tensor([1]), wrong)))
        with pytest.raises(ValueError, match=r"qualities must lie in \[0, 1\]"):
            loss(logits, torch.full((5, 3), wrong))
    # what is no object may have any
    value = loss(logits, (labels, quality))
    free = loss(logits, (labels, quality.index_fill(0, torch.tensor([2, 4]), torch.nan)))
    torch.testing.assert_close(free, value)
