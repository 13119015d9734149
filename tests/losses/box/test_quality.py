"""Losses of quality: the targets that heads give, gradients, edges."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    DistributionFocalLoss,
    MatchabilityAwareLoss,
    QualityFocalLoss,
    VarifocalLoss,
    distribution_focal_loss,
    matchability_aware_loss,
    quality_focal_loss,
    varifocal_loss,
)
from seglosses.losses.box.quality import QualityLoss

LOGITS = torch.tensor([[2.0, -1, 0.5], [0.1, 0.2, -0.3], [-1.5, 3, 0], [12.5, -2, 1]])
LABELS = torch.tensor([0, 2, 3, 1])  # 3 is background
SCORES = torch.tensor([0.8, 0.3, 0, 1])
DENSE = torch.tensor([[0.8, 0, 0], [0, 0, 0.3], [0, 0, 0], [0, 1, 0]])
FAMILY: list[type[QualityLoss]] = [QualityFocalLoss, VarifocalLoss, MatchabilityAwareLoss]


@pytest.mark.parametrize("loss", FAMILY)
def test_labels_with_scores_are_the_dense_quality(loss: type[QualityLoss]) -> None:
    weight = torch.tensor([1.0, 2, 0.5, 1])
    one = loss()(LOGITS, (LABELS, SCORES), weight, avg_factor=2.0)
    other = loss()(LOGITS, DENSE, weight.unsqueeze(1).expand(4, 3), avg_factor=2.0)
    torch.testing.assert_close(one, other)
    rows = loss(reduction="none")(LOGITS, (LABELS, SCORES), weight)
    assert rows.shape == (4, 3)
    torch.testing.assert_close(rows.sum() / 2, one)


@pytest.mark.parametrize("loss", FAMILY)
def test_labels_alone_have_quality_one(loss: type[QualityLoss]) -> None:
    torch.testing.assert_close(
        loss()(LOGITS, LABELS), loss()(LOGITS, (LABELS, torch.ones_like(SCORES)))
    )


@pytest.mark.parametrize("loss", FAMILY)
@pytest.mark.parametrize("background", [-1, 3, 255])
def test_every_label_outside_is_background(loss: type[QualityLoss], background: int) -> None:
    labels = torch.where(LABELS == 3, background, LABELS)
    torch.testing.assert_close(loss()(LOGITS, labels), loss()(LOGITS, LABELS))


@pytest.mark.parametrize("loss", FAMILY)
def test_the_best_score_is_the_quality(loss: type[QualityLoss]) -> None:
    power = 1.5 if loss is MatchabilityAwareLoss else 1.0
    scores = torch.linspace(0.01, 0.99, 99).logit()
    value = loss(reduction="none")(scores.unsqueeze(1), torch.full((99, 1), 0.6))
    best = scores[value.argmin()].sigmoid().item()
    assert best == pytest.approx(0.6**power, abs=0.006)


def test_hopeless_matches_learn_with_mal_and_not_with_vfl() -> None:
    """An object whose box touches nothing, scored highly."""
    slopes = []
    for loss in (MatchabilityAwareLoss(), VarifocalLoss()):
        logits = torch.tensor([[3.0]], requires_grad=True)
        loss(logits, (torch.tensor([0]), torch.tensor([0.02]))).backward()
        assert logits.grad is not None
        slopes.append(logits.grad.item())
    assert slopes[0] == pytest.approx(torch.tensor(3.0).sigmoid().item() - 0.02**1.5)
    assert slopes[1] < slopes[0] / 40


def test_an_object_of_quality_zero_keeps_its_weight_in_mal() -> None:
    logits = torch.tensor([[-1.0]])
    target = torch.tensor([0]), torch.tensor([0.0])
    value = MatchabilityAwareLoss()(logits, target)
    assert value.item() == pytest.approx(math.log1p(math.exp(-1)))
    assert MatchabilityAwareLoss()(logits, torch.tensor([1])) < value


def test_gradients() -> None:
    logits = LOGITS.double().requires_grad_()
    dense = DENSE.double()
    assert torch.autograd.gradcheck(lambda z: quality_focal_loss(z, dense), (logits,))
    assert torch.autograd.gradcheck(lambda z: varifocal_loss(z, dense), (logits,))
    # the weight of background is frozen: d/dz of -sg(p)^1.5 log(1 - p) is sg(p)^1.5 p
    z = torch.tensor([[0.5]], dtype=torch.float64, requires_grad=True)
    matchability_aware_loss(z, torch.zeros_like(z)).backward()
    assert z.grad is not None
    assert z.grad.item() == pytest.approx(torch.tensor(0.5).sigmoid().item() ** 2.5)
    rows = torch.randn(5, 6, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.0, 0.4, 2.0, 4.9, 5.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: distribution_focal_loss(z, y), (rows,))


def test_activated_takes_probabilities() -> None:
    logits = LOGITS.clamp(-4, 4)
    for loss in FAMILY:
        torch.testing.assert_close(
            loss(activated=True)(logits.sigmoid(), (LABELS, SCORES)),
            loss()(logits, (LABELS, SCORES)),
            rtol=1e-4,
            atol=1e-5,
        )


def test_distances_beyond_the_ends_are_the_ends() -> None:
    """MMDetection indexes one past the end here."""
    logits = torch.randn(4, 3)
    y = torch.tensor([2.0, 7.0, -1.0, 0.0])
    log_p = logits.log_softmax(1)
    expected = -torch.stack([log_p[0, 2], log_p[1, 2], log_p[2, 0], log_p[3, 0]])
    torch.testing.assert_close(distribution_focal_loss(logits, y), expected)


@pytest.mark.parametrize("loss", [*FAMILY, DistributionFocalLoss])
def test_rows_of_weight_zero_change_nothing(loss: type[QualityLoss]) -> None:
    pred = LOGITS.clone().requires_grad_()
    target = SCORES if loss is DistributionFocalLoss else LABELS
    weight = torch.tensor([1.0, 0, 1, 0])
    value = loss()(pred, target, weight, avg_factor=1.0)
    value.backward()
    torch.testing.assert_close(value, loss(reduction="sum")(LOGITS[::2], target[::2]))
    assert pred.grad is not None
    assert not pred.grad[1::2].any()


@pytest.mark.parametrize("loss", [*FAMILY, DistributionFocalLoss])
@pytest.mark.parametrize("scale", [40.0, 1e4])
def test_extreme_logits_are_finite(loss: type[QualityLoss], scale: float) -> None:
    pred = (LOGITS.sign() * scale).half().requires_grad_()
    target: Tensor = SCORES if loss is DistributionFocalLoss else LABELS
    value = loss()(pred, target)
    value.backward()
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()
    none = pred[:0].detach().requires_grad_()
    zero = loss()(none, target[:0], target[:0].float(), avg_factor=1.0)
    zero.backward()
    assert zero == 0
    assert none.grad is not None


@pytest.mark.parametrize("loss", FAMILY)
def test_border(loss: type[QualityLoss]) -> None:
    with pytest.raises(ValueError, match="use_sigmoid=True"):
        loss(use_sigmoid=False)
    with pytest.raises(ValueError, match="pred must be logits"):
        loss()(LOGITS[0], LABELS)
    with pytest.raises(ValueError, match="dense quality must be"):
        loss()(LOGITS, SCORES)
    with pytest.raises(ValueError, match="labels and scores must be"):
        loss()(LOGITS, (LABELS, SCORES[:2]))
    with pytest.raises(ValueError, match="K >= 2"):
        distribution_focal_loss(LOGITS[:, :1], SCORES)
