"""Matthews correlation: by hand, against scikit-learn's definition, both ends, gradient."""

from __future__ import annotations

import pytest
import torch

from seglosses.losses import BalancedAccuracyLoss, DiceLoss, MCCLoss, mcc_loss

# truth 1 1 1 0 0 0 0 0, prediction 1 1 0 1 0 0 0 0: TP 2, FN 1, FP 1, TN 4
HARD = torch.tensor([[[1.0, 1, 1, 0, 0, 0, 0, 0]]])
GUESS = torch.tensor([[[1.0, 1, 0, 1, 0, 0, 0, 0]]])


def test_by_hand() -> None:
    # (2 * 4 - 1 * 1) / sqrt(3 * 3 * 5 * 5)
    assert mcc_loss(GUESS, HARD, smooth=1e-6).item() == pytest.approx(1 - 7 / 15, abs=1e-5)
    # one pixel more of both kinds: (3 * 5 - 1) / sqrt(4 * 4 * 6 * 6)
    assert mcc_loss(GUESS, HARD).item() == pytest.approx(1 - 14 / 24, abs=1e-6)
    # all wrong: -1
    assert mcc_loss(1 - HARD, HARD, smooth=1e-6).item() == pytest.approx(2, abs=1e-4)


def test_weights_are_pixels_that_count_more_often() -> None:
    twice = torch.cat([HARD, HARD[..., :4]], -1), torch.cat([GUESS, GUESS[..., :4]], -1)
    weight = torch.tensor([[[2.0, 2, 2, 2, 1, 1, 1, 1]]])
    torch.testing.assert_close(mcc_loss(GUESS, HARD, weight), mcc_loss(twice[1], twice[0]))


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_one_answer_everywhere_costs_one_whatever_the_share(share: float) -> None:
    truth = torch.zeros(1, 1, 1000)
    truth[..., : int(1000 * share)] = 1
    for answer in (0.0, 1.0):
        costs = mcc_loss(torch.full_like(truth, answer), truth, smooth=1e-3)
        assert costs.item() == pytest.approx(1, abs=0.03)
    # where Dice calls a class that fills the image nearly met
    logits = torch.full((1, 1, 1000), 30.0)
    dice = DiceLoss(smooth=0.0)(logits, truth.squeeze(1).long())
    assert dice.item() == pytest.approx(1 - 2 * share / (1 + share), abs=1e-4)
    assert BalancedAccuracyLoss()(logits, truth.squeeze(1).long()).item() == pytest.approx(0.5)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_class_nowhere_or_everywhere_in_both_is_met(label: float) -> None:
    maps = torch.full((1, 1, 9), label)
    assert mcc_loss(maps, maps).item() == pytest.approx(0, abs=1e-6)


def test_gradient_is_that_of_the_value() -> None:
    torch.manual_seed(0)
    prob = torch.rand(2, 3, 7, dtype=torch.float64).requires_grad_()
    target = torch.rand(2, 3, 7, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: mcc_loss(p, target), prob)


def test_smoothing_must_be_positive() -> None:
    with pytest.raises(ValueError, match="smooth"):
        MCCLoss(smooth=0.0)
