"""Dice, Tversky and Lovász beside kornia's own functions, which ``tools/test.sh`` installs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seglosses.losses import DiceLoss, LovaszSoftmaxLoss, TverskyLoss

theirs = pytest.importorskip("kornia.losses")
TINY = 1e-8  #: the smoothing of theirs
pytestmark = pytest.mark.filterwarnings("ignore")

seeds = st.integers(0, 10**6)
channels = st.integers(2, 6)


def batch(seed: int, classes: int, ignored: float) -> tuple[Tensor, Tensor]:
    """Logits and labels in which some classes may be absent."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(3, classes, 6, 5, generator=generator, dtype=torch.float64)
    occurring = int(torch.randint(1, classes + 1, (), generator=generator))
    labels = torch.randint(0, occurring, (3, 6, 5), generator=generator)
    labels[1:][torch.rand(2, 6, 5, generator=generator) < ignored] = 255
    return logits.requires_grad_(), labels


def check(ours: Tensor, other: Tensor, logits: Tensor) -> None:
    torch.testing.assert_close(ours, other, rtol=1e-6, atol=1e-7)
    slopes = [torch.autograd.grad(each, logits)[0] for each in (ours, other)]
    torch.testing.assert_close(*slopes, rtol=1e-6, atol=1e-8)


@given(seed=seeds, classes=channels, ignored=st.sampled_from([0.0, 0.3]), weighed=st.booleans())
def test_micro_dice(seed: int, classes: int, ignored: float, weighed: bool) -> None:
    logits, labels = batch(seed, classes, ignored)
    weights = torch.arange(classes) + 0.5 if weighed else None
    listed = None if weights is None else weights.tolist()
    ours = DiceLoss(average="micro", smooth=TINY, class_weight=listed)
    given = None if weights is None else weights.double()
    other = theirs.dice_loss(logits, labels, average="micro", weight=given, ignore_index=255)
    check(ours(logits, labels), other, logits)
    # the mean of classes is another number
    assert (DiceLoss(smooth=TINY)(logits, labels) - other).abs() > 1e-6


@given(seed=seeds, classes=channels, ignored=st.sampled_from([0.0, 0.3]))
def test_macro_dice(seed: int, classes: int, ignored: float) -> None:
    logits, labels = batch(seed, classes, ignored)
    other = theirs.dice_loss(logits, labels, average="macro", ignore_index=255)
    check(DiceLoss(smooth=TINY)(logits, labels), other, logits)


@given(seed=seeds, classes=channels, alpha=st.sampled_from([0.1, 0.5, 0.9]))
def test_tversky(seed: int, classes: int, alpha: float) -> None:
    logits, labels = batch(seed, classes, 0.3)
    other = theirs.tversky_loss(logits, labels, alpha, 1 - alpha, ignore_index=255)
    ours = TverskyLoss(alpha=alpha, beta=1 - alpha, smooth=TINY)
    check(ours(logits, labels), other, logits)


@given(seed=seeds, classes=channels)
def test_lovasz(seed: int, classes: int) -> None:
    logits, labels = batch(seed, classes, 0.0)
    other = theirs.lovasz_softmax_loss(logits, labels)
    ours = LovaszSoftmaxLoss(average="image", classes="all")
    check(ours(logits, labels), other, logits)
