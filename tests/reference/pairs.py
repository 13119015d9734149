"""Classes beside the functions that they name, and options other than the defaults."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from seglosses import losses
from seglosses.catalogue import loss_classes
from seglosses.extra_inputs import extra_inputs
from seglosses.losses.base import PixelLoss
from seglosses.losses.box.quality import QualityLoss, dense_quality
from seglosses.losses.classes import ClassLoss
from seglosses.losses.classwise import MapLoss, OverlapLoss
from seglosses.losses.guided.attribution import _AttributionLoss
from seglosses.losses.line.centerline_boundary import radius_weights
from seglosses.losses.line.skeleton_recall import tube
from seglosses.losses.objects import region_weights
from seglosses.losses.rows import BoxLoss, RotatedBoxLoss
from seglosses.primitives.encoding import align, one_hot
from seglosses.primitives.label_edges import label_boundary
from seglosses.topology.skeleton import skeletonize

Options = Mapping[str, Any]

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
#: Values of options whose default says too little.
ODD: dict[str, object] = {
    "alpha": 0.35,
    "window": 7,
    "threads": 1,
    "weights": (0.7, 1.9),
    "interval": (0.1, 0.9),
    "image_size": (9, 31),
    "spacing": (1.0, 2.5),
    "axes": [1, 2],
    "betti": (2, 1),
    "connectivity": 8,
    "version": 2,
    "denominator": "all",
    "prior": [0.2, 0.3, 0.5],
    "tau": 0.6,
    "min_length": 0.2,
}
ODD_OF: dict[tuple[str, str], object] = {
    ("HausdorffDTLoss", "alpha"): 1.3,
    ("LogHausdorffDTLoss", "alpha"): 1.3,
    ("SSIMLoss", "window"): 5,
    ("MultiScaleSSIMLoss", "window"): 5,
    ("MultiScaleSSIMLoss", "scales"): (0.3, 0.7),
    ("GatedCRFLoss", "sigma_colour"): 9.0,
    ("VarifocalLoss", "alpha"): 0.35,
    ("TotalPersistenceLoss", "order"): 1.7,
    ("HierarchicalCrossEntropyLoss", "groups"): [[[0, 1]]],
    ("InteractionCrossEntropyLoss", "exclusion"): [(0, 1)],
    ("InteractionCrossEntropyLoss", "inclusion"): [(1, 2)],
    ("BettiMatchingLoss", "filtration"): "both",
} | {
    (name, "alpha"): 2.5
    for name, member in loss_classes().items()
    if issubclass(member, BoxLoss)
}  # fmt: skip


def function_of(name: str) -> str | None:
    """The function beside a class: its name in snake case, whatever the capitals."""
    plain = {
        key.replace("_", ""): key
        for key in losses.EXPORTS
        if inspect.isfunction(getattr(losses, key))
    }
    return RENAMED.get(name) or plain.get(name.lower())


PAIRS = {name: function for name in loss_classes() if (function := function_of(name)) is not None}
GENERATOR = torch.Generator().manual_seed(3)
LABELS = torch.zeros(2, 14, 16, dtype=torch.long)
LABELS[0, 2:7, 3:11], LABELS[0, 8:12, 5:9] = 1, 2
LABELS[1, 1:10, 2:5], LABELS[1, 3:6, 7:15] = 2, 1
LOGITS = 2 * torch.randn(2, 3, 14, 16, generator=GENERATOR)
OTHER = 2 * torch.randn(2, 3, 14, 16, generator=GENERATOR)
BOXES = torch.tensor([[0.0, 0, 4, 6], [1, 2, 9, 5], [3, 3, 8, 7]])
TARGETS = BOXES + torch.tensor([[1.0, 0, 2, 1], [2, 1, 1, 0], [0, 1, 0, 3]])
ROTATED = torch.tensor([[5.0, 5, 4, 6, 0.2], [9, 7, 9, 5, -0.4], [3, 3, 8, 7, 1.0]])
ROTATED_TARGETS = ROTATED + torch.tensor([[1.0, 0, 2, 1, 0.3], [2, 1, 1, 0, 0], [0, 1, 0, 3, -1]])
HOT = one_hot(LABELS, 3)
PROB = LOGITS.softmax(1)
LEAKY = 2 * torch.randn(2, 3, 14, 20, generator=GENERATOR)
WALLS = torch.zeros(2, 14, 20, dtype=torch.long)
WALLS[0, :, 9], WALLS[1, :, 10] = 1, 2
SEEN = (torch.tensor([0.7]), torch.tensor([1.0]))
FAINT = 0.3 * torch.rand(2, 3, 14, 16, generator=torch.Generator().manual_seed(4))
IMAGE = 9 * torch.rand(2, 3, 14, 16, generator=GENERATOR) + 40 * HOT


def margins() -> Tensor:
    return align(LOGITS, LABELS).margins()


def boxes_of(cls: type[Any]) -> tuple[Tensor, Tensor]:
    """Pairs of boxes that a class compares."""
    return (ROTATED, ROTATED_TARGETS) if issubclass(cls, RotatedBoxLoss) else (BOXES, TARGETS)


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


def means(function: Callable[..., Tensor], *inputs: Tensor) -> Callable[..., Tensor]:
    """The mean over classes of a function (N, C)."""
    return lambda **options: function(*inputs, **options).mean(1)


def fields(function: Callable[..., Tensor], **options: Any) -> Tensor:
    spacing = options.pop("spacing", None)
    phi = losses.boundary.weighted.signed_fields(HOT > 0.5, spacing)
    return function(PROB, phi, **options).mean(1)


def region_maps(function: Callable[..., Tensor], **options: Any) -> Tensor:
    return function(PROB, losses.rectified_region_map(HOT > 0.5, **options)).mean(1)


def each_map(form: Callable[[Any], Any], masks: Tensor) -> Tensor:
    return torch.stack(
        [torch.stack([torch.as_tensor(form(m.numpy())) for m in image]) for image in masks]
    ).to(PROB.dtype)


def tubes(function: Callable[..., Tensor], *, radius: int = 2, **options: Any) -> Tensor:
    return function(PROB, each_map(lambda m: tube(m, radius), HOT > 0.5), **options).mean(1)


def radii(function: Callable[..., Tensor], *, boundary: bool = True, **options: Any) -> Tensor:
    pair = [
        each_map(lambda m: radius_weights(m, skeletonize(m), boundary), masks)
        for masks in (PROB > 0.5, HOT > 0.5)
    ]
    return function(PROB, *pair, **options).mean(1)


def bands(function: Callable[..., Tensor], *, radius: int = 3, **options: Any) -> Tensor:
    edges = label_boundary(HOT.reshape(-1, 1, 14, 16) > 0.5, None, radius=radius).view(HOT.shape)
    return function(LOGITS, OTHER, edges, **options).mean(1)


def contrast(function: Callable[..., Tensor], **options: Any) -> Tensor:
    rows = []
    for vectors, hot in zip(LOGITS.flatten(2).transpose(1, 2), HOT.flatten(2) > 0.5, strict=True):
        each = []
        for inside in hot:
            own = vectors[inside]
            partner = own.roll(-(len(own) // 2), 0)
            each.append(function(own, partner, vectors[~inside], **options).mean())
        rows.append(torch.stack(each).mean())
    return torch.stack(rows)


def sampled(maps: Tensor = LOGITS) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels of each image and class, at most 100, evenly spaced; their classes and images."""
    found = []
    for number, (vectors, labels) in enumerate(
        zip(maps.flatten(2).transpose(1, 2), LABELS.flatten(1), strict=True)
    ):
        for c in range(3):
            own = (labels == c).nonzero().squeeze(1)
            if len(own) > 100:
                own = own[torch.arange(100) * len(own) // 100]
            kinds = torch.full_like(own, c)
            found.append((vectors[own], kinds, torch.full_like(own, number)))
    rows, kinds, images = (torch.cat(each) for each in zip(*found, strict=True))
    return rows, kinds, images


def pixel_contrast(function: Callable[..., Tensor], **options: Any) -> Tensor:
    rows, kinds, images = sampled()
    loss = function(rows, kinds, **options)
    return torch.stack([loss[images == k].mean() for k in range(2)])


def centre_contrast(function: Callable[..., Tensor], **options: Any) -> Tensor:
    rows, kinds, images = sampled()
    centres = torch.stack([rows[kinds == c].mean(0) for c in range(3)])
    loss = function(rows, kinds, centres, **options)
    return torch.stack([loss[images == k].mean() for k in range(2)])


def norm_direction(function: Callable[..., Tensor]) -> Tensor:
    rows, kinds, images = sampled()
    taught, _, _ = sampled(OTHER)
    centres = torch.stack([taught[kinds == c].mean(0) for c in range(3)])
    loss = function(rows, taught, kinds, centres)
    return torch.stack([loss[images == k].mean() for k in range(2)])


def malis(function: Callable[..., Tensor], *, fit: float = 1e-3, **options: Any) -> Tensor:
    if "distance" in options:
        return losses.malis_distance_loss(margins(), HOT, fit=fit, **options).mean(1)
    return function(margins().sigmoid(), HOT, **options).mean(1)


def confident(function: Callable[..., Tensor], **options: Any) -> Tensor:
    confidence, labels = OTHER.softmax(1).max(1)
    sure = confidence > losses.confidence_threshold(confidence)
    return torch.where(sure, function(LOGITS, labels, confidence, **options), 0.0)


def calibration(function: Callable[..., Tensor], **options: Any) -> Tensor:
    confidence, guess = PROB.max(1)
    rows = zip(confidence.flatten(1), (guess == LABELS).float().flatten(1), strict=True)
    return torch.stack([function(*row, **options).mean() for row in rows])


def ratios(function: Callable[..., Tensor], *, prior: Any = None) -> Tensor:
    wanted = HOT.flatten(2).mean(2) if prior is None else torch.tensor([prior])
    return function(losses.soft_class_ratios(LOGITS), wanted).sum(1)


def qualities(function: Callable[..., Tensor], **options: Any) -> Tensor:
    logits = LOGITS[0, :, 0].T
    quality, positive = dense_quality(logits, (LABELS[0, 2], torch.linspace(0.1, 0.9, 16)))
    inputs = (logits, quality) + ((positive,) if "positive" in parameters(function) else ())
    return function(*inputs, **options)


def parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def cavities(function: Callable[..., Tensor], **options: Any) -> Tensor:
    return function(align(LEAKY, WALLS).margins(), one_hot(WALLS, 3), **options).mean(1)


def one_logarithm(function: Callable[..., Tensor], **options: Any) -> Tensor:
    """The class takes the logarithm last, of the mean over classes."""
    return function(PROB, HOT, **options).expm1().mean(1).log1p()


SPECIAL: dict[str, Callable[..., Any]] = {
    "AsymmetricLoss": lambda f, **options: f(
        LOGITS[:, :1], (LABELS == 1).unsqueeze(1).float(), **options
    ).squeeze(1),
    "CavityLoss": cavities,
    "LogHausdorffDTLoss": one_logarithm,
    "ActiveBoundaryLoss": lambda f, **options: f(LOGITS, LABELS, **options)[0],
    "KervadecBoundaryLoss": fields,
    "RegionWiseLoss": region_maps,
    "SkeletonRecallLoss": tubes,
    "CenterlineBoundaryDiceLoss": radii,
    "BoundaryDistillationLoss": bands,
    "KLDistillationLoss": lambda f, **options: f(LOGITS, OTHER, **options),
    "JaccardDistillationLoss": lambda f, temperature=1.0, **options: f(
        (LOGITS / temperature).softmax(1), (OTHER / temperature).softmax(1), **options
    ).mean(1),
    "BranchConsistencyLoss": lambda f: f(PROB, OTHER.softmax(1)).mean(1),
    "InfoNCELoss": contrast,
    "PixelContrastLoss": pixel_contrast,
    "MixtureContrastLoss": pixel_contrast,
    "CentreContrastLoss": centre_contrast,
    "NormDirectionDistillationLoss": norm_direction,
    "FeatureAffinityDistillationLoss": lambda f: f(LOGITS, OTHER),
    "MalisLoss": malis,
    "MIPLoss": lambda f, **options: f(PROB.unsqueeze(3), HOT.unsqueeze(3), **options).mean(1),
    "PairwiseAffinityLoss": lambda f, **o: f(margins(), IMAGE, HOT > 0.5, **o).mean(1),
    "LocalPairwiseLoss": lambda f, **o: f(PROB, IMAGE, HOT > 0.5, **o).mean(1),
    "LevelSetLoss": lambda f: f(PROB, IMAGE).mean(1),
    "ConfidenceWeightedCrossEntropyLoss": confident,
    "KernelCalibrationLoss": calibration,
    "ClassRatioKLLoss": ratios,
    "EntropyLoss": lambda f: f(LOGITS),
    "LovaszHingeLoss": lambda f: f(LOGITS, HOT).mean(1),
    "GatedCRFLoss": lambda f, **o: f(PROB, IMAGE, **o).sum(1),
    "TreeEnergyLoss": lambda f, **o: f(PROB, FAINT, **o).sum(1),
    "ComponentBalancedDiceLoss": lambda f, **o: f(PROB, HOT, region_weights(LABELS), **o).mean(1),
    "EQLv2Loss": lambda f, **o: f(
        LOGITS[:, :1], (LABELS == 1).unsqueeze(1).float(), *SEEN, **o
    ).squeeze(1),
    "ChannelWiseDistillationLoss": lambda f, **o: f(LOGITS, OTHER, **o).mean(1),
    "PixelAffinityDistillationLoss": lambda f: f(LOGITS, OTHER),
    "CrossImageDistillationLoss": lambda f, **o: f(LOGITS, OTHER, **o),
    "DISTLoss": lambda f, **o: f(PROB, OTHER.softmax(1), **o),
    "ExclusionDiceLoss": lambda f: f(PROB, 1 - HOT).sum(1),
    "DistributionFocalLoss": lambda f: f(
        LOGITS[0, 0], 14 * torch.rand(14, generator=torch.manual_seed(0))
    ),
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


SHARED = {"reduction", "loss_weight", "loss_name", "use_sigmoid", "ignore_index", "class_weight"}
SHARED |= {"avg_non_ignore", "classes", "average", "sync", "activated", "compat"}


def odd_options(name: str) -> dict[str, Any]:
    """Other values than the defaults of all options that the function knows too."""
    cls, function = loss_classes()[name], getattr(losses, PAIRS[name])
    own: dict[str, Any] = {}
    for member in reversed(cls.__mro__):
        if member.__module__.startswith("seglosses.losses."):
            own |= parameters(member.__init__) if "__init__" in vars(member) else {}
    known = set(parameters(function)) | {"inner_ratio", "interval", "alpha", "focal_gamma"}
    if name in SPECIAL:
        known |= set(parameters(SPECIAL[name])) | {"spacing"}
    hints = typing.get_type_hints(cls.__init__)
    odd = {}
    for option, parameter in own.items():
        if option in SHARED or option not in known or parameter.kind is parameter.VAR_KEYWORD:
            continue
        given = ODD_OF.get((name, option), ODD.get(option))
        if given is None:
            given = other(parameter.default, hints.get(option))
        if given is not None:
            odd[option] = given
    return odd


def other(default: Any, hint: Any) -> Any:
    """Another value than the default, of the same kind."""
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, float):
        return 0.8 * default + 0.07
    words = [word for word in typing.get_args(hint) if isinstance(word, str) and word != default]
    return words[0] if words else None
