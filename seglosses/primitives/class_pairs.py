"""Contrast of vectors by class; on a CPU the pairs of a class are taken together.

All pairs are read once where those of a class lie side by side, and those of different classes need
no mask. That needs the sizes of classes on the host; elsewhere masks say what a pair is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from seglosses.primitives.device import at_hand
from seglosses.primitives.first_order import as_given

#: What of the positives stands below, see :func:`contrasted`.
Denominator = Literal["pair", "all", "negatives"]


def contrasted(
    unit: Tensor,
    target: Tensor,
    bank: Tensor,
    bank_target: Tensor,
    *,
    temperature: float,
    denominator: Denominator,
) -> Tensor:
    """:func:`seglosses.losses.pixel_contrast_loss` of vectors of length one.

    Args:
        unit: (n, D).
        target: Classes (n,); those below 0 are not there.
        bank: Further vectors to compare with, (m, D), which get no gradient.
        bank_target: Their classes (m,).
        temperature: Divides the similarities.
        denominator: 'pair', 'all' or 'negatives'.

    Returns:
        (n,).

    Example:
        >>> unit, target = torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])
        >>> none = torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)
        >>> contrasted(unit, target, *none, temperature=1.0, denominator="pair")  # log(1 + 1 / e)
        tensor([0.3133, 0.3133, 0.0000])
    """
    bank = bank.detach().to(unit.dtype)
    if not at_hand(unit):
        return _of_masks(unit, target, bank, bank_target, temperature, denominator)
    order, bank_order = (_by_class(classes) for classes in (target, bank_target))
    most = 1 + int(max(each.max(initial=0) for each in (target.numpy(), bank_target.numpy())))
    sizes, bank_sizes = (
        torch.bincount(classes[kept], minlength=most).tolist()
        for classes, kept in ((target, order), (bank_target, bank_order))
    )
    each: Tensor = _Contrasted.apply(  # type: ignore[no-untyped-call]
        unit[order], bank[bank_order], sizes, bank_sizes, temperature, denominator
    )
    return each.new_zeros(len(unit)).index_copy(0, order, each)


def _by_class(target: Tensor) -> Tensor:
    """Places of the vectors that are there, class by class."""
    order = target.argsort(stable=True)
    return order[int((target < 0).sum()) :]


def _of_masks(
    unit: Tensor,
    target: Tensor,
    bank: Tensor,
    bank_target: Tensor,
    temperature: float,
    denominator: Denominator,
) -> Tensor:
    keys, classes = torch.cat([unit, bank]), torch.cat([target, bank_target])
    scores = unit @ keys.T / temperature
    both = (target >= 0).unsqueeze(1) & (classes >= 0)
    same = target.unsqueeze(1) == classes
    itself = torch.arange(len(unit), device=unit.device).unsqueeze(1) == torch.arange(
        len(keys), device=unit.device
    )
    positive, negative = both & same & ~itself, both & ~same
    # not -inf, of which alone logsumexp has no gradient
    lowest = torch.finfo(scores.dtype).min / 2
    below = positive | negative if denominator == "all" else negative
    log_sum = scores.masked_fill(~below, lowest).logsumexp(1, keepdim=True)
    loss = log_sum - scores
    if denominator == "pair":
        loss = F.softplus(loss)
    number = positive.sum(1)
    counted = (number > 0) & negative.any(1)
    return torch.where(positive & counted.unsqueeze(1), loss, 0.0).sum(1) / number.clamp(min=1)


class _Block(NamedTuple):
    """The queries of a class that has positives and negatives, and the vectors of that class."""

    rows: slice
    kept: slice  #: in the bank's columns, which follow those of the queries
    number: int  #: positives of each query


def _blocks(sizes: list[int], bank_sizes: list[int]) -> Iterator[_Block]:
    queries, all_of_them = sum(sizes), sum(sizes) + sum(bank_sizes)
    row, column = 0, queries
    for size, kept in zip(sizes, bank_sizes, strict=True):
        number = size + kept - 1
        if size and number and size + kept < all_of_them:
            yield _Block(slice(row, row + size), slice(column, column + kept), number)
        row, column = row + size, column + kept


class _Contrasted(torch.autograd.Function):
    """Of vectors in the order of their classes; keeps exponentials, of which slopes are made."""

    @staticmethod
    def forward(
        ctx: Any,
        unit: Tensor,
        bank: Tensor,
        sizes: list[int],
        bank_sizes: list[int],
        temperature: float,
        denominator: Denominator,
    ) -> Tensor:
        rise = unit.new_empty((len(unit), len(unit) + len(bank)))
        torch.mm(unit, unit.T, out=rise[:, : len(unit)])
        torch.mm(unit, bank.T, out=rise[:, len(unit) :])
        rise.mul_(1 / temperature)
        blocks = list(_blocks(sizes, bank_sizes))
        same = [torch.cat([rise[b.rows, b.rows], rise[b.rows, b.kept]], 1) for b in blocks]
        if denominator == "all":
            rise.diagonal().fill_(-torch.inf)
        else:
            for block in blocks:
                rise[block.rows, block.rows] = rise[block.rows, block.kept] = -torch.inf
        loss = unit.new_zeros(len(unit))
        if not blocks:
            ctx.save_for_backward(unit, bank)
        else:
            peak = rise.amax(1, keepdim=True)
            # a query without any other has a class without a block
            peak.masked_fill_(peak == -torch.inf, 0.0)
            total = rise.sub_(peak).exp_().sum(1, keepdim=True)
            log_sum = total.log().add_(peak)
            slopes = []
            for block, positive in zip(blocks, same, strict=True):
                apart = log_sum[block.rows] - positive
                slope = torch.sigmoid(apart) if denominator == "pair" else torch.ones_like(apart)
                each = F.softplus(apart) if denominator == "pair" else apart
                for values in (slope, each):
                    values.diagonal().fill_(0)
                    values.div_(block.number)
                loss[block.rows] = each.sum(1)
                slopes.append(slope)
            ctx.save_for_backward(unit, bank, rise, total, *slopes)
        ctx.options = sizes, bank_sizes, temperature, denominator
        return loss

    @staticmethod
    @as_given
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        unit, bank, *kept = ctx.saved_tensors
        sizes, bank_sizes, temperature, _ = ctx.options
        if torch.is_grad_enabled():
            slope = _with_a_graph(unit, bank, grad, *ctx.options)
            return slope, None, None, None, None, None
        if not kept:
            return torch.zeros_like(unit), None, None, None, None, None
        rise, total, *slopes = kept
        blocks = list(_blocks(sizes, bank_sizes))
        share = torch.zeros_like(total)
        for block, slope in zip(blocks, slopes, strict=True):
            share[block.rows] = slope.sum(1, keepdim=True) * grad[block.rows].unsqueeze(1)
        lever = rise * (share / total.masked_fill(total == 0, 1.0))
        for block, slope in zip(blocks, slopes, strict=True):
            part = slope * grad[block.rows].unsqueeze(1)
            size = block.rows.stop - block.rows.start
            lever[block.rows, block.rows] -= part[:, :size]
            lever[block.rows, block.kept] -= part[:, size:]
        own, other = lever[:, : len(unit)], lever[:, len(unit) :]
        out = torch.addmm(own.T @ unit, own, unit).addmm_(other, bank)
        return out.div_(temperature), None, None, None, None, None


def _with_a_graph(
    unit: Tensor,
    bank: Tensor,
    grad: Tensor,
    sizes: list[int],
    bank_sizes: list[int],
    temperature: float,
    denominator: Denominator,
) -> Tensor:
    """The gradient in PyTorch, so that it has one of its own."""
    classes = torch.arange(len(sizes), device=unit.device)
    target, bank_target = (
        classes.repeat_interleave(torch.tensor(counts, device=unit.device))
        for counts in (sizes, bank_sizes)
    )
    loss = _of_masks(unit, target, bank, bank_target, temperature, denominator)
    (slope,) = torch.autograd.grad(loss, unit, grad, create_graph=True)
    return slope
