"""Sums of steps against all pairs, on a CPU and as elsewhere."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seglosses.primitives import device
from seglosses.primitives.steps import shares_below, step_sums, steps_above


def pairs(at: Tensor, scores: Tensor, delta: float) -> Tensor:
    """Steps of every score above every x, (k, n)."""
    apart = scores.double()[None] - at[:, None]
    return (apart / (2 * delta) + 0.5).clamp(0, 1) if delta else (apart >= 0).double()


numbers = st.one_of(
    st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
    st.floats(-50, 50, width=32, allow_subnormal=False),
)


@pytest.fixture(params=["at hand", "elsewhere"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "elsewhere":
        monkeypatch.setattr(device, "HOSTS", frozenset())
    return request.param


@pytest.mark.parametrize("delta", [0.0, 0.3, 2.0])
def test_sums_of_steps_equal_all_pairs(delta: float) -> None:
    generator = torch.Generator().manual_seed(0)
    at, scores = (torch.randn(n, generator=generator, dtype=torch.float64) for n in (7, 50))
    scores[:3] = at[:3]  # ties
    weights = torch.rand(50, generator=generator, dtype=torch.float64)
    expected = pairs(at, scores, delta) @ weights
    torch.testing.assert_close(step_sums(at, scores, weights, delta), expected)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(numbers, min_size=0, max_size=9),
    st.lists(numbers, min_size=0, max_size=30),
    st.sampled_from([0.0, 0.25, 0.5, 3.0]),
    st.booleans(),
    st.booleans(),
)
def test_both_ways_equal_all_pairs(
    at: list[float], scores: list[float], delta: float, single: bool, hand: bool
) -> None:
    kept = device.HOSTS
    device.HOSTS = kept if hand else frozenset()
    try:
        x = torch.tensor(at, dtype=torch.float64)
        s = torch.tensor(scores, dtype=torch.float32 if single else torch.float64)
        few = torch.arange(len(s)) % 4 == 1
        steps = pairs(x, s, delta)
        close = {"rtol": 1e-5, "atol": 1e-5} if single else {"rtol": 1e-9, "atol": 1e-9}
        torch.testing.assert_close(
            steps_above(x, s, few, delta), steps[:, ~few].sum(1), rtol=1e-9, atol=1e-9
        )
        share = torch.linspace(-1, 2, len(x), dtype=torch.float64)
        expected = torch.where(few, 0.0, share @ steps).to(s.dtype)
        torch.testing.assert_close(shares_below(x, share, s, few, delta), expected, **close)
    finally:
        device.HOSTS = kept


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("delta", [0.0, 0.5])
def test_many_edges_in_one_cell(delta: float) -> None:
    generator = torch.Generator().manual_seed(1)
    # one far away, so that all others share a cell of the search
    at = torch.cat([torch.randn(40, generator=generator), torch.tensor([1e9])]).double()
    scores = torch.randn(20, 30, generator=generator)
    few = torch.rand(20, 30, generator=generator) < 0.1
    steps = pairs(at, scores.flatten(), delta)
    seen = (~few).flatten().double()
    torch.testing.assert_close(steps_above(at, scores, few, delta), steps @ seen)
    share = torch.rand(41, generator=generator, dtype=torch.float64)
    expected = ((share @ steps) * seen).view(20, 30).float()
    torch.testing.assert_close(shares_below(at, share, scores, few, delta), expected)


@pytest.mark.usefixtures("place")
def test_infinite_scores_are_above_or_below_all() -> None:
    at = torch.tensor([0.0, 1.0]).double()
    scores = torch.tensor([math.inf, 0.25, 7.0])
    none = torch.zeros(3, dtype=torch.bool)
    torch.testing.assert_close(
        steps_above(at, scores, none, 0.5), torch.tensor([2.75, 2.0]).double()
    )
    share = torch.tensor([1.0, 2.0]).double()
    torch.testing.assert_close(
        shares_below(at, share, scores, none, 0.5), torch.tensor([3.0, 0.75, 3.0])
    )


@pytest.mark.usefixtures("place")
def test_what_is_no_number_is_not_hidden() -> None:
    scores = torch.tensor([math.nan, 0.25])
    none = torch.zeros(2, dtype=torch.bool)
    assert steps_above(torch.zeros(1).double(), scores, none, 0.5).isnan().all()
    share = torch.ones(1).double()
    assert shares_below(torch.zeros(1).double(), share, scores, none, 0.5)[0].isnan()
    for at in (math.nan, math.inf):
        found = steps_above(torch.tensor([at]).double(), scores[1:], none[1:], 0.5)
        assert found.isnan().all() or found.item() == 0
