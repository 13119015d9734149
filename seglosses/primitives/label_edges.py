"""Where labels change: boundary pixels and boundary bands of label maps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def label_boundary(maps: Tensor, valid: Tensor | None = None, *, radius: int = 1) -> Tensor:
    """Pixels that see another label within ``radius`` (a square or cubic window).

    The image border is no boundary, and neither are the borders of ignored regions: what is
    unknown is no other label.

    Args:
        maps: Labels or masks, (N, K, *S) with 2 or 3 spatial dimensions; a boundary of any of the
            K maps counts.
        valid: (N, *S), bool; ``None`` where every pixel counts.
        radius: Half side of the window, pixels.

    Returns:
        Boolean (N, *S), false where not ``valid``.

    Raises:
        ValueError: for maps that are neither images nor volumes.

    Example:
        >>> label_boundary(torch.tensor([[[[0, 0, 0, 1, 1]]]])).int()
        tensor([[[0, 0, 1, 1, 0]]], dtype=torch.int32)
    """
    spatial = maps.dim() - 2
    if spatial not in (2, 3):
        raise ValueError(f"maps must be (N, K, H, W) or (N, K, D, H, W), got {tuple(maps.shape)}")
    if not maps.numel():
        return torch.zeros_like(maps[:, 0], dtype=torch.bool)
    pool = F.max_pool2d if spatial == 2 else F.max_pool3d
    values = maps.to(torch.float32)
    high = low = values
    if valid is not None:
        unknown = ~valid.unsqueeze(1)
        high, low = values.masked_fill(unknown, -torch.inf), values.masked_fill(unknown, torch.inf)
    window = 2 * radius + 1
    most, least = pool(high, window, 1, radius), -pool(-low, window, 1, radius)
    boundary = (most > least).any(1)
    return boundary if valid is None else boundary & valid


def sobel_boundary(masks: Tensor) -> Tensor:
    """Pixels at which a Sobel filter of any mask responds; beyond the image every mask is 0.

    So the frame of the image is boundary wherever a mask reaches it, and a line of one pixel is
    not: the filter sees the same on both of its sides.

    Args:
        masks: In {0, 1}, (N, K, H, W).

    Returns:
        Boolean (N, H, W).

    Raises:
        ValueError: for volumes.

    Example:
        >>> sobel_boundary(torch.tensor([[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]])).int()
        tensor([[[1, 1, 1],
                 [1, 0, 1],
                 [1, 1, 1]]], dtype=torch.int32)
    """
    if masks.dim() != 4:
        raise ValueError(f"masks must be (N, K, H, W), got {tuple(masks.shape)}")
    if not masks.numel():
        return torch.zeros_like(masks[:, 0], dtype=torch.bool)
    padded = F.pad(masks.float(), (1, 1, 1, 1))
    (height, width), found = masks.shape[2:], torch.zeros_like(masks, dtype=torch.bool)
    # each filter is the smoothing of one axis and the difference of the other
    for along, size, across, other in ((2, height, 3, width), (3, width, 2, height)):
        change = padded.narrow(across, 2, other) - padded.narrow(across, 0, other)
        sides = change.narrow(along, 0, size) + change.narrow(along, 2, size)
        found |= sides + 2 * change.narrow(along, 1, size) != 0
    return found.any(1)
