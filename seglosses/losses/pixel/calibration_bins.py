"""Calibration errors in bins of probability, as losses."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives import _kernels_bins as kernels
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand, is_transformed
from seglosses.primitives.first_order import first_order

__all__ = ["L1ACELoss", "l1_ace_loss"]

Binning = Literal["hard", "soft"]


def l1_ace_loss(
    prob: Tensor,
    target: Tensor,
    *,
    bins: int = 20,
    binning: Binning = "hard",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Marginal L1 average calibration error: how far probabilities are from frequencies.

        loss = mean over bins that are not empty of |mean p - mean y|

    Bins count alike, unlike in the expected calibration error, so that rare probabilities are seen.
    With soft bins a pixel belongs to the two bins whose centres are next to p, by linear shares,
    and a bin of less than a hundredth of a pixel is empty.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        bins: Number of bins of equal width, (0, 1/n], ..., with 0 in the first.
        binning: 'hard' or 'soft'.
        weight: Weights of pixels, (N, 1, *S).

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 without a pixel.

    References:
        Barfoot et al., Average calibration error: a differentiable loss for improved reliability in
        image segmentation, MICCAI 2024, arXiv:2403.06759.

    Example:
        >>> prob = torch.tensor([[[0.2, 0.4, 1.0]]])
        >>> target = torch.tensor([[[0.0, 0.0, 1.0]]])
        >>> l1_ace_loss(prob, target, bins=2)  # (|.3 - 0| + |1 - 1|) / 2
        tensor([[0.1500]])
    """
    _check_binning(binning)
    p, y = prob.flatten(2), target.flatten(2).to(prob.dtype)
    share = None if weight is None else weight.flatten(2)
    if is_transformed():
        gap, count = _sums(p, y, share, bins, binning)
    else:
        gap, count = _Binned.apply(p, y, share, bins, binning)  # type: ignore[no-untyped-call]
    filled = count.detach() > (0.0 if binning == "hard" else 0.01)
    each = torch.where(filled, gap.abs() / torch.where(filled, count, 1.0), 0.0)
    return each.sum(2) / filled.sum(2).clamp(min=1)


def _shares(p: Tensor, bins: int, binning: Binning) -> list[tuple[Tensor, Tensor]]:
    """Bins of each probability, and its share of them."""
    if binning == "hard":
        # 0 is in the first bin
        return [
            ((p.detach() * bins).ceil_().long().sub_(1).clamp_(0, bins - 1), torch.ones_like(p))
        ]
    place = p * bins + 0.5
    floor = place.detach().floor()
    toward, upper = place - floor, floor.long()
    # beyond the outer centres there is one bin alone
    low, high = (upper - 1).clamp_(0, bins - 1), upper.clamp_(0, bins - 1)
    return [(low, 1 - toward), (high, toward)]


def _sums(
    p: Tensor, y: Tensor, weight: Tensor | None, bins: int, binning: Binning
) -> tuple[Tensor, Tensor]:
    """Sums of p - y and of pixels in each bin, (N, C, bins) each."""
    gap = count = p.new_zeros(*p.shape[:2], bins)
    wrong = p - y
    for index, share in _shares(p, bins, binning):
        part = share if weight is None else share * weight
        gap = gap.scatter_add(2, index, part * wrong)
        count = count.scatter_add(2, index, part)
    return gap, count


class _Binned(torch.autograd.Function):
    """:func:`_sums`, which keeps p, y and weights alone for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, p: Tensor, y: Tensor, weight: Tensor | None, bins: int, binning: Binning
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(p, y, weight)
        ctx.bins, ctx.binning = bins, binning
        if not _has_kernels(p):
            return _sums(p, y, weight, bins, binning)
        sums = torch.zeros(2, *p.shape[:2], bins, dtype=torch.float64, device="cpu")
        kernels.add_to_bins(*_arrays(p, y, weight, bins, binning), *sums.numpy())
        gap, count = sums.to(p.dtype).unbind()
        return gap, count

    @staticmethod
    @first_order
    def backward(
        ctx: Any, of_gap: Tensor, of_count: Tensor
    ) -> tuple[Tensor, None, None, None, None]:
        p, y, weight = ctx.saved_tensors
        if _has_kernels(p):
            grad = torch.empty_like(p, memory_format=torch.contiguous_format)
            levers = (each.double().contiguous().numpy() for each in (of_gap, of_count))
            arrays = _arrays(p, y, weight, ctx.bins, ctx.binning)
            kernels.bin_slopes(*arrays, *levers, grad.numpy())
            return grad, None, None, None, None
        shares = _shares(p, ctx.bins, ctx.binning)
        if ctx.binning == "hard":
            slope = of_gap.gather(2, shares[0][0])
        else:
            (low, rest), (high, toward) = shares
            gaps = of_gap.gather(2, low), of_gap.gather(2, high)
            apart = (gaps[1] - gaps[0]).mul_(p - y)
            apart.add_(of_count.gather(2, high)).sub_(of_count.gather(2, low))
            # a share moves with p, but not beyond the outer centres, where both bins are one
            slope = torch.where(low == high, 0.0, apart.mul_(ctx.bins))
            slope = slope.addcmul_(rest, gaps[0]).addcmul_(toward, gaps[1])
        return slope if weight is None else slope * weight, None, None, None, None


def _has_kernels(p: Tensor) -> bool:
    return at_hand(p) and p.dtype in (torch.float32, torch.float64)


def _arrays(
    p: Tensor, y: Tensor, weight: Tensor | None, bins: int, binning: Binning
) -> tuple[Any, ...]:
    """What the kernels read: maps, weights and whether they mean anything, and bins."""
    maps, other = (each.detach().contiguous().numpy() for each in (p, y))
    if weight is None:
        share = np.empty((len(maps), maps.shape[2]), maps.dtype)
    else:
        share = weight.detach().to(p.dtype).squeeze(1).contiguous().numpy()
    kind = maps.dtype.type
    return maps, other, share, weight is not None, binning == "soft", kind(bins), kind(0.5)


def _check_binning(binning: str) -> None:
    if binning not in get_args(Binning):
        raise ValueError(f"binning must be 'hard' or 'soft', got {binning!r}")


class L1ACELoss(MapLoss):
    """Registered form of :func:`l1_ace_loss`: marginal L1 average calibration error.

    Stands beside a loss of segmentation, for calibration alone does not segment.

    Args:
        bins: Number of bins.
        binning: 'hard' or 'soft'; soft ones have a gradient also where a pixel leaves its bin.
        options: See :class:`~seglosses.losses.classwise.MapLoss`; by default the classes that an
            image has.

    Raises:
        ValueError: for another word.

    Example:
        >>> logits = torch.tensor([[[[0.2, 0.4, 1.0]]]]).logit(eps=1e-6)
        >>> L1ACELoss(bins=2)(logits, torch.tensor([[[0, 0, 1]]]))  # (.3 + 0) / 2
        tensor(0.1500)
    """

    formula = "mean over bins of |mean p - mean y|, hard or soft bins"
    paper = "Barfoot et al. 2024, arXiv:2403.06759"
    use_when = "probabilities should match frequencies, also for rare classes; beside Dice and CE"
    tags = ("calibration",)
    default_classes = "present"

    def __init__(
        self, bins: int = 20, binning: Binning = "hard", **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, bins=bins)
        _check_binning(binning)
        self.bins, self.binning = bins, binning

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Errors of images and classes."""
        return l1_ace_loss(prob, target, bins=self.bins, binning=self.binning, weight=mask)
