"""Which classes count in losses with a value per image and class, and the mean over them."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.segmentation import SegmentationLoss, SegOptions
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.layout import pick_channels
from seglosses.primitives.reduction import Asked, Classes, average_classes, select_classes


class MapOptions(SegOptions, total=False):
    """Options of losses with a value per image and class, see :class:`ClassLoss`."""

    classes: Classes | None


class ClassLoss(SegmentationLoss):
    """Base of losses with a value per image and class: selection of classes and their mean.

    Args:
        classes: 'present' (classes that the label has), 'all', 'foreground' (all but class 0) or
            indices. By default 'present' for integer labels under softmax, else 'all'.
        options: See :class:`SegmentationLoss`.

    Attributes:
        no_classes: What the loss does that no class can be chosen for; empty where one can.
    """

    default_classes: ClassVar[Classes | None] = None
    no_classes: ClassVar[str] = ""
    explained = ("classes",)

    def __init__(self, classes: Classes | None = None, **options: Unpack[SegOptions]) -> None:
        super().__init__(**options)
        if classes is not None and self.no_classes:
            raise ValueError(f"{type(self).__name__} {self.no_classes}: drop classes={classes!r}")
        chosen = self.default_classes if classes is None else classes
        if isinstance(chosen, str):
            select_classes(chosen, 2)
        self.classes = chosen if chosen is None or isinstance(chosen, str) else list(chosen)

    def _classes(self, batch: Aligned) -> Classes:
        if self.classes is not None:
            return self.classes
        hard = batch.labels is not None and not batch.sigmoid
        return "present" if hard else "all"

    def _chosen(self, batch: Aligned) -> tuple[Aligned, list[int] | None, Tensor | None]:
        """What is left of a batch, the channels to pick of its readings, weights of the chosen.

        Independent channels are picked beforehand, others after their activation.
        """
        weights = self.class_weight
        chosen = select_classes(self._classes(batch), batch.channels, independent=batch.sigmoid)
        if chosen is None:
            return batch, None, weights
        weights = None if weights is None else pick_channels(weights, chosen, 0)
        return (batch.picked(chosen), None, weights) if batch.sigmoid else (batch, chosen, weights)

    def _only_present(self, batch: Aligned) -> bool:
        return self._classes(batch) in ("present", "present_foreground")

    def _present(self, mass: Tensor) -> Tensor:
        """Which classes are read, (N, C), of the mass that the label has of each.

        An image without any foreground has all of it read: what is predicted there is wrong.
        """
        present = mass > 0
        if self.classes != "present_foreground":
            return present
        return present | ~present.any(1, keepdim=True)

    def _of_classes(self, loss: Tensor, mass: Tensor | None, weights: Tensor | None) -> Tensor:
        """Mean over classes that count, (N,).

        Where 'present_foreground' finds no foreground it is the class that costs most, for a mean
        would depend on how many classes there are that do not occur.
        """
        present = None if mass is None else mass > 0
        rows = average_classes(loss, present, weights)
        if present is None or self.classes != "present_foreground":
            return rows
        worst = (loss if weights is None else loss * weights).amax(1)
        return torch.where(present.any(1), rows, worst)

    def _mean(
        self,
        loss: Tensor,
        mass: Tensor | None,
        weights: Tensor | None,
        batch: Aligned,
        asked: Asked,
    ) -> Tensor:
        """Classes, then images; images with nothing to compare do not count.

        Args:
            loss: (N, C).
            mass: What the label has of each class, (N, C), where absent ones do not count.
            weights: (C,).
            batch: Says which images have a pixel that counts.
            asked: How to reduce.
        """
        rows = self._of_classes(loss, mass, weights)
        return self._of_images(
            rows, None if mass is None else self._present(mass).any(1), batch, asked
        )

    def _of_images(
        self, rows: Tensor, present: Tensor | None, batch: Aligned, asked: Asked
    ) -> Tensor:
        """Images (N,) as the caller asked; those with nothing ``present`` do not count."""
        counted = seen_images(batch)
        if present is not None:
            counted = present if counted is None else counted & present
        if counted is None:
            return asked.of(rows, batch.row_weight)
        rows = torch.where(counted, rows, rows * 0)
        return asked.of(rows, batch.row_weight, count=counted.sum())

    def _refuse_avg_factor(self, asked: Asked) -> None:
        if asked.avg_factor is not None:
            raise ValueError("avg_factor needs a loss per image: set average='image'")

    def _refuse_per_pixel(self, asked: Asked, batch: Aligned) -> None:
        refuse_per_pixel(type(self).__name__, asked, batch)


def refuse_per_pixel(owner: str, asked: Asked, batch: Aligned) -> None:
    """Raise ``ValueError`` where values per pixel are asked of a loss that has none.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> batch = align(torch.zeros(1, 2, 3), torch.tensor([[0, 1, 1]]))
        >>> refuse_per_pixel("MyLoss", Asked("none"), batch)
    """
    if asked.per_pixel and not batch.masks:
        raise ValueError(
            f"{owner} has no value per pixel, which reduction_override='none' asks for (an OHEM"
            " sampler without `thresh`): give the sampler a `thresh`, or construct the loss with"
            " reduction='none' for one value per image"
        )


def refuse_points(owner: str, batch: Aligned) -> None:
    """Raise ``ValueError`` for rows (N, C) where a loss compares the pixels of an image.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> labels = torch.zeros(1, 3, 3, dtype=torch.long)
        >>> refuse_points("MyLoss", align(torch.zeros(1, 2, 3, 3), labels))
    """
    if not batch.spatial:
        raise ValueError(
            f"{owner} needs maps (N, C, *S) of images or volumes, got logits"
            f" {tuple(batch.logits.shape)}; it compares the pixels of an image with one another"
        )


def seen_images(batch: Aligned) -> Tensor | None:
    """Which images have a pixel that counts, (N,), or ``None`` where all have.

    Example:
        >>> from seglosses.primitives.encoding import align
        >>> seen_images(align(torch.zeros(2, 2, 1), torch.tensor([[1], [255]])))
        tensor([ True, False])
    """
    flat = batch.shares()
    if flat is None:
        return None
    if not at_hand(flat) or not flat.shape[1]:
        return flat.any(1)
    # a CPU finds the largest ten times as fast as any that is true
    return (flat.view(torch.uint8) if flat.dtype == torch.bool else flat).amax(1) > 0
