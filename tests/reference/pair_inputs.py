"""What functions of losses read, made of the inputs of the class, where it is more than maps."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from seglosses import losses
from seglosses.losses.box.quality import dense_quality
from seglosses.losses.line.centerline_boundary import radius_weights
from seglosses.losses.line.skeleton_recall import tube
from seglosses.losses.objects import region_weights
from seglosses.losses.rows import RotatedBoxLoss
from seglosses.primitives.encoding import align, one_hot
from seglosses.primitives.label_edges import label_boundary
from seglosses.topology.skeleton import skeletonize

Options = Mapping[str, Any]

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
OFFSETS = 6 * torch.rand(14, generator=torch.Generator().manual_seed(5)) - 3
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
    "DecoupledDistillationFocalLoss": lambda f, **o: f(
        LOGITS[0, 0], OTHER[0, 0], torch.ones(14), OFFSETS > 0, **o
    ),
    "FineGrainedLocalizationLoss": lambda f, **o: f(
        LOGITS[0, 0, :, :15], OFFSETS, torch.ones(14), **o
    ),
    "DistributionFocalLoss": lambda f: f(
        LOGITS[0, 0], 14 * torch.rand(14, generator=torch.manual_seed(0))
    ),
}
