"""The skeleton-aware loss as its authors published it: weights of objects and of their borders."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.distance import distance_to
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.nearest import distances_at, nearest_to
from seglosses.primitives.reduction import average_pixels
from seglosses.topology import label_components
from seglosses.topology.overlaps import label_boxes
from seglosses.topology.skeleton import lee_skeleton, skeletons_apart

__all__ = [
    "SkeletonAwareLoss",
    "skeleton_aware_loss",
]

Mask = NDArray[np.bool_]
Box = tuple[slice, slice]
_SQUARE = np.ones((3, 3), bool)


def skeleton_aware_loss(
    margin: Tensor,
    target: Tensor,
    *,
    boost: float = 10.0,
    repair: float = 1.0,
    dilation: int = 2,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Skeleton-aware weighted cross-entropy and boundary-tolerant region term (Skea-topo).

        loss = sum_c W_c (-log p_c) / sum_c W_c + repair mean t,   c in {border 1, objects 0}
        W_1  = boost (1 + (2 M - d_1 - d_2) / (2 M)) + w_1    on the border
        W_0  = boost (1 - s / max(s, r)) + w_0                on objects

    Foreground is the border between objects, as membranes are. d_1 and d_2 are a pixel's distances
    to the two nearest objects (components without foreground, 4-connected) and M the largest of
    the d_1; with fewer than two objects the fraction is 0. s is the distance to the object's
    skeleton (Lee), and r that of the nearest skeleton pixel to the border. w_1 : w_0 is the count
    of object pixels to that of border pixels, the smaller of the two 1. Object pixels within
    ``dilation`` steps of the border whose W_0 is below boost (1 - A_0), A_0 = 1 - s / max(s, r),
    count for the border, by that weight.

    t is 1 - p of the pixel's own class, and p for tolerated errors, so that more certainty in
    these costs less: missed pixels but for components that hold a pixel of the prediction's
    background skeleton (dilated by 1) or of the label's skeleton further than 1 from the
    prediction; and surplus pixels that touch the border, or are neither on the label's background
    skeleton nor in a component with a pixel of the prediction's skeleton away from the border.

    Args:
        margin: One-versus-rest logits, (N, K, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.
        boost: w_0 of the authors.
        repair: Their epsilon; they begin with 20 epochs without the region term.
        dilation: Steps by the 3 x 3 square; with 0 the label is taken as it is.
        weight: (N, 1, *S) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K). Without border or without objects all weights are 1.

    References:
        Liu et al., Enhancing Boundary Segmentation for Topological Accuracy with Skeleton-based
        Methods, IJCAI 2024, arXiv:2404.18539; github.com/clovermini/Skea_topo, whose sums are those
        of a batch where ours are of an image.

    Example:
        >>> skeleton_aware_loss(torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4))  # log 2 + 1/2
        tensor([[1.1931]])
    """
    truth = target > 0.5
    maps = host_maps(
        _published_maps,
        margin > 0,
        truth,
        dtype=torch.float32,
        extra=(3,),
        options=dict(boost=float(boost), dilation=int(dilation)),
    ).to(margin.dtype)
    border, objects, tolerated = maps[:, :, 0], maps[:, :, 1], maps[:, :, 2]
    if weight is not None:
        border, objects = border * weight, objects * weight
    cost = (border * F.softplus(-margin) + objects * F.softplus(margin)).flatten(2).sum(2)
    total = (border + objects).flatten(2).sum(2)
    right = torch.where(truth, margin, -margin)
    region = average_pixels(torch.where(tolerated > 0, right, -right).sigmoid(), weight)
    return cost / torch.where(total > 0, total, 1.0) + repair * region


@host_function
def _published_maps(seen: Mask, truth: Mask, *, boost: float, dilation: int) -> NDArray[np.float32]:
    """W_1, W_0, and 1 for tolerated errors, (3, H, W)."""
    border, objects = truth.astype(np.float64), (~truth).astype(np.float64)
    if truth.any() and not truth.all():
        labels, boxes = label_boxes(~truth, connectivity=4)
        share = np.count_nonzero(truth) / np.count_nonzero(~truth)
        few, many = max(1 / share, 1.0), max(share, 1.0)
        deep = _object_map(truth, labels, boxes)
        border = (boost * _border_map(truth, labels, boxes) + few) * truth
        objects = (boost * deep + many) * ~truth
        if dilation:
            near = ndimage.binary_dilation(truth, _SQUARE, iterations=dilation) & ~truth
            moved = near & ((1 - deep) * boost > objects)
            border[moved] = ((1 - deep) * boost)[moved]
            objects[moved] = 0
    return np.stack([border, objects, _tolerated(seen, truth)]).astype(np.float32)


