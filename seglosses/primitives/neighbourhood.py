"""Weighted means of labels around each pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from seglosses.primitives import layout
from seglosses.primitives.device import at_hand


def neighbourhood_mean(maps: Tensor, weights: Sequence[float]) -> Tensor:
    """Means of maps over windows, with the same weights along each axis.

    Beyond the border lies what is nearest inside. Axes of length 1 have no neighbours, so that a
    volume of one slice is an image.

    Args:
        maps: (N, C, *S).
        weights: Of offsets -r to r, with a sum of 1.

    Returns:
        (N, C, *S).

    Example:
        >>> neighbourhood_mean(torch.tensor([[[0.0, 0.0, 1.0]]]), [0.25, 0.5, 0.25])
        tensor([[[0.0000, 0.2500, 0.7500]]])
    """
    if not at_hand(maps) or maps.requires_grad:
        return _means(maps, weights)
    # what stays in a cache at a time, where fifteen passes over a batch wait for memory
    rows = maps.flatten(0, 1).unsqueeze(1)
    parts = torch.split(rows, max(1, layout.BLOCK * len(rows) // max(rows.numel(), 1)))
    means = [_means(part, weights) for part in parts]
    return (means[0] if len(means) == 1 else torch.cat(means)).view(maps.shape)


def _means(maps: Tensor, weights: Sequence[float]) -> Tensor:
    radius = len(weights) // 2
    for axis in range(2, maps.dim()):
        length = maps.shape[axis]
        if length < 2:
            continue
        total = weights[radius] * maps
        for offset in range(1, radius + 1):
            reach = min(offset, length)
            inside, kept = length - reach, (weights[radius + offset], weights[radius - offset])
            total.narrow(axis, 0, inside).add_(maps.narrow(axis, reach, inside), alpha=kept[0])
            total.narrow(axis, inside, reach).add_(maps.narrow(axis, -1, 1), alpha=kept[0])
            total.narrow(axis, reach, inside).add_(maps.narrow(axis, 0, inside), alpha=kept[1])
            total.narrow(axis, 0, reach).add_(maps.narrow(axis, 0, 1), alpha=kept[1])
        maps = total
    return maps


def gaussian_weights(sigma: float, radius: int) -> list[float]:
    """Weights of offsets -radius to radius, of a normal distribution.

    Example:
        >>> [round(weight, 4) for weight in gaussian_weights(1.0, 1)]
        [0.2741, 0.4519, 0.2741]
    """
    raw = [math.exp(-(k**2) / (2 * sigma**2)) for k in range(-radius, radius + 1)]
    return [weight / sum(raw) for weight in raw]
