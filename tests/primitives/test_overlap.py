"""Soft counts: by hand, against the dense way, and their bytes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seglosses.primitives.encoding import align, one_hot
from seglosses.primitives.overlap import Counts, batch_counts, ratio, soft_counts, tversky_index

X = torch.tensor([[[0.5, 1.0, 0.0]]])
Y = torch.tensor([[[0.25, 1.0, 1.0]]])


@pytest.mark.parametrize(
    ("intersection", "tp", "fp", "fn"),
    [
        ("min", 1.25, 0.25, 1.0),
        ("difference", 1.125, 0.25, 1.0),
        ("product", 1.125, 0.375, 1.125),
        ("norm2", 1.125, 0.125, 0.9375),
    ],
)
def test_by_hand(intersection: str, tp: float, fp: float, fn: float) -> None:
    counts = soft_counts(X, Y, intersection=intersection)
    assert [c.item() for c in (counts.tp, counts.fp, counts.fn)] == [tp, fp, fn]


def test_weights_and_pooling() -> None:
    counts = soft_counts(X, Y, torch.tensor([[[0.0, 2.0, 1.0]]]))
    assert [c.item() for c in counts] == [2.0, 2.0, 3.0]
    two = Counts(*(torch.tensor([[1.0], [2.0]]) for _ in range(3)))
    assert two.pooled().tp.tolist() == [[3.0]]


def test_unknown_intersection() -> None:
    with pytest.raises(ValueError, match="'min', 'product', 'difference' or 'norm2'"):
        soft_counts(X, Y, intersection="max")


def test_nothing_over_nothing_is_one() -> None:
    zero = torch.zeros((), requires_grad=True)
    value = ratio(zero * 1, zero * 1)
    value.backward()
    assert value.item() == 1
    assert torch.isfinite(zero.grad)
    assert tversky_index(Counts(zero, zero, zero)).item() == 1


@given(
    seed=st.integers(0, 10_000),
    channels=st.sampled_from([1, 2, 5]),
    sigmoid=st.booleans(),
    ignored=st.booleans(),
    weighted=st.booleans(),
    spatial=st.sampled_from([(), (7,), (3, 5), (2, 3, 4)]),
)
def test_labels_without_one_hot_equal_the_dense_way(
    seed: int,
    channels: int,
    sigmoid: bool,
    ignored: bool,
    weighted: bool,
    spatial: tuple[int, ...],
) -> None:
    generator = torch.Generator().manual_seed(seed)
    pred = torch.randn(2, channels, *spatial, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, max(channels, 2) if spatial else channels, (2, *spatial))
    if ignored:
        labels[torch.rand(labels.shape, generator=generator) < 0.3] = 255
    weight = torch.rand(2, *spatial, generator=generator) if weighted and spatial else None
    results = []
    for dense in (False, True):
        leaf = pred.clone().requires_grad_()
        batch = align(leaf, labels, weight, use_sigmoid=sigmoid)
        counts = (
            soft_counts(batch.prob(), batch.target(), batch.mask(), intersection="product")
            if dense
            else batch_counts(batch)
        )
        mix = torch.randn(counts.tp.shape, generator=torch.Generator().manual_seed(1))
        (counts.tp * mix + counts.prob * mix.flip(0) * 0.3).sum().backward()
        results.append((*counts, leaf.grad))
    for fused, naive in zip(*results, strict=True):
        torch.testing.assert_close(fused, naive)


def test_gradcheck() -> None:
    labels = torch.tensor([[0, 2, 1, 255, 1]])
    weight = torch.tensor([[0.5, 1.0, 2.0, 1.0, 0.0]], dtype=torch.float64)

    def counts(pred: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return batch_counts(align(pred, labels, weight))[:2]

    pred = torch.randn(1, 3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(counts, (pred,))


def test_nan_at_ignored_pixels_stays_there() -> None:
    pred = torch.zeros(1, 2, 3)
    pred[..., 2] = torch.nan
    leaf = pred.requires_grad_()
    counts = batch_counts(align(leaf, torch.tensor([[0, 1, 255]])))
    (counts.tp + counts.prob).sum().backward()
    assert counts.tp.tolist() == [[0.5, 0.5]]
    assert leaf.grad is not None
    assert torch.isfinite(leaf.grad).all()


def test_large_images_keep_their_precision() -> None:
    # float32 accumulation one by one would lose a percent here
    pred = torch.zeros(1, 1, 1 << 22).requires_grad_()
    counts = batch_counts(align(pred, torch.ones(1, 1 << 22, dtype=torch.long)))
    assert counts.tp.item() == pytest.approx(2**21, rel=1e-6)
    assert counts.target.item() == 2**22


def test_keeps_little_for_backward() -> None:
    pred = torch.randn(1, 19, 64, 64, requires_grad=True)
    labels = torch.randint(0, 19, (1, 64, 64))
    labels[0, 0] = 255
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        batch_counts(align(pred, labels)).tp.sum()
    logits = pred.numel() * pred.element_size()
    # the logits, labels of 8 bytes and weights of 4 bytes a pixel, and no probabilities
    assert sum(kept.values()) <= logits * (1 + 3 / 19) + 1024


@pytest.mark.parametrize("channels", [3, 11])
def test_the_background_of_detectors_pulls_no_channel(channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, channels, generator=generator).requires_grad_()
    labels = torch.tensor([0, channels, channels - 1, channels, 1, 2])
    counts = batch_counts(align(logits, labels, use_sigmoid=True))
    hot = one_hot(labels, channels)
    expected = soft_counts(logits.sigmoid(), hot)
    for count, wanted in zip(counts, expected, strict=True):
        torch.testing.assert_close(count, wanted)
    (slope,) = torch.autograd.grad((counts.tp * 2 + counts.prob).sum(), logits)
    (wanted,) = torch.autograd.grad((expected.tp * 2 + expected.prob).sum(), logits)
    torch.testing.assert_close(slope, wanted)
