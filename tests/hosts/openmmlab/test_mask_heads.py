"""Our losses in FCNMaskHead, and in the places that MaskFormer heads have for them."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("mmdet.models")

from mmdet.registry import MODELS as MMDET_MODELS

from seglosses.losses import DiceLoss
from seglosses.registry import MODELS


def head(loss: str, **options: object) -> torch.nn.Module:
    config = dict(type="seglosses.ForMaskHead", loss=dict(type=f"seglosses.{loss}", **options))
    return MMDET_MODELS.build(
        dict(
            type="FCNMaskHead",
            num_convs=1,
            in_channels=4,
            conv_out_channels=4,
            num_classes=3,
            loss_mask=config,
        )
    )


def masks() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    target = torch.zeros(2, 28, 28)
    target[0, 4:20, 6:22] = 1
    target[1, 10:18, 2:26] = 1
    labels = torch.tensor([2, 0])
    pred = torch.randn(2, 3, 28, 28)
    pred[torch.arange(2), labels] = 80 * target - 40
    return pred, target, labels


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "DiceLoss", "SoftClDiceLoss"])
def test_only_the_labelled_class_counts(loss: str) -> None:
    pred, target, labels = masks()
    pred.requires_grad_()
    value = head(loss).loss_mask(pred, target, labels)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-5)
    wrong = head(loss).loss_mask(-pred, target, labels)
    assert wrong > 0.5
    assert pred.grad is not None
    others = torch.ones(2, 3, dtype=torch.bool)
    others[torch.arange(2), labels] = False
    assert not pred.grad[others].any()


def test_a_boundary_loss_runs() -> None:
    pred, target, labels = masks()
    loss = head("KervadecBoundaryLoss").loss_mask
    assert loss(pred, target, labels) < loss(-pred, target, labels)


def test_class_agnostic_heads_have_one_mask() -> None:
    pred, target, labels = masks()
    one = pred[torch.arange(2), labels].unsqueeze(1)
    loss = head("DiceLoss").loss_mask
    torch.testing.assert_close(loss(one, target, labels), loss(pred, target, labels))


def test_wrong_places_are_named() -> None:
    pred, target, labels = masks()
    with pytest.raises(ValueError, match="MaskFormer heads need no ForMaskHead"):
        head("DiceLoss").loss_mask(pred[:, 0], target, labels)
    with pytest.raises(ValueError, match="expected a segmentation loss"):
        MODELS.build(dict(type="seglosses.ForMaskHead", loss=dict(type="mmdet.DiceLoss")))


def test_a_weight_may_stand_outside() -> None:
    pred, target, labels = masks()
    inner = dict(type="seglosses.DiceLoss")
    once, twice = (
        MODELS.build(dict(type="seglosses.ForMaskHead", loss=inner, loss_weight=weight))
        for weight in (1.0, 2.0)
    )
    assert twice(-pred, target, labels) == 2 * once(-pred, target, labels) > 1
    named = MODELS.build(
        dict(type="seglosses.ForMaskHead", loss=inner, loss_name="loss_shape", loss_weight=0.5)
    )
    assert (named.loss_name, named.loss.loss_weight) == ("loss_shape", 0.5)
    off = MODELS.build(dict(type="seglosses.ForMaskHead", loss=inner, loss_weight=0.0))
    assert off(-pred, target, labels) == 0
    for wrapper in ("ForProbabilities", "ForDETR", "ForMaskHead"):
        kind = "QualityFocalLoss" if wrapper == "ForDETR" else "FocalLoss"
        weighted = dict(type=f"seglosses.{kind}", loss_weight=3.0)
        with pytest.raises(ValueError, match=rf"{wrapper} and its loss both have loss_weight"):
            MODELS.build(dict(type=f"seglosses.{wrapper}", loss=weighted, loss_weight=2.0))
        plain = dict(type=f"seglosses.{kind}")
        built = MODELS.build(dict(type=f"seglosses.{wrapper}", loss=plain, loss_weight=2.0))
        assert getattr(built, "loss", built).loss_weight == 2.0


def test_region_losses_take_masks_and_points_of_maskformers() -> None:
    """MaskFormer: loss_dice(masks (m, h, w)); Mask2Former: loss_dice(points (m, p))."""
    pred, target, labels = masks()
    own = pred[torch.arange(2), labels]
    loss = DiceLoss(use_sigmoid=True)
    assert loss(own, target, avg_factor=2.0).item() == pytest.approx(0, abs=1e-5)
    points = torch.randint(0, 28 * 28, (2, 50))
    p, t = (x.flatten(1).gather(1, points) for x in (own, target))
    assert loss(p, t, avg_factor=2.0).item() == pytest.approx(0, abs=1e-5)
    assert loss(-p, t, avg_factor=2.0) > 0.5


@pytest.mark.parametrize("name", ["KervadecBoundaryLoss", "SoftClDiceLoss"])
def test_points_have_no_shape(name: str) -> None:
    loss = MODELS.build(dict(type=f"seglosses.{name}", use_sigmoid=True))
    with pytest.raises(ValueError, match=r"\(N, C"):
        loss(torch.randn(2, 50), torch.randint(0, 2, (2, 50)).float(), avg_factor=2.0)


def test_half_is_foreground():
    loss = MODELS.build(dict(type="seglosses.ForMaskHead", loss=dict(type="seglosses.DiceLoss")))
    pred = torch.tensor([[[[40.0, 40.0], [-40.0, -40.0]]]])
    target = torch.tensor([[[0.5, 1.0], [0.4, 0.0]]])
    assert loss(pred, target, torch.tensor([0])).item() == pytest.approx(0, abs=1e-6)


def test_points_of_pointrend_are_masks_of_points() -> None:
    torch.manual_seed(0)
    pred, target = torch.randn(3, 4, 20), (torch.rand(3, 20) > 0.5).float()
    labels = torch.tensor([2, 0, 3])
    loss = MODELS.build(dict(type="seglosses.ForMaskHead", loss=dict(type="seglosses.DiceLoss")))
    picked = pred[torch.arange(3), labels].unsqueeze(1)
    maps = loss(picked.unsqueeze(-1), target.unsqueeze(-1), torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(loss(pred, target, labels), maps)
