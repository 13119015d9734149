"""Base of losses of whole maps; what these make of weights, and of logits that are no numbers."""

from __future__ import annotations

from contextlib import nullcontext
from typing import ClassVar

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classes import ClassLoss
from seglosses.losses.segmentation import SegOptions
from seglosses.primitives.attention import when_to_check
from seglosses.primitives.checks import require
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.label_halves import scope
from seglosses.primitives.layout import flat_labels, flat_maps, pick_channels
from seglosses.primitives.reduction import Asked, Classes, select_classes


class MapLoss(ClassLoss):
    """Base of losses of whole maps: distances, skeletons, topology.

    Args:
        classes: 'present_foreground', the mean over the foreground classes that the label of an
            image has, so that it does not depend on how many others there are; an image without
            foreground costs as much as the class that is worst there. 'foreground' (all but class
            0; of independent channels all), 'present' (classes that the label has), 'all' or
            indices are means over these.
        options: See :class:`SegmentationLoss`.

    Attributes:
        reads_margins: ``compute`` takes one-versus-rest logits in place of probabilities.
        reads_masks: Targets of integer labels come as booleans, one byte per pixel.
        of_structures: It has no share of a pixel. Those of weight 0 are ignored, and weights other
            than 0 and 1 are refused.

    Example:
        >>> class HighestLoss(MapLoss):  # outside of the class, where p is 3/4 here
        ...     def compute(self, prob, target, mask):
        ...         return (prob * (1 - target)).flatten(2).amax(2)
        >>> HighestLoss()(torch.full((1, 1, 1, 3), 3.0).log(), torch.tensor([[[0, 1, 1]]]))
        tensor(0.7500)
    """

    reads_margins: ClassVar[bool] = False
    reads_masks: ClassVar[bool] = False
    of_structures: ClassVar[bool] = False
    default_classes: ClassVar[Classes | None] = "present_foreground"
    spatial_dims: ClassVar[tuple[int, ...]] = (2, 3)

    def __init__(self, classes: Classes | None = None, **options: Unpack[SegOptions]) -> None:
        super().__init__(classes, **options)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Loss per image and class (N, K).

        Args:
            prob: Probabilities of the chosen classes (N, K, *S), zero where ignored; their
                one-versus-rest logits for losses that read margins.
            target: One-hot or dense targets (N, K, *S), zero where ignored.
            mask: Validity times pixel weight (N, 1, *S), or ``None`` where all count; 0 or 1 for
                losses of structures.
        """
        raise NotImplementedError

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over classes, then images."""
        self._refuse_per_pixel(asked, batch)
        if batch.logits.dim() - 2 not in self.spatial_dims:
            wanted = " or ".join(f"{d}D" for d in self.spatial_dims)
            raise ValueError(
                f"{type(self).__name__} compares {wanted} maps (N, C, *S), got logits"
                f" {tuple(batch.logits.shape)}; sampled points have no shape, use an overlap loss"
            )
        # weights of pixels may change what a map sees of the label
        label = None if batch.pixel_weight is not None else self._label_words(batch)
        if self.of_structures:
            batch = without_weights(batch, type(self).__name__)
        only_present = self._only_present(batch)
        batch, chosen, weights = self._chosen(batch)
        prob = self._read(batch, chosen)
        target = batch.target(torch.bool if self.reads_masks else None)
        if chosen is not None:
            target = pick_channels(target, chosen)
        mass = flat_maps(target).sum(2) if only_present else None
        if mass is not None and self.reads_margins:
            prob = _where_read(prob, self._present(mass))
        with nullcontext() if torch.compiler.is_compiling() else scope(label):
            loss = self.compute(prob, target, batch.mask()) + broken(batch)
        return self._mean(loss, mass, weights, batch, asked)

    def _label_words(self, batch: Aligned) -> str:
        chosen = select_classes(self._classes(batch), batch.channels, independent=batch.sigmoid)
        return f"{chosen} of {batch.channels} without {batch.ignore_index}"

    def _read(self, batch: Aligned, chosen: list[int] | None) -> Tensor:
        """What ``compute`` gets as ``prob``, of the chosen channels."""
        if self.reads_margins:
            return batch.margins(chosen)
        return batch.prob() if chosen is None else pick_channels(batch.prob(), chosen)


def without_weights(batch: Aligned, owner: str) -> Aligned:
    """The batch with pixels of weight 0 ignored, and no weights of pixels.

    Raises:
        ValueError: for weights other than 0 and 1.
    """
    weight = batch.pixel_weight
    if weight is None:
        return batch
    wrong = (
        f"{owner} sees a pixel or does not see it: weights of pixels must be 0 or 1; cut them"
        " (weight > 0.5), or weigh images (N,)"
    )
    choice = ((weight == 0) | (weight == 1)).all()
    if when_to_check(weight) == "sync" and not bool(choice):
        least, most = weight.aminmax()
        wrong += f"; got values from {least.item():g} to {most.item():g}"
    require(choice, wrong)
    gone = weight == 0
    return batch._replace(
        labels=None if batch.labels is None else batch.labels.masked_fill(gone, 0),
        dense=None if batch.dense is None else batch.dense.masked_fill(gone.unsqueeze(1), 0.0),
        valid=~gone if batch.valid is None else batch.valid & ~gone,
        pixel_weight=None,
    )


def broken(batch: Aligned) -> Tensor:
    """NaN for images whose logits have no probability, else 0, (N, 1).

    What looks at some pixels alone may cost a finite number there, and give NaN for a gradient.
    """
    logits = batch.logits.detach()
    if at_hand(logits) and bool(logits.sum().isfinite()):
        return logits.new_zeros(len(logits), 1)
    peak = flat_maps(logits).amax(1)
    # under softmax one +inf has no share, nor have -inf alone
    broken = peak.isnan() if batch.sigmoid else ~peak.isfinite()
    if batch.valid is not None:
        broken = broken & flat_labels(batch.valid)
    found = broken.any(1, keepdim=True)
    return torch.zeros_like(found, dtype=peak.dtype).masked_fill(found, torch.nan)


def _where_read(margins: Tensor, read: Tensor) -> Tensor:
    """Margins (N, K, *S), zero in classes (N, K) that do not count.

    What these cost is dropped, but an infinite margin, as of a masked class, would leave a NaN in
    the gradient.
    """
    if at_hand(margins) and bool(margins.detach().sum().isfinite()):
        return margins
    return margins.masked_fill(~read.view(*read.shape, *(1,) * (margins.dim() - 2)), 0.0)
