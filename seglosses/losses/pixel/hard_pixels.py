"""Cross-entropy of the hardest pixels only."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelOptions
from seglosses.losses.pixel.classification import CrossEntropyLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.reduction import Asked

__all__ = [
    "OHEMCrossEntropyLoss",
    "TopKCrossEntropyLoss",
    "hardest_pixels",
    "hardest_share",
]


def hardest_share(loss: Tensor, valid: Tensor | None = None, *, share: float = 0.1) -> Tensor:
    """Which pixels belong to the given share of largest losses of the batch.

    Args:
        loss: Losses of pixels, any shape.
        valid: Which of them count, of that shape; all without it.
        share: In (0, 1]; at least one pixel that counts is taken.

    Returns:
        Boolean, the shape of ``loss``. Pixels that tie with the last one taken are taken too.

    Example:
        >>> hardest_share(torch.tensor([1.0, 4.0, 2.0, 3.0]), share=0.5)
        tensor([False,  True, False,  True])
    """
    check_range("(0, 1]", share=share)
    counts = torch.ones_like(loss, dtype=torch.bool) if valid is None else valid.expand_as(loss)
    if not loss.numel():
        return counts
    # NaN counts as hardest, so that it is seen
    hardness = loss.detach().nan_to_num(math.inf, math.inf, -math.inf)
    rank = torch.where(counts, hardness, -math.inf).flatten()
    last = (counts.sum() * share).ceil().long().clamp(min=1) - 1
    if at_hand(rank):
        # without an order of the others
        least = rank.kthvalue(rank.numel() - int(last)).values
    else:
        # the number is not read, so that a device does not wait
        least = rank.sort(descending=True).values.gather(0, last.view(1))
    return (rank >= least).view_as(loss) & counts


def hardest_pixels(
    loss: Tensor,
    confidence: Tensor,
    valid: Tensor | None = None,
    *,
    threshold: float = 0.7,
    min_kept: int = 100_000,
) -> Tensor:
    """Which pixels online hard example mining keeps: unsure ones, and never too few of a batch.

    A pixel stays where the probability of its label is below ``threshold``, and in any case where
    it is among the ``min_kept`` least probable of the batch.

    Args:
        loss: Losses of pixels, any shape; names the shape of the result.
        confidence: Probability of the right label, of that shape.
        valid: Which of them count, of that shape; all without it.
        threshold: In (0, 1].
        min_kept: At least so many pixels of a batch, or all where it has fewer.

    Returns:
        Boolean, the shape of ``loss``.

    References:
        Shrivastava et al., Training region-based object detectors with online hard example mining,
        CVPR 2016, arXiv:1604.03540; of pixels, with a threshold, as in MMSegmentation's
        OHEMPixelSampler.

    Example:
        >>> sure = torch.tensor([0.9, 0.2, 0.8, 0.95])
        >>> hardest_pixels(-sure.log(), sure, threshold=0.5, min_kept=2)
        tensor([False,  True,  True, False])
    """
    counts = torch.ones_like(loss, dtype=torch.bool) if valid is None else valid.expand_as(loss)
    if not loss.numel():
        return counts
    # NaN counts as least sure, so that it is seen
    sure = confidence.detach().nan_to_num(-math.inf, math.inf, -math.inf)
    rank = torch.where(counts, sure, math.inf).flatten()
    last = min(max(int(min_kept), 1), rank.numel()) - 1
    most = rank.kthvalue(last + 1).values if at_hand(rank) else rank.sort().values[last]
    return ((rank < threshold) | (rank <= most)).view_as(loss) & counts


class _HardPixelsLoss(CrossEntropyLoss):
    """Cross-entropy with a mean over chosen pixels, and over chosen channels of them."""

    def __init__(self, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        if self.renormalize:
            raise ValueError(
                "expected renormalize=False, got True: the mean is over the hardest pixels, each of"
                " which counts once; class_weight says how hard those of a class are"
            )

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Losses of the chosen ones; 'mean' divides by their number."""
        each = _by_channel(self, batch)
        valid = None if batch.valid is None else batch.valid.unsqueeze(1)
        weight = batch.pixel_weight
        if batch.row_weight is not None:
            weight = batch.row_weight.view(-1, *(1,) * (each.dim() - 2))
        if weight is not None:
            # what weighs nothing is not hard
            heavy = (weight != 0).unsqueeze(1)
            valid = heavy if valid is None else valid & heavy
        kept = self.choose(each, batch, valid)
        loss = torch.where(kept, each, 0.0)
        if asked.reduction == "none" and (each.dim() > 2 or batch.masks):
            return asked.of(loss.mean(1), weight)
        weight = None if weight is None else weight.unsqueeze(1)
        loss = asked.of(loss, weight, count=kept.sum())
        rows = asked.reduction == "none" and not batch.sigmoid
        return loss.squeeze(1) if rows else loss

    def choose(self, loss: Tensor, batch: Aligned, valid: Tensor | None) -> Tensor:
        """Which of the losses (N, K, *S) stay; K channels under sigmoid, else one."""
        raise NotImplementedError


