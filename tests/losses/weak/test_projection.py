from __future__ import annotations

import pytest
import torch

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    BoxProjectionLoss,
    MIPLoss,
    box_projection_loss,
    mip_loss,
)
from tests.goldens.published import inputs

LOGITS = inputs("spockmip")["prob"].double().logit().unsqueeze(1)
LABELS = inputs("spockmip")["target"].long()


def test_two_classes_give_what_one_channel_gives() -> None:
    pair = torch.cat([torch.zeros_like(LOGITS), LOGITS], 1)
    torch.testing.assert_close(MIPLoss()(pair, LABELS), MIPLoss()(LOGITS, LABELS))


def test_projection_of_the_whole_volume() -> None:
    loss = MIPLoss(axes=1)
    own = torch.nn.functional.pad(LABELS.float(), (0, 0)).amax(2).unsqueeze(1)
    with extra_inputs(projection=own):
        torch.testing.assert_close(loss(LOGITS, LABELS), loss(LOGITS, LABELS * 0))
    full = torch.cat([1 - own, own], 1)
    pair = torch.cat([torch.zeros_like(LOGITS), LOGITS], 1)
    with extra_inputs(projection=full):
        torch.testing.assert_close(loss(pair, LABELS), loss(LOGITS, LABELS), check_dtype=False)
    with extra_inputs(projection=own[..., :3]):
        with pytest.raises(ValueError, match="crop it like the patch"):
            loss(LOGITS, LABELS)
        with pytest.raises(ValueError, match="along one axis"):
            MIPLoss(axes=[0, 1])(LOGITS, LABELS)


def test_perfect_prediction_has_a_finite_gradient() -> None:
    # the published |1 - T|^0.75 has an infinite slope there
    pred = (80.0 * LABELS.unsqueeze(1) - 40).float().requires_grad_()
    loss = MIPLoss()(pred, LABELS)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()


def test_ignored_voxels_hide_nothing() -> None:
    labels = LABELS.clone()
    labels[:, :2] = 255
    ignored = (labels == 255).unsqueeze(1)
    other = torch.where(ignored, 9.0, LOGITS)
    torch.testing.assert_close(MIPLoss()(other, labels), MIPLoss()(LOGITS, labels))
    rest = MIPLoss()(LOGITS[:, :, 2:], LABELS[:, 2:])
    torch.testing.assert_close(MIPLoss()(LOGITS, labels), rest)


def test_images_have_no_projection() -> None:
    with pytest.raises(ValueError, match="compares 3D maps"):
        MIPLoss()(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))
    for axes in (3, [], [0, -1]):
        with pytest.raises(ValueError, match="axes must be different"):
            MIPLoss(axes=axes)


def test_a_mask_fills_its_box() -> None:
    labels = torch.zeros(1, 9, 9, dtype=torch.long)
    labels[0, 2:7, 1:8] = 1
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    disc = ((rows - 4) / 2) ** 2 + ((columns - 4) / 3) ** 2 <= 1
    pred = torch.where(disc, 40.0, -40.0).view(1, 1, 9, 9)
    assert BoxProjectionLoss()(pred, labels).item() == pytest.approx(0.0, abs=1e-6)
    assert BoxProjectionLoss()(pred.roll(2, -1), labels).item() > 0.1


def test_boxes_in_volumes() -> None:
    box = torch.zeros(1, 1, 4, 4, 4)
    box[..., 1:3, 1:3, 1:3] = 1
    assert box_projection_loss(box, box).item() == 0.0
    # twice as deep: 1 - (2 * 2 + 1) / (4 + 2 + 1) along one of three axes
    deep = box.clone()
    deep[:, :, :, 1:3, 1:3] = 1
    assert box_projection_loss(deep, box).item() == pytest.approx(2 / 7)


def test_gradients() -> None:
    prob = torch.rand(1, 2, 3, 4, 2, dtype=torch.float64, requires_grad=True)
    target = (torch.rand(1, 2, 3, 4, 2) > 0.5).double()
    assert torch.autograd.gradcheck(lambda p: mip_loss(p, target, axes=[0, 2]), prob)
    assert torch.autograd.gradcheck(lambda p: box_projection_loss(p, target), prob)


def test_squares_are_those_of_boxinst() -> None:
    # aim-uofa/AdelaiDet, compute_project_term, which adds 1e-5 to the denominator
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(9.0), indexing="ij")
    prob = (2 * torch.sin(0.7 * y + 0.3 * x * y)).sigmoid().double().view(1, 1, 12, 9)
    box = torch.zeros_like(prob)
    box[..., 2:8, 1:6] = 1
    value = box_projection_loss(prob, box, smooth=0.0, squares=True)
    assert value.item() == pytest.approx(0.5312449937724079, abs=1e-5)
    assert abs(value.item() - box_projection_loss(prob, box, smooth=0.0).item()) > 0.01
    empty = torch.zeros_like(box)
    assert box_projection_loss(empty, empty, smooth=0.0, squares=True).item() == 0


def test_projections_along_axes_are_averaged() -> None:
    generator = torch.Generator().manual_seed(0)
    prob = torch.rand(1, 2, 3, 4, 5, generator=generator)
    target = (torch.rand(1, 2, 3, 4, 5, generator=generator) > 0.8).float()
    both = (mip_loss(prob, target, axes=(0,)) + mip_loss(prob, target, axes=(2,))) / 2
    torch.testing.assert_close(mip_loss(prob, target, axes=(0, 2)), both)
