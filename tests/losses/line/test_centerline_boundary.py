"""cbDice lies between 0 and 1, whatever the skeletons miss."""

from __future__ import annotations

import pytest
import torch

from seglosses.losses import CenterlineBoundaryDiceLoss, centerline_boundary_dice_loss


def test_a_thin_branch_of_a_thick_object_earns_no_more_than_all() -> None:
    # the label's skeleton misses that of the prediction, which is a fifth as wide as its thickest
    pred = torch.tensor([1.0, 0.2, 1.0]).view(1, 1, 3, 1, 1).expand(1, 1, 3, 1, 4)
    target = torch.tensor([1.0, 0.0, 1.0]).view(1, 1, 3, 1, 1).expand(1, 1, 3, 1, 4)
    prob = torch.full((1, 1, 1, 4), 0.9, requires_grad=True)
    value = centerline_boundary_dice_loss(prob, pred, target, smooth=0.0)
    # precision 0.9 / 0.2 / 0.9^2 and sensitivity 0.9 / 0.2 / 0.9 would give -4.3
    assert value.item() == 0.0
    value.sum().backward()
    assert torch.isfinite(prob.grad).all()
    published = centerline_boundary_dice_loss(prob, pred, target, smooth=0.0, pooled=True)
    assert published.item() < -4


@pytest.mark.parametrize("shape", [(14, 14), (10, 14, 14)])
def test_lies_between_zero_and_one(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    for seed in range(12):
        labels = torch.zeros(1, *shape, dtype=torch.long)
        logits = torch.full((1, 1, *shape), -9.0)
        for values, value in ((labels, 1), (logits, 9.0), (logits, 2.0)):
            low = torch.randint(0, 7, (len(shape),), generator=generator)
            size = torch.randint(1, 10, (len(shape),), generator=generator)
            window = [slice(int(a), int(a + s)) for a, s in zip(low, size, strict=True)]
            values[(..., *window)] = value
        loss = CenterlineBoundaryDiceLoss(smooth=float(seed % 2))(logits, labels).item()
        assert 0 <= loss <= 1
