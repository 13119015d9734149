"""Heads that hand over probabilities: our losses give what they give for the logits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from seglosses.hosts.openmmlab.probabilities import ForProbabilities
from seglosses.registry import MODELS


@pytest.mark.parametrize("name", ["DiceLoss", "FocalLoss", "SoftClDiceLoss", "CrossEntropyLoss"])
def test_masks_of_probabilities_cost_what_their_logits_do(name: str) -> None:
    torch.manual_seed(0)
    logits, masks = torch.randn(3, 8, 8), (torch.rand(3, 8, 8) > 0.5).float()
    config = dict(type=f"seglosses.{name}", use_sigmoid=True, loss_weight=3.0)
    wrapped = ForProbabilities(config)
    plain, prob = MODELS.build(config), logits.sigmoid().requires_grad_()
    value = wrapped(prob, masks, avg_factor=2.0)
    torch.testing.assert_close(value, plain(logits, masks, avg_factor=2.0))
    value.backward()
    assert prob.grad is not None
    assert prob.grad.isfinite().all()
    assert wrapped.loss_name == plain.loss_name


def test_rows_of_probabilities_as_in_tood() -> None:
    logits, labels = torch.tensor([[0.5, -2.0], [1.0, 3.0]]), torch.tensor([1, 2])
    plain = MODELS.build(dict(type="seglosses.FocalLoss", use_sigmoid=True))
    wrapped = ForProbabilities(dict(type="seglosses.FocalLoss"), use_sigmoid=True)
    weight = torch.tensor([1.0, 0.5])
    torch.testing.assert_close(
        wrapped(logits.sigmoid(), labels, weight, avg_factor=3.0),
        plain(logits, labels, weight, avg_factor=3.0),
    )


def test_certain_probabilities_stay_finite() -> None:
    prob = torch.tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    value = ForProbabilities(dict(type="seglosses.CrossEntropyLoss"))(prob, torch.eye(2))
    value.backward()
    assert value.isfinite()
    assert prob.grad is not None
    assert prob.grad.isfinite().all()


def test_logits_are_refused() -> None:
    loss = ForProbabilities(dict(type="seglosses.DiceLoss"))
    with pytest.raises(ValueError, match=r"probabilities in \[0, 1\]"):
        loss(torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]]))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (dict(loss=dict(type="seglosses.DiceLoss"), use_sigmoid=False), "use_sigmoid=True"),
        (dict(loss=dict(type="seglosses.ForMaskHead")), "a loss of logits"),
        (dict(loss=dict(type="seglosses.GIoULoss")), "a loss of logits"),
    ],
)
def test_what_it_cannot_wrap_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ForProbabilities(**options)
