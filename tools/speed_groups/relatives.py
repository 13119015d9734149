"""What newer losses cost beside their nearest relative, which none may exceed twofold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from speed import Case

from seglosses import losses
from seglosses.extra_inputs import extra_input, extra_inputs
from seglosses.losses import BoundaryCrossEntropyLoss, CrossEntropyLoss, DiceLoss

#: A loss, however it is written.
Loss = Callable[..., Any]


def _case(
    title: str,
    run: Callable[[Loss], Any],
    ours: Loss,
    relative: Loss,
    reference: torch.Tensor,
) -> Case:
    """The same work by a loss and by its relative."""
    runs: dict[str, Callable[[], Any]] = {
        "seglosses": partial(run, ours),
        "relative": partial(run, relative),
    }
    return Case(title, runs, reference)


def _largest_tenth(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Top-k cross-entropy as trainers write it."""
    each = torch.nn.functional.cross_entropy(logits, labels, reduction="none").flatten()
    return each.topk(len(each) // 10, sorted=False).values.mean()


#: Losses of an extra input, which :func:`taught` states, and their relatives.
TAUGHT: dict[str, tuple[Loss, Loss]] = {
    "gated CRF": (losses.GatedCRFLoss(), losses.PairwiseAffinityLoss()),
    "tree energy": (losses.TreeEnergyLoss(), losses.GatedCRFLoss()),
    "channel-wise distillation": (
        losses.ChannelWiseDistillationLoss(),
        losses.KLDistillationLoss(),
    ),
    "DIST": (losses.DISTLoss(), losses.JaccardDistillationLoss()),
    "pixel affinity distillation": (
        losses.PixelAffinityDistillationLoss(),
        losses.KLDistillationLoss(),
    ),
    "cross-image distillation": (losses.CrossImageDistillationLoss(), losses.KLDistillationLoss()),
    "attribution energy": (losses.AttributionEnergyLoss(), losses.RightReasonsLoss()),
}


def plain(classes: int) -> dict[str, tuple[Loss, Loss]]:
    """Pairs of a loss and its nearest relative, of logits and labels alone."""
    prior = [2.0 ** -min(c + 1, classes - 1) for c in range(classes)]
    return {
        "total persistence": (losses.TotalPersistenceLoss(), losses.TopologicalPriorLoss()),
        "MS-SSIM": (losses.MultiScaleSSIMLoss(), losses.SSIMLoss()),
        "Seesaw": (losses.SeesawLoss(), losses.LabelSmoothingLoss()),
        "EQL v2": (losses.EQLv2Loss(), losses.CrossEntropyLoss(use_sigmoid=True)),
        "SVLS": (losses.SVLSLoss(), losses.LabelSmoothingLoss()),
        "NACL": (losses.NACLLoss(), losses.MarginSmoothingLoss()),
        # of losses of calibration the one that reads every score: kernel calibration samples some
        "L1-ACE, hard bins": (losses.L1ACELoss(), losses.LabelSmoothingLoss()),
        "L1-ACE, soft bins": (losses.L1ACELoss(binning="soft"), losses.LabelSmoothingLoss()),
        "squared EMD": (losses.SquaredEMDLoss(), losses.LabelSmoothingLoss()),
        "hierarchical CE": (
            losses.HierarchicalCrossEntropyLoss(
                groups=[[[0, 1], [2, 3]] if classes < 9 else [[*range(9)], [*range(9, classes)]]]
            ),
            losses.LabelSmoothingLoss(),
        ),
        "interaction CE": (
            losses.InteractionCrossEntropyLoss(exclusion=[(0, 1)]),
            losses.LabelSmoothingLoss(),
        ),
        "exclusion CE": (losses.ExclusionCrossEntropyLoss(), losses.LabelSmoothingLoss()),
        "exclusion Dice": (losses.ExclusionDiceLoss(), DiceLoss(intersection="product")),
        "MCC": (losses.MCCLoss(), DiceLoss()),
        # both read squares of probabilities
        "boundary DoU": (losses.BoundaryDoULoss(), DiceLoss(intersection="norm2")),
        "log-cosh Dice": (losses.LogCoshDiceLoss(), DiceLoss()),
        "logarithmic Dice": (losses.LogDiceLoss(), DiceLoss()),
        "exponential logarithmic CE": (
            losses.ExponentialLogarithmicCrossEntropyLoss(),
            losses.LabelSmoothingLoss(),
        ),
        "region mutual information": (losses.RMILoss(), losses.SSIMLoss()),
        "top-k CE": (losses.TopKCrossEntropyLoss(), _largest_tenth),
        "OHEM CE": (losses.OHEMCrossEntropyLoss(), _largest_tenth),
        "soft bootstrapping": (losses.SoftBootstrappingLoss(), losses.LabelSmoothingLoss()),
        "hard bootstrapping": (losses.HardBootstrappingLoss(), losses.LabelSmoothingLoss()),
        "symmetric CE": (losses.SymmetricCrossEntropyLoss(), losses.LabelSmoothingLoss()),
        "logit adjustment": (
            losses.LogitAdjustmentLoss(prior=prior),
            losses.LabelSmoothingLoss(),
        ),
    }


def ranks() -> Iterator[Case]:
    """20 000 boxes of 20 classes, 200 of them objects."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(20_000, 20, generator=generator).requires_grad_()
    labels = torch.full((20_000,), 20)
    labels[::100] = torch.arange(200) % 20
    target = labels, torch.rand(20_000, generator=generator)
    relative = losses.VarifocalLoss()
    for ours in (
        losses.RankSortLoss(),
        losses.ALRPLoss(),
        losses.IoUAwareBCELoss(),
        losses.MatchabilityAwareLoss(),
    ):
        title = f"{type(ours).__name__}, 20 000 boxes"
        yield _case(title, lambda loss: loss(logits, target), ours, relative, logits)


def boxes() -> Iterator[Case]:
    """Pairs of boxes, and distributions of 33 bins for their edges."""
    generator = torch.Generator().manual_seed(0)
    corners = 100 * torch.rand(10_000, 2, 2, generator=generator).sort(1).values
    wanted = corners.flatten(1)
    pairs = (wanted + torch.randn(wanted.shape, generator=generator)).requires_grad_()
    for ours in (losses.PIoULoss(), losses.PIoUv2Loss()):
        title = f"{type(ours).__name__}, 10 000 boxes"
        yield _case(title, lambda loss: loss(pairs, wanted), ours, losses.MPDIoULoss(), pairs)
    edges = torch.randn(40_000, 33, generator=generator).requires_grad_()
    teacher = torch.randn(40_000, 33, generator=generator)
    offset, share = torch.randn(40_000, generator=generator), torch.rand(40_000)
    matched = share > 0.9

    def located(*_: Any) -> Any:
        return losses.fine_grained_localization_loss(edges, offset, share).mean()

    def distilled(*_: Any) -> Any:
        return losses.decoupled_distillation_focal_loss(edges, teacher, share, matched).sum()

    def focal(*_: Any) -> Any:
        return losses.distribution_focal_loss(edges, 16 + 4 * offset).mean()

    for name, mine in (("localisation", located), ("distillation", distilled)):
        yield _case(f"{name} of 40 000 edges", lambda loss: loss(), mine, focal, edges)


class _ChannelWise(torch.nn.Module):
    """The other distillation of features, of the inputs that are stated."""

    def forward(self, *_: Any) -> Any:
        maps, taught = (extra_input(name) for name in ("features", "teacher_features"))
        assert maps is not None
        assert taught is not None
        return losses.channel_wise_distillation_loss(maps, taught).mean()


def features() -> Iterator[Case]:
    """Contrast and distillation of 32 features of 2 images of 128."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 6, 128, 128, generator=generator).requires_grad_()
    maps, taught = (torch.randn(2, 32, 128, 128, generator=generator) for _ in range(2))
    maps.requires_grad_()
    labels = torch.randint(0, 6, (2, 128, 128), generator=generator)
    for ours, relative in (
        # of as many pairs: 1024 queries, and as many keys with 6 x 256 of the memory
        (losses.PixelContrastLoss(), losses.InfoNCELoss(samples=467)),
        (losses.MixtureContrastLoss(), losses.InfoNCELoss(samples=467)),
        (losses.CentreContrastLoss(), losses.InfoNCELoss()),
        (losses.NormDirectionDistillationLoss(), losses.InfoNCELoss()),
        (losses.FeatureAffinityDistillationLoss(), _ChannelWise()),
    ):

        def run(loss: Loss) -> Any:
            with extra_inputs(features=maps, teacher_features=taught):
                return loss(logits, labels)

        yield _case(f"{type(ours).__name__}, 32 features", run, ours, relative, maps)


def objects(classes: int) -> Iterator[Case]:
    """10 000 objects of an image of 1024, of all classes but the background in turn."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(1, 1024, 1024, dtype=torch.long)
    for y in range(2, 1022, 10):
        for x in range(2, 1022, 10):
            size = 2 + (x * y) % 6
            labels[0, y : y + size, x : x + size] = 1 + (x // 10 + y // 10) % (classes - 1)
    logits = torch.randn(1, classes, 1024, 1024, generator=generator).requires_grad_()
    entropy, dice, boundary = CrossEntropyLoss(), DiceLoss(), BoundaryCrossEntropyLoss()
    for name, ours, relative in (
        ("blob loss", losses.BlobLoss(), dice),
        ("component-balanced Dice", losses.ComponentBalancedDiceLoss(), dice),
        ("component-balanced CE", losses.ComponentBalancedCrossEntropyLoss(), entropy),
        ("instance boundaries", losses.InstanceBoundaryCrossEntropyLoss(), boundary),
    ):
        title = f"{name}, 10 404 objects of {classes} classes"
        yield _case(title, lambda loss: loss(logits, labels), ours, relative, logits)


def sets(logits: torch.Tensor, labels: torch.Tensor) -> Iterator[Case]:
    """Losses of sets of classes, beside those of one class for each pixel.

    Sets of a label are compared with labels, and sets of a pixel with dense targets.
    """
    classes = logits.shape[1]
    shares = torch.zeros(logits.shape).scatter_(1, labels.unsqueeze(1), 0.5)
    # pixels of class 0 may have the last one, and the others one more
    label_sets = [[0, classes - 1], *([c] for c in range(1, classes))]
    shares[:, -1].masked_fill_(labels == 0, 0.5)
    shares[:, 1].add_(0.5 * (labels != 0))
    smoothing: Loss = losses.LabelSmoothingLoss()
    kinds: list[tuple[str, Callable[..., Loss], Loss]] = [
        ("marginal CE", losses.MarginalCrossEntropyLoss, smoothing),
        ("marginal Dice", losses.MarginalDiceLoss, DiceLoss()),
        ("exclusion CE", losses.ExclusionCrossEntropyLoss, smoothing),
        ("exclusion Dice", losses.ExclusionDiceLoss, DiceLoss(intersection="product")),
    ]

    def of_labels(loss: Loss) -> Any:
        return loss(logits, labels)

    def of_pixels(loss: Loss) -> Any:
        return loss(logits, shares)

    for name, kind, relative in kinds:
        ours = kind(label_sets=label_sets)
        said = f"of {classes} classes"
        yield _case(f"{name}, labels as sets {said}", of_labels, ours, relative, logits)
        yield _case(f"{name}, pixels as sets {said}", of_pixels, kind(), relative, logits)


def taught(logits: torch.Tensor, labels: torch.Tensor) -> Iterator[Case]:
    """A teacher, an image, and an attribution map, which is the logits."""
    generator = torch.Generator().manual_seed(1)
    teacher = logits.detach() + torch.randn(logits.shape, generator=generator)
    image = torch.rand(2, 3, 512, 512, generator=generator)
    for name, (ours, relative) in TAUGHT.items():

        def run(loss: Loss) -> Any:
            with extra_inputs(teacher=teacher, image=image, attributions=logits):
                return loss(logits, labels)

        yield _case(f"{name}, {logits.shape[1]} classes", run, ours, relative, logits)


def shapes(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and labels of smooth shapes, 2 images of 512."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(2, classes, 16, 16, generator=generator)
    logits = 3 * torch.nn.functional.interpolate(coarse, (512, 512), mode="bicubic")
    labels = logits.argmax(1)
    return (logits + torch.randn(logits.shape, generator=generator)).requires_grad_(), labels


def labelled(logits: torch.Tensor, labels: torch.Tensor) -> Iterator[Case]:
    """Losses of which each image says what classes were labelled in it: about half of them."""
    classes = logits.shape[1]
    sets = torch.arange(classes) < classes // 2
    sets = torch.stack([sets, ~sets])
    sets[:, 0] = True
    denied = ~sets.gather(1, labels.flatten(1)).view_as(labels)
    partly = labels.masked_fill(denied, 0)

    def told(loss: Loss) -> Any:
        with extra_inputs(labelled=sets):
            return loss(logits, partly)

    for name, (ours, relative) in {
        "marginal CE": (losses.MarginalCrossEntropyLoss(), losses.LabelSmoothingLoss()),
        "marginal Dice": (losses.MarginalDiceLoss(), DiceLoss()),
        "exclusion CE": (losses.ExclusionCrossEntropyLoss(), losses.LabelSmoothingLoss()),
        "exclusion Dice": (losses.ExclusionDiceLoss(), DiceLoss(intersection="product")),
    }.items():
        yield _case(f"{name}, images of {classes} classes", told, ours, relative, logits)


def alone(logits: torch.Tensor, labels: torch.Tensor) -> Iterator[Case]:
    """Losses of logits and labels alone."""
    classes = logits.shape[1]
    for name, (ours, relative) in plain(classes).items():
        title = f"{name}, {classes} classes"
        yield _case(title, lambda loss: loss(logits, labels), ours, relative, logits)


def cases() -> Iterator[Case]:
    """Six classes of smooth shapes, 2 images of 512, or more classes; and many objects."""
    for classes in (2, 4, 19):
        yield from objects(classes)
    yield from ranks()
    yield from boxes()
    yield from features()
    for classes in (19, 6):
        logits, labels = shapes(classes)
        yield from labelled(logits, labels)
        yield from sets(logits, labels)
        yield from taught(logits, labels)
        yield from alone(logits, labels)
