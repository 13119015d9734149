"""The correlation of a class with its label."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.layout import flat_maps
from seglosses.primitives.overlap import soft_counts

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
    counts = soft_counts(prob, target, weight)
    ones = torch.ones_like(prob[:, :1]) if weight is None else weight
    pixels = flat_maps(ones).sum(2).clamp(min=1)
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

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the correlation."""
        return mcc_loss(prob, target, mask, smooth=self.smooth)
