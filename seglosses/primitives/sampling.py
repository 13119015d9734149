"""A fixed number of pixels out of masks, found without asking how many there are."""

from __future__ import annotations

import torch
from torch import Tensor


def spread_places(masks: Tensor, samples: int, *, middles: bool = False) -> tuple[Tensor, Tensor]:
    """Places of up to ``samples`` pixels of each mask, evenly spaced in reading order.

    Args:
        masks: Boolean (R, P).
        samples: Most pixels of a mask; all of them where there are no more.
        middles: Take the middles of equal parts of the list of pixels, not their beginnings.

    Returns:
        Places (R, S) in [0, P), and how many of each row are real (R, 1); the rest may be anything.

    Example:
        >>> mask = torch.tensor([[True, False, True, True, True]])
        >>> spread_places(mask, 2)
        (tensor([[0, 3]]), tensor([[4]]))
        >>> spread_places(mask, 8)[0][:, :4]
        tensor([[0, 2, 3, 4]])
    """
    pixels = masks.shape[1]
    so_far = masks.cumsum(1)
    count = so_far[:, -1:] if pixels else masks.new_zeros((len(masks), 1), dtype=torch.long)
    step = torch.arange(min(samples, pixels), device=masks.device).expand(len(masks), -1)
    apart = (2 * step + 1) * count // (2 * samples) if middles else step * count // samples
    rank = torch.where(count > samples, apart, step)
    # the first pixel up to which there are more than `rank`
    places = torch.searchsorted(so_far, rank + 1)
    return places.clamp(max=max(pixels - 1, 0)), count


def spread_labels(labels: Tensor, classes: int, samples: int) -> tuple[Tensor, Tensor]:
    """Places of up to ``samples`` pixels of each class, evenly spaced in reading order.

    Costs a sort of the pixels, whatever the number of classes.

    Args:
        labels: (R, P); those outside of [0, ``classes``) are of no class.
        classes: K.
        samples: Most pixels of a row and class.

    Returns:
        Places (R, K, S) in [0, P), and which of them are real (R, K, S); the rest may be anything.

    Example:
        >>> places, real = spread_labels(torch.tensor([[1, 0, 1, 9, 1]]), 2, 2)
        >>> places[real]  # of class 0, then of class 1
        tensor([1, 0, 2])
    """
    pixels = labels.shape[1]
    outside = (labels < 0) | (labels >= classes)
    kinds = labels.masked_fill(outside, classes)
    order = kinds.argsort(dim=1, stable=True)
    number = kinds.new_zeros(len(kinds), classes + 1).scatter_add(1, kinds, torch.ones_like(kinds))
    start = (number.cumsum(1) - number)[:, :-1].unsqueeze(2)
    count = number[:, :-1].unsqueeze(2)
    step = torch.arange(min(samples, pixels), device=labels.device).expand(*start.shape[:2], -1)
    rank = torch.where(count > samples, step * count // samples, step)
    index = (start + rank).clamp(max=max(pixels - 1, 0)).flatten(1)
    return order.gather(1, index).view(rank.shape), step < count
