"""Pairs of classes on a CPU, which lie side by side, against masks of all pairs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from seglosses.primitives import device
from seglosses.primitives.class_pairs import contrasted


@pytest.mark.parametrize("denominator", ["pair", "all", "negatives"])
@pytest.mark.parametrize(
    ("queries", "kept", "classes"),
    [(9, 5, 3), (1, 0, 2), (6, 0, 1), (0, 3, 2), (12, 7, 5), (5, 0, 9), (4, 6, 1)],
)
def test_both_ways_agree(
    denominator: Any, queries: int, kept: int, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(queries)
    unit, bank = (
        F.normalize(torch.randn(n, 4, generator=generator, dtype=torch.float64), dim=1)
        for n in (queries, kept)
    )
    # -1 is not there
    target, bank_target = (
        torch.randint(-1, classes, (n,), generator=generator) for n in (queries, kept)
    )
    lever = torch.randn(queries, generator=generator, dtype=torch.float64)
    found = []
    for hosts in (device.HOSTS, frozenset()):
        monkeypatch.setattr(device, "HOSTS", hosts)
        leaf = unit.clone().requires_grad_()
        loss = contrasted(leaf, target, bank, bank_target, temperature=0.3, denominator=denominator)
        (slope,) = torch.autograd.grad(loss, leaf, lever, create_graph=True)
        (second,) = torch.autograd.grad(slope.square().sum(), leaf, retain_graph=True)
        (once,) = torch.autograd.grad(loss, leaf, lever)
        found.append((loss.detach(), slope.detach(), second, once))
    torch.testing.assert_close(*found)


def test_similarities_far_apart_stay_finite() -> None:
    unit = F.normalize(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    leaf, target = unit.clone().requires_grad_(), torch.arange(8) % 2
    none = unit[:0], target[:0]
    loss = contrasted(leaf, target, *none, temperature=0.002, denominator="pair")
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert leaf.grad is not None
    assert torch.isfinite(leaf.grad).all()
