"""Soft counts of every object, as if its class had no other."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seglosses.losses.objects import components
from seglosses.primitives import _kernels_blobs as blob_kernels
from seglosses.primitives import _kernels_labels as kernels
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.few_classes import takes_few
from seglosses.primitives.layout import flat_labels, flat_maps
from seglosses.primitives.overlap import Counts
from seglosses.topology.components import foreground_runs
from seglosses.topology.kernels.labels import paint


def blob_counts(prob: Tensor, target: Tensor, mask: Tensor | None = None) -> tuple[Counts, Tensor]:
    """Soft counts of every connected component, as if its class had no other.

    A component sees the whole background, and none of the other components. Work and memory grow
    with the pixels, and not with the number of components.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: Masks, (N, C, *S); above 1/2 is foreground.
        mask: Weights of pixels, (N, 1, *S).

    Returns:
        Counts (N, C, M), M components at most, and which of them there are, boolean (N, C, M). A
        class without any has one that is empty.

    Example:
        >>> prob = torch.tensor([[[[0.5, 0.1, 0.8]]]])
        >>> counts, real = blob_counts(prob, torch.tensor([[[[1.0, 0.0, 1.0]]]]))
        >>> counts.tp, counts.prob  # .5 and .8, and the background's .1 each
        (tensor([[[0.5000, 0.8000]]]), tensor([[[0.6000, 0.9000]]]))
    """
    inside = target if target.dtype == torch.bool else target > 0.5
    if mask is not None:
        inside = inside & (mask > 0)
    number = components(inside).flatten(2)
    # as many as fit, where to ask for their number would be to wait
    most = math.prod([(length + 1) // 2 for length in prob.shape[2:]])
    if at_hand(number) and number.numel() and not torch.compiler.is_compiling():
        most = int(number.max())
    most = max(most, 1)
    p = prob.flatten(2)
    share = None if mask is None else mask.flatten(2).expand_as(p)
    mass = totals_by_number(p if share is None else p * share, number, most + 1)
    sizes = _sizes(number, most + 1) if share is None else totals_by_number(share, number, most + 1)
    return object_counts(mass, sizes[..., 1:].to(p.dtype))


def object_counts(mass: Tensor, wanted: Tensor) -> tuple[Counts, Tensor]:
    """Of sums (N, C, M + 1), the background's first, and sizes (N, C, M)."""
    real = wanted > 0
    nothing = ~real.any(2, keepdim=True)
    first = torch.arange(wanted.shape[2], device=mass.device) == 0
    own = mass[..., 1:]
    return Counts(own, own + mass[..., :1], wanted), real | (nothing & first)


def totals_by_number(values: Tensor, number: Tensor, most: int) -> Tensor:
    """Sums (N, C, M) of values (N, C, P) by their number in [0, M)."""
    if at_hand(values):
        totals: Tensor = _Totals.apply(values, number, most)  # type: ignore[no-untyped-call]
        return totals
    return values.new_zeros(*values.shape[:2], most).scatter_add(2, number.long(), values)


def _sizes(number: Tensor, most: int) -> Tensor:
    """How many pixels (N, C, M) have each number in [0, M)."""
    sizes = torch.zeros((*number.shape[:2], most), dtype=torch.int64, device=number.device)
    if at_hand(number):
        kernels.count_up(number.flatten(0, 1).numpy(), sizes.flatten(0, 1).numpy())
        return sizes
    return sizes.scatter_add(2, number.long(), torch.ones_like(number, dtype=torch.int64))


