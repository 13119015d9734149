"""Connected components of labels, and weights by which each counts alike."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seglosses.primitives._kernels_labels import extremes
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.label_halves import label_maps, scope
from seglosses.topology.components import foreground_runs, label_components
from seglosses.topology.kernels.labels import paint_values as paint


@host_function
def _components(mask: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(label_components(mask)[0])


def components(masks: Tensor) -> Tensor:
    """Numbers of the components of masks (N, K, *S), 0 outside, int32; diagonals connect.

    Example:
        >>> components(torch.tensor([[[[True, False, True]]]]))
        tensor([[[[1, 0, 2]]]], dtype=torch.int32)
    """
    return host_maps(_components, masks, dtype=torch.int32)


def region_weights(
    labels: Tensor, valid: Tensor | None = None, counted: Tensor | None = None
) -> Tensor:
    """Weights of pixels by which every region of an image counts alike, with a mean of 1.

        w_i = n / (K |R_i|)

    All of class 0 is one region, and so is every component of another class (diagonals connect).
    n pixels count, K regions have such pixels, and R_i are those of the pixel's region.

    Args:
        labels: (N, *S).
        valid: Boolean (N, *S); other pixels are in no region.
        counted: Boolean (N, *S); other pixels weigh 0, but join what touches them.

    Returns:
        (N, *S) float32; zeros where nothing counts.

    References:
        Shirokikh et al., Universal loss reweighting to balance lesion size inequality in 3D medical
        image segmentation, MICCAI 2020, arXiv:2007.10033.

    Example:
        >>> region_weights(torch.tensor([[[0, 0, 0, 1]]]))  # 4 / (2 * 3) and 4 / (2 * 1)
        tensor([[[0.6667, 0.6667, 0.6667, 2.0000]]])
        >>> region_weights(torch.tensor([[[1, 0, 1]]]))  # three regions
        tensor([[[1., 1., 1.]]])
    """
    seen = labels if valid is None else labels.masked_fill(~valid, -1)
    maps = (seen,) if counted is None else (seen, counted)
    return label_maps(_weights, *maps, dtype=torch.float32, leading=1)


@host_function
def _weights(labels: NDArray[Any], counted: NDArray[Any] | None = None) -> NDArray[Any]:
    labels = np.ascontiguousarray(labels)
    least, most = extremes(labels.ravel()) if labels.size else (0, 0)
    runs = [foreground_runs(labels == label) for label in _foregrounds(labels, int(most))]
    # pixels that count up to each place
    known = None if counted is None else np.concatenate([[0], np.cumsum(counted.ravel())])
    sizes = [
        _sums(run, run[1] - run[0] if known is None else known[run[1]] - known[run[0]])
        for run in runs
    ]
    # background is what is left, unless there are pixels of no region
    background = None if least >= 0 else labels == 0
    if background is None:
        first = (labels.size if known is None else known[-1]) - sum(each.sum() for each in sizes)
    else:
        first = np.count_nonzero(background if counted is None else background & counted)
    size = np.concatenate([[first], *sizes]).astype(np.float64)
    shares = np.zeros(len(size), np.float32)
    count = max(np.count_nonzero(size), 1)
    np.divide(size.sum() / count, size, out=shares, where=size > 0, casting="same_kind")
    if background is None:
        weights = np.full(labels.shape, shares[0])
    else:
        weights = background.astype(np.float32) * shares[0]
    last = 1
    for start, stop, component, number in runs:
        paint(start, stop, component, shares[last : last + number], weights.ravel())
        last += number
    return weights if counted is None else np.where(counted, weights, np.float32(0))


def _foregrounds(labels: NDArray[Any], most: int) -> list[int]:
    """Classes that occur, without 0 and what is below; ``most`` is the largest."""
    if most <= 4:
        return [label for label in range(1, most + 1) if most == 1 or (labels == label).any()]
    # by counts, for to sort the labels would take longer than all the rest
    return [int(label) for label in 1 + np.flatnonzero(np.bincount(labels[labels > 0])[1:])]


def _sums(run: tuple[Any, Any, Any, int], of_runs: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.bincount(run[2], weights=of_runs, minlength=run[3]), np.float64)


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


def of_labels(batch: Aligned, words: str = "") -> AbstractContextManager[None]:
    """A block in which weights of the batch's own labels may be those that a loader made.

    Args:
        batch: Whose labels are weighed.
        words: What else the weights depend on.
    """
    if batch.labels is None or torch.compiler.is_compiling():
        # dense targets are no labels, and a graph has no place for what changes from call to call
        return nullcontext()
    channels = f"{batch.channels} {'independent' if batch.sigmoid else 'exclusive'}"
    return scope(f"all of {channels} without {batch.ignore_index} {words}")


def weighed_by(batch: Aligned, factor: Tensor) -> Aligned:
    """The batch with weights of pixels (N, *S) times its own."""
    factor = factor.to(batch.logits.dtype)
    if batch.pixel_weight is not None:
        factor = factor * batch.pixel_weight
    return batch._replace(pixel_weight=factor)
