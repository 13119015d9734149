"""Connected components of labels, and weights by which each counts alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.primitives.encoding import Aligned
from seglosses.primitives.host import host_function, host_maps
from seglosses.topology.components import label_components


@host_function
def _components(mask: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(label_components(mask)[0])


@host_function
def _regions(labels: NDArray[Any]) -> NDArray[Any]:
    """Numbers from 1: class 0 is one region, each component of the others one; 0 is none."""
    found: NDArray[Any] = (labels == 0).astype(np.int32)
    last = 1
    # by counts, for to sort the labels would take longer than all the rest
    for label in 1 + np.flatnonzero(np.bincount(np.maximum(labels, 0).ravel())[1:]):
        numbers, count = label_components(labels == label)
        np.add(numbers, last, out=found, where=numbers > 0)
        last += count
    return found


def components(masks: Tensor) -> Tensor:
    """Numbers of the components of masks (N, K, *S), 0 outside, int64; diagonals connect.

    Example:
        >>> components(torch.tensor([[[[True, False, True]]]]))
        tensor([[[[1, 0, 2]]]])
    """
    return host_maps(_components, masks, dtype=torch.int64)


def regions(labels: Tensor, valid: Tensor | None = None) -> Tensor:
    """Numbers of the regions of label maps (N, *S), from 1; 0 where not valid.

    All of class 0 is one region, and so is every component of another class.

    Example:
        >>> regions(torch.tensor([[[0, 1, 0, 1, 2]]]))
        tensor([[[1, 2, 1, 3, 4]]])
    """
    seen = labels if valid is None else labels.masked_fill(~valid, -1)
    return host_maps(_regions, seen, dtype=torch.int64, leading=1)


def region_weights(numbers: Tensor, counted: Tensor | None = None) -> Tensor:
    """Weights of pixels by which every region of an image counts alike, with a mean of 1.

        w_i = n / (K |R_i|)

    n pixels that count, K regions that have such pixels, R_i those of the pixel's region.

    Args:
        numbers: Of regions, (N, *S); 0 for none.
        counted: Boolean (N, *S); other pixels weigh 0.

    Returns:
        (N, *S) float32; zeros where nothing counts.

    References:
        Shirokikh et al., Universal loss reweighting to balance lesion size inequality in 3D medical
        image segmentation, MICCAI 2020, arXiv:2007.10033.

    Example:
        >>> region_weights(torch.tensor([[[1, 1, 1, 2]]]))  # 4 / (2 * 3) and 4 / (2 * 1)
        tensor([[[0.6667, 0.6667, 0.6667, 2.0000]]])
    """
    seen = torch.ones_like(numbers, dtype=torch.bool) if counted is None else counted
    return host_maps(_weights, numbers, seen, dtype=torch.float32, leading=1)


@host_function
def _weights(numbers: NDArray[Any], counted: NDArray[Any]) -> NDArray[np.float64]:
    seen = numbers if counted.all() else np.where(counted, numbers, 0)
    size = np.bincount(seen.ravel())
    size[0] = 0
    weights = np.zeros(len(size))
    np.divide(size.sum() / max(np.count_nonzero(size), 1), size, out=weights, where=size > 0)
    return np.asarray(weights[seen])


def hard_labels(batch: Aligned) -> Tensor:
    """Labels (N, *S) of a batch: of dense targets the largest class, background where up to 1/2.

    Independent channels are foregrounds, numbered from 1.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> target = torch.tensor([[[[0.0, 0.9]], [[0.2, 0.3]]]])
        >>> hard_labels(align(torch.zeros(1, 2, 1, 2), target, use_sigmoid=True))
        tensor([[[0, 1]]])
    """
    if batch.labels is not None and (not batch.sigmoid or batch.channels == 1):
        return batch.labels
    target = batch.target()
    value, label = target.max(1)
    # independent channels have no background among them
    return torch.where(value > 0.5, label + int(batch.sigmoid), 0)


def weighed_by(batch: Aligned, factor: Tensor) -> Aligned:
    """The batch with weights of pixels (N, *S) times its own."""
    factor = factor.to(batch.logits.dtype)
    if batch.pixel_weight is not None:
        factor = factor * batch.pixel_weight
    return batch._replace(pixel_weight=factor)
