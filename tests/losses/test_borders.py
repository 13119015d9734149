"""What losses refuse at the border, and what their messages say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from seglosses import losses
from seglosses.extra_inputs import extra_inputs
from seglosses.losses import CrossEntropyLoss, DiceLoss, KLDistillationLoss, LovaszSoftmaxLoss
from seglosses.losses.classwise import ClassLoss
from seglosses.options import class_factors

LOGITS = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(72).view(2, 6, 6) % 3
ONE = LOGITS[:, :1]

OTHER_SUSPECTS = r"pred itself is finite.*extra inputs \(a teacher's logits\)"


def taught_by_nan() -> torch.Tensor:
    with extra_inputs(teacher=torch.full_like(LOGITS, torch.nan)):
        return KLDistillationLoss()(LOGITS, LABELS)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (taught_by_nan, OTHER_SUSPECTS),
        (lambda: CrossEntropyLoss()(LOGITS, LABELS, avg_factor=float("nan")), OTHER_SUSPECTS),
        (lambda: CrossEntropyLoss()(LOGITS * torch.inf, LABELS), "lower the learning rate"),
        (lambda: CrossEntropyLoss()(LOGITS, LABELS, -torch.ones(2, 6, 6)), "from -1.0 to -1.0"),
        (lambda: DiceLoss()(LOGITS, LABELS, torch.tensor([1.0, -1.0])), "weight must be finite"),
        (lambda: DiceLoss()(LOGITS, LABELS, torch.full((2,), torch.inf)), "weight must be finite"),
        (
            lambda: LovaszSoftmaxLoss()(LOGITS, LABELS, torch.full((2, 6, 6), torch.nan)),
            "weight must be finite",
        ),
        (lambda: CrossEntropyLoss(class_weight=[1.0])(ONE, LABELS % 2), "background and foregr"),
        (lambda: DiceLoss(class_weight=[1.0, 2.0])(ONE, LABELS % 2), "channel: expected 1, got 2"),
        (lambda: DiceLoss(classes=[1, 1])(LOGITS, LABELS), "each once"),
    ],
)
def test_calls(call: Callable[[], torch.Tensor], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("CrossEntropyLoss", {"class_weight": "w.npy"}, "where they lie in a file"),
        ("CrossEntropyLoss", {"class_weight": 3.0}, "one a class, got 3.0"),
        ("CrossEntropyLoss", {"class_weight": [1.0, -1.0]}, "at least 0"),
        ("CrossEntropyLoss", {"class_weight": [1.0, float("nan")]}, "finite numbers"),
        ("CrossEntropyLoss", {"class_weight": [[1.0]]}, "one a class"),
        ("CrossEntropyLoss", {"ignore_index": "255"}, "ignore_index must be a whole number"),
        ("CrossEntropyLoss", {"loss_weight": float("inf")}, "and finite, got inf"),
    ],
)
def test_options(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(losses, name)(**options)


def test_class_weights_may_be_tensors_and_arrays() -> None:
    for given in (torch.tensor([1.0, 2.0]), np.array([1, 2], np.float32), (1, 2)):
        assert class_factors(given).tolist() == [1.0, 2.0]
    given = torch.ones(3)
    loss = DiceLoss(class_weight=given)
    given.fill_(5.0)
    assert loss.class_weight.tolist() == [1.0, 1.0, 1.0]


MASKED = [
    cls
    for cls in vars(losses).values()
    if isinstance(cls, type)
    and issubclass(cls, ClassLoss)
    and not cls.needs
    and 2 in getattr(cls, "spatial_dims", (2,))
]


@pytest.mark.parametrize("cls", MASKED)
@pytest.mark.parametrize("classes", [[2], [0, 2]])
def test_nan_in_a_channel_that_is_left_out(cls: type[ClassLoss], classes: list[int]) -> None:
    try:
        loss = cls(use_sigmoid=True, classes=classes)
    except (TypeError, ValueError):
        pytest.skip("has no choice of classes")
    logits = LOGITS.clone()
    logits[:, 1, 3] = torch.nan
    logits.requires_grad_()
    try:
        value = loss(logits, LABELS)
    except ValueError:
        pytest.skip("reads every channel, and refuses this one")
    value.backward()
    torch.testing.assert_close(value, loss(LOGITS, LABELS))
    assert torch.isfinite(logits.grad).all()
    assert not logits.grad[:, 1].any()
