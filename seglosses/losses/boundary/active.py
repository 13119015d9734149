"""Active boundary loss: push the predicted boundary, pixel by pixel, towards the label's."""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import SegOptions
from seglosses.losses.classwise import MapLoss
from seglosses.losses.fields import distance_fields
from seglosses.losses.whole_maps import broken
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.reduction import Asked

__all__ = [
    "ActiveBoundaryLoss",
    "active_boundary_loss",
]

# where the published search for a threshold starts, and its step
_FIRST, _STEP = 1e-5, 1.2
_LARGEST_DIVERGENCE = 20.0


def active_boundary_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    valid: Tensor | None = None,
    weight: Tensor | None = None,
    max_ratio: float = 0.01,
    label_smoothing: float = 0.2,
    max_distance: float = 20.0,
) -> tuple[Tensor, Tensor]:
    r"""Active boundary loss.

    A pixel is boundary where its distribution differs from that of its next neighbour along an
    axis, KL(p_i | p_j) > t, with t the smallest 1e-5 * 1.2^k that leaves ``max_ratio`` of the
    pixels; these are dilated by one. Each such pixel i has a wanted direction, the neighbour of
    its 3 x 3 (3 x 3 x 3) window that is nearest to the label's boundary, and

        loss_i = min(d_i, D) / D * CE(KL(p_j | p_i) of the neighbours j, wanted direction)

    where d_i is its distance to the label's boundary less one, in whole pixels (so that what the
    dilation added to a perfect prediction is free), D = ``max_distance``, and p_j a constant of
    differentiation. Pixels nearer than all neighbours are left out.

    Differences from the published code: an image without any boundary costs 0 (there ``None``, or
    a distance to nowhere); divergences are bounded by 20, which that code computes and discards;
    label smoothing is that of PyTorch; thresholds are found image by image; ignored pixels are no
    boundary, no direction, and their logits count nowhere.

    Args:
        logits: Softmax logits, (N, C, H, W) or (N, C, D, H, W).
        labels: (N, *S), int64.
        valid: (N, *S), bool; ``None`` where every pixel counts.
        weight: Weights of pixels, (N, *S).
        max_ratio: Largest share of boundary pixels before dilation.
        label_smoothing: Of the cross-entropy over directions.
        max_distance: D, pixels.

    Returns:
        The loss of each image (N,), and how many pixels it is the mean of (N,).

    Raises:
        ValueError: for logits that are neither images nor volumes.

    References:
        Wang et al., Active boundary loss for semantic segmentation, AAAI 2022, arXiv:2102.02696.

    Example:
        >>> labels = torch.zeros(1, 5, 7, dtype=torch.long)
        >>> labels[0, :, 5:] = 1  # the label changes after column 4, the prediction after 1
        >>> columns = torch.arange(7).expand(1, 1, 5, 7)
        >>> logits = torch.cat([columns < 2, columns >= 2], 1).float()
        >>> loss, count = active_boundary_loss(logits, labels, max_ratio=0.2, label_smoothing=0)
        >>> count  # columns 0 to 2
        tensor([15.])
    """
    spatial = labels.dim() - 1
    if spatial not in (2, 3):
        raise ValueError(
            f"logits must be (N, C, H, W) or (N, C, D, H, W), got {tuple(logits.shape)}"
        )
    kept = torch.ones_like(labels, dtype=torch.bool) if valid is None else valid
    with torch.no_grad():
        boundary = _label_boundary(labels, kept)
        found = boundary.flatten(1).any(1).view(-1, *(1,) * spatial)
        distance = (distance_fields(boundary).to(logits.dtype) - 1).clamp(min=0).floor()
        flags = _predicted_boundary(logits, kept, max_ratio) & kept & found
        points, counted = _points(flags, max_ratio)
        distance = torch.where(kept, distance, math.inf)
        steps = _steps(spatial)
        near = _around(F.pad(distance, (1, 1) * spatial, value=math.inf), points, steps)
        own = distance[points]
        wanted = near.argmin(1)
        counted = counted & (near.amin(1) <= own)
        # beyond the border lies the nearest pixel again
        others, there = (
            F.pad(x, (1, 1) * spatial, mode="replicate").movedim(1, -1)
            for x in (logits, kept.unsqueeze(1).to(logits.dtype))
        )
        log_q = _around(others, points, steps).log_softmax(2)
        usable = _around(there, points, steps).squeeze(2) > 0
    log_p = logits.movedim(1, -1)[points].log_softmax(1).unsqueeze(1)
    divergence = (log_q.exp() * (log_q - log_p)).sum(2).clamp(0, _LARGEST_DIVERGENCE)
    divergence = torch.where(usable, divergence, 0.0)
    cost = F.cross_entropy(
        divergence, wanted, reduction="none", label_smoothing=label_smoothing
    ) * (own.clamp(max=max_distance) / max_distance)
    share = torch.ones_like(cost) if weight is None else weight[points]
    share, cost = (torch.where(counted, each, 0.0) for each in (share, cost))
    zeros = logits.new_zeros(logits.shape[:1])
    count = zeros.index_add(0, points[0], share)
    total = zeros.index_add(0, points[0], cost * share)
    return total / torch.where(count > 0, count, 1.0), count


