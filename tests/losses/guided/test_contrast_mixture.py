"""Contrast with classes as mixtures, against the authors' program and by hand."""

from __future__ import annotations

import math

import pytest
import torch

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import MixtureContrastLoss, mixture_contrast_loss

WAVE = torch.arange(60.0).view(12, 5)
QUERY, OTHER = torch.sin(1.7 * WAVE), torch.cos(0.9 * WAVE)
TARGET = torch.arange(12) % 3
OTHERS = torch.tensor([0, 0, 1, 1, 2, 2, 2, 0, 1, 1, 0, 2])


def test_number_of_the_authors() -> None:
    # GMLLoss (its loss_con_T, 60, 30 and 10 images of the classes) of
    # bluecdm/Long-tailed-recognition at 1ff816c
    found = mixture_contrast_loss(QUERY, TARGET, OTHER, OTHERS, prior=[60, 30, 10])
    assert found.mean().item() == pytest.approx(0.04670574, rel=1e-5)
    alike = mixture_contrast_loss(QUERY, TARGET, OTHER, OTHERS)
    assert abs(alike.mean() - found.mean()) > 1e-3


def test_a_class_counts_by_its_prior_however_many_vectors_it_has() -> None:
    query = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    bank, kinds = torch.tensor([[0.0, 1.0]]).expand(7, -1), torch.ones(7, dtype=torch.long)
    found = mixture_contrast_loss(
        query, torch.tensor([0, 0, 1]), bank, kinds, temperature=1.0, prior=[0.25, 0.75]
    )
    # of its own class e, of the other 1, 3 times as frequent; the third has both means as well
    expected = [math.log(1 + 3 / math.e)] * 2 + [math.log(1 + 1 / (3 * math.e))]
    assert found.tolist() == pytest.approx(expected)


def test_frequencies_may_be_a_tensor_and_move_with_the_loss() -> None:
    prior = torch.tensor([60.0, 30.0, 10.0])
    found = mixture_contrast_loss(QUERY, TARGET, OTHER, OTHERS, prior=prior)
    assert found.equal(mixture_contrast_loss(QUERY, TARGET, OTHER, OTHERS, prior=[60, 30, 10]))
    loss = MixtureContrastLoss(prior=[60, 30, 10])
    assert loss.prior is not None
    assert "prior" not in loss.state_dict()
    assert loss.to("meta").prior.device.type == "meta"


def test_what_is_not_there_is_not_compared() -> None:
    target = TARGET.masked_fill(TARGET == 1, -1)
    there = TARGET != 1
    found = mixture_contrast_loss(QUERY, target, classes=3)
    alone = mixture_contrast_loss(QUERY[there], TARGET[there], classes=3)
    torch.testing.assert_close(found[there], alone)
    assert (found[~there] == 0).all()
    # one of each class has no positive
    assert (mixture_contrast_loss(QUERY[:3], TARGET[:3]) == 0).all()


@pytest.mark.parametrize("temperature", [0.5, 0.005])
def test_gradients(temperature: float) -> None:
    query = QUERY.double().requires_grad_()

    def value(given: torch.Tensor) -> torch.Tensor:
        return mixture_contrast_loss(
            given, TARGET, OTHER.double(), OTHERS, temperature=temperature, prior=[6, 3, 1]
        )

    (slope,) = torch.autograd.grad(value(query).sum(), query)
    assert torch.isfinite(slope).all()
    if temperature > 0.1:
        assert torch.autograd.gradcheck(value, (query,))


def test_errors() -> None:
    with pytest.raises(ValueError, match="a frequency for each of 3 classes"):
        mixture_contrast_loss(QUERY, TARGET, prior=[0.5, 0.5], classes=3)
    labels = (TARGET > 0).long().view(1, 3, 4)
    with (
        extra_inputs(features=QUERY.T.reshape(1, 5, 3, 4)),
        pytest.raises(ValueError, match="a frequency for each of 2 classes"),
    ):
        MixtureContrastLoss(prior=[1, 2, 3])(torch.zeros(1, 2, 3, 4), labels)