def _by_channel(loss: CrossEntropyLoss, batch: Aligned) -> Tensor:
    """Cross-entropies by their class weights, (N, K, *S)."""
    if batch.sigmoid:
        return loss._by_channel(batch.pixel_logits(), batch)
    target = batch.labels if batch.labels is not None else batch.target()
    each = loss.compute(batch.pixel_logits(), target) * loss._class_factor(target)
    return each.unsqueeze(1)


class TopKCrossEntropyLoss(_HardPixelsLoss):
    """Cross-entropy of the share of pixels that cost most.

        loss = mean of the largest ``share`` of -w log p_y

    The share is one of the pixels of a batch that count, as in nnU-Net's TopKLoss; under
    ``use_sigmoid`` one of the channels of all pixels. It is the conditional value at risk of the
    pixels, the spectral risk of Mehta et al., Distributionally Robust Optimization with Bias and
    Variance Reduction, ICLR 2024, arXiv:2310.13863, with one step.

    Args:
        share: In (0, 1]; 0.1 in nnU-Net.
        options: See :class:`~seglosses.losses.base.PixelLoss`; the mean is over what is kept, of
            which nothing is ignored, whatever ``avg_non_ignore`` says.

    Raises:
        ValueError: with ``renormalize``: what is kept counts once.

    Example:
        >>> logits = torch.tensor([[[0.0, 3.0], [0.0, 0.0]]])  # labels of probability .5 and .95
        >>> TopKCrossEntropyLoss(share=0.5)(logits, torch.tensor([[0, 0]]))  # log 2
        tensor(0.6931)
    """

    formula = "mean of the largest share of -log p_y"
    paper = "Wu, Shen and van den Hengel 2016, arXiv:1605.06885"
    use_when = "most pixels are easy, and their mean hides the few that are wrong"
    tags = ("imbalance", "lesion")

    def __init__(self, share: float = 0.1, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("(0, 1]", share=share)
        self.share = share

    def choose(self, loss: Tensor, batch: Aligned, valid: Tensor | None) -> Tensor:
        """The largest share."""
        return hardest_share(loss, valid, share=self.share)


class OHEMCrossEntropyLoss(_HardPixelsLoss):
    """Cross-entropy of pixels that are not sure of their label.

        loss = mean of -w log p_y over pixels with p_y < ``threshold``, at least ``min_kept``

    Under ``use_sigmoid`` every channel of a pixel is kept or left out by itself.

    Args:
        threshold: In (0, 1].
        min_kept: At least so many pixels of a batch.
        options: See :class:`~seglosses.losses.base.PixelLoss`; the mean is over what is kept, of
            which nothing is ignored, whatever ``avg_non_ignore`` says.

    Raises:
        ValueError: with ``renormalize``: what is kept counts once.

    Example:
        >>> logits = torch.tensor([[[0.0, 3.0], [0.0, 0.0]]])  # labels of probability .5 and .95
        >>> OHEMCrossEntropyLoss(min_kept=1)(logits, torch.tensor([[0, 0]]))  # log 2
        tensor(0.6931)
    """

    formula = "mean of -log p_y over pixels with p_y < threshold, at least min_kept"
    paper = "Shrivastava et al. 2016, arXiv:1604.03540"
    use_when = "long trainings in which most pixels are soon easy"
    tags = ("imbalance",)

    def __init__(
        self,
        threshold: float = 0.7,
        min_kept: int = 100_000,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, 1]", threshold=threshold)
        check_range("[1, inf)", min_kept=min_kept)
        self.threshold = threshold
        self.min_kept = min_kept

    def choose(self, loss: Tensor, batch: Aligned, valid: Tensor | None) -> Tensor:
        """Unsure pixels, and never too few."""
        plain = loss
        if self.class_weight is not None or self.pos_weight is not None:
            plain = _by_channel(CrossEntropyLoss(use_sigmoid=self.use_sigmoid), batch)
        sure = (-plain.detach()).exp()
        threshold, least = self.threshold, self.min_kept
        return hardest_pixels(loss, sure, valid, threshold=threshold, min_kept=least)
