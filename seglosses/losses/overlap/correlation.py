"""The correlation of a class with its label."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.whole_maps import broken
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.layout import flat_maps, pick_channels
from seglosses.primitives.overlap import Counts, batch_counts, soft_counts
from seglosses.primitives.reduction import Asked

__all__ = ["MCCLoss", "mcc_loss"]


def mcc_loss(
    prob: Tensor, target: Tensor, weight: Tensor | None = None, *, smooth: float = 1.0
) -> Tensor:
    r"""One minus the Matthews correlation coefficient of a class.

        loss = 1 - (TP TN - FP FN) / sqrt((TP+FP) (TP+FN) (TN+FP) (TN+FN))

    ``smooth`` pixels are added to TP and to TN. Unlike Dice it reads true negatives: predicting the
    class everywhere costs about 1, as much as predicting it nowhere, however large its share is.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S).
        smooth: In pixels; above 0.

    Returns:
        One loss per image and class, (N, C), in [0, 2]; 0 for a class that is everywhere or nowhere
        in both.

    Raises:
        ValueError: unless ``smooth`` is positive.

    References:
        Abhishek and Hamarneh, Matthews correlation coefficient loss for deep convolutional
        networks, ISBI 2021, arXiv:2010.13454.

    Example:
        >>> import torch
        >>> prob, target = torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
        >>> # TP = TN = FP = 1: 1 - 1 / sqrt(2 * 1 * 2 * 1)
        >>> mcc_loss(prob, target, smooth=1e-6)
        tensor([[0.5000]])
    """
    check_range("(0, inf)", smooth=smooth)
    ones = torch.ones_like(prob[:, :1]) if weight is None else weight
    return _of_counts(soft_counts(prob, target, weight), flat_maps(ones).sum(2), smooth)


def _of_counts(counts: Counts, pixels: Tensor, smooth: float) -> Tensor:
    """:func:`mcc_loss` of counts (N, C) and of the weight of all pixels (N, 1)."""
    pixels = pixels.clamp(min=1)
    # shares, so that products of four counts stay in range; both right counts are above 0
    tp, fp, fn, spare = (each / pixels for each in (counts.tp, counts.fp, counts.fn, smooth))
    tn = (1 - tp - fp - fn).clamp(min=0) + spare
    tp = tp + spare
    root = ((tp + fp) * (tp + fn)).sqrt() * ((tn + fp) * (tn + fn)).sqrt()
    return 1 - (tp * tn - fp * fn) / root


class MCCLoss(MapLoss):
    """Registered form of :func:`mcc_loss`.

    Args:
        smooth: In pixels; above 0.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[99.0, 99.0, -99.0]]]])  # TP, FP and TN, one pixel each
        >>> MCCLoss(smooth=1e-6)(logits, torch.tensor([[[1, 0, 0]]]))
        tensor(0.5000)
    """

    spatial_dims = (0, 1, 2, 3)
    default_classes = None
    formula = "1 - (TP TN - FP FN) / sqrt((TP+FP) (TP+FN) (TN+FP) (TN+FN))"
    paper = "Abhishek and Hamarneh 2021, arXiv:2010.13454"
    use_when = "a class may fill most of the image or little of it, and both kinds of error matter"
    tags = ("imbalance", "score")

    def __init__(self, smooth: float = 1.0, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", smooth=smooth)
        self.smooth = smooth

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over classes, then images; of labels no map of probabilities is written."""
        maps = batch.logits.dim() - 2 in self.spatial_dims
        if batch.labels is None or not maps or not at_hand(batch.logits):
            return super().reduce(batch, asked)
        self._refuse_per_pixel(asked, batch)
        only_present = self._only_present(batch)
        batch, chosen, weights = self._chosen(batch)
        counts, mask = batch_counts(batch), batch.mask()
        if chosen is not None:
            counts = Counts(*(pick_channels(count, chosen) for count in counts))
        flat = flat_maps(batch.logits)
        size = flat.new_full((len(flat), 1), flat.shape[2])
        pixels = size if mask is None else flat_maps(mask).sum(2)
        loss = _of_counts(counts, pixels, self.smooth) + broken(batch)
        return self._mean(loss, counts.target if only_present else None, weights, batch, asked)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the correlation."""
        return mcc_loss(prob, target, mask, smooth=self.smooth)
