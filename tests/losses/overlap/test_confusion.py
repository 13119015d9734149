"""Losses of a confusion matrix: by hand, borders of the scores."""

from __future__ import annotations

import pytest
import torch

from seglosses.losses import (
    AccuracyLoss,
    BalancedAccuracyLoss,
    FBetaLoss,
    GeometricMeanLoss,
    accuracy_loss,
    balanced_accuracy_loss,
    f_beta_loss,
    geometric_mean_loss,
)

# the notebook of AnyLoss, run on these five
PROB = torch.tensor([[[0.9, 0.4, 0.6, 0.2, 0.52]]])
TARGET = torch.tensor([[[1.0, 1.0, 0.0, 0.0, 1.0]]])


# truth 1 1 1 0 0 0 0 0, prediction 1 1 0 1 0 0 0 0: TP 2, FN 1, FP 1, TN 4
HARD = torch.tensor([[[1.0, 1, 1, 0, 0, 0, 0, 0]]])
GUESS = torch.tensor([[[1.0, 1, 0, 1, 0, 0, 0, 0]]])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f_beta_loss(GUESS, HARD), 1 - 4 / 6),
        (f_beta_loss(GUESS, HARD, beta=2.0), 1 - 10 / (10 + 4 + 1)),
        (accuracy_loss(GUESS, HARD), 1 - 6 / 8),
        (balanced_accuracy_loss(GUESS, HARD), 1 - (2 / 3 + 4 / 5) / 2),
        (geometric_mean_loss(GUESS, HARD), 1 - (2 / 3 * 4 / 5) ** 0.5),
    ],
)
def test_by_hand(value: torch.Tensor, expected: float) -> None:
    assert value.item() == pytest.approx(expected, abs=1e-6)


def test_accuracy_gives_a_rare_class_up() -> None:
    truth, nothing = torch.zeros(1, 1, 100), torch.zeros(1, 1, 100)
    truth[..., 7] = 1
    assert accuracy_loss(nothing, truth).item() == pytest.approx(0.01)
    assert balanced_accuracy_loss(nothing, truth).item() == pytest.approx(0.5)


def test_beta_above_one_prices_misses() -> None:
    missed, false = torch.tensor([[[1.0, 0, 0, 0]]]), torch.tensor([[[1.0, 1, 1, 0]]])
    truth = torch.tensor([[[1.0, 1, 0, 0]]])
    assert f_beta_loss(missed, truth, beta=2.0) > f_beta_loss(false, truth, beta=2.0)
    assert f_beta_loss(missed, truth, beta=0.5) < f_beta_loss(false, truth, beta=0.5)


@pytest.mark.parametrize("cls", [FBetaLoss, AccuracyLoss, BalancedAccuracyLoss, GeometricMeanLoss])
def test_a_score_without_pixels_counts_as_met(cls) -> None:
    for label in (0, 1):
        labels = torch.full((1, 4, 4), label)
        leaf = torch.full((1, 1, 4, 4), 40.0 * (2 * label - 1)).requires_grad_()
        value = cls()(leaf, labels)
        value.backward()
        assert value.item() == pytest.approx(0, abs=1e-6)
        assert torch.isfinite(leaf.grad).all()


def test_the_root_has_a_finite_slope_where_nothing_is_found() -> None:
    # sqrt alone: infinite slope, NaN after the product with 0
    prob = torch.zeros(1, 1, 4).requires_grad_()
    geometric_mean_loss(prob, torch.ones(1, 1, 4)).sum().backward()
    assert torch.isfinite(prob.grad).all()


def test_less_sharpness_keeps_the_gradient_alive() -> None:
    slopes = []
    for sharpness in (73.0, 10.0):
        prob = torch.tensor([[[0.2, 0.9]]]).requires_grad_()
        f_beta_loss(prob, torch.tensor([[[1.0, 1.0]]]), sharpness=sharpness).sum().backward()
        slopes.append(prob.grad[0, 0, 0].abs().item())
    assert slopes[0] < 1e-6 < slopes[1]


def test_weights_leave_pixels_out() -> None:
    weight = torch.tensor([[[1.0, 1, 0, 0, 1, 1, 1, 1]]])
    for loss in (f_beta_loss, accuracy_loss, balanced_accuracy_loss, geometric_mean_loss):
        assert loss(GUESS, HARD, weight).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "loss", [f_beta_loss, accuracy_loss, balanced_accuracy_loss, geometric_mean_loss]
)
def test_gradients(loss) -> None:
    generator = torch.Generator().manual_seed(0)
    prob = torch.rand(2, 3, 5, generator=generator, dtype=torch.float64)
    target = torch.rand(2, 3, 5, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p: loss(p, target, sharpness=5.0), prob.requires_grad_())


def test_the_root_has_a_finite_slope_at_zero() -> None:
    # so sharp that what is missed is 0 in float32
    prob = torch.zeros(1, 1, 4).requires_grad_()
    geometric_mean_loss(prob, torch.ones(1, 1, 4), sharpness=500.0).sum().backward()
    assert torch.isfinite(prob.grad).all()
