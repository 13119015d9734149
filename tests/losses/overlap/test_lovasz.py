"""Lovász losses: by hand, published numbers, the naive oracle, what is kept for backward."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from seglosses.losses import (
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    lovasz_hinge_loss,
    lovasz_softmax_loss,
)
from seglosses.primitives.lovasz_extension import jaccard_increments, lovasz_extension
from tests.reference.seg_inputs import IGNORED, LABELS, LOGITS, SOFT

SURE = 40.0
FOREGROUND = (LABELS == 1).long()


@pytest.mark.parametrize(
    ("loss", "target", "expected"),
    [
        (LovaszSoftmaxLoss(), LABELS, 0.8114398),
        (LovaszSoftmaxLoss(average="image"), LABELS, 0.7888366),
        (LovaszSoftmaxLoss(), IGNORED, 0.8053792),
        (LovaszHingeLoss(), FOREGROUND, 2.0369341),
        (LovaszHingeLoss(average="dataset"), FOREGROUND, 2.0774817),
        (
            LovaszHingeLoss(average="dataset"),
            FOREGROUND.masked_fill(IGNORED == 255, 255),
            1.9248378,
        ),
    ],
)
def test_published(loss: nn.Module, target: Tensor, expected: float) -> None:
    """bermanmaxim/LovaszSoftmax 7d48792."""
    logits = LOGITS[:, 1:2] if isinstance(loss, LovaszHingeLoss) else LOGITS
    assert loss(logits, target).item() == pytest.approx(expected, abs=1e-6)


def test_by_hand() -> None:
    # p of class 1: .9 .2 .6, truth 1 0 0: errors .1 .2 .6, sorted .6b .2b .1f, G = 1
    # increments 1 - 1/2, 1/2 - 1/3, 1/3 for class 1; for class 0 truth 0 1 1, same errors,
    # .6f .2f .1b, G = 2: 1/2, 1/2, 0
    prob = torch.tensor([[[0.1, 0.8, 0.4], [0.9, 0.2, 0.6]]])
    loss = LovaszSoftmaxLoss()(prob.log(), torch.tensor([[1, 0, 0]]))
    class_1, class_0 = 0.6 / 2 + 0.2 / 6 + 0.1 / 3, 0.6 / 2 + 0.2 / 2
    assert loss.item() == pytest.approx((class_0 + class_1) / 2, abs=1e-6)


def test_foreground_is_sorted_not_labels() -> None:
    # kornia sorts raw class indices: .6062 where the reference gives .8168 on its own input
    swapped = torch.tensor([0, 2, 1])[LABELS]
    value = LovaszSoftmaxLoss()(LOGITS[:, [0, 2, 1]], swapped)
    assert value.item() == pytest.approx(0.8114398, abs=1e-6)


@given(st.integers(1, 40), st.integers(0, 2**31), st.integers(1, 4))
def test_one_hot_predictions_cost_one_minus_iou(pixels: int, seed: int, classes: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, max(classes, 2), (1, pixels), generator=generator)
    guess = torch.randint(0, max(classes, 2), (1, pixels), generator=generator)
    if classes == 1:
        logits, ids = SURE * (2.0 * guess - 1).unsqueeze(1), [1]
    else:
        logits = SURE * F.one_hot(guess, classes).movedim(-1, 1).float()
        ids = labels.unique().tolist()
    losses = []
    for c in ids:
        both, either = (labels == c) & (guess == c), (labels == c) | (guess == c)
        losses.append(1 - both.sum() / either.sum() if either.any() else torch.tensor(0.0))
    value = LovaszSoftmaxLoss()(logits, labels)
    torch.testing.assert_close(value, torch.stack(losses).mean(), atol=1e-6, rtol=0)


def naive(errors: Tensor, foreground: Tensor, weight: Tensor) -> Tensor:
    """The definition: the Jaccard loss of each prefix, in float64, with autograd."""
    order = errors.argsort(descending=True)
    fg, w = foreground[order].double(), weight[order].double()
    left = (fg * w).sum() - (fg * w).cumsum(0)
    union = (fg * w).sum() + ((1 - fg) * w).cumsum(0)
    jaccard = torch.where(union > 0, 1 - left / union, 0.0)
    return (errors[order] * torch.diff(jaccard, prepend=jaccard.new_zeros(1))).sum()


@given(
    st.integers(1, 60),
    st.integers(0, 2**31),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.sampled_from([0.0, 0.2, 0.8, 1.0]),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_extension_is_the_definition(
    pixels: int, seed: int, rate: float, right: float, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(seed)
    errors = torch.rand(pixels, generator=generator, dtype=dtype)
    errors[torch.rand(pixels, generator=generator) < right] = 0.0
    errors.requires_grad_()
    foreground = torch.rand(pixels, generator=generator) < rate
    weight = torch.randint(0, 3, (pixels,), generator=generator).float()
    for w in (torch.ones(pixels), weight):
        value, slope = lovasz_extension(errors.detach(), foreground, None if w is not weight else w)
        expected = naive(errors.double(), foreground, w)
        (grad,) = torch.autograd.grad(expected, errors)
        torch.testing.assert_close(value, expected.to(dtype), atol=1e-6, rtol=1e-5)
        grad = torch.where(errors > 0, grad, 0.0)
        torch.testing.assert_close(slope, grad, atol=1e-6, rtol=1e-5)


def test_ties_and_double_precision_agree() -> None:
    errors = torch.tensor([0.5, 0.5, 0.25, 0.25, 0.5, 0.0])
    foreground = torch.tensor([True, False, True, False, False, True])
    single, _ = lovasz_extension(errors, foreground)
    double, _ = lovasz_extension(errors.double(), foreground)
    assert single.item() == pytest.approx(double.item(), abs=1e-7)


def test_increments_before_right_foreground() -> None:
    # of G = 3 the last is right: 1/3, then background 2 / (3 * 4), then 1/4
    some = jaccard_increments(torch.tensor([1, 0, 1]), total=torch.tensor(3))
    torch.testing.assert_close(some, torch.tensor([1 / 3, 1 / 6, 1 / 4]))
    every = jaccard_increments(torch.tensor([1, 0, 1, 1]))
    torch.testing.assert_close(some, every[:3])


def test_increments_sum_to_one() -> None:
    for rate in (0.0, 1e-3, 0.5, 1.0):
        fg = torch.rand(4000, generator=torch.Generator().manual_seed(0)) < rate
        assert jaccard_increments(fg).sum().item() == pytest.approx(1, abs=1e-5)


def test_hinge_of_an_empty_foreground_is_its_largest_logit() -> None:
    logits = torch.tensor([[[-0.5, 1.5, -3.0]]])
    assert LovaszHingeLoss()(logits, torch.zeros(1, 3, dtype=torch.long)).item() == 2.5
    assert lovasz_hinge_loss(logits, torch.zeros(1, 1, 3)).item() == 2.5


@pytest.mark.parametrize("cls", [LovaszSoftmaxLoss, LovaszHingeLoss])
def test_weights_of_images_count_in_the_pooled_form(cls) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 2, 4, 4, generator=generator)
    labels = torch.randint(0, 2, (2, 4, 4), generator=generator)
    loss = cls(average="dataset")
    second = loss(logits, labels, weight=torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(second, loss(logits[1:], labels[1:]))
    assert second != loss(logits, labels)


@pytest.mark.parametrize("cls", [LovaszSoftmaxLoss, LovaszHingeLoss])
def test_nothing_and_a_single_pixel(cls) -> None:
    # the reference: an empty (0, C) tensor, NaN as a mean; IndexError
    leaf = torch.randn(1, 3, 2, 2).requires_grad_()
    value = cls()(leaf, torch.full((1, 2, 2), 255))
    value.backward()
    assert value.item() == 0
    assert (leaf.grad == 0).all()
    one = torch.tensor([[[1, 255], [255, 255]]])
    leaf = torch.zeros(1, 3, 2, 2).requires_grad_()
    value = cls()(leaf, one)
    value.backward()
    assert value.item() > 0.3
    assert (leaf.grad[:, :, 0, 0] != 0).any()


@pytest.mark.parametrize("cls", [LovaszSoftmaxLoss, LovaszHingeLoss])
def test_gradient_by_finite_differences(cls) -> None:
    logits = LOGITS.double().requires_grad_()
    for options in ({}, {"average": "dataset"}, {"average": "image"}, {"use_sigmoid": True}):
        loss = cls(**options)
        assert torch.autograd.gradcheck(lambda z, loss=loss: loss(z, IGNORED), logits)
    weight = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(lambda z: cls()(z, LABELS, weight=weight), logits)


def test_function_and_class_agree() -> None:
    hot = F.one_hot(LABELS, 3).movedim(-1, 1).float()
    leaf, other = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    each = lovasz_softmax_loss(leaf.softmax(1), hot)
    (each[0, :2].mean() / 2 + each[1].mean() / 2).backward()
    LovaszSoftmaxLoss(average="image")(other, LABELS).backward()
    torch.testing.assert_close(leaf.grad, other.grad, atol=1e-6, rtol=1e-4)


def test_classes_and_weights() -> None:
    each = lovasz_softmax_loss(LOGITS.softmax(1), F.one_hot(LABELS, 3).movedim(-1, 1).float())
    image = {"average": "image"}
    some = LovaszSoftmaxLoss(classes=[0, 1], **image)(LOGITS, LABELS)
    torch.testing.assert_close(some, each[:, :2].mean())
    every = LovaszSoftmaxLoss(classes="all", **image)(LOGITS, LABELS)
    torch.testing.assert_close(every, each.mean())
    weighted = LovaszSoftmaxLoss(classes="all", class_weight=[3.0, 0, 0], **image)
    torch.testing.assert_close(weighted(LOGITS, LABELS), each[:, 0].mean())
    rows = LovaszSoftmaxLoss(classes="all", reduction="none", **image)(LOGITS, LABELS)
    torch.testing.assert_close(rows, each.mean(1))
    half = LovaszSoftmaxLoss(classes="all", **image)(LOGITS, LABELS, torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(half, each[0].mean() / 2)


def test_zero_weights_are_ignored_pixels() -> None:
    kept = (IGNORED != 255).float()
    weighted = LovaszSoftmaxLoss()(LOGITS, LABELS, weight=kept)
    torch.testing.assert_close(weighted, LovaszSoftmaxLoss()(LOGITS, IGNORED))


def test_keeps_one_tensor_for_backward() -> None:
    logits = torch.randn(1, 19, 64, 64).requires_grad_()
    labels = torch.randint(0, 19, (1, 64, 64))
    labels[0, 0] = 255
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        LovaszSoftmaxLoss()(logits, labels)
    assert sum(kept.values()) <= 1.1 * logits.nbytes


def test_border() -> None:
    with pytest.raises(ValueError, match="defined for hard labels"):
        LovaszSoftmaxLoss()(LOGITS, SOFT)
    with pytest.raises(ValueError, match="average must be"):
        LovaszHingeLoss(average="class")
    with pytest.raises(ValueError, match="average='image'"):
        LovaszSoftmaxLoss()(LOGITS, LABELS, avg_factor=2.0)
