"""Rare classes: effective numbers, adjusted logits, logarithmic cross-entropy."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import (
    CrossEntropyLoss,
    ExponentialLogarithmicCrossEntropyLoss,
    LogitAdjustmentLoss,
    effective_number_weights,
    exponential_logarithmic_cross_entropy_loss,
    logit_adjustment_loss,
)

LOGITS = torch.tensor([[[0.2], [0.5], [0.3]]]).double().log()


def test_effective_numbers_go_from_equal_weights_to_inverse_frequency() -> None:
    counts = [5000.0, 500.0, 50.0]
    assert effective_number_weights(counts, beta=0.0).tolist() == [1, 1, 1]
    inverse = 1 / torch.tensor(counts)
    expected = inverse * 3 / inverse.sum()
    found = effective_number_weights(counts, beta=1 - 1e-9)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=0)
    # (1 - .99) / (1 - .99^50) against (1 - .99) / (1 - .99^5000)
    ratio = effective_number_weights(counts, beta=0.99)
    assert float(ratio[2] / ratio[0]) == pytest.approx((1 - 0.99**5000) / (1 - 0.99**50), rel=1e-5)


def test_a_class_without_samples_weighs_nothing() -> None:
    assert effective_number_weights([10, 0], beta=0.9).tolist() == [2, 0]
    for counts in ([0, 0], [], [1, -1]):
        with pytest.raises(ValueError, match="counts must be"):
            effective_number_weights(counts)


def test_adjusted_logits_by_hand() -> None:
    prior = [0.6, 0.3, 0.1]
    # .2 * .6, .5 * .3, .3 * .1 = .12, .15, .03, of .3
    loss = logit_adjustment_loss(LOGITS, torch.tensor([[2]]), prior=prior)
    assert loss.item() == pytest.approx(-math.log(0.1))
    half = logit_adjustment_loss(LOGITS, torch.tensor([[2]]), prior=prior, tau=0.0)
    assert half.item() == pytest.approx(-math.log(0.3))


def test_even_frequencies_change_nothing() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 5), torch.randint(0, 3, (2, 5))
    plain = CrossEntropyLoss()(logits, labels)
    for prior in (None, [0.2, 0.2, 0.2]):
        torch.testing.assert_close(LogitAdjustmentLoss(prior=prior)(logits, labels), plain)


def test_frequencies_may_be_a_tensor_and_move_with_the_loss() -> None:
    prior, labels = [0.6, 0.3, 0.1], torch.tensor([[2]])
    for given in (torch.tensor(prior), torch.tensor(prior).double()):
        found = logit_adjustment_loss(LOGITS, labels, prior=given)
        torch.testing.assert_close(found, logit_adjustment_loss(LOGITS, labels, prior=prior))
        expected = LogitAdjustmentLoss(prior=prior)(LOGITS, labels)
        assert LogitAdjustmentLoss(prior=given)(LOGITS, labels) == expected
    loss = LogitAdjustmentLoss(prior=prior)
    # the numbers that it had as a list
    assert loss(LOGITS.float(), labels) == logit_adjustment_loss(
        LOGITS.float(), labels, prior=prior
    )
    assert loss.prior is not None
    assert loss.to("meta").prior.device.type == "meta"
    assert not loss.state_dict()


def test_one_channel_has_two_frequencies() -> None:
    loss = LogitAdjustmentLoss(prior=[0.9, 0.1])
    # sigmoid(0 + log .1 / .9) = .1
    assert loss(torch.zeros(1, 1, 1), torch.tensor([[1]])).item() == pytest.approx(-math.log(0.1))
    with pytest.raises(ValueError, match="frequency for each of 3 classes"):
        loss(torch.zeros(1, 3, 1), torch.tensor([[1]]))
    with pytest.raises(ValueError, match="positive frequency"):
        LogitAdjustmentLoss(prior=[1.0, 0.0])


def test_power_of_cross_entropy() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 5), torch.randint(0, 3, (2, 5))
    each = F.cross_entropy(logits, labels, reduction="none")
    found = exponential_logarithmic_cross_entropy_loss(logits, labels, gamma=0.3)
    torch.testing.assert_close(found, each.pow(0.3))
    sure = torch.tensor([[[200.0], [0.0]]]).requires_grad_()
    ExponentialLogarithmicCrossEntropyLoss()(sure, torch.tensor([[0]])).backward()
    assert torch.isfinite(sure.grad).all()  # the power's own slope at 0 is infinite
    with pytest.raises(ValueError, match="gamma"):
        ExponentialLogarithmicCrossEntropyLoss(gamma=0.0)