def _points(flags: Tensor, max_ratio: float) -> tuple[tuple[Tensor, ...], Tensor]:
    """Indices of flagged pixels (K,), and which of them are real.

    Elsewhere than on a CPU there are as many as a dilated boundary can have, for their number would
    have to be asked for.
    """
    if at_hand(flags):
        places = flags.nonzero(as_tuple=True)
        return places, torch.ones_like(places[0], dtype=torch.bool)
    flat = flags.flatten(1)
    most = min(flat.shape[1], 3 ** (flags.dim() - 1) * math.floor(flat.shape[1] * max_ratio))
    if max_ratio == 1:
        most = flat.shape[1]
    found, place = flat.to(torch.uint8).topk(most, dim=1)
    image = torch.arange(flat.shape[0], device=flags.device).unsqueeze(1).expand_as(place)
    points = [place.flatten()]
    for size in reversed(flags.shape[2:]):
        rest = points.pop(0)
        points[:0] = [rest.div(size, rounding_mode="floor"), rest % size]
    return (image.flatten(), *points), found.flatten() > 0


def _steps(spatial: int) -> list[tuple[int, ...]]:
    """Steps to the neighbours, across faces first; of equal distances the first wins."""
    if spatial == 2:  # the published order
        return [(1, 0), (-1, 0), (0, -1), (0, 1), (-1, 1), (1, 1), (-1, -1), (1, -1)]
    every = [step for step in product((1, 0, -1), repeat=spatial) if any(step)]
    return sorted(every, key=lambda step: sum(map(abs, step)))


def _around(padded: Tensor, points: tuple[Tensor, ...], steps: list[tuple[int, ...]]) -> Tensor:
    """Values at the neighbours of points, (K, steps, ...), of a map padded by one."""
    image, *place = points
    values = []
    for step in steps:
        there = (x + d + 1 for x, d in zip(place, step, strict=True))
        index = (image, *there)
        values.append(padded[index])
    return torch.stack(values, 1)


def _label_boundary(labels: Tensor, kept: Tensor) -> Tensor:
    """Pixels whose next neighbour along an axis has another label."""
    boundary = torch.zeros_like(kept)
    for axis in range(1, labels.dim()):
        size = labels.shape[axis] - 1
        here, there = (labels.narrow(axis, start, size) for start in (0, 1))
        both = kept.narrow(axis, 0, size) & kept.narrow(axis, 1, size)
        boundary.narrow(axis, 0, size).logical_or_((here != there) & both)
    return boundary


def _predicted_boundary(logits: Tensor, kept: Tensor, max_ratio: float) -> Tensor:
    """Dilated pixels that differ most from their next neighbours, at most ``max_ratio`` of all."""
    log_p = logits.log_softmax(1)
    change = torch.zeros_like(log_p[:, 0])
    for axis in range(1, change.dim()):
        size = change.shape[axis] - 1
        here, there = (log_p.narrow(axis + 1, start, size) for start in (0, 1))
        both = kept.narrow(axis, 0, size) & kept.narrow(axis, 1, size)
        divergence = (here.exp() * (here - there)).sum(1)
        change.narrow(axis, 0, size).add_(torch.where(both, divergence, 0.0))
    flat = change.flatten(1)
    # not int, of which an exported program would keep the number
    most = math.floor(flat.shape[1] * max_ratio)
    if most >= flat.shape[1]:
        edges = change > _FIRST
    else:
        # the smallest threshold of the published sequence that leaves `most` pixels above it
        bound = flat.topk(most + 1, dim=1).values[:, -1]
        power = ((bound / _FIRST).clamp(min=1.0).log() / math.log(_STEP)).ceil()
        edges = change > (_FIRST * _STEP**power).view(-1, *(1,) * (change.dim() - 1))
    pool = F.max_pool2d if change.dim() == 3 else F.max_pool3d
    return pool(edges.unsqueeze(1).to(log_p.dtype), 3, 1, 1).squeeze(1) > 0


