"""Losses that read the colours of the image where most pixels have no label."""

from __future__ import annotations

from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_map
from seglosses.losses.base import SegmentationLoss, SegOptions
from seglosses.losses.classes import refuse_per_pixel, refuse_points
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.reduction import Asked


class ColouredOptions(SegOptions, total=False):
    """Options of every loss of coloured images, see :class:`ColouredLoss`."""

    unlabelled: int | None


class ColouredLoss(SegmentationLoss):
    """Energies of images in which most pixels have no label.

    Args:
        unlabelled: Label of pixels that nobody labelled, which count here; None where there is
            none.
        options: See :class:`~seglosses.losses.segmentation.SegmentationLoss`.
    """

    tags = ("weak", "partial")
    needs = ("image",)

    def __init__(self, unlabelled: int | None = 255, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        if unlabelled is not None:
            check_range("(-inf, inf)", whole=True, unlabelled=unlabelled)
        self.unlabelled = unlabelled

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

        Pixels of the label ``unlabelled`` count, whatever label is ignored.
        """
        # dense targets say by zeros which pixels do not count
        if self.unlabelled is not None and target.shape != pred.shape:
            target = target.masked_fill(target == self.unlabelled, 0)
        return super().forward(pred, target, weight, avg_factor, reduction_override, ignore_index)

    def energy(self, prob: Tensor, image: Tensor, mask: Tensor | None) -> Tensor:
        """Energies of images and classes, (N, C)."""
        raise NotImplementedError

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Sum over classes, or mean over independent channels; mean over images."""
        owner = type(self).__name__
        refuse_per_pixel(owner, asked, batch)
        refuse_points(owner, batch)
        prob, size = batch.prob(), tuple(batch.logits.shape[2:])
        image = extra_map("image", owner, len(prob), size).detach().to(prob.dtype)
        loss = self.energy(prob, image, batch.mask())
        if batch.sigmoid:
            # each channel is a class and its complement, which differ as much
            loss = 2 * loss / batch.channels
        if self.class_weight is not None:
            loss = loss * self.class_weight
        return asked.of(loss.sum(1), batch.row_weight)
