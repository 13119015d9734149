"""Counts and cross-entropy with hand-written gradients, against autograd of the definition."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seglosses.losses import CrossEntropyLoss, DiceLoss
from seglosses.primitives.encoding import one_hot
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.layout import flat_labels, flat_maps
from seglosses.primitives.overlap import soft_counts
from seglosses.primitives.softmax_counts import softmax_counts

#: two classes, few and many are three programs
CHANNELS = (2, 4, 11)


def sample(pixels: int = 11, channels: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(pixels)
    logits = 3 * torch.randn(2, channels, pixels, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, channels, (2, pixels), generator=generator)
    return logits, labels, torch.rand(2, pixels, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kind", ["none", "bool", "float"])
def test_counts_are_those_of_the_definition(kind: str, channels: int) -> None:
    logits, labels, weight = sample(channels=channels)
    given = {"none": None, "bool": weight > 0.3, "float": weight}[kind]
    leaf, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    counts = softmax_counts(leaf, labels, given)
    dense = None if given is None else given.unsqueeze(1).double()
    expected = soft_counts(other.softmax(1), one_hot(labels, channels, dtype=torch.float64), dense)
    slopes = torch.randn(3, 2, channels, generator=torch.Generator().manual_seed(1)).double()
    for count, wanted in zip(counts, expected, strict=True):
        torch.testing.assert_close(count, wanted)
    (counts[0] * slopes[0] + counts[1] * slopes[1]).sum().backward()
    (expected.tp * slopes[0] + expected.prob * slopes[1]).sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad)


@pytest.mark.parametrize("pixels", [0, 1])
def test_counts_of_almost_nothing(pixels: int) -> None:
    logits, labels, _ = sample(pixels)
    leaf = logits.requires_grad_()
    counts = softmax_counts(leaf, labels, None)
    assert counts[1].sum().item() == pytest.approx(2 * pixels)
    counts[1].sum().backward()
    assert torch.isfinite(leaf.grad).all()


def test_counts_of_extreme_logits() -> None:
    logits = torch.tensor([[[1e4, -1e4], [-1e4, 1e4], [0.0, 0.0]]]).requires_grad_()
    tp, mass, _ = softmax_counts(logits, torch.tensor([[0, 0]]), None)
    assert tp.tolist() == [[1, 0, 0]]
    assert mass.tolist() == [[1, 1, 0]]
    tp.sum().backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("cls", [DiceLoss, CrossEntropyLoss])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("channels", CHANNELS)
def test_ignored_pixels_may_hold_anything(cls, bad: float, channels: int) -> None:
    logits, labels, _ = sample(channels=channels)
    labels[:, 0] = 255
    clean, spoilt = logits.clone().requires_grad_(), logits.clone()
    spoilt[:, :, 0] = bad
    spoilt.requires_grad_()
    expected, value = cls()(clean, labels), cls()(spoilt, labels)
    expected.backward()
    value.backward()
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(spoilt.grad, clean.grad)


@pytest.mark.parametrize("channels", CHANNELS)
def test_cross_entropy_is_torchs(channels: int) -> None:
    logits, labels, _ = sample(channels=channels)
    leaf, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss, expected = cross_entropy(leaf, labels), F.cross_entropy(other, labels, reduction="none")
    torch.testing.assert_close(loss, expected)
    weight = torch.linspace(0, 2, loss.numel(), dtype=loss.dtype).view_as(loss)
    (loss * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad)
    soft = other.detach().softmax(1)
    torch.testing.assert_close(
        cross_entropy(logits, soft), F.cross_entropy(logits, soft, reduction="none")
    )


# elsewhere to ask whether any pixel is ignored is a wait, so that a masked copy is kept as well
@pytest.mark.at_hand
def test_two_losses_keep_one_set_of_logits() -> None:
    logits = torch.randn(1, 19, 64, 64).requires_grad_()
    labels = torch.randint(0, 19, (1, 64, 64))
    labels[0, 0] = 255
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        both = CrossEntropyLoss()(logits, labels) + DiceLoss()(logits, labels)
    assert both.item() > 0
    assert sum(kept.values()) <= 1.4 * logits.nbytes


@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 100_000), (140_000, 2), (0, 3, 4), (2, 3, 0)])
def test_blocks_of_any_layout(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(shape, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=generator)
    leaf, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    counts = softmax_counts(flat_maps(leaf), flat_labels(labels), None)
    hot = one_hot(labels, shape[1], dtype=torch.float64)
    expected = soft_counts(other.softmax(1), hot)
    for count, wanted in zip(counts, expected, strict=True):
        torch.testing.assert_close(count, wanted)
    (counts[0].sum() + 2 * counts[1].sum() + cross_entropy(leaf, labels).sum()).backward()
    entropy = F.cross_entropy(other, labels, reduction="none").sum()
    (expected.tp.sum() + 2 * expected.prob.sum() + entropy).backward()
    torch.testing.assert_close(leaf.grad, other.grad)


def test_channels_that_lie_last() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 40, 30, generator=generator)
    logits = logits.to(memory_format=torch.channels_last)
    labels = torch.randint(0, 5, (2, 40, 30), generator=generator)
    leaf, other = logits.clone().requires_grad_(), logits.contiguous().requires_grad_()
    for tensor in (leaf, other):
        (CrossEntropyLoss()(tensor, labels) + DiceLoss()(tensor, labels)).backward()
    torch.testing.assert_close(leaf.grad, other.grad)
