"""Losses that are taken part by part on a CPU, beside the same losses taken at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    DISTLoss,
    NACLLoss,
    SeesawLoss,
    SquaredEMDLoss,
    SVLSLoss,
    SymmetricCrossEntropyLoss,
)
from seglosses.primitives import device, layout

TWICE = (SquaredEMDLoss, DISTLoss)


@pytest.mark.parametrize("given", ["labels", "ignored", "dense"])
@pytest.mark.parametrize("classes", [4, 11])
@pytest.mark.parametrize("cls", [*TWICE, NACLLoss, SeesawLoss, SVLSLoss, SymmetricCrossEntropyLoss])
def test_parts_cost_what_the_whole_costs(
    monkeypatch: pytest.MonkeyPatch, cls: Callable[..., Any], classes: int, given: str
) -> None:
    monkeypatch.setattr(layout, "BLOCK", 64)
    generator = torch.Generator().manual_seed(0)
    logits, teacher = 2 * torch.randn(2, 2, classes, 6, 7, generator=generator).double()
    target = torch.randint(0, classes, (2, 6, 7), generator=generator)
    if given == "ignored":
        target[0, 0] = 255
    if given == "dense":
        target = teacher.softmax(1)
    found = []
    for hosts in (device.HOSTS, frozenset()):
        monkeypatch.setattr(device, "HOSTS", hosts)
        leaf = logits.clone().requires_grad_()
        with extra_inputs(teacher=teacher):
            value = cls()(leaf, target)
        each = [value, *torch.autograd.grad(value, leaf, retain_graph=cls in TWICE)]
        if cls in TWICE:
            (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
            each += [slope, *torch.autograd.grad(slope.square().sum(), leaf)]
        found.append([part.detach() for part in each])
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)
