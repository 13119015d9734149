"""Calibration errors in bins of probability, as losses."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range

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
    share = torch.ones_like(p) if weight is None else weight.flatten(2).expand_as(p)
    place = p.detach() * bins
    if binning == "hard":
        parts = [((place.ceil().long() - 1).clamp(0, bins - 1), share)]
    else:
        upper = (place + 0.5).floor().long()
        # beyond the outer centres there is one bin alone
        toward = ((p * bins + 0.5) - upper).clamp(0, 1)
        low, high = (upper - 1).clamp(0, bins - 1), upper.clamp(0, bins - 1)
        parts = [(low, (1 - toward) * share), (high, toward * share)]
    empty = p.new_zeros(*p.shape[:2], bins)
    gap = count = empty
    for index, part in parts:
        gap = gap.scatter_add(2, index, part * (p - y))
        count = count.scatter_add(2, index, part)
    filled = count.detach() > (0.0 if binning == "hard" else 0.01)
    each = torch.where(filled, gap.abs() / torch.where(filled, count, 1.0), 0.0)
    return each.sum(2) / filled.sum(2).clamp(min=1)


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
    use_when = "probabilities must be frequencies, also rare ones; beside Dice and CE"
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