class ActiveBoundaryLoss(MapLoss):
    """Registered form of :func:`active_boundary_loss`: the mean of the images that have a boundary.

    Dense targets count as the label of their largest entry. With ``use_sigmoid`` every channel is
    a binary problem, and an image's loss is the mean of its channels.

    Args:
        max_ratio: Largest share of boundary pixels before dilation.
        label_smoothing: Of the cross-entropy over directions.
        max_distance: Distance at which the price of a pixel stops growing, pixels.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`; there is no class weight.

    Raises:
        ValueError: for a ``class_weight`` or ``classes``; directions have no class.

    Example:
        A row whose label changes after column 4. Columns 0, 1 and 2 are 3, 2 and 1 away and should
        move right: column 0 sees 8 equal neighbours, column 1 three other ones on its right, and
        column 2 three on its left, whose divergence is cut at 20.

        >>> import torch
        >>> columns = torch.arange(7).view(1, 1, 1, 7)
        >>> logits = 99.0 * torch.cat([columns < 2, columns >= 2], 1)
        >>> loss = ActiveBoundaryLoss(max_ratio=0.2, label_smoothing=0.0)
        >>> loss(logits, (columns[0] > 4).long())  # (3 log 8 + 2 log 3 + 20 + log 3) / 20 / 3
        tensor(0.4922)
    """

    formula = "min(d, D) / D * CE(KL to the 8 neighbours, the one nearest to the label's boundary)"
    paper = "Wang et al. 2022, arXiv:2102.02696"
    use_when = "refining boundaries of street or indoor scenes, beside cross-entropy and Lovasz"
    tags = ("boundary",)
    default_classes = None
    no_classes = "compares pixels with their neighbours, not classes"

    def __init__(
        self,
        max_ratio: float = 0.01,
        label_smoothing: float = 0.2,
        max_distance: float = 20.0,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, 1]", max_ratio=max_ratio)
        check_range("[0, 1]", label_smoothing=label_smoothing)
        check_range("(0, inf)", max_distance=max_distance)
        if self.class_weight is not None:
            raise ValueError(
                f"ActiveBoundaryLoss {self.no_classes}: drop"
                f" class_weight={options.get('class_weight')}"
            )
        self.max_ratio = max_ratio
        self.label_smoothing = label_smoothing
        self.max_distance = max_distance

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over the predicted boundary of an image."""
        self._refuse_per_pixel(asked, batch)
        logits, channels = batch.masked_logits(), batch.channels
        valid, weight = batch.valid, batch.pixel_weight
        if batch.sigmoid:
            z = logits.reshape(-1, 1, *logits.shape[2:])
            logits = torch.cat([torch.zeros_like(z), z], 1)
            labels = (batch.target() > 0.5).long().flatten(0, 1)
            if valid is not None:
                valid = valid.repeat_interleave(channels, 0)
            if weight is not None:
                weight = weight.repeat_interleave(channels, 0)
        else:
            labels = batch.target().argmax(1) if batch.labels is None else batch.labels
        loss, count = active_boundary_loss(
            logits,
            labels,
            valid=valid,
            weight=weight,
            max_ratio=self.max_ratio,
            label_smoothing=self.label_smoothing,
            max_distance=self.max_distance,
        )
        if batch.sigmoid:
            loss, count = (x.view(-1, channels).mean(1) for x in (loss, count))
        # only some pixels are looked at, and orders hide NaN
        loss = loss + broken(batch).squeeze(1)
        return asked.of(loss, batch.row_weight, count=(count > 0).sum())
