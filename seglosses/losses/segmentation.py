"""Base of losses with classes: layouts, precision, weights, and the way to the reduction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.hints import UnscaledMasks, require_tensors
from seglosses.losses.loss import Loss, LossOptions
from seglosses.primitives.checks import check_range, class_factors
from seglosses.primitives.device import without_autocast
from seglosses.primitives.encoding import Aligned, align
from seglosses.primitives.entries import as_entries, weighs_entries
from seglosses.primitives.reduction import Asked, check_reduction


class SegOptions(LossOptions, total=False):
    """Options of every segmentation loss, see :class:`SegmentationLoss`."""

    use_sigmoid: bool
    ignore_index: int | None
    class_weight: Sequence[float] | None


class SegmentationLoss(Loss):
    """Base of losses of ``(pred, target)`` with classes.

    Args:
        use_sigmoid: Channels are independent foregrounds; else softmax. One-channel logits are
            always a foreground logit for labels {0, 1}.
        ignore_index: Label that does not count. A call-time value wins.
        class_weight: One factor per class, at least 0; scales that class's loss, not renormalised.
        options: See :class:`Loss`.

    Attributes:
        has_label_half: Some of its maps are of the label alone, see
            :mod:`seglosses.losses.label_maps`.
        independent_channels: The loss is one of yes or no per channel, whatever ``use_sigmoid``.
        names_background: The last channel of rows is meant to be that of background.
        of_entries: Rows (n, C) under ``use_sigmoid`` may have a weight for each class.
    """

    has_label_half: ClassVar[bool] = False
    independent_channels: ClassVar[bool] = False
    of_entries: ClassVar[bool] = False
    names_background: bool = False
    class_weight: Tensor | None
    # on the class, so that losses pickled by older versions have it
    _unscaled_masks: UnscaledMasks | None = None

    def __init__(
        self,
        use_sigmoid: bool = False,
        ignore_index: int | None = 255,
        class_weight: Sequence[float] | None = None,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        self.use_sigmoid = use_sigmoid or self.independent_channels
        if ignore_index is not None:
            check_range("(-inf, inf)", whole=True, ignore_index=ignore_index)
        self.ignore_index = ignore_index
        self.register_buffer("class_weight", class_factors(class_weight), persistent=False)

    def forward(
        self,
        pred: Tensor,
        target: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | Tensor | None = None,
        reduction_override: str | None = None,
        ignore_index: int | None = None,
    ) -> Tensor:
        """Loss of raw logits; see :mod:`seglosses.primitives.encoding` for the layouts.

        Args:
            pred: Logits (N, C, *S).
            target: Labels (N, *S) or (N, 1, *S), or dense targets like ``pred``.
            weight: (N, *S) for pixels or (N,) for images.
            avg_factor: Divisor of 'mean'.
            reduction_override: Wins over ``reduction``.
            ignore_index: Wins over the constructor's.

        Returns:
            A scalar, or unreduced values. Finite, with a graph, whatever is empty or ignored.
        """
        reduction = self.reduction if reduction_override is None else reduction_override
        check_reduction(reduction)
        require_tensors(pred, target, weight)
        ignored = self.ignore_index if ignore_index is None else ignore_index
        self._head.name_ignore_index(self.ignore_index, ignore_index)
        with without_autocast(pred.device.type), self._attention():
            if self.independent_channels and pred.dim() == 2 and not self.names_background:
                self._head.look_for_background(pred, target)
            asked = Asked(reduction, avg_factor, per_pixel=reduction_override == "none")
            if self.of_entries and self.use_sigmoid and weighs_entries(pred, target, weight):
                assert weight is not None
                target, weight = as_entries(pred, target, weight, ignored)
            batch = align(pred, target, weight, ignore_index=ignored, use_sigmoid=self.use_sigmoid)
            self._check_classes(batch.channels)
            if self.training:
                self._unscaled_masks = self._unscaled_masks or UnscaledMasks()
                self._unscaled_masks.listen(batch, ignored)
            if self.use_sigmoid and pred.dim() <= 3:
                self._look_for_logits(pred)
            if 0 in batch.logits.shape[2:] and reduction != "none":
                # images without a pixel have no shape to look at
                return self._finish(batch.logits.sum(), pred)
            loss = self.reduce(self.prepare(batch), asked)
            return self._finish(loss, pred)

    def _check_classes(self, channels: int, meaning: str = "one factor a channel") -> None:
        given = None if self.class_weight is None else len(self.class_weight)
        if given is not None and given != channels:
            raise ValueError(f"class_weight must have {meaning}: expected {channels}, got {given}")

    def prepare(self, batch: Aligned) -> Aligned:
        """Hook: the batch that is compared; other targets, other weights, or a refusal.

        Args:
            batch: Logits, labels or dense targets, validity and weights, already aligned.

        Returns:
            The batch itself unless overridden, or ``batch._replace(...)``.

        Example:
            >>> import torch
            >>> from seglosses.losses import CrossEntropyLoss
            >>> class SharpLoss(CrossEntropyLoss):  # of logits three times as large
            ...     def prepare(self, batch):
            ...         return batch._replace(logits=3 * batch.logits)
            >>> SharpLoss()(torch.tensor([[[0.0], [1.0]]]), torch.tensor([[1]]))  # log(1 + e^-3)
            tensor(0.0486)
        """
        return batch

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Hook: the whole loss of a prepared batch, before ``loss_weight``.

        The bases of pixels, counts and maps call ``compute`` here and take its means. A loss that
        fits none of them overrides this in place of ``compute``, and leaves the last step to
        ``asked.of``, which knows ``reduction`` and ``avg_factor``.

        Args:
            batch: What :meth:`prepare` returned.
            asked: How the caller wants it reduced.

        Returns:
            A scalar, or the unreduced values for 'none'.

        Example:
            >>> import torch
            >>> class MeanLogitLoss(SegmentationLoss):
            ...     def reduce(self, batch, asked):
            ...         return asked.of(batch.logits.flatten(1).mean(1), batch.row_weight)
            >>> MeanLogitLoss()(torch.tensor([[[0.0], [1.0]]]), torch.tensor([[1]]))
            tensor(0.5000)
        """
        raise NotImplementedError
