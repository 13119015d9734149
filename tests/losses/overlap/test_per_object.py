"""Overlap and cross-entropy of every object."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from seglosses.losses import (
    BlobLoss,
    ComponentBalancedCrossEntropyLoss,
    ComponentBalancedDiceLoss,
    CrossEntropyLoss,
    DiceLoss,
    InstanceBoundaryCrossEntropyLoss,
    TverskyLoss,
    dice_loss,
)
from seglosses.losses.objects import components, region_weights


def test_blob_loss_of_its_authors() -> None:
    prob = torch.sin(1.7 * torch.arange(126.0).view(2, 1, 7, 9)).sigmoid()
    labels = torch.zeros(2, 7, 9, dtype=torch.long)
    labels[0, 0:2, 0:3], labels[0, 4, 4], labels[0, 5:, 7:] = 1, 1, 1
    labels[1, 1:6, 2:4], labels[1, 2, 7] = 1, 1
    # compute_blob_loss_multi of neuronflow/blob_loss at bee911b, of MONAI's DiceLoss(smooth 1, 1)
    assert BlobLoss()(prob.logit(), labels).item() == pytest.approx(PUBLISHED, rel=1e-6)


PUBLISHED = 0.8532749


def each_blob(prob: Tensor, mask: Tensor, loss: Any) -> Tensor:
    """Cut every component out, one by one."""
    number, count = ndimage.label(
        mask.numpy(), ndimage.generate_binary_structure(mask.dim(), mask.dim())
    )
    number = torch.from_numpy(number)
    values = []
    for k in range(1, count + 1):
        seen = (number == k) | ~mask
        values.append(loss((prob * seen)[None, None], (number == k)[None, None].to(prob)))
    return (
        torch.stack(values).mean() if values else loss(prob[None, None], mask[None, None].to(prob))
    )


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([(7, 9), (1, 12), (12, 1), (3, 4, 5)]), st.integers(0, 999), st.booleans())
def test_agrees_with_blobs_cut_out_one_by_one(
    size: tuple[int, ...], seed: int, tversky: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    prob = torch.rand(size, generator=generator, dtype=torch.float64)
    mask = torch.rand(size, generator=generator) < 0.3
    own = {"type": "TverskyLoss", "alpha": 0.2} if tversky else "DiceLoss"

    def plain(p: Tensor, y: Tensor) -> Tensor:
        if tversky:
            return TverskyLoss(alpha=0.2, use_sigmoid=True)(p.logit(eps=1e-12), y)
        return dice_loss(p, y).squeeze()

    found = BlobLoss(region=own)(prob.logit()[None, None], mask[None].long())
    torch.testing.assert_close(found, each_blob(prob, mask, plain).squeeze(), rtol=1e-6, atol=1e-8)


def test_one_object_is_the_class() -> None:
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(2, 8, 8, dtype=torch.long)
    labels[:, 1:4, 1:4], labels[:, 5:, 5:] = 1, 2
    torch.testing.assert_close(
        BlobLoss()(logits, labels), DiceLoss(classes="foreground")(logits, labels)
    )


def test_regions_weigh_alike() -> None:
    labels = torch.tensor([[[0, 0, 1, 0, 2, 2, 0, 1, 1, 1]], [[1] * 10]])
    weights = region_weights(labels)
    # five of ten pixels... background 4, and objects of 1, 2 and 3: 10 / 4 shared by each
    expected = [2.5 / 4] * 2 + [2.5] + [2.5 / 4] + [1.25] * 2 + [2.5 / 4] + [2.5 / 3] * 3
    assert weights[0, 0].tolist() == pytest.approx(expected)
    assert weights[1, 0].tolist() == [1.0] * 10
    valid = labels != 2
    seen = region_weights(labels, valid)
    assert seen[0, 0, 4:6].tolist() == [0, 0]
    assert seen[0].sum().item() == pytest.approx(8)


def test_entropy_is_the_mean_of_means() -> None:
    logits = torch.randn(1, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1, 9, 9, dtype=torch.long)
    labels[0, :4, :4], labels[0, 6, 6], labels[0, 8, 2:5] = 1, 1, 2
    each = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    parts = [labels == 0, labels == 2, labels == 1, labels == 1]
    parts[2][0, 6], parts[3][0, :4] = False, False
    means = [each[part].mean() for part in parts]
    value = ComponentBalancedCrossEntropyLoss()(logits, labels)
    torch.testing.assert_close(value, torch.stack(means).mean())
    assert value != CrossEntropyLoss()(logits, labels)


def test_boundaries_of_all_objects_count_alike() -> None:
    labels = torch.zeros(1, 12, 12, dtype=torch.long)
    labels[0, 1:8, 1:8], labels[0, 10, 10] = 1, 1
    logits = torch.zeros(1, 2, 12, 12)
    logits[0, 1][labels[0] == 1] = 50.0
    logits[0, 0][labels[0] == 0] = 50.0
    logits[0, :, 10, 10] = 0.0
    # background, the large one and the small one: the last one is wrong by log 2
    value = InstanceBoundaryCrossEntropyLoss()(logits, labels)
    assert value.item() == pytest.approx(math.log(2) / 3)
    assert InstanceBoundaryCrossEntropyLoss()(logits, 0 * labels).item() == 0


@pytest.mark.parametrize(
    "cls",
    [
        BlobLoss,
        ComponentBalancedDiceLoss,
        ComponentBalancedCrossEntropyLoss,
        InstanceBoundaryCrossEntropyLoss,
    ],
)
@pytest.mark.parametrize("size", [(5, 6), (2, 3, 4)])
def test_gradients(cls: Any, size: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, *size, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (1, *size), generator=generator)
    labels[0, 0] = 255
    assert torch.autograd.gradcheck(lambda z: cls()(z, labels), (logits,))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([(7, 9), (1, 40), (40, 1), (3, 4, 5), (30, 40), (1, 600), (2, 520)]),
    st.integers(0, 999),
    st.booleans(),
    st.booleans(),
)
def test_runs_agree_with_maps(
    size: tuple[int, ...], seed: int, sigmoid: bool, ignored: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 1 if sigmoid else 2, *size, generator=generator)
    labels = (torch.rand(2, *size, generator=generator) < 0.4).long()
    # rows of one long run too, and an image without an object
    labels[0, 0], labels[1] = 1, labels[1] * (seed % 3 > 0)
    if ignored:
        labels[torch.rand(2, *size, generator=generator) < 0.2] = 255
        logits[labels.unsqueeze(1).expand_as(logits) == 255] = math.nan
    found = []
    # by kernels of float32, and by probabilities of float64
    for kind in (torch.float32, torch.float64):
        leaf = logits.clone().to(kind).requires_grad_()
        value = BlobLoss(reduction="none")(leaf, labels)
        (value * torch.tensor([1.0, 2.0])).sum().backward()
        assert leaf.grad is not None
        found.append((value.detach().double(), leaf.grad.double()))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-6)


def test_runs_have_second_derivatives() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 2, 4, 6, generator=generator)
    labels = torch.randint(0, 2, (1, 4, 6), generator=generator)
    labels[0, 0, 0] = 255
    slopes = []
    for kind in (torch.float32, torch.float64):
        leaf = logits.clone().to(kind).requires_grad_()
        (slope,) = torch.autograd.grad(BlobLoss()(leaf, labels), leaf, create_graph=True)
        (second,) = torch.autograd.grad(slope.square().sum(), leaf)
        slopes.append((slope.detach().double(), second.double()))
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-6)


def test_points_have_no_components() -> None:
    logits, labels = torch.randn(4, 7), torch.randint(0, 2, (4, 7))
    plain = CrossEntropyLoss(use_sigmoid=True)(logits, labels)
    found = ComponentBalancedCrossEntropyLoss(use_sigmoid=True)(logits, labels)
    torch.testing.assert_close(found, plain)
    with pytest.raises(ValueError, match="points have no boundary"):
        InstanceBoundaryCrossEntropyLoss(use_sigmoid=True)(logits, labels)


def test_errors() -> None:
    for region in ("LovaszSoftmaxLoss", "GeneralizedDiceLoss", {"type": "nothing"}):
        with pytest.raises(ValueError, match="region must be a loss of one class's counts"):
            BlobLoss(region=region)
    with pytest.raises(ValueError, match="alpha"):
        BlobLoss(region={"type": "TverskyLoss", "alpha": -1.0})


def test_memory_does_not_grow_with_objects() -> None:
    labels = torch.zeros(1, 64, 64, dtype=torch.long)
    labels[0, ::2, ::2] = 1
    assert int(components(labels[None] > 0).max()) == 1024
    assert torch.isfinite(BlobLoss()(torch.zeros(1, 2, 64, 64), labels))


def weights_by_scipy(labels: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """n / (K |R|) with the components of SciPy; labels below 0 are in no region."""
    regions = [labels == 0]
    around = np.ones((3,) * labels.ndim)
    for label in range(1, labels.max(initial=0) + 1):
        numbers, count = ndimage.label(labels == label, around)
        regions += [numbers == k for k in range(1, count + 1)]
    regions = [region & counted for region in regions if (region & counted).any()]
    weights = np.zeros(labels.shape)
    for region in regions:
        weights[region] = sum(map(np.sum, regions)) / (len(regions) * region.sum())
    return weights


@settings(max_examples=80, deadline=None)
@given(
    arrays(np.int64, array_shapes(min_dims=2, max_dims=3, max_side=9), elements=st.integers(-1, 6)),
    st.integers(1, 7),
    st.booleans(),
)
def test_weights_of_regions_are_those_of_scipy(
    labels: NDArray[np.int64], classes: int, some: bool
) -> None:
    labels = np.minimum(labels, classes - 1)
    counted = np.random.default_rng(0).random(labels.shape) < 0.6 if some else labels >= 0
    found = region_weights(
        torch.from_numpy(labels)[None].clamp(min=0),
        torch.from_numpy(labels >= 0)[None],
        torch.from_numpy(counted)[None] if some else None,
    )
    np.testing.assert_allclose(found[0].numpy(), weights_by_scipy(labels, counted), rtol=1e-5)
