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
