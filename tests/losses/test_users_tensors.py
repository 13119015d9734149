"""Tensors as users have them: subclasses, masked classes, compiled code, second derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from seglosses.catalogue import loss_classes
from seglosses.losses import (
    BettiMatchingLoss,
    CIoULoss,
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    FocalTverskyLoss,
    GeneralizedDiceLoss,
    JaccardMetricLoss,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    Poly1FocalLoss,
    SoftClDiceLoss,
    SquentropyLoss,
    SSIMLoss,
    TverskyLoss,
)
from seglosses.losses.base import SegmentationLoss
from seglosses.losses.classwise import MapLoss
from seglosses.primitives import device
from tests.reference.seg_inputs import LABELS, LOGITS

BY_HAND = (
    CrossEntropyLoss,
    DiceLoss,
    FocalLoss,
    JaccardMetricLoss,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    SoftClDiceLoss,
    SquentropyLoss,
    SSIMLoss,
)


class NamedTensor(Tensor):
    """A subclass like those in which MONAI hands its images on."""


def of_images() -> list[type[SegmentationLoss]]:
    found = []
    for cls in loss_classes().values():
        if issubclass(cls, SegmentationLoss) and not cls.needs:
            dims = cls.spatial_dims if issubclass(cls, MapLoss) else (2,)
            found += [cls] if 2 in dims else []
    return found


@pytest.mark.parametrize("cls", of_images(), ids=lambda cls: cls.__name__)
def test_subclasses_of_tensors_cost_the_same(cls: type[SegmentationLoss]) -> None:
    logits = LOGITS.clone().requires_grad_()
    named = LOGITS.clone().as_subclass(NamedTensor).requires_grad_()
    value, other = cls()(logits, LABELS), cls()(named, LABELS.as_subclass(NamedTensor))
    value.backward()
    other.backward()
    torch.testing.assert_close(other.as_subclass(Tensor), value)
    torch.testing.assert_close(named.grad.as_subclass(Tensor), logits.grad)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [DiceLoss, TverskyLoss, FocalTverskyLoss, GeneralizedDiceLoss])
def test_images_of_monai(cls: type[SegmentationLoss]) -> None:
    data = pytest.importorskip("monai.data", reason="its tensors are those of its networks")
    value = cls()(data.MetaTensor(LOGITS), data.MetaTensor(LABELS))
    torch.testing.assert_close(value.as_subclass(Tensor), cls()(LOGITS, LABELS))


@pytest.mark.parametrize("cls", BY_HAND[1:])
def test_second_derivatives_are_refused(cls: type[SegmentationLoss]) -> None:
    """A penalty on a gradient without a graph would do nothing, without a word."""
    if cls is SquentropyLoss and not device.HOSTS:
        pytest.skip("its cross-entropy is PyTorch's own elsewhere")
    # few classes have second derivatives
    leaf = LOGITS.repeat(1, 3, 48, 48).requires_grad_()
    loss = cls(use_sigmoid=True) if cls is FocalLoss else cls()
    with pytest.raises(RuntimeError, match="expected one backward pass, got create_graph"):
        torch.autograd.grad(loss(leaf, LABELS.repeat(1, 48, 48)), leaf, create_graph=True)


@pytest.mark.at_hand
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_second_derivatives_of_few_classes_are_those_of_torch(dtype: torch.dtype) -> None:
    found = []
    for loss in (CrossEntropyLoss(), nn.CrossEntropyLoss(ignore_index=255)):
        leaf = LOGITS.to(dtype, copy=True).requires_grad_()
        (slope,) = torch.autograd.grad(loss(leaf, LABELS), leaf, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), leaf)[0])
    torch.testing.assert_close(*found)


def test_second_derivatives_of_boxes_are_refused() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 3]]).repeat(2000, 1).requires_grad_()
    with pytest.raises(RuntimeError, match="expected one backward pass, got create_graph"):
        torch.autograd.grad(CIoULoss()(boxes, boxes.detach() + 1), boxes, create_graph=True)


@pytest.mark.parametrize("loss", [FocalLoss(), Poly1FocalLoss(), CrossEntropyLoss()])
def test_a_class_that_is_masked_has_no_slope(loss: nn.Module) -> None:
    free = torch.tensor([[[2.0], [0.5]]], requires_grad=True)
    masked = torch.tensor([[[2.0], [0.5], [-torch.inf]]], requires_grad=True)
    label = torch.tensor([[0]])
    value, other = loss(free, label), loss(masked, label)
    value.backward()
    other.backward()
    torch.testing.assert_close(other, value)
    torch.testing.assert_close(masked.grad[:, :2], free.grad)
    assert masked.grad[0, 2] == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler
@pytest.mark.parametrize("cls", [*BY_HAND, BettiMatchingLoss])
def test_compiled_code_costs_the_same(cls: type[SegmentationLoss]) -> None:
    leaf, other = (LOGITS.clone().requires_grad_() for _ in range(2))
    loss = cls()
    value = loss(leaf, LABELS)
    compiled = torch.compile(lambda logits: loss(logits, LABELS), backend="aot_eager")(other)
    value.backward()
    compiled.backward()
    torch.testing.assert_close(compiled, value)
    torch.testing.assert_close(other.grad, leaf.grad)
