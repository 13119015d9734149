"""Soft counts of softmax logits and labels, and the mass of each class at some of the labels.

Where a label stands for a set of classes, these numbers say what every class has inside it and
outside it, so that no map of merged probabilities is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from seglosses.primitives import _kernels_label_masses as kernels
from seglosses.primitives.device import at_hand, widest
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.few_classes import as_bytes, as_factor, kernel_arrays, takes_few
from seglosses.primitives.first_order import as_given
from seglosses.primitives.layout import blocks, flat_labels, flat_maps, in_bytes
from seglosses.primitives.overlap import Counts
from seglosses.primitives.softmax_counts import block_of


class Masses(NamedTuple):
    """Sums of a batch, in the widest type of its device: differences of them are to be exact."""

    counts: Counts  #: of pixels whose label is a class, (N, C)
    at: Tensor  #: mass of each class at pixels of each row's label, (N, F, C)
    pixels: Tensor  #: pixels of each row's label, by their weights, (N, F)


def masses_at(batch: Aligned, labels: Tensor, rows: Sequence[int]) -> Masses:
    """Counts (N, C), and the mass that each class has at pixels of some labels.

    Args:
        batch: Aligned, of a softmax.
        labels: (N, *S); those of C and more are no class.
        rows: The labels that are asked for.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 2, 4), torch.tensor([[0, 0, 0, 1]]))
        >>> masses = masses_at(batch, batch.labels, [0])
        >>> masses.counts.prob.tolist(), masses.at.tolist(), masses.pixels.tolist()
        ([[2.0, 2.0]], [[[1.5, 1.5]]], [[3.0]])
    """
    weight = batch.valid if batch.pixel_weight is None else batch.mask()
    if batch.pixel_weight is not None and weight is not None:
        weight = weight.squeeze(1)
    share, flat = None if weight is None else flat_labels(weight), flat_labels(labels)
    wide = widest(batch.logits)
    here = torch.stack([flat == row for row in rows], 1)
    seen = here if share is None else here * share.unsqueeze(1)
    pixels = seen.sum(2, dtype=wide)
    if at_hand(batch.logits):
        if takes_few(batch.logits):
            found: Tensor = _Masses.apply(  # type: ignore[no-untyped-call]
                flat_maps(batch.logits).contiguous(),
                flat.to(torch.uint8).contiguous(),
                as_bytes(share),
                torch.tensor(rows, dtype=torch.uint8, device="cpu"),
            )
        else:
            found = _BlockMasses.apply(  # type: ignore[no-untyped-call]
                flat_maps(batch.logits), flat, share, torch.tensor(rows, device="cpu")
            )
        tp, mass, target = found[:3].unbind()
        return Masses(Counts(tp, mass, target.detach()), found[3:].movedim(0, 1), pixels)
    prob = flat_maps(batch.prob())
    channels = prob.shape[1]
    hot = one_hot(flat, max(channels, *(row + 1 for row in rows)), dtype=prob.dtype)
    hot = hot if share is None else hot * share.unsqueeze(1)
    # class c at pixels of label k, (N, C, K)
    at = torch.bmm(prob, hot.transpose(1, 2)).to(wide)
    own = at[..., :channels]
    counts = Counts(own.diagonal(dim1=1, dim2=2), own.sum(2), hot.sum(2, dtype=wide)[:, :channels])
    return Masses(counts, at[..., list(rows)].transpose(1, 2), pixels)


class _Masses(torch.autograd.Function):
    """(3 + F, N, C) of float64."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None, rows: Tensor
    ) -> Tensor:
        ctx.save_for_backward(logits, labels, rows, *(() if weight is None else (weight,)))
        counts = torch.zeros((3 + len(rows), *logits.shape[:2]), dtype=torch.float64, device="cpu")
        kernels.counts_at(*kernel_arrays(logits, labels, weight), rows.numpy(), counts.numpy())
        return counts

    @staticmethod
    def backward(ctx: Any, grads: Tensor) -> tuple[Tensor, None, None, None]:
        logits, labels, rows, *rest = ctx.saved_tensors
        weight = rest[0] if rest else None
        levers = torch.cat([grads[[1, 0]], grads[3:]]).to(logits.dtype)
        if torch.is_grad_enabled():
            return _with_a_graph(logits, labels, weight, rows, levers), None, None, None
        grad = torch.empty_like(logits)
        arrays = kernel_arrays(logits, labels, weight)
        kernels.slopes_at(*arrays, rows.numpy(), np.ascontiguousarray(levers), grad.numpy())
        return grad, None, None, None


