"""Bootstrapping and symmetric cross-entropy: by hand, siblings apart, gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import (
    HardBootstrappingLoss,
    ReverseCrossEntropyLoss,
    SoftBootstrappingLoss,
    SymmetricCrossEntropyLoss,
    hard_bootstrapping_loss,
    soft_bootstrapping_loss,
    symmetric_cross_entropy_loss,
)

LOGITS = torch.tensor([[[0.2], [0.5], [0.3]]]).double().log()
LABEL = torch.tensor([[0]])


def test_by_hand() -> None:
    log = [math.log(p) for p in (0.2, 0.5, 0.3)]
    entropy = -(0.2 * log[0] + 0.5 * log[1] + 0.3 * log[2])
    soft = -0.6 * log[0] + 0.4 * entropy
    assert soft_bootstrapping_loss(LOGITS, LABEL, beta=0.6).item() == pytest.approx(soft)
    hard = -0.6 * log[0] - 0.4 * log[1]
    assert hard_bootstrapping_loss(LOGITS, LABEL, beta=0.6).item() == pytest.approx(hard)
    symmetric = -0.1 * log[0] + math.log(1e4) * 0.8
    assert symmetric_cross_entropy_loss(LOGITS, LABEL).item() == pytest.approx(symmetric)


@pytest.mark.parametrize("loss", [soft_bootstrapping_loss, hard_bootstrapping_loss])
def test_full_trust_is_cross_entropy(loss) -> None:
    torch.testing.assert_close(
        loss(LOGITS, LABEL, beta=1.0), F.cross_entropy(LOGITS, LABEL, reduction="none")
    )


def test_the_reverse_is_that_of_its_own_loss() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 5), torch.randint(0, 4, (2, 5))
    both = SymmetricCrossEntropyLoss(alpha=0.0, beta=1.0)(logits, labels)
    torch.testing.assert_close(both, ReverseCrossEntropyLoss()(logits, labels))


def test_dense_targets_agree_with_labels() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 4, 5), torch.randint(0, 4, (2, 5))
    dense = F.one_hot(labels, 4).movedim(-1, 1).float()
    for loss in (soft_bootstrapping_loss, hard_bootstrapping_loss, symmetric_cross_entropy_loss):
        torch.testing.assert_close(loss(logits, dense), loss(logits, labels))


@pytest.mark.parametrize(
    "loss", [soft_bootstrapping_loss, hard_bootstrapping_loss, symmetric_cross_entropy_loss]
)
def test_gradients_are_those_of_the_value(loss) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 5, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z: loss(z, torch.randint(0, 4, (2, 5), generator=torch.Generator().manual_seed(0))),
        logits,
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: SoftBootstrappingLoss(beta=1.1),
        lambda: HardBootstrappingLoss(beta=-0.1),
        lambda: SymmetricCrossEntropyLoss(alpha=-1.0),
        lambda: SymmetricCrossEntropyLoss(floor=0.0),
    ],
)
def test_options_out_of_range_are_refused(make) -> None:
    with pytest.raises(ValueError, match="must lie"):
        make()
