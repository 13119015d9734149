"""The mean of few classes in one step, against the general way in double precision."""

from __future__ import annotations

import math
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from seglosses.losses import DiceLoss, GeneralizedDiceLoss, JaccardLoss, TverskyLoss
from seglosses.losses.base import Loss
from seglosses.primitives.overlap import Counts

pytestmark = pytest.mark.at_hand

CLASSES: list[Any] = [DiceLoss, JaccardLoss, TverskyLoss, GeneralizedDiceLoss]


def in_one_step(loss: Tensor) -> bool:
    return loss.grad_fn is not None and loss.grad_fn.name() == "_MeanBackward"


@st.composite
def batches(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Logits in float32, and labels: of any class, of one alone, or what the logits say."""
    channels = draw(st.integers(1, 8))
    side = draw(st.sampled_from([(), (1,), (3, 5), (512, 1), (2, 3, 90)]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scale = draw(st.sampled_from([0.1, 3.0, 60.0]))
    logits = scale * torch.randn(draw(st.integers(1, 3)), channels, *side, generator=generator)
    kind = draw(st.sampled_from(["any", "one", "found"]))
    if kind == "any":
        labels = torch.randint(0, max(channels, 2), logits[:, 0].shape, generator=generator)
    elif kind == "one":
        labels = torch.full(logits[:, 0].shape, channels // 2)
    else:
        labels = logits.argmax(1) if channels > 1 else (logits[:, 0] > 0).long()
        logits = (
            logits
            + 40 * (2 * F.one_hot(labels, max(channels, 2)).movedim(-1, 1) - 1)[:, -channels:]
        )
    return logits, labels


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(
    batches(),
    st.sampled_from(CLASSES),
    st.sampled_from([0.0, 1e-5, 1.0]),
    st.booleans(),
    st.sampled_from([None, "all"]),
)
def test_mean_and_gradient_are_those_of_double_precision(
    drawn: tuple[Tensor, Tensor], cls: Any, smooth: float, sigmoid: bool, classes: str | None
) -> None:
    logits, labels = drawn
    # without it a class that nobody finds costs 1, and 0 from where a probability is rounded to 0
    softmax = logits.shape[1] > 1 and not sigmoid
    hypothesis.assume(smooth > 0 or (classes is None and softmax))
    loss = cls(smooth=smooth, use_sigmoid=sigmoid, classes=classes)
    found = []
    for dtype in (torch.float32, torch.float64):
        leaf = logits.to(dtype, copy=True).requires_grad_()
        value = loss(leaf, labels)
        assert in_one_step(value) == (dtype == torch.float32)
        (1.5 * value).backward()
        found.append((value.detach().double(), leaf.grad.double()))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("kind", ["ignored", "weighted", "both", "nothing left of an image"])
@pytest.mark.parametrize("sigmoid", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("cls", CLASSES)
def test_ignored_and_weighed_pixels(cls: Any, channels: int, sigmoid: bool, kind: str) -> None:
    generator = torch.Generator().manual_seed(channels)
    logits = 3 * torch.randn(3, channels, 5, 7, generator=generator)
    labels = torch.randint(0, max(channels, 2), (3, 5, 7), generator=generator)
    weight = torch.rand(3, 5, 7, generator=generator)
    weight[2, 1] = 0
    if kind != "weighted":
        labels[0, :2], labels[1, 3] = 255, 255
        # what is ignored may hold anything
        logits[0, :, 1, 2:5] = math.nan
    if kind == "nothing left of an image":
        labels[2] = 255
    given = weight if kind in ("weighted", "both") else None
    loss = cls(use_sigmoid=sigmoid)
    found = []
    for dtype in (torch.float32, torch.float64):
        leaf = logits.to(dtype, copy=True).requires_grad_()
        value = loss(leaf, labels, given)
        assert in_one_step(value) == (dtype == torch.float32 and not kind.startswith("nothing"))
        slope = torch.autograd.grad(1.5 * value, leaf, retain_graph=True)[0]
        if in_one_step(value):
            graph = torch.autograd.grad(1.5 * value, leaf, create_graph=True)[0]
            torch.testing.assert_close(graph, slope, rtol=1e-4, atol=1e-6)
        found.append((value.detach().double(), slope.double()))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("classes", [None, "all"])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("cls", CLASSES)
def test_second_derivatives_are_those_of_double_precision(
    cls: Any, channels: int, classes: str | None
) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, channels, 4, 5, generator=generator)
    labels = torch.randint(0, max(channels - 1, 2), (2, 4, 5), generator=generator)
    loss = cls(classes=classes)
    leaf, factor = logits.clone().requires_grad_(), torch.ones((), requires_grad=True)
    value = loss(leaf, labels)
    assert in_one_step(value)
    slope = torch.autograd.grad(factor * value, leaf, create_graph=True)[0]
    # the gradient of the gradient reaches the factor, too
    curve, share = torch.autograd.grad(slope.square().sum(), (leaf, factor))
    ours = curve.flatten()[::7], share
    for found, wanted in zip(ours, _differences(loss, logits.double(), labels), strict=True):
        torch.testing.assert_close(found.double(), wanted, rtol=1e-3, atol=1e-6)


def _differences(loss: Loss, logits: Tensor, labels: Tensor) -> list[Tensor]:
    def penalty(x: Tensor) -> Tensor:
        x = x.clone().requires_grad_()
        return torch.autograd.grad(loss(x, labels), x)[0].square().sum()

    steps = 1e-5 * torch.eye(logits.numel(), dtype=logits.dtype)[::7]
    rows = [step.view_as(logits) for step in steps]
    moved = [(penalty(logits + row) - penalty(logits - row)) / 2e-5 for row in rows]
    return [torch.stack(moved), 2 * penalty(logits)]


@pytest.mark.parametrize("cls", CLASSES)
def test_class_that_computes_something_else_is_asked(cls: Any) -> None:
    class Twice(cls):  # type: ignore[misc]
        def compute(self, counts: Counts) -> Tensor:
            return 2 * super().compute(counts)

    class Halved:
        def compute(self, counts: Counts) -> Tensor:
            return super().compute(counts) / 2  # type: ignore[misc,no-any-return]

    class Half(Halved, cls):  # type: ignore[misc]
        pass

    class Shorter(cls):  # type: ignore[misc]
        def prepare(self, batch: Any) -> Any:
            return batch

    logits, labels = torch.randn(2, 3, 7, requires_grad=True), torch.arange(14).view(2, 7) % 3
    wanted = cls()(logits, labels)
    torch.testing.assert_close(Twice()(logits, labels), 2 * wanted)
    torch.testing.assert_close(Half()(logits, labels), wanted / 2)
    assert in_one_step(Shorter()(logits, labels))


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    ("options", "call"),
    [
        (dict(average="micro"), {}),
        (dict(average="dataset"), {}),
        (dict(classes=[1]), {}),
        (dict(classes="present_foreground"), {}),
        (dict(intersection="norm2"), {}),
        (dict(reduction="none"), {}),
        (dict(reduction="sum"), {}),
        ({}, dict(weight=torch.ones(2))),
        ({}, dict(weight=torch.ones(2, 7, requires_grad=True))),
        ({}, dict(weight=torch.arange(2.0).view(2, 1).expand(2, 7))),
        ({}, dict(avg_factor=3.0)),
    ],
)
def test_all_else_goes_the_general_way(cls: Any, options: Any, call: Any) -> None:
    logits, labels = torch.randn(2, 3, 7, requires_grad=True), torch.arange(14).view(2, 7) % 3
    assert in_one_step(cls()(logits, labels))
    assert not in_one_step(cls(**options)(logits, labels, **call))


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_nan_and_wrong_labels_are_refused(cls: Any, channels: int) -> None:
    logits, labels = torch.zeros(1, channels, 600), torch.zeros(1, 600, dtype=torch.long)
    logits[0, 0, 550] = math.nan
    with pytest.raises(ValueError, match="1 of"):
        cls()(logits, labels)
    with pytest.raises(ValueError, match="labels must lie in"):
        cls()(torch.zeros_like(logits), labels + 7)
