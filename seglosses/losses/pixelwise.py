"""Base of losses with a value per pixel."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.loss import Loss as Loss
from seglosses.losses.loss import LossOptions as LossOptions
from seglosses.losses.loss import default_name as default_name
from seglosses.losses.rows import BoxLoss as BoxLoss
from seglosses.losses.rows import RotatedBoxLoss as RotatedBoxLoss
from seglosses.losses.segmentation import SegmentationLoss, SegOptions
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.few_classes import as_factor
from seglosses.primitives.reduction import Asked


class PixelOptions(SegOptions, total=False):
    """Options of losses with a value per pixel, see :class:`PixelLoss`."""

    avg_non_ignore: bool
    renormalize: bool


class PixelLoss(SegmentationLoss):
    """Base of losses with a value per pixel.

    ``compute`` always sees softmax logits: a one-channel batch becomes two channels (-z/2, z/2),
    for softmax of these is sigmoid(z), and neither label is favoured by losses of the logits
    themselves; with ``use_sigmoid`` every channel is such a binary problem.

    Sums and means are those of the heads that call: 'mean' is the mean over pixels, and with
    ``use_sigmoid`` over pixels and channels (MMSegmentation, torch, MONAI); with ``avg_factor`` the
    sum of all is divided by it (MMDetection), and 'sum' is that sum. 'none' gives one value per
    pixel, (N, *S), which with ``use_sigmoid`` is the mean of its channels; rows (n, C) of a
    detection head give (n, C) there.

    Args:
        avg_non_ignore: 'mean' divides by the pixels that are not ignored, else by all of them.
        renormalize: 'mean' divides by the class weights of the pixels that count, as
            ``torch.nn.CrossEntropyLoss(weight=...)`` and MMSegmentation do, in place of their
            number.
        options: See :class:`SegmentationLoss`. ``class_weight`` scales the pixels of its class.

    Example:
        >>> class WrongLoss(PixelLoss):
        ...     def compute(self, logits, target):
        ...         return 1 - logits.softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
        >>> WrongLoss()(torch.zeros(1, 4, 2), torch.tensor([[3, 255]]))  # 1 - 1/4; one is ignored
        tensor(0.7500)
        >>> half, labels = torch.zeros(1, 2, 2), torch.tensor([[0, 1]])  # each is wrong by 1/2
        >>> WrongLoss(class_weight=[1, 3])(half, labels)  # (1/2 + 3/2) / 2
        tensor(1.)
        >>> WrongLoss(class_weight=[1, 3], renormalize=True)(half, labels)  # (1/2 + 3/2) / (1 + 3)
        tensor(0.5000)
    """

    of_entries = True

    def __init__(
        self,
        avg_non_ignore: bool = True,
        renormalize: bool = False,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(**options)
        self.avg_non_ignore = avg_non_ignore
        self.renormalize = renormalize

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss per pixel (N, *S) of logits (N, C, *S) and labels (N, *S) or dense targets."""
        raise NotImplementedError

    def _check_classes(self, channels: int, meaning: str = "one factor a channel") -> None:
        if channels == 1:
            channels, meaning = 2, "two factors for one channel, background and foreground"
        super()._check_classes(channels, meaning)

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over pixels that count, and over independent channels."""
        valid, weight = batch.valid, batch.pixel_weight
        unreduced = asked.reduction == "none"
        of_rows = unreduced and batch.sigmoid and batch.logits.dim() == 2 and not batch.masks
        if of_rows:
            valid = None if valid is None else valid.unsqueeze(1)
            loss = _zero_unless(valid, self._by_channel(batch.pixel_logits(), batch))
        elif batch.sigmoid:
            loss = _zero_unless(valid, self._binary(batch.pixel_logits(), batch))
            loss = loss / batch.channels if unreduced else loss
        else:
            target = batch.labels if batch.labels is not None else batch.target()
            loss = self._counted(batch, target)
            if self.class_weight is not None:
                loss = loss * self._class_factor(target)
        if batch.row_weight is not None:
            rows = batch.row_weight.view(-1, *(1,) * (loss.dim() - 1))
            weight = rows if weight is None else rows * weight
        return asked.of(loss, weight, count=self._count(batch))

    def _count(self, batch: Aligned) -> float | Tensor:
        """What 'mean' divides by."""
        problems = batch.channels if batch.sigmoid else 1
        if self.renormalize and self.class_weight is not None:
            return self._label_weights(batch)
        if batch.valid is not None and self.avg_non_ignore:
            return batch.valid.sum() * problems
        return batch.logits.numel() / batch.channels * problems

    def _label_weights(self, batch: Aligned) -> Tensor:
        """Sum of the class weights of what counts: pixels, or all channels of them."""
        assert self.class_weight is not None
        if batch.sigmoid and batch.channels > 1:
            seen = batch.logits.numel() / batch.channels
            return self.class_weight.sum() * (seen if batch.valid is None else batch.valid.sum())
        target = batch.labels if batch.labels is not None else batch.target()
        if batch.sigmoid and target.is_floating_point():
            target = torch.cat([1 - target, target], 1)
        factor = self._class_factor(target)
        assert isinstance(factor, Tensor)
        return (factor if batch.valid is None else torch.where(batch.valid, factor, 0.0)).sum()

    def _class_factor(self, target: Tensor) -> Tensor | float:
        if self.class_weight is None:
            return 1.0
        if target.is_floating_point():
            shape = (1, -1, *(1,) * (target.dim() - 2))
            return (target * self.class_weight.view(shape)).sum(1)
        return self.class_weight[target]

    def _counted(self, batch: Aligned, target: Tensor) -> Tensor:
        """Losses (N, *S), zero where ignored."""
        return _zero_unless(batch.valid, self._of_softmax(batch, target))

    def _of_softmax(self, batch: Aligned, target: Tensor) -> Tensor:
        """Losses (N, *S), of any value where ignored, but without a gradient from there."""
        return self.compute(batch.pixel_logits(), target)

    def _binary(self, logits: Tensor, batch: Aligned) -> Tensor:
        """Losses of all channels of a pixel, summed, (N, *S)."""
        return self._by_channel(logits, batch).sum(1)

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        """Losses of independent channels (N, C, *S), by their class weights."""
        shape = logits.shape
        if shape[1] == 1 and batch.labels is not None:
            target = batch.labels
        else:
            y = batch.target().reshape(-1, *shape[2:])
            target = y.long() if batch.labels is not None else torch.stack([1 - y, y], 1)
        loss = self._of_margins(logits.reshape(-1, *shape[2:]), target)
        if self.class_weight is not None and shape[1] == 1:
            loss = loss * self._class_factor(target)
        return self._weighed(loss.reshape(shape))

    def _of_margins(self, logits: Tensor, target: Tensor) -> Tensor:
        """Losses of foreground logits (M, *S) and labels {0, 1} of that shape, or dense targets."""
        half = logits.unsqueeze(1) / 2
        return self.compute(torch.cat([-half, half], 1), target)

    def _weighed(self, loss: Tensor) -> Tensor:
        """Losses of several channels (N, C, *S) by their class weights."""
        if self.class_weight is None or loss.shape[1] == 1:
            return loss
        return loss * self.class_weight.view(1, -1, *(1,) * (loss.dim() - 2))


def _zero_unless(valid: Tensor | None, loss: Tensor) -> Tensor:
    """Losses where pixels count, and zero elsewhere, whatever is there.

    Example:
        >>> _zero_unless(torch.tensor([True, False]), torch.tensor([2.0, torch.nan]))
        tensor([2., 0.])
    """
    if valid is None:
        return loss
    if at_hand(loss):
        # a CPU multiplies ten times as fast as it chooses; but zero times infinity is none
        kept = loss * as_factor(valid, loss.dtype)
        if bool(kept.detach().sum().isfinite()):
            return kept
    return torch.where(valid, loss, 0.0)
