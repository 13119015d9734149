"""Soft counts of objects of several classes on a CPU, run by run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seglosses.losses.overlap.blobs import kernel_maps, object_counts, totals_by_number
from seglosses.primitives import _kernels_class_blobs as kernels
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.layout import flat_labels, flat_maps
from seglosses.primitives.overlap import Counts
from seglosses.topology.components import foreground_runs
from seglosses.topology.kernels.labels import paint


def blob_counts_of_classes(batch: Aligned, classes: Sequence[int]) -> tuple[Counts, Tensor] | None:
    """:func:`~seglosses.losses.overlap.blobs.blob_counts` of some classes of a softmax.

    Neither probabilities nor numbers of components are written down.

    Args:
        batch: Aligned.
        classes: The classes that are asked for.

    Returns:
        Counts (N, K, M) and which components there are, or ``None`` where kernels cannot go: away
        from a CPU, for independent channels, dense targets and weights of pixels.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 4, 1, 3), torch.tensor([[[2, 0, 2]]]))
        >>> blob_counts_of_classes(batch, [2])[0].prob  # 1/4 of its own pixel and of the rest's
        tensor([[[0.5000, 0.5000]]])
    """
    logits, labels = batch.logits, batch.labels
    if batch.sigmoid or labels is None or batch.pixel_weight is not None or not batch.spatial:
        return None
    if not at_hand(logits) or logits.dtype != torch.float32 or not logits.numel():
        return None
    # of bytes eight times as many are compared at once
    numbers = (labels.to(torch.uint8) if batch.channels <= 256 else labels).numpy()
    seen = None if batch.valid is None else batch.valid.numpy()
    found = []
    for image, each in itertools.product(range(len(numbers)), classes):
        mask = numbers[image] == each
        found.append(foreground_runs(mask if seen is None else mask & seen[image]))
    first = np.cumsum([0, *(len(run[0]) for run in found)], dtype=np.int64)
    runs = [np.concatenate([np.zeros(0, np.int32), *(run[k] for run in found)]) for k in range(3)]
    most = max([1, *(run[3] for run in found)])
    sizes = [np.bincount(run[2], weights=run[1] - run[0], minlength=most) for run in found]
    arrays = (torch.from_numpy(each) for each in (np.asarray(classes, np.int64), first, *runs))
    mass: Tensor = _ClassTotals.apply(  # type: ignore[no-untyped-call]
        logits.contiguous(), batch.valid, most + 1, *arrays
    )
    wanted = torch.from_numpy(np.stack(sizes)).to(mass.dtype)
    return object_counts(mass, wanted.view(len(numbers), len(classes), most))


class _ClassTotals(torch.autograd.Function):
    """Sums (N, K, M + 1) of a class's probability over the rest and over each component."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, valid: Tensor | None, most: int, classes: Tensor, *runs: Tensor
    ) -> Tensor:
        ctx.save_for_backward(logits, classes, *runs, *(() if valid is None else (valid,)))
        totals = torch.zeros((len(logits), len(classes), most), dtype=torch.float64, device="cpu")
        arrays = (each.numpy() for each in (classes, *runs, totals))
        kernels.class_blob_totals(*kernel_maps(logits, valid), *arrays)
        return totals.to(logits.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        logits, classes, first, start, stop, component, *rest = ctx.saved_tensors
        runs, valid = (first, start, stop, component), rest[0] if rest else None
        if torch.is_grad_enabled():
            slope = _with_a_graph(logits, valid, classes, runs, grad)
        else:
            slope = torch.empty_like(logits)
            levers = grad.to(torch.float32).contiguous()
            arrays = (each.numpy() for each in (classes, *runs, levers, flat_maps(slope)))
            kernels.class_blob_slopes(*kernel_maps(logits, valid), *arrays)
        return slope, None, None, None, None, None, None, None


def _with_a_graph(
    logits: Tensor, valid: Tensor | None, classes: Tensor, runs: tuple[Tensor, ...], grad: Tensor
) -> Tensor:
    """The gradient in PyTorch, so that it has one of its own."""
    first, *rest = (each.numpy() for each in runs)
    images, count = len(logits), len(classes)
    number = torch.zeros(
        images * count, math.prod(logits.shape[2:]), dtype=torch.int32, device="cpu"
    )
    for row, (low, high) in enumerate(itertools.pairwise(first)):
        paint(*(each[low:high] for each in rest), number[row].numpy())
    maps = flat_maps(logits)
    ignored = None if valid is None else ~flat_labels(valid).unsqueeze(1)
    prob = (maps if ignored is None else maps.masked_fill(ignored, 0.0)).softmax(1)
    prob = prob if ignored is None else prob.masked_fill(ignored, 0.0)
    totals = totals_by_number(prob[:, classes], number.view(images, count, -1), grad.shape[2])
    (slope,) = torch.autograd.grad(totals, logits, grad, create_graph=True)
    return slope
