"""Losses of partly labelled images: a price for the classes that a pixel cannot have."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions, SegOptions
from seglosses.losses.classes import refuse_per_pixel
from seglosses.losses.weak.label_sets import SetLoss
from seglosses.losses.weak.possible_classes import (
    LabelSets,
    excluded_classes,
    labelled_classes,
    merged_background,
    possible_classes,
    set_masks,
)
from seglosses.losses.weak.set_counts import excluded_counts, excluded_counts_of_sets
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.overlap import Counts, soft_counts
from seglosses.primitives.reduction import Asked
from seglosses.primitives.set_entropy import merged_sets, outside_price

__all__ = [
    "ExclusionCrossEntropyLoss",
    "ExclusionDiceLoss",
    "exclusion_cross_entropy_loss",
    "exclusion_dice_loss",
]


def exclusion_dice_loss(prob: Tensor, excluded: Tensor) -> Tensor:
    r"""Dice score of each class with the pixels that cannot have it.

        loss = 2 sum e p / (sum e + sum p)

    Args:
        prob: Class probabilities, (N, C, *S).
        excluded: e, 1 where a pixel cannot have the class, (N, C, *S).

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 where both are empty.

    References:
        Shi et al., arXiv:2007.03868, where all other labelled classes exclude a class.

    Example:
        >>> prob = torch.tensor([[[0.5, 0.5, 1.0]]])
        >>> exclusion_dice_loss(prob, torch.tensor([[[1.0, 1.0, 0.0]]]))  # 2 * 1 / (2 + 2)
        tensor([[0.5000]])
    """
    return _score(soft_counts(prob, excluded, intersection="product"))


def _score(counts: Counts) -> Tensor:
    both = counts.prob + counts.target
    return 2 * counts.tp / torch.where(both > 0, both, 1.0)


def exclusion_cross_entropy_loss(logits: Tensor, target: Tensor, *, epsilon: float = 1.0) -> Tensor:
    r"""A price for classes that a pixel cannot have.

        loss = sum_{c not in S} log((p_c + epsilon) / epsilon)

    Args:
        logits: (N, C, *S).
        target: As in :func:`marginal_cross_entropy_loss`.
        epsilon: Above 0; 1 in the paper, and smaller ones make the first doubts dearer.

    Returns:
        (N, *S), at least 0.

    References:
        Shi et al., arXiv:2007.03868.

    Example:
        >>> logits = torch.tensor([[[0.5], [0.3], [0.2]]]).log()
        >>> exclusion_cross_entropy_loss(logits, torch.tensor([[[1.0], [0.0], [1.0]]]))  # log 1.3
        tensor([[0.2624]])
    """
    if target.is_floating_point():
        return outside_price(logits, possible_classes(target), epsilon)
    if at_hand(logits):
        inside = one_hot(target, logits.shape[1], dtype=torch.bool)
        return outside_price(logits, inside, epsilon)
    price = torch.log1p(logits.softmax(1) / epsilon)
    return price.scatter(1, target.unsqueeze(1), 0.0).sum(1)


class ExclusionCrossEntropyLoss(SetLoss, PixelLoss):
    """Registered form of :func:`exclusion_cross_entropy_loss`.

    What a pixel may be is said as in :class:`MarginalCrossEntropyLoss`.

    Args:
        label_sets: For each label the classes that it stands for, ``[[0, 3], [1], [2], [3]]``.
        epsilon: Above 0.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: as :class:`MarginalCrossEntropyLoss`.

    Example:
        >>> logits = torch.tensor([[[0.5], [0.3], [0.2]]]).log()
        >>> loss = ExclusionCrossEntropyLoss(label_sets=[[0, 2], [1]])
        >>> loss(logits, torch.tensor([[0]]))  # log 1.3
        tensor(0.2624)
    """

    formula = "sum_{c not in S} log((p_c + e) / e), S the classes that a pixel may have"
    paper = "Shi et al. 2021, arXiv:2007.03868"
    use_when = "beside marginal losses: organs exclude each other (extra input, optional: labelled)"
    tags = ("partial",)

    def __init__(
        self,
        label_sets: LabelSets | None = None,
        epsilon: float = 1.0,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", epsilon=epsilon)
        self.epsilon = epsilon
        self.set_of_labels(label_sets)

    def prepare(self, batch: Aligned) -> Aligned:
        """Take the sets of classes for target."""
        if self._by_image(batch):
            return batch
        return merged_background(batch, type(self).__name__, merge=False)

    def _of_softmax(self, batch: Aligned, target: Tensor) -> Tensor:
        sets = self._by_sets(batch)
        if sets is not None:
            inside = set_masks(target, sets, batch.channels)
        elif self._by_image(batch):
            here = labelled_classes(batch, type(self).__name__).flatten(1)
            inside = merged_sets(target, here)
        else:
            return super()._of_softmax(batch, target)
        return outside_price(batch.pixel_logits(), inside, self.epsilon)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """The price of impossible classes."""
        return exclusion_cross_entropy_loss(logits, target, epsilon=self.epsilon)


class ExclusionDiceLoss(SetLoss):
    """Registered form of :func:`exclusion_dice_loss`, summed over classes.

    What a pixel may be is said as in :class:`MarginalCrossEntropyLoss`.

    Args:
        label_sets: For each label the classes that it stands for, ``[[0, 3], [1], [2], [3]]``.
        options: See :class:`~seglosses.losses.base.SegmentationLoss`.

    Raises:
        ValueError: as :class:`MarginalCrossEntropyLoss`.

    Example:
        >>> logits = torch.tensor([[[0.5, 0.1], [0.3, 0.7], [0.2, 0.2]]]).log()
        >>> loss = ExclusionDiceLoss(label_sets=[[0, 2], [1]])
        >>> loss(logits, torch.tensor([[0, 1]]))  # 2 (.1 / 1.6 + .3 / 2 + .2 / 1.4)
        tensor(0.7107)
    """

    formula = "sum over classes of 2 sum e p / (sum e + sum p), e where the class is impossible"
    paper = "Shi et al. 2021, arXiv:2007.03868"
    use_when = (
        "beside MarginalDiceLoss: organs exclude each other (extra input, optional: labelled)"
    )
    tags = ("partial",)

    def __init__(self, label_sets: LabelSets | None = None, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        self.set_of_labels(label_sets)

    def prepare(self, batch: Aligned) -> Aligned:
        """Take the sets of classes for target."""
        if self._by_counts(batch):
            return batch
        return merged_background(batch, type(self).__name__, merge=False)

    def _reads_labels(self) -> bool:
        return True

    @staticmethod
    def _by_counts(batch: Aligned) -> bool:
        """Whether labels say what is impossible, of which counts of labels know everything."""
        return batch.labels is not None and not batch.sigmoid

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Sum over classes, mean over images."""
        refuse_per_pixel(type(self).__name__, asked, batch)
        sets = self._by_sets(batch)
        if sets is not None:
            counts = excluded_counts_of_sets(batch, sets)
        elif self._by_counts(batch):
            counts = excluded_counts(batch, type(self).__name__)
        else:
            prob, excluded = batch.prob(), excluded_classes(batch)
            counts = soft_counts(prob, excluded, batch.mask(), intersection="product")
        loss = _score(counts)
        if self.class_weight is not None:
            loss = loss * self.class_weight
        return asked.of(loss.sum(1), batch.row_weight)
