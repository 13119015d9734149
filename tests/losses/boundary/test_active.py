from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses.losses import ActiveBoundaryLoss, active_boundary_loss


def _golden() -> tuple[Tensor, Tensor]:
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    labels[0, 4:12, 5:11] = 1
    return torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(0)), labels


def _steps(at: int, width: int = 12) -> Tensor:
    """Labels 0 left of column ``at`` and 1 from there on."""
    return (torch.arange(width) >= at).long().expand(1, 6, width)


def _logits(labels: Tensor, strength: float = 2.0) -> Tensor:
    return strength * torch.stack([labels == 0, labels == 1], 1).float()


def test_constant_label_costs_nothing() -> None:
    # the published code measures to a point that is not there and gives 1.75
    logits, labels = _golden()
    loss = ActiveBoundaryLoss()
    for label in (0, 1):
        pred = logits.clone().requires_grad_()
        value = loss(pred, torch.full_like(labels, label))
        value.backward()
        assert value.item() == 0.0
        assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_constant_prediction_costs_nothing() -> None:
    # the published code returns None, which no sum of losses takes
    _, labels = _golden()
    pred = torch.zeros(1, 2, 16, 16, requires_grad=True)
    value = ActiveBoundaryLoss()(pred, labels)
    value.backward()
    assert value.item() == 0.0


def test_divergences_are_bounded() -> None:
    # the published code computes the bound of 20 and drops it: this would cost thousands
    labels, wrong = _steps(8), _steps(2)
    loss = ActiveBoundaryLoss(max_ratio=0.5, label_smoothing=0.0)
    assert loss(_logits(wrong, 1e4), labels) <= 20.0 + torch.tensor(8.0).log()


def test_farther_boundaries_cost_more() -> None:
    loss = ActiveBoundaryLoss(max_ratio=0.5)
    costs = [loss(_logits(_steps(at)), _steps(9)).item() for at in (9, 7, 5, 3)]
    assert costs[0] == 0.0
    assert costs == sorted(costs)


def test_price_by_hand() -> None:
    # the label changes after column 8, the prediction after column 2: columns 1 to 3 are
    # boundary, 5 to 7 pixels from column 8 in whole pixels less one: 6, 5, 4
    logits, labels = _logits(_steps(3)), _steps(9)
    value, count = active_boundary_loss(
        logits[:, :, :1], labels[:, :1], max_ratio=0.5, label_smoothing=0.0, max_distance=10.0
    )
    assert count.item() == 3
    # KL between the two distributions, (s, 1 - s) and (1 - s, s), s = sigmoid(2)
    s = torch.sigmoid(torch.tensor(2.0))
    kl = (2 * s - 1) * torch.log(s / (1 - s))
    # column 1: all eight neighbours alike; 2: the three to the right differ; 3: the three left
    # of it do; right is wanted each time
    alike = torch.tensor(8.0).log()
    right = torch.log(5 + 3 * kl.exp()) - kl
    left = torch.log(5 + 3 * kl.exp())
    expected = (0.6 * alike + 0.5 * right + 0.4 * left) / 3
    torch.testing.assert_close(value, expected.view(1))


def test_pixels_nearer_than_what_is_left_around_them_have_no_direction() -> None:
    # as in the price by hand, but column 4 is ignored: for column 3, at a distance of 4, there
    # remain columns 2 and 3 with 5 and 4, and only others count
    logits, labels = _logits(_steps(3)), _steps(9)
    valid = torch.ones_like(labels, dtype=torch.bool)
    valid[..., 4] = False
    value, count = active_boundary_loss(
        logits[:, :, :1],
        labels[:, :1],
        valid=valid[:, :1],
        max_ratio=0.5,
        label_smoothing=0.0,
        max_distance=10.0,
    )
    assert count.item() == 2
    s = torch.sigmoid(torch.tensor(2.0))
    kl = (2 * s - 1) * torch.log(s / (1 - s))
    alike = torch.tensor(8.0).log()
    right = torch.log(5 + 3 * kl.exp()) - kl
    torch.testing.assert_close(value, ((0.6 * alike + 0.5 * right) / 2).view(1))


def test_what_ignored_neighbours_predict_costs_nothing() -> None:
    # column 0, beside the boundary of columns 1 to 3, predicts something else but is ignored
    logits, labels = _logits(_steps(3))[:, :, :1], _steps(9)[:, :1]
    valid = torch.ones_like(labels, dtype=torch.bool)
    valid[..., 0] = False
    options = dict(valid=valid, max_ratio=0.5)
    value, count = active_boundary_loss(logits, labels, **options)
    other = torch.cat([logits[..., :1].flip(1), logits[..., 1:]], -1)
    assert count.item() == 3
    torch.testing.assert_close(active_boundary_loss(other, labels, **options)[0], value)


def test_ignored_pixels_are_neither_boundary_nor_direction() -> None:
    logits, labels = _golden()
    labels[0, 6:9, 3:6] = 255
    loss = ActiveBoundaryLoss(max_ratio=0.2)
    ignored = (labels == 255).unsqueeze(1)
    assert torch.equal(loss(logits, labels), loss(logits + 50 * ignored, labels))


def test_images_are_independent() -> None:
    logits, labels = _golden()
    loss = ActiveBoundaryLoss()
    alone = loss(logits, labels)
    quiet = torch.cat([logits, torch.zeros_like(logits)])
    torch.testing.assert_close(loss(quiet, labels.repeat(2, 1, 1)), alone)
    each = ActiveBoundaryLoss(reduction="none")(logits.repeat(2, 1, 1, 1), labels.repeat(2, 1, 1))
    torch.testing.assert_close(each, alone.expand(2))


def test_gradient() -> None:
    logits, _ = _golden()
    wrong = torch.tensor([[0, 0, 0, 1, 1, 1]]).expand(1, 4, 6)
    pred = (logits[..., :4, :6] + 3 * _logits(wrong)).double().requires_grad_()
    target = torch.tensor([[0, 0, 0, 0, 0, 1]]).expand(1, 4, 6)
    # neighbours are constants of differentiation: compare with a step of the centre alone
    loss = ActiveBoundaryLoss(max_ratio=0.1)(pred, target)
    loss.backward()
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()
    assert pred.grad.abs().sum() > 0
    # a distribution does not change when all its logits do
    torch.testing.assert_close(
        pred.grad.sum(1), torch.zeros(1, 4, 6, dtype=torch.float64), atol=1e-12, rtol=0
    )


def test_volumes() -> None:
    labels = _steps(9).unsqueeze(1).expand(1, 3, 6, 12)
    loss = ActiveBoundaryLoss(max_ratio=0.5)
    near, far = (_logits(_steps(at).unsqueeze(1).expand(1, 3, 6, 12)) for at in (7, 3))
    assert 0 < loss(near, labels) < loss(far, labels)


def test_borders() -> None:
    with pytest.raises(ValueError, match="drop class_weight"):
        ActiveBoundaryLoss(class_weight=[1.0, 2.0])
    with pytest.raises(ValueError, match="N, C, H, W"):
        ActiveBoundaryLoss()(torch.zeros(1, 2, 4), torch.zeros(1, 4, dtype=torch.long))
