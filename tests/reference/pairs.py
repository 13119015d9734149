"""Classes beside the functions that they name."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from seglosses import losses
from seglosses.catalogue import loss_classes
from seglosses.extra_inputs import extra_inputs
from seglosses.losses.base import PixelLoss
from seglosses.losses.box.quality import QualityLoss
from seglosses.losses.classes import ClassLoss
from seglosses.losses.classwise import MapLoss, OverlapLoss
from seglosses.losses.guided.attribution import _AttributionLoss
from seglosses.losses.rows import BoxLoss
from tests.reference.pair_inputs import (
    FAINT,
    HOT,
    IMAGE,
    LABELS,
    LEAKY,
    LOGITS,
    OFFSETS,
    OTHER,
    PROB,
    SEEN,
    SPECIAL,
    WALLS,
    Options,
    boxes_of,
    margins,
    qualities,
)

#: Classes whose function has another name.
RENAMED = {
    "KervadecBoundaryLoss": "boundary_loss",
    "MaxSupLoss": "max_suppression_loss",
    "JaccardDistillationLoss": "jaccard_metric_loss",
    "FeatureAffinityDistillationLoss": "pixel_affinity_distillation_loss",
    "AlphaIoULoss": "ciou_loss",
    "InnerIoULoss": "ciou_loss",
    "FocalerIoULoss": "iou_loss",
}
#: Classes that name no function of their own.
ALONE = {
    "ActivePassiveLoss": "weighs two losses, each of which has its pair",
    "BalancedCrossEntropyLoss": "cross-entropy; balanced_class_weights are its weights",
    "OHEMCrossEntropyLoss": "cross-entropy of the pixels that hardest_pixels chooses",
    "TopKCrossEntropyLoss": "cross-entropy of the pixels that hardest_share chooses",
}


def function_of(name: str) -> str | None:
    """The function beside a class: its name in snake case, whatever the capitals."""
    plain = {
        key.replace("_", ""): key
        for key in losses.EXPORTS
        if inspect.isfunction(getattr(losses, key))
    }
    return RENAMED.get(name) or plain.get(name.lower())


PAIRS = {name: function for name in loss_classes() if (function := function_of(name)) is not None}


def of_class(cls: type[Any], options: Options) -> Tensor:
    """Unreduced losses of logits, one a pixel, an image, or a row."""
    more: dict[str, object] = {"reduction": "none"}
    if issubclass(cls, ClassLoss) and not cls.no_classes:
        more["classes"] = "all"
    if issubclass(cls, OverlapLoss):
        more["average"] = "image"
    if cls.__name__.startswith("Lovasz") or cls is losses.KernelCalibrationLoss:
        more["average"] = "image"
    loss = cls(**more, **options).eval()
    if cls is losses.EQLv2Loss:
        loss.sums.add(positive=SEEN[0], negative=SEEN[1])
    if issubclass(cls, BoxLoss):
        return loss(*boxes_of(cls))
    if cls is losses.DistributionFocalLoss:
        return loss(LOGITS[0, 0], 14 * torch.rand(14, generator=torch.manual_seed(0)))
    if cls is losses.FineGrainedLocalizationLoss:
        return loss(LOGITS[0, 0, :, :15], OFFSETS)
    if cls is losses.DecoupledDistillationFocalLoss:
        return loss(LOGITS[0, 0], (OTHER[0, 0], OFFSETS > 0))
    if issubclass(cls, QualityLoss):
        return loss(LOGITS[0, :, 0].T, (LABELS[0, 2], torch.linspace(0.1, 0.9, 16)))
    if loss.independent_channels and issubclass(cls, PixelLoss):
        return loss(LOGITS[:, :1], (LABELS == 1).long())
    if cls is losses.MIPLoss:
        return loss(LOGITS.unsqueeze(3), LABELS.unsqueeze(2))
    if cls is losses.CavityLoss:
        return loss(LEAKY, WALLS)
    own = {"image": FAINT} if cls is losses.TreeEnergyLoss else {}
    with extra_inputs(**{name: EXTRA[name] for name in cls.needs} | own):
        teacher = {"teacher": OTHER} if cls is losses.ConfidenceWeightedCrossEntropyLoss else {}
        with extra_inputs(**teacher):
            return loss(LOGITS, LABELS)


EXTRA = {
    "teacher": OTHER,
    "second_logits": OTHER,
    "image": IMAGE,
    "features": LOGITS,
    "teacher_features": OTHER,
    "attributions": LOGITS,
}


def of_function(name: str, options: Options) -> Tensor:
    """The same from the function, of what it reads."""
    cls, function = loss_classes()[name], getattr(losses, PAIRS[name])
    if name in SPECIAL:
        return SPECIAL[name](function, **options)
    if issubclass(cls, BoxLoss):
        return function(*boxes_of(cls), **options)
    if issubclass(cls, QualityLoss):
        return qualities(function, **options)
    if issubclass(cls, PixelLoss):
        if cls.independent_channels:
            pair = torch.cat([-LOGITS[:, :1] / 2, LOGITS[:, :1] / 2], 1)
            return function(pair, (LABELS == 1).long(), **options)
        return function(LOGITS, LABELS, **options)
    if issubclass(cls, _AttributionLoss):
        return function(LOGITS, HOT).mean(1)
    seen = margins() if issubclass(cls, MapLoss) and cls.reads_margins else PROB
    return function(seen, HOT, **options).mean(1)
