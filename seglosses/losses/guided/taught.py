"""What losses of a teacher's maps share: the extra input, and what of it is ignored."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import SegmentationLoss, SegOptions
from seglosses.losses.classes import refuse_per_pixel, refuse_points
from seglosses.losses.guided.distillation import like_logits
from seglosses.losses.whole_maps import without_weights
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.reduction import Asked


class TaughtLoss(SegmentationLoss):
    """Compares maps with those of the extra input ``teacher``; labels say only what is ignored."""

    needs = ("teacher",)
    of_structures = True
    weighs_classes: ClassVar[bool] = False

    def __init__(self, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        if self.class_weight is not None and not self.weighs_classes:
            raise ValueError(
                f"{type(self).__name__} takes a pixel's logits together, and cannot weigh classes:"
                " drop class_weight"
            )

    def relate(self, student: Tensor, teacher: Tensor, batch: Aligned) -> Tensor:
        """Losses of images (N,) of logits that are zero where ignored."""
        raise NotImplementedError

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over images."""
        owner = type(self).__name__
        refuse_per_pixel(owner, asked, batch)
        refuse_points(owner, batch)
        batch = without_weights(batch, owner)
        teacher = like_logits("teacher", batch, owner).detach()
        if batch.valid is not None:
            teacher = teacher.masked_fill(~batch.valid.unsqueeze(1), 0.0)
        loss = self.relate(batch.masked_logits(), teacher, batch)
        return asked.of(loss, batch.row_weight)
