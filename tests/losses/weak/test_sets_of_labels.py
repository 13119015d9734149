"""Labels of sets of classes, read as they are, beside dense targets of the same sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    ExclusionCrossEntropyLoss,
    ExclusionDiceLoss,
    MarginalCrossEntropyLoss,
    MarginalDiceLoss,
)
from seglosses.losses.weak import label_sets, possible_classes
from seglosses.primitives import device

LOGITS = torch.tensor(
    [[[0.5, -1.0, 2.0, 0.0, 1.5], [1.0, 0.0, -0.5, 0.3, -2.0], [-1.0, 2.0, 0.4, 1.1, 0.2]]]
)
LABELS = torch.tensor([[0, 1, 2, 2, 0]])
ALL = [MarginalCrossEntropyLoss, MarginalDiceLoss, ExclusionCrossEntropyLoss, ExclusionDiceLoss]


@pytest.mark.parametrize("case", ["few", "many", "weights", "classes"])
@pytest.mark.parametrize("cls", ALL)
def test_sets_of_labels_are_read_as_maps_of_them_are(
    monkeypatch: pytest.MonkeyPatch, cls: Callable[..., Any], case: str
) -> None:
    generator = torch.Generator().manual_seed(0)
    channels = 11 if case == "many" else 5
    logits = 3 * torch.randn(2, channels, 33, 40, generator=generator)
    labels = torch.randint(0, 4, (2, 33, 40), generator=generator)
    labels[0, 0], logits[0, :, 0] = 255, torch.nan
    share = torch.rand(2, 33, 40, generator=generator) if case == "weights" else None
    options: dict[str, Any] = {"label_sets": [[2], [0, 3, 4], [4, 1, 1], [0]]}
    if case == "classes":
        options["class_weight"] = [1.0, 2.0, 0.5, 3.0, 1.0]
    if case == "classes" and cls is MarginalDiceLoss:
        options.update(classes="present", intersection="product")
    found = []
    for hosts in (device.HOSTS, frozenset()):  # the second makes dense targets
        monkeypatch.setattr(device, "HOSTS", hosts)
        leaf = logits.clone().requires_grad_()
        value = cls(**options)(leaf, labels, weight=share)
        (slope,) = torch.autograd.grad(value, leaf)
        found.append((value, slope.nan_to_num()))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-7)


@pytest.mark.at_hand
@pytest.mark.parametrize("cls", ALL)
def test_no_map_is_made_of_sets_of_labels(monkeypatch: pytest.MonkeyPatch, cls: Any) -> None:
    returned: list[Tensor] = []

    def remember(*given: Any, **options: Any) -> Tensor:
        returned.append(possible_classes.with_sets(*given, **options))
        return returned[-1]

    monkeypatch.setattr(label_sets, "with_sets", remember)
    cls(label_sets=[[0, 2], [1], [2]])(LOGITS, LABELS)
    assert returned.pop() is LABELS
    # more labels than channels cannot be read as labels
    cls(label_sets=[[0, 2], [1], [2], [0]])(LOGITS, LABELS)
    assert returned.pop().shape == LOGITS.shape


def test_a_mass_beside_a_large_one_is_not_lost() -> None:
    # of 100 000 pixels of which nothing is known, and one of another class
    logits = torch.zeros(1, 3, 1, 100_001)
    labels = torch.zeros(1, 1, 100_001, dtype=torch.long)
    labels[..., -1] = 1
    logits[..., -1] = torch.tensor([[[0.001], [0.998], [0.001]]]).log()
    loss = MarginalDiceLoss(label_sets=[[0, 2], [1]], classes=[0], smooth=0.0005)
    assert loss(logits, labels).item() == pytest.approx(1 - 0.0005 / 0.0015, rel=1e-3)


@pytest.mark.parametrize("cls", [MarginalDiceLoss, ExclusionDiceLoss, ExclusionCrossEntropyLoss])
def test_sets_of_labels_have_second_derivatives(cls: Callable[..., Any]) -> None:
    found = []
    for dtype in (torch.float32, torch.float64):  # kernels take the first
        leaf = LOGITS.to(dtype).requires_grad_()
        value = cls(label_sets=[[0, 2], [1], [2]])(leaf, LABELS)
        (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
        (second,) = torch.autograd.grad(slope.square().sum(), leaf)
        found.append([each.detach().double() for each in (value, slope, second)])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-7)
