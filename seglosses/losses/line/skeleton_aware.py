"""Losses that weigh pixels by skeletons and ridges: errors on them count, errors at rims do not."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.distance import distance_to
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.reduction import average_pixels
from seglosses.topology import label_components
from seglosses.topology.flooding import ridge_pixels
from seglosses.topology.skeleton import skeletonize

__all__ = [
    "MorseLoss",
    "SkeletonToleranceLoss",
    "morse_loss",
    "skeleton_tolerance_loss",
]

Mask = NDArray[np.bool_]


def morse_loss(
    margin: Tensor, target: Tensor, *, least: float = 0.1, weight: Tensor | None = None
) -> Tensor:
    r"""Loss of discrete Morse theory: cross-entropy on ridges of the prediction and the label.

        loss = mean over x in ridges(p) and skeleton(y) of BCE(z_x, y_x)

    The ridges of the probability that separate basins deeper than ``least`` are where its loops
    are decided (:func:`seglosses.topology.flooding.ridge_pixels`); the skeleton of the label holds
    its loops and branches. A re-implementation: the published one computes Morse complexes.

    Args:
        margin: One-versus-rest logits, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape.
        least: Least persistence of a basin, in probability.
        weight: (N, 1, *S) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K).

    References:
        Hu et al., Topology-Aware Segmentation Using Discrete Morse Theory, ICLR 2021,
        arXiv:2103.09992.

    Example:
        >>> line = torch.tensor([[[[0.0, 0.0, 1.0, 0.0, 0.0]]]])
        >>> z = torch.tensor([[[[-9.0, -9.0, 0.0, -9.0, -9.0]]]])
        >>> morse_loss(z, line)  # log 2 on the only ridge
        tensor([[0.6931]])
    """
    maps = host_maps(
        _structures, margin.sigmoid(), target > 0.5, dtype=torch.bool, options=dict(least=least)
    )
    marks = maps.to(margin.dtype)
    if weight is not None:
        marks = marks * weight
    cost = F.binary_cross_entropy_with_logits(margin, target.to(margin.dtype), reduction="none")
    return average_pixels(cost, marks)


@host_function
def _structures(height: NDArray[np.floating], label: Mask, *, least: float) -> Mask:
    return ridge_pixels(height, least=least) | skeletonize(label)


def skeleton_tolerance_loss(
    margin: Tensor,
    target: Tensor,
    *,
    boost: float = 10.0,
    repair: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Cross-entropy heavy on skeletons, and a region term that leaves out tolerated errors.

        A    = D / (D + S)        D: distance to the other class, S: to the own class's skeleton
        loss = sum (1 + boost A) BCE(z, y) / sum (1 + boost A) + repair mean R (1 - p_true)

    A is 1 on the skeletons of foreground and background and falls towards the boundary. R is 0 for
    tolerated errors: components of missed or surplus pixels that hold no pixel of a skeleton of
    label or prediction, and 1 for all other pixels. Both are after Skea-topo, whose own loss is
    :func:`~seglosses.losses.line.skea_topo.skeleton_aware_loss`: here both classes are weighed
    alike, in 2D and 3D, and tolerated errors are left out where they are rewarded there.

    Args:
        margin: One-versus-rest logits, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2 for the maps.
        boost: Price of skeletons over rims.
        repair: Share of the region term.
        weight: (N, 1, *S) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K).

    References:
        Liu et al., Enhancing Boundary Segmentation for Topological Accuracy with Skeleton-based
        Methods, IJCAI 2024, arXiv:2404.18539.

    Example:
        >>> skeleton_tolerance_loss(torch.zeros(1, 1, 3, 4), torch.zeros(1, 1, 3, 4))  # log 2 + 1/2
        tensor([[1.1931]])
    """
    truth = target > 0.5
    right = torch.where(truth, margin, -margin)
    maps = host_maps(_skeleton_maps, margin > 0, truth, dtype=torch.float32, extra=(2,))
    maps = maps.to(margin.dtype)
    importance, counted = 1 + boost * maps[:, :, 0], maps[:, :, 1]
    if weight is not None:
        importance = importance * weight
    cost = F.binary_cross_entropy_with_logits(margin, target.to(margin.dtype), reduction="none")
    region = average_pixels(counted * (-right).sigmoid(), weight)
    return average_pixels(cost, importance) + repair * region


@host_function
def _skeleton_maps(seen: Mask, truth: Mask) -> NDArray[np.float32]:
    """A, and 1 for pixels that are no tolerated error, (2, *S)."""
    aware = np.zeros(truth.shape, np.float32)
    lines = np.zeros(truth.shape, bool)
    for side in (truth, ~truth):
        if not side.any() or side.all():
            continue
        own = skeletonize(side)
        depth, away = distance_to(~side), distance_to(own)
        aware[side] = (depth / (depth + away))[side]
        lines |= own
    for side in (seen, ~seen):
        lines |= skeletonize(side)
    counted = np.ones(truth.shape, bool)
    for errors in (seen & ~truth, ~seen & truth):
        labels, count = label_components(errors)
        held = np.zeros(count + 1, bool)
        held[labels[lines]] = True
        counted &= ~errors | held[labels]
    return np.stack([aware, counted.astype(np.float32)])


class MorseLoss(MapLoss):
    """Registered form of :func:`morse_loss`; beside CE and Dice.

    Args:
        least: Least persistence of a basin, in probability.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for ``least`` outside [0, 1).

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[-9.0, -9.0, 0.0, -9.0, -9.0]]]])  # its ridge is the label
        >>> MorseLoss()(logits, torch.tensor([[[0, 0, 1, 0, 0]]]))  # log 2 on it
        tensor(0.6931)
    """

    formula = "mean of CE over the ridges of p and the skeleton of y"
    paper = "Hu et al. 2021, arXiv:2103.09992 (re-implementation)"
    use_when = (
        "faint gaps and false lines in networks; beside CE and Dice; 55 to 73 times their cost"
    )
    tags = ("thin", "topology")
    reads_margins = True

    def __init__(self, least: float = 0.1, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_range("[0, 1)", least=least)
        self.least = least

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over ridges."""
        return morse_loss(prob, target, least=self.least, weight=mask)


class SkeletonToleranceLoss(MapLoss):
    """Registered form of :func:`skeleton_tolerance_loss`; holds cross-entropy itself.

    Args:
        boost: Price of skeletons over rims.
        repair: Share of the region term.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> labels = torch.zeros(1, 3, 4, dtype=torch.long)  # no skeleton: A = 0
        >>> SkeletonToleranceLoss()(torch.zeros(1, 1, 3, 4), labels)  # log 2 + 1/2
        tensor(1.1931)
    """

    formula = "CE weighed by nearness to skeletons + mean of 1 - p_true but for tolerated errors"
    paper = "after Liu et al. 2024, arXiv:2404.18539"
    use_when = (
        "boundaries of cells are uncertain; instead of CE; 31 to 48 times the cost of CE + Dice"
    )
    tags = ("cell", "boundary")
    reads_margins = True

    def __init__(
        self, boost: float = 10.0, repair: float = 1.0, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", boost=boost, repair=repair)
        self.boost, self.repair = boost, repair

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Weighted mean and region term."""
        return skeleton_tolerance_loss(
            prob, target, boost=self.boost, repair=self.repair, weight=mask
        )