def _border_map(truth: Mask, labels: NDArray[np.int32], boxes: list[Box]) -> NDArray[np.float64]:
    """1 + (2 M - d_1 - d_2) / (2 M) on the border."""
    found = np.ones(truth.shape)
    if len(boxes) > 1:
        nearest = nearest_to(~truth)
        owner = np.where(truth, labels[nearest], 0)
        steps = (here - there for here, there in zip(np.indices(truth.shape), nearest, strict=True))
        first = np.sqrt(sum(step.astype(np.float64) ** 2 for step in steps))
        second = np.zeros(truth.shape)
        for index, box in enumerate(ndimage.find_objects(owner, len(boxes))):
            if box is not None:
                _fill_second(second, owner, labels, index + 1, box)
        most = 2 * first[truth].max()
        found[truth] = np.maximum(1 + (most - first - second) / most, 0)[truth]
    return found


def _fill_second(
    second: NDArray[np.float64],
    owner: NDArray[np.int32],
    labels: NDArray[np.int32],
    index: int,
    box: Box,
) -> None:
    """Distances to other objects where an object is the nearest, in place.

    A window suffices where nobody beyond its sides can be nearer.
    """
    margin = 16
    while True:
        window = tuple(slice(max(side.start - margin, 0), side.stop + margin) for side in box)
        asked, others = owner[window] == index, labels[window]
        away = distances_at(asked, (others > 0) & (others != index))
        whole = others.shape == labels.shape
        if whole or away.max() <= margin:
            second[window][asked] = away
            return
        margin *= 4


def _object_map(truth: Mask, labels: NDArray[np.int32], boxes: list[Box]) -> NDArray[np.float64]:
    """A_0 = 1 - s / max(s, r) on objects, 0 on those without a skeleton."""
    found, radius = np.zeros(truth.shape), distance_to(truth).astype(np.float64)
    skeletons = skeletons_apart(~truth)
    for index, box in enumerate(boxes):
        own = labels[box] == index + 1
        lines = skeletons[box] & own
        if not lines.any():
            continue
        nearest = nearest_to(lines)
        steps = (here - there for here, there in zip(np.indices(own.shape), nearest, strict=True))
        away = np.sqrt(sum(step.astype(np.float64) ** 2 for step in steps))
        deep = radius[box][nearest]
        found[box][own] = (1 - np.minimum(away, deep) / deep)[own]
    return found


def _tolerated(seen: Mask, truth: Mask) -> Mask:
    missed, surplus = truth & ~seen, seen & ~truth
    seen_gaps, true_gaps = (
        ndimage.binary_dilation(skeletons_apart(~each), _SQUARE) for each in (seen, truth)
    )
    near_seen, near_truth = (ndimage.binary_dilation(each, _SQUARE) for each in (seen, truth))
    torn = _holding(missed, seen_gaps) | _holding(missed, lee_skeleton(truth) & ~near_seen)
    joined: Mask = (surplus & true_gaps) | _holding(surplus, lee_skeleton(seen) & ~near_truth)
    found: Mask = (missed & ~torn) | (surplus & ~(joined & ~near_truth))
    return found


def _holding(errors: Mask, marks: Mask) -> Mask:
    """The components of errors, 4-connected, that hold a mark."""
    labels, count = label_components(errors, connectivity=4)
    held = np.zeros(count + 1, bool)
    held[labels[marks & errors]] = True
    held[0] = False
    return held[labels]


class SkeletonAwareLoss(MapLoss):
    """Registered form of :func:`skeleton_aware_loss`; holds cross-entropy itself.

    It is dear: at 512 x 512 pixels some 80 to 100 times CE + Dice for a trained network, some 270
    times for an untrained one, whose prediction has thousands of components to thin.

    Args:
        boost: Price of skeletons and of narrow borders over class balance.
        repair: Share of the region term.
        dilation: Steps by which thin borders may be thickened in the label.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> labels = torch.zeros(1, 3, 4, dtype=torch.long)  # no border: all weights are 1
        >>> SkeletonAwareLoss()(torch.zeros(1, 1, 3, 4), labels)  # log 2 + 1/2
        tensor(1.1931)
    """

    formula = "CE weighed by distances to the two nearest objects and to skeletons + region term"
    paper = "Liu et al. 2024, arXiv:2404.18539"
    use_when = (
        "membranes between cells, with uncertain borders; instead of CE; 80 to 270 times the "
        "cost of CE + Dice"
    )
    tags = ("thin", "cell", "boundary")
    reads_margins = True
    spatial_dims = (2,)

    def __init__(
        self,
        boost: float = 10.0,
        repair: float = 1.0,
        dilation: int = 2,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", boost=boost, repair=repair)
        check_range("[0, inf)", whole=True, dilation=dilation)
        self.boost, self.repair, self.dilation = boost, repair, dilation

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Weighted mean and region term."""
        return skeleton_aware_loss(
            prob,
            target,
            boost=self.boost,
            repair=self.repair,
            dilation=self.dilation,
            weight=mask,
        )
