"""Which classes count, and how they and images are averaged."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seglosses import losses
from seglosses.losses import (
    DiceLoss,
    JaccardLoss,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    SkeletonRecallLoss,
    SoftClDiceLoss,
    TverskyLoss,
    tversky_loss,
)
from seglosses.losses.classes import ClassLoss
from seglosses.losses.classwise import MapLoss, OverlapLoss
from seglosses.primitives.overlap import Counts

CLASS_LOSSES = [
    member
    for member in (getattr(losses, name) for name in losses.__all__)
    if isinstance(member, type) and issubclass(member, ClassLoss)
]
of_masks = [
    cls
    for cls in CLASS_LOSSES
    # volumes, and what wants more than masks
    if 2 in getattr(cls, "spatial_dims", (2,)) and not cls.needs
]


def _sure(labels: Tensor, classes: int) -> Tensor:
    return torch.where(labels.unsqueeze(1) == torch.arange(classes).view(1, -1, 1, 1), 40.0, -40.0)


class MeanLoss(MapLoss):
    """The mean probability of each class: any number one likes."""

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return prob.flatten(2).mean(2)


class MassLoss(OverlapLoss):
    """The same of counts."""

    def compute(self, counts: Counts) -> Tensor:
        return counts.prob / 4


# two images of four pixels: classes 0, 1 and 2, and class 0 alone
PROB = torch.tensor(
    [
        [[[0.7, 0.1, 0.1, 0.1]], [[0.1, 0.6, 0.2, 0.1]], [[0.1, 0.2, 0.6, 0.1]]],
        [[[0.6, 0.6, 0.4, 0.4]], [[0.1, 0.2, 0.1, 0.4]], [[0.2, 0.1, 0.1, 0.1]]],
    ]
)
PROB = torch.cat([PROB, 1 - PROB.sum(1, keepdim=True)], 1)
LABELS = torch.tensor([[[0, 1, 1, 2]], [[0, 0, 0, 0]]])
MEANS = PROB.flatten(2).mean(2)


@pytest.mark.parametrize("cls", [MeanLoss, MassLoss])
@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        # in the second image class 1 costs more than 2 and 3, and is not labelled
        ("present_foreground", ((MEANS[0, 1] + MEANS[0, 2]) / 2 + MEANS[1, 1:].max()) / 2),
        ("present", (MEANS[0, :3].mean() + MEANS[1, 0]) / 2),
        ("foreground", MEANS[:, 1:].mean()),
        ("all", MEANS.mean()),
        ([2, 1], MEANS[:, 1:3].mean()),
    ],
)
def test_words(cls: type[ClassLoss], classes: str, expected: Tensor) -> None:
    torch.testing.assert_close(cls(classes=classes)(PROB.log(), LABELS), expected)


def test_the_default_of_maps_is_the_foreground_that_the_label_has() -> None:
    default = MeanLoss()(PROB.log(), LABELS)
    assert torch.equal(default, MeanLoss(classes="present_foreground")(PROB.log(), LABELS))


@pytest.mark.parametrize("cls", [MeanLoss, MassLoss])
@pytest.mark.parametrize("classes", ["present_foreground", "foreground", "all"])
def test_independent_channels_are_all_foreground(cls: type[ClassLoss], classes: str) -> None:
    prob = PROB[:1, :3]
    target = torch.ones_like(prob)
    loss = cls(classes=classes, use_sigmoid=True)
    torch.testing.assert_close(loss(prob.logit(), target), MEANS[0, :3].mean())
    # and where the label lacks the last one, two of them
    target[:, 2] = 0
    expected = MEANS[0, :2].mean() if classes == "present_foreground" else MEANS[0, :3].mean()
    torch.testing.assert_close(loss(prob.logit(), target), expected)


@pytest.mark.parametrize("cls", [MeanLoss, MassLoss])
def test_images_without_any_chosen_class_do_not_count(cls: type[ClassLoss]) -> None:
    # masks, of which the second is empty: the mean is that of the first
    loss = cls(classes="present", use_sigmoid=True)
    target = torch.tensor([[[[0.0, 1.0, 1.0, 0.0]]], [[[0.0, 0.0, 0.0, 0.0]]]])
    value = loss(PROB[:, 1:2].logit(), target)
    torch.testing.assert_close(value, MEANS[0, 1])


@pytest.mark.parametrize("cls", [MeanLoss, MassLoss])
@pytest.mark.parametrize("classes", ["present_foreground", "present", "foreground", "all", [1]])
def test_images_without_a_pixel_that_counts_do_not_count(
    cls: type[ClassLoss], classes: str | list[int]
) -> None:
    loss, labels, weight = cls(classes=classes), LABELS.clone(), torch.ones(LABELS.shape)
    labels[1], weight[1] = 255, 0
    alone = loss(PROB[:1].log(), LABELS[:1])
    torch.testing.assert_close(loss(PROB.log(), labels), alone)
    torch.testing.assert_close(loss(PROB.log(), LABELS, weight=weight), alone)


def test_the_shares_of_a_mixture_stay_with_losses_of_masks() -> None:
    pred, masks = PROB[:, 1].logit(), (LABELS == 0).float()
    mixed = MassLoss(average={"image": 0.5, "dataset": 0.25}, use_sigmoid=True, reduction="none")
    torch.testing.assert_close(mixed(pred, masks), 0.75 * MEANS[:, 1])


def test_class_weights_stay_with_their_class() -> None:
    loss = MeanLoss(class_weight=[9.0, 1.0, 2.0, 5.0])
    first = (MEANS[0, 1] + 2 * MEANS[0, 2]) / 2
    second = torch.stack([MEANS[1, 1], 2 * MEANS[1, 2], 5 * MEANS[1, 3]]).max()
    torch.testing.assert_close(loss(PROB.log(), LABELS), (first + second) / 2)


@pytest.mark.parametrize("cls", [SoftClDiceLoss, SkeletonRecallLoss])
def test_one_of_150_classes_is_not_diluted(cls: type[MapLoss]) -> None:
    labels = torch.zeros(1, 24, 24, dtype=torch.long)
    labels[0, 4:20, 10:13] = 1
    missed = torch.zeros_like(labels)
    for classes in (2, 4, 150):
        value = cls()(_sure(missed, classes), labels).item()
        assert value == pytest.approx(cls()(_sure(missed, 2), labels).item(), abs=1e-5)
        assert value > 0.8


@pytest.mark.parametrize("average", ["image", "dataset", "class", "micro"])
def test_averages_by_hand(average: str) -> None:
    counts = 4 * MEANS
    expected = {
        # a mean over classes that the label has, of these over images
        "image": (MEANS[0, :3].mean() + MEANS[1, 0]) / 2,
        "dataset": counts.sum(0)[:3].mean() / 4,
        "class": (MEANS[:, 0].mean() + MEANS[0, 1] + MEANS[0, 2]) / 3,
        # all classes as one
        "micro": counts.sum(1).mean() / 4,
    }[average]
    torch.testing.assert_close(MassLoss(average=average)(PROB.log(), LABELS), expected)


def test_micro_dice_is_that_of_peers() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 8, 8, generator=generator)
    labels = torch.randint(0, 4, (3, 8, 8), generator=generator)
    hot = torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).float()
    prob = logits.softmax(1)
    # kornia.losses.dice_loss(average='micro'): sums over channels and pixels of each image
    hit, size = (prob * hot).sum((1, 2, 3)), (prob + hot).sum((1, 2, 3))
    theirs = (1 - 2 * hit / (size + 1e-8)).mean()
    torch.testing.assert_close(DiceLoss(average="micro", smooth=0)(logits, labels), theirs)
    # mmseg's DiceLoss flattens classes and pixels of a sample, and squares
    squares = prob.square().sum((1, 2, 3)) + hot.square().sum((1, 2, 3))
    theirs = (1 - (2 * hit + 1) / (squares + 1)).mean()
    ours = DiceLoss(average="micro", intersection="norm2")(logits, labels)
    torch.testing.assert_close(ours, theirs)
    # class weights scale the counts of their class
    w = torch.tensor([0.0, 1.0, 2.0, 3.0])
    hit = ((prob * hot).sum((2, 3)) * w).sum(1)
    size = ((prob + hot).sum((2, 3)) * w).sum(1)
    weighed = DiceLoss(average="micro", smooth=0, class_weight=w.tolist())(logits, labels)
    torch.testing.assert_close(weighed, (1 - 2 * hit / size).mean())
    mixed = DiceLoss(average={"micro": 0.25, "image": 0.75}, smooth=0)(logits, labels)
    image = DiceLoss(smooth=0)(logits, labels)
    micro = DiceLoss(average="micro", smooth=0)(logits, labels)
    torch.testing.assert_close(mixed, 0.25 * micro + 0.75 * image)


def test_micro_reads_chosen_classes_alone() -> None:
    for classes in ("foreground", [1, 2, 3]):
        value = MassLoss(average="micro", classes=classes)(PROB.log(), LABELS)
        torch.testing.assert_close(value, MEANS[:, 1:].sum(1).mean())
    value = MassLoss(average="micro", classes="present")(PROB.log(), LABELS)
    torch.testing.assert_close(value, (MEANS[0, :3].sum() + MEANS[1, 0]) / 2)


@pytest.mark.parametrize("cls", of_masks, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("shape", [(12, 16), (40,)], ids=["masks", "points"])
def test_masks_of_instances_have_a_value_each(cls: type[ClassLoss], shape: tuple) -> None:
    if len(shape) == 1 and issubclass(cls, MapLoss):
        pytest.skip("points have no shape")
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, *shape, generator=generator, requires_grad=True)
    masks = torch.zeros(3, *shape)
    masks[:, 3:9] = 1
    loss = cls(use_sigmoid=True)
    each = loss(logits, masks, reduction_override="none")
    assert each.shape == (3,)
    assert torch.isfinite(each).all()
    alone = torch.stack(
        [loss(logits[i : i + 1], masks[i : i + 1], reduction_override="none")[0] for i in range(3)]
    )
    torch.testing.assert_close(each, alone)


@pytest.mark.parametrize("cls", [DiceLoss, JaccardLoss, LovaszHingeLoss, LovaszSoftmaxLoss])
@pytest.mark.parametrize("sigmoid", [False, True])
def test_ignored_rows_of_a_detector_do_not_count(cls: type[ClassLoss], sigmoid: bool) -> None:
    rows = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 255, 2, 1])
    kept = torch.tensor([0, 2, 3])
    loss = cls(use_sigmoid=sigmoid)
    torch.testing.assert_close(loss(rows, labels), loss(rows[kept], labels[kept]))


def test_tversky_weighs_false_negatives_more_by_default() -> None:
    prob, target = torch.tensor([[[1.0, 0.0, 1.0]]]), torch.tensor([[[1.0, 1.0, 0.0]]])
    # of two misses and of one too much: TP 1, FP 1, FN 1
    missed = torch.tensor([[[1.0, 1.0, 1.0]]])
    assert tversky_loss(prob, target, smooth=0).item() == pytest.approx(1 - 1 / 2)
    # TP 2, FP 0, FN 1, and the other way round
    worse = tversky_loss(missed - torch.tensor([0.0, 0.0, 1.0]), missed, smooth=0)
    assert worse.item() == pytest.approx(1 - 2 / 2.7)
    better = tversky_loss(missed, missed - torch.tensor([0.0, 0.0, 1.0]), smooth=0)
    assert better.item() == pytest.approx(1 - 2 / 2.3)
    assert (TverskyLoss().alpha, TverskyLoss().beta) == (0.3, 0.7)