class _BlockMasses(torch.autograd.Function):
    """As :class:`_Masses`, of any number of classes, block by block."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, labels: Tensor, weight: Tensor | None, rows: Tensor
    ) -> Tensor:
        ctx.masked = False
        sums = _sums_at(logits, labels, weight, rows, masked=False)
        # zero times NaN is NaN; to look costs less than to mask
        if weight is not None and not bool(sums.isfinite().all()):
            ctx.masked = True
            sums = _sums_at(logits, labels, weight, rows, masked=True)
        small = in_bytes(labels, logits.shape[1] + len(rows))
        ctx.save_for_backward(logits, small, rows, *(() if weight is None else (weight,)))
        return sums

    @staticmethod
    @as_given
    def backward(ctx: Any, grads: Tensor) -> tuple[Tensor, None, None, None]:
        logits, small, rows, *rest = ctx.saved_tensors
        weight = rest[0] if rest else None
        levers = torch.cat([grads[[1, 0]], grads[3:]]).to(logits.dtype)
        if torch.is_grad_enabled():
            return _with_a_graph(logits, small, weight, rows, levers), None, None, None
        # a last column takes what is the same for all classes of a pixel
        less = -torch.ones_like(levers[:1])
        mass, hit = torch.cat([levers[[0]], levers[2:], less]).permute(1, 2, 0), levers[1]
        grad = torch.empty_like(logits)
        for images, pixels in blocks(logits):
            part, share = block_of(logits, weight, images, pixels, ctx.masked)
            prob, labels = part.softmax(1), small[images, pixels].long()
            hot = _of_rows(labels, share, rows, logits)
            known = labels.clamp(max=logits.shape[1] - 1)
            own = prob.gather(1, known.unsqueeze(1))
            own.mul_(hit[images].gather(1, known).unsqueeze(1)).mul_(hot[:, :1])
            mean = torch.bmm(mass[images, :, :-1].transpose(1, 2), prob).mul_(hot).sum(1, True)
            slope = torch.bmm(mass[images], torch.cat([hot, mean.add_(own)], 1))
            torch.mul(prob, slope, out=grad[images, :, pixels])
            grad[images, :, pixels].scatter_add_(1, known.unsqueeze(1), own)
        return grad, None, None, None


def _of_rows(labels: Tensor, share: Tensor | None, rows: Tensor, logits: Tensor) -> Tensor:
    """Weights of pixels of any class, and then of those of each row's label, (N, 1 + F, P)."""
    here = [labels < logits.shape[1], *(labels == row for row in rows.tolist())]
    hot = as_factor(torch.stack(here, 1), logits.dtype)
    return hot if share is None else hot.mul_(share)


def _sums_at(
    logits: Tensor, labels: Tensor, weight: Tensor | None, rows: Tensor, *, masked: bool
) -> Tensor:
    """(3 + F, N, C) of float64."""
    images, channels = logits.shape[:2]
    sums = torch.zeros((3 + len(rows), images, channels), dtype=torch.float64, device="cpu")
    tp, _, target = sums[:3]
    for part, columns in blocks(logits):
        seen, share = block_of(logits, weight, part, columns, masked)
        prob, own = seen.softmax(1), labels[part, columns]
        hot, known = _of_rows(own, share, rows, logits), own.clamp(max=channels - 1)
        masses = torch.bmm(hot, prob.transpose(1, 2)).to(sums.dtype).movedim(1, 0)
        sums[1, part] += masses[0]
        sums[3:, part] += masses[1:]
        hit = prob.gather(1, known.unsqueeze(1)).squeeze(1) * hot[:, 0]
        tp[part] = tp[part].scatter_add(1, known, hit.to(sums.dtype))
        target[part] = target[part].scatter_add(1, known, hot[:, 0].to(sums.dtype))
    return sums


def _with_a_graph(
    logits: Tensor, labels: Tensor, weight: Tensor | None, rows: Tensor, levers: Tensor
) -> Tensor:
    """The gradient in PyTorch, so that it has one of its own."""
    share = None if weight is None else weight.unsqueeze(1)
    x = logits if share is None else logits.masked_fill(share == 0, 0.0)
    prob = x.softmax(1)
    channels = torch.arange(x.shape[1], dtype=labels.dtype, device=x.device).view(1, -1, 1)
    mass, hit, *firsts = (lever.unsqueeze(2) for lever in levers)
    known = (labels < x.shape[1]).unsqueeze(1)
    lever = mass * known + hit * (labels.unsqueeze(1) == channels)
    for row, first in zip(rows, firsts, strict=True):
        lever = lever + first * (labels == row).unsqueeze(1)
    slope: Tensor = prob * (lever - (lever * prob).sum(1, keepdim=True))
    return slope if share is None else slope * share
