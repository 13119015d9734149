"""Total persistence: by hand, against the prior, gradients, errors."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from seglosses.losses import (
    TotalPersistenceLoss,
    topological_prior_loss,
    total_persistence_loss,
)

ISLANDS = torch.tensor([[[[0.9, 0.3, 0.65, 0.0, 0.5]]]])


@pytest.mark.parametrize(("order", "expected"), [(1.0, 0.35 + 0.5), (2.0, 0.35**2 + 0.5**2)])
def test_bars_beyond_those_of_the_label_cost_their_length(order: float, expected: float) -> None:
    label = torch.tensor([[[[1.0, 0.0, 0.0, 0.0, 0.0]]]])
    assert total_persistence_loss(ISLANDS, label, order=order).item() == pytest.approx(expected)
    # the prior also asks 1 - 0.9^2 of the kept one
    prior = topological_prior_loss(ISLANDS, label).item()
    assert prior == pytest.approx(0.35**2 + 0.5**2 + 1 - 0.9**2)


def test_without_free_bars_all_lengths_are_added() -> None:
    whole = total_persistence_loss(ISLANDS, betti=(0, 0)).item()
    assert whole == pytest.approx(0.9 + 0.35 + 0.5)


def test_a_hole_is_filled_and_a_ring_of_the_label_is_free() -> None:
    ring = torch.full((1, 1, 3, 3), 0.75)
    ring[..., 1, 1] = 0.25
    full, hollow = torch.ones(1, 1, 3, 3), (ring > 0.5).float()
    assert total_persistence_loss(ring, full).item() == pytest.approx(0.5)
    assert total_persistence_loss(ring, hollow).item() == 0


def test_missing_structures_cost_nothing() -> None:
    assert total_persistence_loss(torch.zeros(1, 1, 4, 4), betti=(3, 1)).item() == 0


def test_gradients() -> None:
    prob = torch.tensor(
        [[[[0.9, 0.31, 0.65], [0.2, 0.12, 0.83], [0.71, 0.41, 0.54]]]],
        dtype=torch.float64,
        requires_grad=True,
    )
    for order in (1.0, 2.5):
        assert gradcheck(
            lambda p, order=order: total_persistence_loss(p, betti=(1, 0), order=order), prob
        )


def test_errors() -> None:
    with pytest.raises(ValueError, match="order"):
        TotalPersistenceLoss(order=0.5)
    with pytest.raises(ValueError, match="construction"):
        TotalPersistenceLoss(construction="W")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 numbers"):
        total_persistence_loss(ISLANDS, betti=(1,))
    with pytest.raises(ValueError, match="either a target"):
        total_persistence_loss(ISLANDS)
