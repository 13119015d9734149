"""Distance fields of batches: constant tensors computed by :mod:`seglosses.primitives.distance`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives.distance import (
    Map,
    Spacing,
    distance_to,
    inner_distances,
    signed_distances,
    spacing_of,
    two_sided_distance,
)
from seglosses.primitives.host import HostFunction, host_function
from seglosses.primitives.label_halves import both_maps, label_maps
from seglosses.primitives.masks import Mask


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
    return _fields(_signed, masks, spacing)


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
    return _fields(_two_sided, masks, spacing, leading=2)


def two_sided_pair(pred: Tensor, label: Tensor, spacing: Spacing = None) -> tuple[Tensor, Tensor]:
    """:func:`two_sided_fields` of prediction and label, in one journey.

    Args:
        pred: Boolean (N, K, *S).
        label: Boolean (N, K, *S).
        spacing: Edge lengths of a pixel.

    Returns:
        Two tensors (N, K, *S) float32.

    Example:
        >>> masks = torch.tensor([[[0, 1, 1]]]) > 0
        >>> two_sided_pair(masks, ~masks)
        (tensor([[[1., 1., 2.]]]), tensor([[[1., 1., 2.]]]))
    """
    lengths = None if spacing is None else spacing_of(pred.dim() - 2, spacing)
    options = dict(spacing=lengths)
    return both_maps(_two_sided, pred, label, dtype=torch.float32, options=options)


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
    return _fields(_inner, masks, spacing)


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
    return _fields(_to_nearest, masks, spacing)


_signed = host_function(signed_distances)
_two_sided = host_function(two_sided_distance)
_to_nearest = host_function(distance_to)


@host_function
def _inner(planes: Mask, spacing: Spacing) -> Map:
    if int(planes.sum()) > int(planes.any(axis=0).sum()):
        return np.stack([inner_distances(mask, spacing) * mask for mask in planes])
    # masks that do not overlap are one label map, and one pass serves them all
    numbers = np.arange(1, len(planes) + 1).reshape(-1, *(1,) * (planes.ndim - 1))
    labels = (planes * numbers).sum(axis=0)
    inside: Map = inner_distances(labels, spacing) * planes
    return inside


def _fields(field: HostFunction, masks: Tensor, spacing: Spacing, leading: int = 1) -> Tensor:
    axes = masks.dim() - (1 if field is _to_nearest else 2)
    # as numbers, which a graph can hold
    lengths = None if spacing is None else spacing_of(axes, spacing)
    return label_maps(
        field, masks, dtype=torch.float32, leading=leading, options=dict(spacing=lengths)
    )
