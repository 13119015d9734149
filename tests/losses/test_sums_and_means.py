"""What 'mean', 'sum' and 'none' are of, beside torch and in every loss of pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seglosses import losses
from seglosses.laws.stand_ins import StandIn
from seglosses.losses import CrossEntropyLoss, FocalLoss
from seglosses.losses.base import PixelLoss

PIXEL_LOSSES = [
    member
    for member in (getattr(losses, name) for name in losses.__all__)
    if isinstance(member, type)
    and issubclass(member, PixelLoss)
    # their means are over the boundary or over hard pixels alone, see their own tests
    and member.__name__
    not in {"BoundaryCrossEntropyLoss", "OHEMCrossEntropyLoss", "TopKCrossEntropyLoss"}
]
of_every_loss = pytest.mark.parametrize("cls", PIXEL_LOSSES, ids=lambda cls: cls.__name__)


def _batch(channels: int, *shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, channels, *shape, generator=generator)
    return logits, torch.randint(0, max(channels, 2), (2, *shape), generator=generator)


@of_every_loss
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_a_mean_is_over_pixels_and_independent_channels(
    cls: type[PixelLoss], channels: int
) -> None:
    logits, labels = _batch(channels, 6, 7)
    labels[0, 0] = 255
    valid = labels != 255
    # what a loss counts over a training stays
    loss = StandIn(cls(use_sigmoid=True).eval())
    total = StandIn(cls(use_sigmoid=True, reduction="sum").eval())(logits, labels)
    each = loss(logits, labels, reduction_override="none")
    assert each.shape == labels.shape
    torch.testing.assert_close(loss(logits, labels), each[valid].mean())
    torch.testing.assert_close(total, channels * each.sum())
    divided = loss(logits, labels, avg_factor=torch.tensor(3.0))
    torch.testing.assert_close(divided, total / 3)


@of_every_loss
def test_rows_have_a_value_a_channel(cls: type[PixelLoss]) -> None:
    logits, labels = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), [0, 2, 3, 255]
    if cls.__name__ == "InstanceBoundaryCrossEntropyLoss":
        pytest.skip("points have no boundary")
    loss, target = StandIn(cls(use_sigmoid=True).eval()), torch.tensor(labels)
    weight = torch.tensor([1.0, 2.0, 1.0, 1.0])
    each = loss(logits, target, weight=weight, reduction_override="none")
    assert each.shape == logits.shape
    assert (each[3] == 0).all()
    torch.testing.assert_close(loss(logits, target, weight=weight), each.sum() / 9)


@pytest.mark.parametrize("channels", [1, 2, 19])
def test_cross_entropy_is_that_of_torch(channels: int) -> None:
    logits, _ = _batch(channels, 6, 7)
    y = torch.rand(logits.shape, generator=torch.Generator().manual_seed(1)).round()
    loss = CrossEntropyLoss(use_sigmoid=True)
    torch.testing.assert_close(loss(logits, y), F.binary_cross_entropy_with_logits(logits, y))


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_foreground_weights_are_those_of_torch(channels: int, soft: bool) -> None:
    logits, _ = _batch(channels, 6, 7)
    y = torch.rand(logits.shape, generator=torch.Generator().manual_seed(1))
    y = y if soft else y.round()
    for weight in (0.25, [0.5 + c for c in range(channels)]):
        ours = CrossEntropyLoss(use_sigmoid=True, pos_weight=weight)(logits, y)
        given = torch.tensor(weight).view(-1, 1, 1)
        theirs = F.binary_cross_entropy_with_logits(logits, y, pos_weight=given)
        torch.testing.assert_close(ours, theirs)


def test_renormalized_class_weights_are_those_of_torch() -> None:
    logits, labels = _batch(3, 6, 7)
    labels[0, 0] = 255
    given = [0.02, 0.3, 0.1]
    theirs = F.cross_entropy(logits, labels, torch.tensor(given), ignore_index=255)
    ours = CrossEntropyLoss(class_weight=given, renormalize=True)
    torch.testing.assert_close(ours(logits, labels), theirs)
    # without, the number of pixels divides
    plain = CrossEntropyLoss(class_weight=given)(logits, labels)
    kept = labels[labels != 255]
    torch.testing.assert_close(plain, theirs * torch.tensor(given)[kept].mean())
    # the same under one channel, of labels and of masks, and of independent channels
    one, mask = logits[:, :1], (labels == 1).long()
    pair = CrossEntropyLoss(class_weight=given[:2], renormalize=True)
    expected = F.cross_entropy(torch.cat([-one, one], 1) / 2, mask, torch.tensor(given[:2]))
    torch.testing.assert_close(pair(one, mask), expected)
    torch.testing.assert_close(pair(one, mask.float()), expected)
    many = CrossEntropyLoss(class_weight=given, renormalize=True, use_sigmoid=True)
    hot = (labels.unsqueeze(1) == torch.arange(3).view(1, 3, 1, 1)).float()
    each = F.binary_cross_entropy_with_logits(logits, hot, reduction="none")[:, :, 1:]
    weights = torch.tensor(given).view(1, 3, 1, 1)
    first = labels[:, 1:]
    torch.testing.assert_close(
        many(logits[:, :, 1:], first), (each * weights).sum() / (first.numel() * sum(given))
    )


def test_classes_of_no_weight_cost_nothing() -> None:
    loss = CrossEntropyLoss(class_weight=[0, 1], renormalize=True)
    assert loss(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.long)).item() == 0


@pytest.mark.parametrize("ending", ["npy", "json"])
def test_class_weights_are_read_from_a_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"weights.{ending}"
    if ending == "npy":
        np.save(path, np.array([0.5, 2.0]))
    else:
        path.write_text(json.dumps([0.5, 2.0]))
    for given in (path, str(path)):
        loss = FocalLoss(class_weight=given)
        assert loss.class_weight is not None
        assert loss.class_weight.tolist() == [0.5, 2.0]


@pytest.mark.parametrize("shape", [(3,), (3, 1, 1), (1, 3, 1, 1)])
def test_foreground_weights_have_the_shapes_of_torch(shape: tuple[int, ...]) -> None:
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    target = (logits > 0.3).float()
    factors = torch.tensor([1.0, 2, 3])
    expected = F.binary_cross_entropy_with_logits(logits, target, pos_weight=factors.view(3, 1, 1))
    for given in (factors.view(shape), factors.view(shape).numpy()):
        loss = CrossEntropyLoss(use_sigmoid=True, pos_weight=given)
        torch.testing.assert_close(loss(logits, target), expected)
    once = CrossEntropyLoss(use_sigmoid=True, pos_weight=2.0)(logits, target)
    for number in (torch.tensor(2.0), np.float32(2), np.array(2)):
        loss = CrossEntropyLoss(use_sigmoid=True, pos_weight=number)
        torch.testing.assert_close(loss(logits, target), once)
