"""Soft labels made from hard ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.encoding import one_hot


def smooth_boundary_labels(
    labels: Tensor,
    num_classes: int,
    *,
    epsilon: float = 0.5,
    kernel_size: int = 3,
    ignore_index: int | None = 255,
) -> Tensor:
    r"""Soft labels that are smoothed at class boundaries only.

        y <- (1 - epsilon) y + epsilon / C     at boundary pixels, y elsewhere

    A boundary pixel sees another class in its ``kernel_size`` neighbourhood; pixels as near to an
    ignored one, and the image's border, are not boundary.

    Args:
        labels: (N, *S) with 2 or 3 spatial dimensions.
        num_classes: C.
        epsilon: Amount of smoothing.
        kernel_size: Odd side of the neighbourhood, pixels.
        ignore_index: Label that does not count; such pixels become all zeros.

    Returns:
        (N, C, *S) float32, for use as a dense target.

    Raises:
        ValueError: for an even kernel, or labels that are neither images nor volumes.

    References:
        Wang et al., Jaccard Metric Losses, NeurIPS 2023, arXiv:2302.05666.

    Example:
        >>> row = torch.tensor([[[0, 0, 1, 1]]])
        >>> smooth_boundary_labels(row, 2, epsilon=0.5)[0, 1, 0]
        tensor([0.0000, 0.2500, 0.7500, 1.0000])
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd and positive, got {kernel_size}")
    spatial = labels.dim() - 1
    if spatial not in (2, 3):
        raise ValueError(f"labels must be (N, H, W) or (N, D, H, W), got {tuple(labels.shape)}")
    pool = F.max_pool2d if spatial == 2 else F.max_pool3d
    half = kernel_size // 2
    valid = (
        torch.ones_like(labels, dtype=torch.bool)
        if ignore_index is None
        else labels != ignore_index
    )
    hot = one_hot(labels.masked_fill(~valid, 0), num_classes, valid)
    eroded = -pool(-hot, kernel_size, 1, half)
    near_ignored = pool((~valid).unsqueeze(1).to(hot.dtype), kernel_size, 1, half) > 0
    boundary = ((hot != eroded).any(1, keepdim=True)) & ~near_ignored & valid.unsqueeze(1)
    return torch.where(boundary, (1 - epsilon) * hot + epsilon / num_classes, hot)
