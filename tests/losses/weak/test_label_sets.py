"""Partly labelled images: sets of a data set, of an image, of a pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from seglosses import losses
from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    CrossEntropyLoss,
    DiceLoss,
    ExclusionCrossEntropyLoss,
    ExclusionDiceLoss,
    MarginalCrossEntropyLoss,
    MarginalDiceLoss,
    exclusion_cross_entropy_loss,
    marginal_cross_entropy_loss,
    marginal_dice_loss,
)
from seglosses.primitives import device

LOGITS = torch.tensor(
    [[[0.5, -1.0, 2.0, 0.0, 1.5], [1.0, 0.0, -0.5, 0.3, -2.0], [-1.0, 2.0, 0.4, 1.1, 0.2]]]
)
LABELS = torch.tensor([[0, 1, 3, 3, 2]])
SETS = [[0], [1], [2], [0, 2]]
ALL = [MarginalCrossEntropyLoss, MarginalDiceLoss, ExclusionCrossEntropyLoss, ExclusionDiceLoss]


def test_marginal_entropy_of_the_authors_of_label_sets() -> None:
    # MarginalizedCrossEntropyLoss({3: [0, 2]}) of LucasFidon/label-set-loss-functions at 95d3b5c,
    # which has the mean over a set where the sum is meant: log 2 at two of five pixels
    value = MarginalCrossEntropyLoss(label_sets=SETS)(LOGITS, LABELS).item()
    assert value == pytest.approx(FIDON - 2 / 5 * math.log(2), abs=1e-6)


FIDON = 1.30642736


def random_batch(classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, classes, 5, 6, generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, 2, (2, 5, 6), generator=generator)


@pytest.mark.parametrize("cls", ALL)
def test_image_and_pixel_and_data_set_say_the_same(cls: Callable[..., Any]) -> None:
    logits, labels = random_batch()
    dense = torch.zeros_like(logits)
    dense[:, 0] = labels == 0
    dense[:, 1] = labels == 1
    dense[:, 2:] = (labels == 0).unsqueeze(1)
    dense = dense / dense.sum(1, keepdim=True)
    of_set = cls(label_sets=[[0, 2, 3], [1]])(logits, labels)
    torch.testing.assert_close(cls()(logits, dense), of_set)
    if cls is not MarginalDiceLoss:  # for which an image merges classes, a pixel leaves them out
        with extra_inputs(labelled=torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0]])):
            torch.testing.assert_close(cls()(logits, labels), of_set)


def test_merged_classes_are_those_of_a_smaller_network() -> None:
    logits, labels = random_batch()
    merged = torch.stack([logits[:, [0, 2, 3]].logsumexp(1), logits[:, 1]], 1)
    with extra_inputs(labelled=torch.tensor([[0, 1, 0, 0], [1, 1, 0, 0]])):  # 0 always is
        for ours, plain in ((MarginalCrossEntropyLoss, CrossEntropyLoss),
                            (MarginalDiceLoss, DiceLoss)):  # fmt: skip
            torch.testing.assert_close(ours()(logits, labels), plain()(merged, labels))


def test_images_of_one_batch_label_different_classes() -> None:
    logits, _ = random_batch()
    labels = torch.zeros(2, 5, 6, dtype=torch.long)
    labels[0, 1:3], labels[1, 2:4] = 1, 3
    labelled = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 1]])
    with extra_inputs(labelled=labelled):
        both = MarginalCrossEntropyLoss()(logits, labels)
    each = []
    for image, row in enumerate(labelled):
        with extra_inputs(labelled=row[None]):
            each.append(MarginalCrossEntropyLoss()(logits[image : image + 1], labels[image][None]))
    torch.testing.assert_close(both, torch.stack(each).mean())
    with (
        extra_inputs(labelled=labelled.flip(0)),
        pytest.raises(ValueError, match="was not labelled"),
    ):
        MarginalCrossEntropyLoss()(logits, labels)


def test_dice_leaves_out_what_is_not_known() -> None:
    prob = torch.tensor([[[0.9, 0.2, 0.4], [0.1, 0.8, 0.6]]])
    possible = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]])
    # class 0: TP .9, FN .1, FP .4; class 1: TP .6, FN .4, FP .1
    expected = [1 - 1.8 / (1.8 + 0.5), 1 - 1.2 / (1.2 + 0.5)]
    assert marginal_dice_loss(prob, possible, smooth=0.0)[0].tolist() == pytest.approx(expected)


def test_exclusion_sees_impossible_classes_alone() -> None:
    logits = torch.tensor([[[0.5], [0.3], [0.2]]]).log()
    hard = exclusion_cross_entropy_loss(logits, torch.tensor([[0]]), epsilon=0.5)
    assert hard.item() == pytest.approx(math.log(0.8 / 0.5) + math.log(0.7 / 0.5))
    either = exclusion_cross_entropy_loss(logits, torch.tensor([[[0.5], [0.5], [0.0]]]))
    assert either.item() == pytest.approx(math.log(1.2))
    assert exclusion_cross_entropy_loss(logits, torch.full((1, 3, 1), 1 / 3)).item() == 0


@pytest.mark.parametrize("cls", ALL)
def test_independent_channels_that_nobody_labelled_cost_nothing(cls: Callable[..., Any]) -> None:
    logits, labels = random_batch()
    logits = logits.requires_grad_()
    dense = torch.zeros_like(logits)
    dense[:, 1] = labels == 1
    loss = cls(use_sigmoid=True)
    with extra_inputs(labelled=torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0]])):
        loss(logits, dense).backward()
    got = logits.grad.abs().flatten(2).sum(2) > 0
    assert got.tolist() == [[True, True, False, False], [False, True, True, False]]


@pytest.mark.parametrize("cls", ALL)
def test_gradients(cls: Callable[..., Any]) -> None:
    logits = LOGITS.double()[..., :4].clone().requires_grad_()
    loss = cls(label_sets=SETS)
    assert torch.autograd.gradcheck(lambda z: loss(z, LABELS[:, :4]), (logits,))
    with extra_inputs(labelled=torch.tensor([[1, 1, 0]])):
        assert torch.autograd.gradcheck(lambda z: cls()(z, torch.tensor([[0, 1, 1, 0]])), (logits,))


@pytest.mark.parametrize("cls", ALL)
def test_ignored_pixels_may_be_anything(cls: Callable[..., Any]) -> None:
    loss = cls(label_sets=SETS)
    ignored = torch.tensor([[0, 1, 3, 255, 255]])
    torch.testing.assert_close(
        loss(LOGITS, ignored), cls(label_sets=SETS)(LOGITS[..., :3], LABELS[:, :3])
    )


@pytest.mark.parametrize(
    ("options", "labels", "labelled", "words"),
    [
        ({"label_sets": [[0], []]}, LABELS % 2, None, "at least one per label"),
        ({"label_sets": [[0], [3]]}, LABELS % 2, None, "classes of 3 channels"),
        ({"label_sets": [[0], [1]]}, LABELS, None, "one of 2 sets; got values from 0 to 3"),
        ({"label_sets": [[0], [1]], "use_sigmoid": True}, LABELS, None, "use softmax"),
        ({}, LABELS % 2, torch.ones(2, 3), r"expected \(1, 3\)"),
        ({}, LABELS % 2, torch.full((1, 3), 0.5), "must hold 0 and 1"),
    ],
)
def test_errors(options: dict[str, Any], labels: Tensor, labelled: Any, words: str) -> None:
    with extra_inputs(labelled=labelled), pytest.raises(ValueError, match=words):
        MarginalDiceLoss(**options)(LOGITS, labels)


def test_all_are_found_by_purpose() -> None:
    from seglosses.losses.purposes import tag_of

    assert tag_of("organs") == "partial"
    assert all("partial" in getattr(losses, cls.__name__).tags for cls in ALL)


def test_sets_of_everything_cost_nothing() -> None:
    everything = torch.full((1, 3, 5), 1 / 3)
    assert marginal_cross_entropy_loss(LOGITS, everything).abs().max() < 1e-6


def test_rows_of_a_detector_are_images_of_one_pixel() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]]).log()
    loss = ExclusionDiceLoss(label_sets=[[0, 2], [1]])
    labels = torch.tensor([0, 1])
    torch.testing.assert_close(loss(logits, labels), loss(logits.unsqueeze(2), labels.unsqueeze(1)))


def test_labels_and_sets_of_images_cost_the_same_on_every_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 4, 5, 6, generator=generator, dtype=torch.float64)
    labelled = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]])
    labels = torch.randint(0, 2, (2, 5, 6), generator=generator)
    labels[1] *= 3
    labels[0, 0] = 255
    for scale in (1.0, 100.0):  # the second has exponentials that vanish
        found = []
        for hosts in (device.HOSTS, frozenset()):
            monkeypatch.setattr(device, "HOSTS", hosts)
            leaf = (scale * logits).requires_grad_()
            with extra_inputs(labelled=labelled):
                value = MarginalCrossEntropyLoss()(leaf, labels)
            (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
            found.append((value.detach(), slope.detach()))
            (second,) = torch.autograd.grad(slope.square().sum(), leaf, retain_graph=True)
            if scale == 1:
                found[-1] += (second,)
            found[-1] += torch.autograd.grad(value, leaf)
        torch.testing.assert_close(*found)


@pytest.mark.parametrize("weight", [None, "pixels"])
@pytest.mark.parametrize("cls", [MarginalDiceLoss, ExclusionDiceLoss])
def test_few_classes_are_counted_as_many_are(cls: Callable[..., Any], weight: str | None) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 4, 33, 40, generator=generator)
    labels = torch.randint(0, 2, (2, 33, 40), generator=generator)
    labels[1] *= 3
    labels[0, 0], logits[0, :, 0] = 255, torch.nan
    share = None if weight is None else torch.rand(2, 33, 40, generator=generator)
    labelled = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]])
    for given in (labelled, None):
        found = []
        for dtype in (torch.float32, torch.float64):  # kernels take the first
            leaf = logits.to(dtype).requires_grad_()
            with extra_inputs(labelled=given):
                value = cls()(leaf, labels, weight=share)
            each = [value, *torch.autograd.grad(value, leaf, retain_graph=True)]
            if given is not None:
                (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
                each += [slope, *torch.autograd.grad(slope.nan_to_num().square().sum(), leaf)]
            found.append([part.detach().double().nan_to_num() for part in each])
        torch.testing.assert_close(*found, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("weight", [None, "pixels"])
@pytest.mark.parametrize("cls", [MarginalDiceLoss, ExclusionDiceLoss, ExclusionCrossEntropyLoss])
def test_many_classes_cost_the_same_on_every_device(
    monkeypatch: pytest.MonkeyPatch, cls: Callable[..., Any], weight: str | None
) -> None:
    generator = torch.Generator().manual_seed(0)
    # more pixels than a block has
    logits = 3 * torch.randn(2, 11, 160, 160, generator=generator, dtype=torch.float64)
    labels = 4 * torch.randint(0, 2, (2, 160, 160), generator=generator)
    labels[1, :80] *= 2
    labels[0, 0], logits[0, :, 0] = 255, torch.nan
    share = None if weight is None else torch.rand(2, 160, 160, generator=generator)
    labelled = torch.tensor([[1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0]])
    found = []
    for hosts in (device.HOSTS, frozenset()):
        monkeypatch.setattr(device, "HOSTS", hosts)
        leaf = logits.clone().requires_grad_()
        with extra_inputs(labelled=labelled):
            value = cls()(leaf, labels, weight=share)
        each = [value, *torch.autograd.grad(value, leaf, retain_graph=True)]
        (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
        each += [slope, *torch.autograd.grad(slope.nan_to_num().square().sum(), leaf)]
        found.append([part.detach().nan_to_num() for part in each])
    torch.testing.assert_close(*found, rtol=1e-6, atol=1e-12)


def test_labels_exclude_what_dense_targets_exclude() -> None:
    logits, labels = random_batch()
    hot = torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).to(logits.dtype)
    share = torch.rand(2, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for weight in (None, share):
        of_labels = ExclusionDiceLoss()(logits, labels, weight=weight)
        torch.testing.assert_close(ExclusionDiceLoss()(logits, hot, weight=weight), of_labels)


def test_exclusion_is_the_same_where_all_pixels_weigh_more() -> None:
    logits, labels = random_batch()
    expected = ExclusionDiceLoss()(logits, labels)
    heavy = torch.full((2, 5, 6), 3.0, dtype=torch.float64)
    hot = torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).to(logits.dtype)
    for target in (labels, hot):
        found = ExclusionDiceLoss()(logits, target, weight=heavy)
        torch.testing.assert_close(found, expected)
