"""Bases of losses with a value per image and class: that of soft counts, and of whole maps.

:class:`MapLoss` is written in :mod:`seglosses.losses.whole_maps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classes import ClassLoss, MapOptions, seen_images
from seglosses.losses.segmentation import SegOptions
from seglosses.losses.whole_maps import MapLoss, broken
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.few_classes import takes_few
from seglosses.primitives.few_overlap import Levers, few_mean
from seglosses.primitives.layout import flat_labels, flat_maps, pick_channels
from seglosses.primitives.over_ranks import summed_over_ranks
from seglosses.primitives.overlap import Counts, Intersection, batch_counts, check_intersection
from seglosses.primitives.reduction import Asked, Classes, average_classes

__all__ = ["ClassLoss", "CountOptions", "MapLoss", "MapOptions", "OverlapLoss"]


class CountOptions(MapOptions, total=False):
    """Options of overlap losses, see :class:`OverlapLoss`."""

    average: str | Mapping[str, float]
    intersection: Intersection
    sync: bool


#: Methods that say what the mean is of.
_OF_THE_MEAN = frozenset(
    {"compute", "counts", "reduce", "_mean", "_of_classes", "_of_images", "_present", "_micro"}
)


class OverlapLoss(ClassLoss):
    """Base of losses that read soft counts.

    Args:
        classes: 'present' (classes that the label has), 'all', 'foreground' (all but class 0; of
            independent channels all are foreground), 'present_foreground' (of these the ones that
            the label has; see :class:`MapLoss`) or indices. By default 'present' for integer labels
            under softmax, else 'all'.
        average: 'image' means classes within an image, then images; 'micro' pools the counts of all
            classes of an image, present or not, each times its class weight, so that classes count
            by their size; 'dataset' pools the counts of
            the batch; 'class' means the images that have a class, then classes; a mapping mixes
            them by weight, for example ``dict(image=0.5, classes=0.5)``. There 'classes' is another
            word for 'class', which a config cannot hold as a key: mmengine writes it as
            ``dict(class=0.5)``, which is no Python.
        intersection: Soft intersection, see :func:`seglosses.primitives.overlap.soft_counts`.
        sync: Sum pooled counts over all ranks, so that 'dataset' means the global batch.
        options: See :class:`SegmentationLoss`. Weights of images scale their loss in 'image' and
            'micro', and their counts in 'dataset'. Masks of instances (n, H, W) have a loss each
            under 'none', whatever the average.

    Example:
        >>> class MissedLoss(OverlapLoss):
        ...     def compute(self, counts):
        ...         return 1 - counts.tp / counts.target
        >>> MissedLoss(classes=[1])(torch.zeros(1, 2, 3), torch.tensor([[0, 1, 1]]))  # p is 1/2
        tensor(0.5000)
    """

    default_average: ClassVar[str] = "image"

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        for each in cls.__mro__:
            if "_levers" in vars(each):
                break
            if not _OF_THE_MEAN.isdisjoint(vars(each)):
                # another formula than that of the kernel
                cls._levers = OverlapLoss._levers  # type: ignore[method-assign]
                break

    def __init__(
        self,
        classes: Classes | None = None,
        average: str | Mapping[str, float] | None = None,
        intersection: Intersection = "min",
        sync: bool = False,
        **options: Unpack[SegOptions],
    ) -> None:
        super().__init__(classes, **options)
        check_intersection(intersection)
        average = self.default_average if average is None else average
        mix = {average: 1.0} if isinstance(average, str) else dict(average)
        if "classes" in mix and "class" not in mix and not isinstance(average, str):
            mix["class"] = mix.pop("classes")
        if not mix or not set(mix) <= {"image", "micro", "dataset", "class"}:
            raise ValueError(
                "average must be 'image', 'micro', 'dataset', 'class' or a mapping from these to"
                " weights"
                f" (there 'classes' also means 'class'), got {average!r}"
            )
        for share in mix.values():
            check_range("[0, inf)", average=share)
        self.average = average if isinstance(average, str) else mix
        self.intersection = intersection
        self.sync = sync
        self._mix = mix

    def compute(self, counts: Counts) -> Tensor:
        """Loss per image and class, (N, C), from counts of that shape.

        Classes that do not count come with empty counts. A loss of all classes together gives
        (N, 1).
        """
        raise NotImplementedError

    def counts(self, batch: Aligned) -> Counts:
        """Hook: soft counts (N, C) of a prepared batch."""
        return batch_counts(batch, self.intersection)

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over classes and images, of the batch, or a mixture of such means."""
        self._refuse_per_pixel(asked, batch)
        quick = self._in_one_step(batch, asked)
        if quick is not None:
            return quick
        mix = self._mix
        if batch.masks and asked.reduction == "none":
            mix = {"image": sum(mix.values())}
        if not set(mix) <= {"image", "micro"}:
            self._refuse_avg_factor(asked)
        if batch.row_weight is not None and "class" in mix:
            raise ValueError(
                "weights of images (N,) need average='image' or 'dataset', got"
                f" {self.average!r}; give weights of pixels (N, *S)"
            )
        only_present = self._only_present(batch)
        batch, chosen, weights = self._chosen(batch)
        counts = self.counts(batch)
        if chosen is not None:
            counts = Counts(*(pick_channels(count, chosen) for count in counts))
        total: Tensor | None = None
        for average, share in mix.items():
            if average == "micro":
                part = self._micro(counts, weights, batch, asked)
                total = share * part if total is None else total + share * part
                continue
            source = _pooled(counts, batch.row_weight) if average == "dataset" else counts
            if average == "dataset" and self.sync:
                source = Counts(*summed_over_ranks(torch.stack(tuple(source))).unbind())
            mass = source.target if only_present else None
            if mass is not None and at_hand(mass) and bool((mass > 0).all()):
                # nothing is left out
                mass = None
            if mass is not None:
                read = self._present(mass)
                source = Counts(*(torch.where(read, count, 0.0) for count in source))
            loss = self.compute(source)
            if average == "image":
                part = self._mean(loss, mass, weights, batch, asked)
            elif average == "class":
                present = None if mass is None else mass > 0
                seen = None if present is None else present.any(0)
                part = average_classes(average_classes(loss, present, dim=0), seen, weights, dim=0)
            else:
                part = self._of_classes(loss, mass, weights).sum()
            total = share * part if total is None else total + share * part
        assert total is not None
        if only_present and batch.sigmoid:
            # what an absent channel costs is dropped, but NaN there would stay in the gradient
            lost = broken(batch).squeeze(1)
            total = total + (lost if total.shape == lost.shape else lost.sum())
        return total

    def _levers(self) -> Levers | None:
        """Hook: the mean of ``compute`` as a kernel, see :mod:`seglosses.primitives.few_overlap`.

        Where a class below changes what the mean is of, it is not asked.
        """
        return None

    def _in_one_step(self, batch: Aligned, asked: Asked) -> Tensor | None:
        """The plain mean of few classes on a CPU, or ``None`` for all else."""
        plain = asked.reduction == "mean" and asked.avg_factor is None
        if not plain or self.average != "image" or self.class_weight is not None:
            return None
        # weights that are trained go the general way
        trained = batch.pixel_weight is not None and batch.pixel_weight.requires_grad
        if batch.labels is None or trained:
            return None
        if batch.row_weight is not None or self.intersection == "norm2":
            return None
        classes = self._classes(batch)
        if classes != "all" and (classes != "present" or batch.sigmoid):
            return None
        logits = batch.logits
        levers = self._levers() if logits.numel() and takes_few(logits) else None
        seen = None if levers is None else seen_images(batch)
        # images of which nothing counts are no part of the mean
        if levers is None or (seen is not None and not bool(seen.all())):
            return None
        return few_mean(
            flat_maps(logits),
            flat_labels(batch.labels),
            batch.shares(),
            levers,
            self._of_three,
            sigmoid=batch.sigmoid,
            present=classes == "present",
        )

    def _of_three(self, tp: Tensor, prob: Tensor, target: Tensor) -> Tensor:
        return self.compute(Counts(tp, prob, target))

    def _micro(
        self, counts: Counts, weights: Tensor | None, batch: Aligned, asked: Asked
    ) -> Tensor:
        """Classes as one: their counts are pooled within an image."""
        if self.classes is not None and self._only_present(batch):
            read = self._present(counts.target)
            counts = Counts(*(torch.where(read, count, 0.0) for count in counts))
        if weights is not None:
            counts = Counts(*(count * weights for count in counts))
        pooled = Counts(*(count.sum(1, keepdim=True) for count in counts))
        return self._mean(self.compute(pooled), None, None, batch, asked)


def _pooled(counts: Counts, row_weight: Tensor | None) -> Counts:
    if row_weight is None:
        return counts.pooled()
    return Counts(*(count * row_weight.unsqueeze(1) for count in counts)).pooled()


ShapeLoss = MapLoss  # the name before the house was moved; importable until 1.0
