"""Losses of partly labelled images: a pixel has one of several classes, and never the others."""

from __future__ import annotations

from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_input
from seglosses.losses.base import PixelLoss, PixelOptions, SegmentationLoss
from seglosses.losses.classwise import CountOptions, OverlapLoss
from seglosses.losses.weak.possible_classes import (
    LabelSets,
    known_counts,
    labelled_classes,
    merged_background,
    possible_classes,
    set_masks,
    with_sets,
)
from seglosses.losses.weak.set_counts import known_counts_of_sets, merged_counts
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.overlap import Counts, batch_counts, dice_index
from seglosses.primitives.reduction import Classes
from seglosses.primitives.set_entropy import merged_entropy, set_entropy

__all__ = [
    "MarginalCrossEntropyLoss",
    "MarginalDiceLoss",
    "marginal_cross_entropy_loss",
    "marginal_dice_loss",
]


def marginal_cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy of pixels of which a set of possible classes is known.

        loss = -log sum_{c in S} p_c

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), each a set of one class; or (N, C, *S), whose positive entries are
            the possible classes. A pixel without any may have all of them, and costs 0.

    Returns:
        (N, *S).

    References:
        Shi et al., Marginal loss and exclusion loss for partially supervised multi-organ
        segmentation, Medical Image Analysis 70, 2021, arXiv:2007.03868.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.5], [0.3], [0.2]]]).log()
        >>> marginal_cross_entropy_loss(logits, torch.tensor([[[1.0], [0.0], [1.0]]]))  # -log .7
        tensor([[0.3567]])
    """
    if not target.is_floating_point():
        return cross_entropy(logits, target)
    return set_entropy(logits, possible_classes(target))


def marginal_dice_loss(prob: Tensor, possible: Tensor, *, smooth: float = 1.0) -> Tensor:
    r"""Dice loss of the pixels of which it is known whether they have the class.

        loss = 1 - (2 TP + smooth) / (2 TP + FP + FN + smooth)

    Pixels that have the class for certain count as in the Dice loss; there p adds to FP where the
    class is impossible; and where it is one of several possible ones, nothing counts.

    Args:
        prob: Class probabilities, (N, C, *S).
        possible: 1 for the classes that a pixel may have, (N, C, *S).
        smooth: Added above and below, in pixels.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; a class without any pixel costs 0.

    References:
        Shi et al., arXiv:2007.03868, of sets that are an image's; Fidon et al., MICCAI 2021,
        arXiv:2107.03846, of sets that are a pixel's.

    Example:
        >>> import torch
        >>> prob = torch.tensor([[[0.5, 0.5, 0.5]]])
        >>> possible = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]])  # it, either, the other
        >>> prob = torch.cat([prob, 1 - prob], 1)
        >>> marginal_dice_loss(prob, possible, smooth=0.0)[0, 0]  # 1 - 2 (1/2) / (1/2 + 1/2 + 1)
        tensor(0.5000)
    """
    return _dice(known_counts(prob, possible), smooth)


def _dice(counts: Counts, smooth: float) -> Tensor:
    return 1 - dice_index(counts, smooth=smooth)


class SetLoss(SegmentationLoss):
    """Labels that stand for sets of classes: the option, and the extra input ``labelled``."""

    label_sets: LabelSets | None

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = None,
    ) -> Tensor:
        """Loss of raw logits, see :meth:`seglosses.losses.base.SegmentationLoss.forward`.

        Labels may be as many as there are sets, also more than channels.
        """
        ignored = self.ignore_index if ignore_index is None else ignore_index
        keep = at_hand(pred) and extra_input("labelled") is None and self._reads_labels()
        target = with_sets(
            pred,
            target,
            self.label_sets,
            ignored,
            type(self).__name__,
            keep=keep,
        )
        return super().forward(pred, target, weight, avg_factor, reduction_override, ignore_index)

    def _reads_labels(self) -> bool:
        """Hook: whether labels that stand for sets are read as they are, on a CPU."""
        # pixels of several classes have the mean of their weights, which dense targets give
        return self.class_weight is None

    def _by_sets(self, batch: Aligned) -> LabelSets | None:
        """The sets that the labels of a batch stand for, unless dense targets say so already."""
        return None if batch.labels is None else self.label_sets

    def _by_image(self, batch: Aligned) -> bool:
        """Whether a CPU reads labels of which those of class 0 alone hide others."""
        hard = batch.labels is not None and not batch.sigmoid and self.class_weight is None
        return hard and at_hand(batch.logits) and extra_input("labelled") is not None

    def set_of_labels(self, label_sets: LabelSets | None) -> None:
        if label_sets is not None and self.use_sigmoid:
            raise ValueError(
                "label_sets are sets of classes that exclude each other, and channels of a sigmoid"
                " do not: use softmax, or state what is labelled by extra_inputs(labelled=...)"
            )
        self.label_sets = None if label_sets is None else [list(each) for each in label_sets]


class MarginalCrossEntropyLoss(SetLoss, PixelLoss):
    """Registered form of :func:`marginal_cross_entropy_loss`: for partly labelled data sets.

    What a pixel may be is said in one of three ways:

    * of a data set: ``label_sets``;
    * of an image: the extra input ``labelled``, (N, C), which is 0 for classes that were not
      labelled in it and hide in class 0. Labels of class 0 then mean class 0 or one of these; under
      a sigmoid, such channels cost nothing;
    * of a pixel: dense targets (N, C, *S), whose positive entries are the possible classes.

    Args:
        label_sets: For each label the classes that it stands for, ``[[0, 3], [1], [2], [3]]``.
            There may be more labels than classes.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: for sets that are empty or name a class that the logits do not have, labels
            without a set, and labels of a class that ``labelled`` denies.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.5], [0.3], [0.2]]]).log()
        >>> loss = MarginalCrossEntropyLoss(label_sets=[[0, 2], [1], [2]])
        >>> loss(logits, torch.tensor([[0]]))  # -log .7
        tensor(0.3567)
        >>> from seglosses.extra_inputs import extra_inputs
        >>> with extra_inputs(labelled=torch.tensor([[1, 1, 0]])):
        ...     MarginalCrossEntropyLoss()(logits, torch.tensor([[0]]))
        tensor(0.3567)
    """

    formula = "-log sum_{c in S} p_c, S the classes that a pixel may have"
    paper = "Shi et al. 2021, arXiv:2007.03868"
    use_when = "data sets that label different organs (extra input, optional: labelled)"
    tags = ("partial", "general")

    def __init__(
        self, label_sets: LabelSets | None = None, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        self.set_of_labels(label_sets)

    def prepare(self, batch: Aligned) -> Aligned:
        """Take the sets of classes for target."""
        if self._by_image(batch):
            return batch
        return merged_background(batch, type(self).__name__, merge=False)

    def _of_softmax(self, batch: Aligned, target: Tensor) -> Tensor:
        sets = self._by_sets(batch)
        if sets is not None:
            return set_entropy(batch.pixel_logits(), set_masks(target, sets, batch.channels))
        if not self._by_image(batch):
            return super()._of_softmax(batch, target)
        here = labelled_classes(batch, type(self).__name__).flatten(1)
        return merged_entropy(batch.pixel_logits(), target, here)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """-log of the probability of the set."""
        return marginal_cross_entropy_loss(logits, target)


class MarginalDiceLoss(SetLoss, OverlapLoss):
    """Registered form of :func:`marginal_dice_loss`: for partly labelled data sets.

    What a pixel may be is said as in :class:`MarginalCrossEntropyLoss`. Classes that the extra
    input ``labelled`` denies are one class with the background, whose probability is their sum.

    Args:
        label_sets: For each label the classes that it stands for, ``[[0, 3], [1], [2], [3]]``.
        smooth: Added above and below, in pixels.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Raises:
        ValueError: as :class:`MarginalCrossEntropyLoss`.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.5, 0.1], [0.3, 0.7], [0.2, 0.2]]]).log()
        >>> loss = MarginalDiceLoss(label_sets=[[0, 2], [1]], classes=[1], smooth=0.0)
        >>> loss(logits, torch.tensor([[0, 1]]))  # 1 - 2 * .7 / (.7 + .3 + 1)
        tensor(0.3000)
    """

    formula = "1 - (2 TP + s) / (2 TP + FP + FN + s) over pixels whose set decides the class"
    paper = "Shi et al. 2021, arXiv:2007.03868; Fidon et al. 2021, arXiv:2107.03846"
    use_when = "beside MarginalCrossEntropyLoss (extra input, optional: labelled)"
    tags = ("partial", "score")

    def __init__(
        self,
        label_sets: LabelSets | None = None,
        smooth: float = 1.0,
        **options: Unpack[CountOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        self.smooth = smooth
        self.set_of_labels(label_sets)

    def prepare(self, batch: Aligned) -> Aligned:
        """Merge the classes that an image does not label into class 0."""
        return batch if self._by_masses(batch) else merged_background(batch, type(self).__name__)

    def _by_masses(self, batch: Aligned) -> bool:
        hard = batch.labels is not None and self.intersection in ("min", "product")
        return hard and not batch.sigmoid and extra_input("labelled") is not None

    def _reads_labels(self) -> bool:
        return self.intersection in ("min", "product")

    def _classes(self, batch: Aligned) -> Classes:
        # a label may stand for many classes, so that which ones it has cannot be said
        unsaid = self.classes is None and self._by_sets(batch) is not None
        return "all" if unsaid else super()._classes(batch)

    def counts(self, batch: Aligned) -> Counts:
        """Counts of the pixels whose set decides the class."""
        sets = self._by_sets(batch)
        if sets is not None:
            return known_counts_of_sets(batch, sets)
        if self._by_masses(batch):
            return merged_counts(batch, type(self).__name__)
        if batch.sigmoid or batch.dense is None:
            return batch_counts(batch, self.intersection)
        return known_counts(batch.prob(), batch.dense, batch.mask(), self.intersection)

    def compute(self, counts: Counts) -> Tensor:
        """One minus Dice."""
        return _dice(counts, self.smooth)
