"""Distance fields of batches: constant tensors computed by :mod:`seglosses.primitives.distance`.

The batch goes to the CPU once and its fields come back once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives.distance import (
    Map,
    Mask,
    Spacing,
    distance_to,
    inner_distances,
    signed_distances,
    two_sided_distance,
)


def signed_fields(masks: Tensor, spacing: Spacing = None) -> Tensor:
    """Signed distance maps, negative inside.

    See :func:`seglosses.primitives.distance.signed_distance`.

    Args:
        masks: Boolean (N, K, *S).
        spacing: Edge lengths of a pixel.

    Returns:
        (N, K, *S) float32 on the device of ``masks``; zeros for masks that are empty or full.

    Example:
        >>> signed_fields(torch.tensor([[[0, 1, 1]]]) > 0)
        tensor([[[ 1.,  0., -1.]]])
    """
    return _each_image(masks, lambda planes: signed_distances(planes, spacing))


def two_sided_fields(masks: Tensor, spacing: Spacing = None) -> Tensor:
    """Distances to the other side of the boundary, positive on both sides.

    Args:
        masks: Boolean (N, K, *S).
        spacing: Edge lengths of a pixel.

    Returns:
        (N, K, *S) float32 on the device of ``masks``; zeros for masks that are empty or full.

    Example:
        >>> two_sided_fields(torch.tensor([[[0, 1, 1]]]) > 0)
        tensor([[[1., 1., 2.]]])
    """
    planes = masks.flatten(0, 1)
    return _each_image(planes, lambda mask: two_sided_distance(mask, spacing)).view(masks.shape)


def inner_fields(masks: Tensor, spacing: Spacing = None) -> Tensor:
    """Distances to the nearest pixel outside the mask, 0 outside it.

    Args:
        masks: Boolean (N, K, *S).
        spacing: Edge lengths of a pixel.

    Returns:
        (N, K, *S) float32 on the device of ``masks``; zeros for masks that are empty or full.

    Example:
        >>> inner_fields(torch.tensor([[[0, 1, 1]]]) > 0)
        tensor([[[0., 1., 2.]]])
    """
    return _each_image(masks, lambda planes: _inner(planes, spacing))


def distance_fields(masks: Tensor, spacing: Spacing = None) -> Tensor:
    """Distances to the nearest pixel of the mask.

    Args:
        masks: Boolean (N, *S).
        spacing: Edge lengths of a pixel.

    Returns:
        (N, *S) float32 on the device of ``masks``; inf for a mask that is empty.

    Example:
        >>> distance_fields(torch.tensor([[0, 0, 1]]) > 0)
        tensor([[2., 1., 0.]])
    """
    return _each_image(masks, lambda mask: distance_to(mask, spacing))


def _inner(planes: Mask, spacing: Spacing) -> Map:
    if int(planes.sum()) > int(planes.any(axis=0).sum()):
        return np.stack([inner_distances(mask, spacing) * mask for mask in planes])
    # masks that do not overlap are one label map, and one pass serves them all
    numbers = np.arange(1, len(planes) + 1).reshape(-1, *(1,) * (planes.ndim - 1))
    labels = (planes * numbers).sum(axis=0)
    inside: Map = inner_distances(labels, spacing) * planes
    return inside


def _each_image(masks: Tensor, field: Callable[[Mask], Map]) -> Tensor:
    if masks.numel() == 0:
        return torch.zeros(masks.shape, device=masks.device)
    images = masks.detach().cpu().numpy()
    return torch.from_numpy(np.stack([field(image) for image in images])).to(masks.device)
