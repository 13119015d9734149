"""What a head overrides or reads elsewhere is named, once."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from seglosses.losses import (
    AsymmetricLoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    MatchabilityAwareLoss,
    QualityFocalLoss,
    SoftClDiceLoss,
    VarifocalLoss,
)


def heard(call: Callable[[], Any], times: int = 3) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            call()
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("cls", [CrossEntropyLoss, DiceLoss, SoftClDiceLoss])
@pytest.mark.parametrize("own", [0, None, 254])
def test_an_ignore_index_that_the_head_overrides(cls: type[DiceLoss], own: int | None) -> None:
    logits, labels = torch.zeros(1, 3, 6, 6), torch.ones(1, 6, 6, dtype=torch.long)
    loss = cls(ignore_index=own)
    (message,) = heard(lambda: loss(logits, labels, ignore_index=255))
    assert f"ignore_index={own} of {loss.loss_name} is not used: its head gives 255" in message
    assert heard(lambda: loss(logits, labels, ignore_index=255)) == []
    for silent, given in ((cls(ignore_index=own), None), (cls(ignore_index=own), own), (cls(), 0)):
        assert (
            heard(lambda silent=silent, given=given: silent(logits, labels, ignore_index=given))
            == []
        )


QUALITY = [QualityFocalLoss, VarifocalLoss, MatchabilityAwareLoss]


def rows(classes: int, background: int) -> tuple[torch.Tensor, torch.Tensor]:
    """As of an anchor head: one row of twenty is an object."""
    labels = torch.full((40,), background)
    labels[[3, 30]] = 0
    return torch.zeros(40, classes), labels


@pytest.mark.parametrize("cls", [*QUALITY, AsymmetricLoss])
def test_a_head_that_does_not_know_of_the_sigmoid(cls: type[QualityFocalLoss]) -> None:
    logits, labels = rows(classes=4, background=3)
    loss = cls()
    (message,) = heard(lambda: loss(logits, labels))
    for words in (loss.loss_name, "95% of the rows", "the last of 4", "write use_sigmoid=True"):
        assert words in message
    assert heard(lambda: loss(logits, labels)) == []


@pytest.mark.parametrize("cls", QUALITY)
def test_it_is_found_beside_scores_too(cls: type[QualityFocalLoss]) -> None:
    logits, labels = rows(classes=4, background=3)
    assert len(heard(lambda: cls()(logits, (labels, torch.zeros(40))), times=1)) == 1


@pytest.mark.parametrize("cls", [*QUALITY, AsymmetricLoss])
def test_right_heads_are_silent(cls: type[QualityFocalLoss]) -> None:
    logits, labels = rows(classes=4, background=4)
    few = torch.full((12,), 3)
    one = torch.zeros(40, 1), torch.zeros(40, dtype=torch.long)
    mixed = torch.arange(40) % 4
    assert heard(lambda: cls()(logits, labels)) == []
    assert heard(lambda: cls()(logits[:12], few)) == [], "queries that are all matched"
    assert heard(lambda: cls()(*one)) == [], "a single class"
    assert heard(lambda: cls()(logits, mixed)) == []
    softmax = FocalLoss()
    assert heard(lambda: softmax(logits, torch.full((40,), 3))) == [], "softmax has a background"


def test_a_loss_that_spoke_can_be_copied_and_pickled() -> None:
    logits, labels = rows(classes=4, background=3)
    loss = QualityFocalLoss()
    assert len(heard(lambda: loss(logits, labels))) == 1
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert heard(lambda other=other: other(logits, labels)) == []
    assert "head" not in repr(loss)