class _Totals(torch.autograd.Function):
    """On a CPU, which scatters by an index ten times as slowly as it adds in a loop."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, number: Tensor, most: int) -> Tensor:
        ctx.save_for_backward(number)
        totals = torch.zeros((*values.shape[:2], most), dtype=torch.float64, device="cpu")
        numbers, sums = (each.flatten(0, 1).numpy() for each in (number, totals))
        kernels.add_up(numbers, values.contiguous().flatten(0, 1).numpy(), sums)
        return totals.to(values.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (number,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            return grad.gather(2, number.long()), None, None
        slope = grad.new_empty(number.shape)
        rows = (each.flatten(0, 1).numpy() for each in (number, grad.contiguous(), slope))
        kernels.hand_out(*rows)
        return slope, None, None


def blob_counts_of_one(batch: Aligned) -> tuple[Counts, Tensor] | None:
    """:func:`blob_counts` of the foreground of two classes, or of one channel, run by run.

    Neither probabilities nor numbers of components are written down, so that logits are read once
    each way.

    Returns:
        Counts (N, 1, M) and which components there are, or ``None`` where kernels cannot go: away
        from a CPU, for more classes, dense targets and weights of pixels.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 1, 1, 3), torch.tensor([[[1, 0, 1]]]))
        >>> blob_counts_of_one(batch)[0].prob  # half of its own pixel and of the background's
        tensor([[[1., 1.]]])
    """
    one = batch.channels == 1 if batch.sigmoid else batch.channels == 2
    if not (one and batch.spatial and takes_few(batch.logits)):
        return None
    if batch.labels is None or batch.pixel_weight is not None:
        return None
    found = [foreground_runs(mask) for mask in (batch.labels == 1).numpy()]
    first = np.cumsum([0, *(len(run[0]) for run in found)], dtype=np.int32)
    parts = [[run[part] for run in found] for part in range(3)]
    runs = [torch.from_numpy(np.concatenate([np.zeros(0, np.int32), *part])) for part in parts]
    most = max([1, *(run[3] for run in found)])
    sizes = [np.bincount(run[2], weights=run[1] - run[0], minlength=most) for run in found]
    mass: Tensor = _RunTotals.apply(  # type: ignore[no-untyped-call]
        batch.logits.contiguous(), batch.valid, torch.from_numpy(first), *runs, most + 1
    )
    wanted = np.stack(sizes) if sizes else np.zeros((0, most))
    return object_counts(mass.unsqueeze(1), torch.from_numpy(wanted).to(mass.dtype).unsqueeze(1))


class _RunTotals(torch.autograd.Function):
    """Sums (N, M + 1) of the probability of the background and of each component."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        valid: Tensor | None,
        first: Tensor,
        start: Tensor,
        stop: Tensor,
        component: Tensor,
        most: int,
    ) -> Tensor:
        runs = first, start, stop, component
        ctx.save_for_backward(logits, *runs, *(() if valid is None else (valid,)))
        totals = torch.zeros((len(logits), most), dtype=torch.float64, device="cpu")
        blob_kernels.blob_totals(*_arrays(logits, valid, runs), totals.numpy())
        return totals.to(logits.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        logits, first, start, stop, component, *rest = ctx.saved_tensors
        runs, valid = (first, start, stop, component), rest[0] if rest else None
        if torch.is_grad_enabled():
            slope = _with_a_graph(logits, valid, runs, grad)
        else:
            slope = torch.empty_like(logits)
            levers = grad.to(torch.float32).contiguous().numpy()
            blob_kernels.blob_slopes(
                *_arrays(logits, valid, runs), levers, flat_maps(slope).numpy()
            )
        return slope, None, None, None, None, None, None


def _arrays(logits: Tensor, valid: Tensor | None, runs: tuple[Tensor, ...]) -> tuple[Any, ...]:
    """Arrays of the kernels: logits, validity and whether it means anything, and runs."""
    return *kernel_maps(logits, valid), *(each.numpy() for each in runs)


def kernel_maps(logits: Tensor, valid: Tensor | None) -> tuple[Any, Any, bool]:
    """Arrays of the kernels: logits, validity, and whether this means anything.

    Example:
        >>> kernel_maps(torch.zeros(1, 2, 3), None)[2]
        False
    """
    maps = flat_maps(logits.detach()).numpy()
    seen = np.empty((len(maps), maps.shape[2]), np.uint8) if valid is None else None
    if valid is not None:
        seen = flat_labels(valid).contiguous().view(torch.uint8).numpy()
    return maps, seen, valid is not None


def _with_a_graph(
    logits: Tensor, valid: Tensor | None, runs: tuple[Tensor, ...], grad: Tensor
) -> Tensor:
    """The gradient in PyTorch, so that it has one of its own."""
    first, *rest = (each.numpy() for each in runs)
    number = torch.zeros(
        len(logits), 1, math.prod(logits.shape[2:]), dtype=torch.int32, device="cpu"
    )
    for image, (low, high) in enumerate(itertools.pairwise(first)):
        paint(*(each[low:high] for each in rest), number[image, 0].numpy())
    maps = flat_maps(logits)
    if valid is not None:
        maps = maps.masked_fill(~flat_labels(valid).unsqueeze(1), 0.0)
    apart = maps[:, -1:] - (maps[:, :1] if maps.shape[1] == 2 else 0.0)
    prob = apart.sigmoid()
    if valid is not None:
        prob = prob.masked_fill(~flat_labels(valid).unsqueeze(1), 0.0)
    totals = totals_by_number(prob, number, grad.shape[1]).squeeze(1)
    (slope,) = torch.autograd.grad(totals, logits, grad, create_graph=True)
    return slope
