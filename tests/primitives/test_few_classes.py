"""Kernels of few classes against the definitions in double precision."""

from __future__ import annotations

import math

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from seglosses.losses import CrossEntropyLoss, DiceLoss, TverskyLoss
from seglosses.primitives import _kernels_lanes as kernels
from seglosses.primitives.encoding import align, one_hot
from seglosses.primitives.entropy import binary_entropy, cross_entropy
from seglosses.primitives.few_classes import few_counts, few_entropy
from seglosses.primitives.inputs import as_labels
from seglosses.primitives.layout import flat_labels, flat_maps
from seglosses.primitives.overlap import batch_counts, soft_counts

pytestmark = pytest.mark.at_hand


@st.composite
def batches(draw: st.DrawFn) -> tuple[Tensor, Tensor, bool]:
    """Logits in float32, labels of which some are ignored, and whether channels are independent."""
    sigmoid = draw(st.booleans())
    channels = draw(st.integers(1, 8))
    # a block of the kernels has 512 pixels
    side = draw(st.sampled_from([(1,), (3, 5), (1, 511), (512, 1), (9, 60), (2, 3, 90)]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scale = draw(st.sampled_from([0.1, 3.0, 60.0]))
    logits = scale * torch.randn(draw(st.integers(1, 3)), channels, *side, generator=generator)
    labels = torch.randint(0, max(channels, 2), logits[:, 0].shape, generator=generator)
    if draw(st.booleans()):
        gone = torch.rand(labels.shape, generator=generator) < 0.3
        labels[gone] = 255
        logits = logits.masked_fill(gone.unsqueeze(1), draw(st.sampled_from([0.0, math.nan])))
    return logits, labels, sigmoid


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(batches(), st.sampled_from(["none", "pixels"]))
def test_counts_and_slopes_are_those_of_the_definition(
    drawn: tuple[Tensor, Tensor, bool], kind: str
) -> None:
    logits, labels, sigmoid = drawn
    weight = torch.linspace(0, 2, labels.numel()).view(labels.shape) if kind == "pixels" else None
    found = []
    for dtype in (torch.float32, torch.float64):
        leaf = logits.to(dtype).requires_grad_()
        batch = align(leaf, labels, weight, use_sigmoid=sigmoid)
        if dtype == torch.float32:
            counts = batch_counts(batch)
        else:
            clean = batch._replace(logits=batch.pixel_logits())
            hot = one_hot(batch.labels, max(batch.channels, 2), dtype=dtype)
            hot = hot[:, 1:] if batch.channels == 1 else hot
            counts = soft_counts(clean.prob(), hot, batch.mask())
        lever = torch.linspace(-1, 1, counts.tp.numel(), dtype=dtype).view_as(counts.tp)
        (slope,) = torch.autograd.grad((counts.tp * lever + counts.prob * (2 - lever)).sum(), leaf)
        found.append([tensor.double() for tensor in (*counts, slope)])
    for ours, wanted in zip(*found, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=2e-5, atol=1e-6)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(batches())
def test_cross_entropy_is_torchs(drawn: tuple[Tensor, Tensor, bool]) -> None:
    logits, labels, _ = drawn
    valid = labels != 255
    labels = labels.masked_fill(~valid, 0)
    leaf, other = logits.clone().requires_grad_(), logits.double().requires_grad_()
    clean = other.masked_fill(~valid.unsqueeze(1), 0.0)
    one = logits.shape[1] == 1
    ours = few_entropy(flat_maps(leaf), flat_labels(labels), flat_labels(valid))
    if one:
        target = labels.unsqueeze(1).double()
        wanted = F.binary_cross_entropy_with_logits(clean, target, reduction="none").squeeze(1)
    else:
        wanted = F.cross_entropy(clean, labels, reduction="none")
    wanted = wanted * valid
    torch.testing.assert_close(ours.view(labels.shape).double(), wanted, rtol=1e-5, atol=1e-6)
    lever = torch.linspace(-1, 2, labels.numel()).view(labels.shape)
    (ours.view(labels.shape) * lever).sum().backward()
    (wanted * lever).sum().backward()
    torch.testing.assert_close(leaf.grad.double(), other.grad, rtol=1e-5, atol=1e-6)
    leaf.grad = None
    flat = (flat_labels(labels), flat_labels(valid))
    total = few_entropy(flat_maps(leaf), *flat, over=2.0)
    torch.testing.assert_close(2 * total.double(), wanted.sum(), rtol=1e-5, atol=1e-6)
    (graph,) = torch.autograd.grad(6 * total, leaf, create_graph=True)
    (6 * total).backward()
    other.grad = None
    again = other.masked_fill(~valid.unsqueeze(1), 0.0)
    if one:
        wanted = F.binary_cross_entropy_with_logits(again, target, reduction="none").squeeze(1)
    else:
        wanted = F.cross_entropy(again, labels, reduction="none")
    (3 * wanted * valid).sum().backward()
    for found in (leaf.grad, graph):
        torch.testing.assert_close(found.double(), other.grad, rtol=1e-5, atol=1e-6)


def test_small_losses_keep_their_digits() -> None:
    """log(1 + e^-20) is 2.06e-9, of which 1 + e^-20 in float32 has nothing left."""
    logits = torch.tensor([[[-10.0, 10.0], [10.0, -10.0]]])
    loss = cross_entropy(logits, torch.tensor([[1, 1]]))
    assert loss[0, 0].item() == pytest.approx(math.log1p(math.exp(-20)), rel=1e-6)
    assert loss[0, 1].item() == pytest.approx(20, rel=1e-6)
    assert binary_entropy(torch.tensor([[20.0]]), torch.tensor([[1]])).item() == pytest.approx(
        math.log1p(math.exp(-20)), rel=1e-6
    )


def test_exponentials_are_right_to_three_units() -> None:
    x = np.linspace(-86.9, 0, 100_001, dtype=np.float32)
    found = np.array([kernels.exp(each) for each in x[::20]], dtype=np.float64)
    wanted = np.exp(x[::20].astype(np.float64))
    assert np.abs(found / wanted - 1).max() < 3 * np.finfo(np.float32).eps
    assert kernels.exp(np.float32(-88)) == 0
    assert kernels.exp(np.float32(-math.inf)) == 0
    assert kernels.exp(np.float32(0)) == 1
    assert math.isnan(kernels.exp(np.float32(math.nan)))


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("cls", [DiceLoss, CrossEntropyLoss])
def test_nan_that_counts_is_not_hidden(cls: type, channels: int) -> None:
    logits = torch.zeros(1, channels, 1, 600)
    logits[0, 0, 0, 550] = math.nan
    value = few_counts(flat_maps(logits), torch.zeros(1, 600), None, sigmoid=channels == 1)[1]
    assert value.isnan().any()
    loss = few_entropy(flat_maps(logits), torch.zeros(1, 600), None)
    assert loss.isnan().sum() == 1
    with pytest.raises(ValueError, match="NaN"):
        cls()(logits, torch.zeros(1, 1, 600, dtype=torch.long))


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("cls", [DiceLoss, CrossEntropyLoss, TverskyLoss])
def test_second_derivatives_are_those_of_double_precision(cls: type, channels: int) -> None:
    """A penalty on the gradient, against differences of the gradient in double precision."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, channels, 4, 5, generator=generator)
    labels = torch.randint(0, max(channels, 2), (2, 4, 5), generator=generator)
    labels[0, 0] = 255
    leaf = logits.clone().requires_grad_()
    (slope,) = torch.autograd.grad(cls()(leaf, labels), leaf, create_graph=True)
    plain = logits.clone().requires_grad_()
    torch.testing.assert_close(slope, torch.autograd.grad(cls()(plain, labels), plain)[0])
    (found,) = torch.autograd.grad(slope.square().sum(), leaf)

    def penalty(x: Tensor) -> float:
        x = x.clone().requires_grad_()
        return float(torch.autograd.grad(cls()(x, labels), x)[0].square().sum())

    wanted = torch.zeros_like(logits, dtype=torch.float64)
    for place in range(0, wanted.numel(), 7):
        step = torch.zeros(wanted.numel(), dtype=torch.float64)
        step[place] = 1e-5
        step = step.view_as(wanted)
        high, low = penalty(logits.double() + step), penalty(logits.double() - step)
        assert found.flatten()[place].item() == pytest.approx((high - low) / 2e-5, abs=1e-7), place


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 3, 0), (0, 1, 4)])
def test_batches_of_nothing(shape: tuple[int, ...]) -> None:
    logits = torch.zeros(shape, requires_grad=True)
    labels = torch.zeros(shape[0], *shape[2:], dtype=torch.long)
    counts = few_counts(logits, labels, None, sigmoid=shape[1] == 1)
    loss = few_entropy(logits, labels, None)
    (counts[1].sum() + loss.sum()).backward()
    assert logits.grad.shape == shape


@hypothesis.given(
    st.lists(st.integers(-3, 300), min_size=1, max_size=40), st.sampled_from([255, -1, 1])
)
def test_labels_are_split_as_by_comparison(numbers: list[int], ignored: int) -> None:
    labels = torch.tensor([numbers])
    logits = torch.zeros(1, 4, len(numbers))
    counted = labels != ignored
    kept = labels[counted]
    if bool(((kept < 0) | (kept > 3)).any()):
        with pytest.raises(ValueError, match="labels must lie in"):
            as_labels(labels, logits, ignored, False)
        return
    clean, valid = as_labels(labels, logits, ignored, False)
    assert clean.tolist() == (labels * counted).tolist()
    assert (counted if valid is None else valid).tolist() == counted.tolist()


def test_labels_in_any_memory() -> None:
    labels = torch.tensor([[0, 1, 255], [2, 255, 1]]).T
    assert not labels.is_contiguous()
    clean, valid = as_labels(labels, torch.zeros(3, 3, 2), 255, False)
    assert clean.tolist() == [[0, 2], [1, 0], [0, 1]]
    assert valid.tolist() == [[True, True], [True, False], [False, True]]
