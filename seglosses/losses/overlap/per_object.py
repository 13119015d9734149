"""Overlap of every object, so that small ones count as much as large ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import CountOptions, MapLoss, MapOptions, OverlapLoss
from seglosses.losses.objects import hard_labels, of_labels, region_weights, weighed_by
from seglosses.losses.overlap import confusion, curved, rates, region, tversky
from seglosses.losses.overlap.blobs import blob_counts, blob_counts_of_one
from seglosses.losses.overlap.class_blobs import blob_counts_of_classes
from seglosses.losses.overlap.region import DiceLoss, dice_loss
from seglosses.losses.whole_maps import broken
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.overlap import Counts
from seglosses.primitives.reduction import Asked

__all__ = [
    "BlobLoss",
    "ComponentBalancedDiceLoss",
    "blob_counts",
    "blob_loss",
    "component_balanced_dice_loss",
]

#: Losses of one class's counts alone, of which there can be one per object.
_REGION = {
    name: getattr(module, name)
    for module in (region, tversky, curved, confusion, rates)
    for name in module.__all__
    if name.endswith("Loss")
}


def blob_loss(prob: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    r"""Mean over objects of the Dice loss of each.

        loss = 1 / K sum_k (1 - (2 TP_k + s) / (TP_k + P + |k| + s))

    P is the sum of p over the background.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: Masks, (N, C, *S); their connected components (diagonals connect) are the objects.
        smooth: s, added above and below, in pixels.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; without objects that of an empty mask.

    References:
        Kofler et al., blob loss: instance imbalance aware loss functions for semantic segmentation,
        IPMI 2023, arXiv:2205.08209.

    Example:
        >>> prob = torch.tensor([[[[1.0, 0.0, 0.0]]]])
        >>> blob_loss(prob, torch.tensor([[[[1.0, 0.0, 1.0]]]]), smooth=0.0)  # found, and missed
        tensor([[0.5000]])
    """
    return _mean_of_blobs(DiceLoss(smooth=smooth).compute, *blob_counts(prob, target))


def _mean_of_blobs(price: Callable[[Counts], Tensor], counts: Counts, real: Tensor) -> Tensor:
    flat = Counts(*(count.flatten(0, 1) for count in counts))
    each = price(flat).view(real.shape)
    return torch.where(real, each, 0.0).sum(2) / real.sum(2)


class BlobLoss(MapLoss):
    """:func:`blob_loss`, also of other losses than Dice.

    Stands beside the same loss of whole classes, twice to once in the paper.

    Args:
        region: The loss of each object, by name or as ``dict(type='TverskyLoss', alpha=0.3)``: one
            of the losses of a class's counts.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a loss that does not read counts of one class.

    Example:
        >>> logits = torch.tensor([[[[99.0, -99.0, -99.0]]]])
        >>> loss = BlobLoss(region=dict(type="DiceLoss", smooth=0.0))
        >>> loss(logits, torch.tensor([[[1, 0, 1]]]))  # one found, one missed
        tensor(0.5000)
    """

    formula = "1 / K sum_k L(TP_k, P_k + P_background, |k|) over the K objects of a class"
    paper = "Kofler et al. 2023, arXiv:2205.08209"
    use_when = "small objects must not drown beside large ones; beside DiceLoss, 1 : 2"
    tags = ("lesion", "small", "cell", "imbalance")
    reads_masks = True

    def __init__(
        self, region: str | Mapping[str, Any] = "DiceLoss", **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        given = {"type": region} if isinstance(region, str) else dict(region)
        name = str(given.pop("type", "DiceLoss")).removeprefix("seglosses.")
        if name not in _REGION:
            raise ValueError(
                f"region must be a loss of one class's counts, {', '.join(sorted(_REGION))};"
                f" got {name!r}"
            )
        self.region = region if isinstance(region, str) else dict(region)
        loss: OverlapLoss = _REGION[name](**given)
        # the method, for a module would become a part of this one
        self._price = loss.compute

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over objects, classes and images."""
        chosen = self._chosen(batch)[1]
        found = blob_counts_of_one(batch) if batch.sigmoid or chosen == [1] else None
        if found is None:
            classes = list(range(batch.channels)) if chosen is None else chosen
            found = blob_counts_of_classes(batch, classes)
        if found is None:
            return super().reduce(batch, asked)
        self._refuse_per_pixel(asked, batch)
        counts, real = found
        loss = _mean_of_blobs(self._price, counts, real) + broken(batch)
        mass = counts.target.sum(2) if self._only_present(batch) else None
        return self._mean(loss, mass, self._chosen(batch)[2], batch, asked)

    def _read(self, batch: Aligned, chosen: list[int] | None) -> Tensor:
        if batch.channels != 2 or batch.sigmoid or chosen != [1]:
            return super()._read(batch, chosen)
        # of two classes one sigmoid says all
        background, foreground = batch.pixel_logits().unbind(1)
        prob = (foreground - background).sigmoid().unsqueeze(1)
        return prob if batch.valid is None else prob.masked_fill(~batch.valid.unsqueeze(1), 0.0)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over objects."""
        return _mean_of_blobs(self._price, *blob_counts(prob, target, mask))


def component_balanced_dice_loss(
    prob: Tensor, target: Tensor, weight: Tensor, *, smooth: float = 1.0
) -> Tensor:
    r"""Dice loss of weighed pixels, with the weights of :func:`region_weights`.

        loss = 1 - (2 TP + s) / (2 TP + FP + FN + s), counts of w p and w y

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: w, (N, *S), see :func:`seglosses.losses.objects.region_weights`.
        smooth: s.

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Shirokikh et al., MICCAI 2020, arXiv:2007.10033.

    Example:
        >>> prob = torch.tensor([[[[1.0, 1.0, 1.0, 0.0, 0.0]]]])
        >>> target = torch.tensor([[[[1.0, 1.0, 1.0, 0.0, 1.0]]]])
        >>> weight = torch.tensor([[[5 / 9, 5 / 9, 5 / 9, 5 / 3, 5 / 3]]])  # three regions
        >>> component_balanced_dice_loss(prob, target, weight, smooth=0.0)  # half is found: 1 - 2/3
        tensor([[0.3333]])
    """
    share = weight.unsqueeze(1)
    return dice_loss(prob * share, target * share, smooth=smooth)


class ComponentBalancedDiceLoss(DiceLoss):
    """Registered form of :func:`component_balanced_dice_loss`.

    The background of an image is one region, and so is each connected component of another class
    (diagonals connect). All regions of an image weigh alike.

    Args:
        smooth: Added above and below, in pixels.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`.

    Example:
        >>> logits = torch.tensor([[[[99.0, 99.0, 99.0, -99.0, -99.0]]]])
        >>> loss = ComponentBalancedDiceLoss(smooth=0.0)
        >>> loss(logits, torch.tensor([[[1, 1, 1, 0, 1]]]))  # an object found, one missed: 1 - 2/3
        tensor(0.3333)
    """

    formula = "Dice of pixels weighed by n / (K |R|), R the component of a pixel"
    paper = "Shirokikh et al. 2020, arXiv:2007.10033"
    use_when = "objects of one class differ widely in size; in place of DiceLoss"
    tags: ClassVar[tuple[str, ...]] = ("lesion", "small", "imbalance")
    has_label_half = True

    def __init__(self, smooth: float = 1.0, **options: Unpack[CountOptions]) -> None:
        super().__init__(smooth=smooth, **options)

    def prepare(self, batch: Aligned) -> Aligned:
        """Weigh pixels by their component."""
        if not batch.spatial:
            return batch
        with of_labels(batch):
            weights = region_weights(hard_labels(batch), batch.valid)
        return weighed_by(batch, weights)
