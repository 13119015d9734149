"""Losses per pixel, from softmax logits and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.losses.whole_maps import broken
from seglosses.primitives.checks import class_factors
from seglosses.primitives.device import at_hand
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.entropy import binary_entropy, cross_entropy, summed_entropy
from seglosses.primitives.few_classes import takes_few
from seglosses.primitives.reduction import Asked
from seglosses.primitives.soft_labels import (
    BoundarySmoothing,
    boundary_smoothing_options,
    soften_boundaries,
)

__all__ = [
    "CrossEntropyLoss",
    "cross_entropy_loss",
]


def cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy per pixel.

        loss = -sum_c y_c log softmax(z)_c

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).

    Returns:
        (N, *S).

    Example:
        >>> import torch
        >>> cross_entropy_loss(torch.zeros(1, 2, 1), torch.tensor([[1]]))  # log 2
        tensor([[0.6931]])
    """
    return cross_entropy(logits, target)


class CrossEntropyLoss(PixelLoss):
    """Registered form of :func:`cross_entropy_loss`.

    With the pixels that have no label ignored it is the partial cross-entropy of scribbles and
    points (Lin et al., ScribbleSup, CVPR 2016): the mean over the labelled ones.

    Args:
        boundary_smoothing: Soften labels at boundaries by this amount, or by the arguments of
            :func:`~seglosses.primitives.soft_labels.smooth_boundary_labels`, ``dict(epsilon=0.5,
            kernel_size=3)``.
        pos_weight: Under ``use_sigmoid`` or one channel, factor of the foreground's term: a number,
            or one per channel, as in ``torch.nn.BCEWithLogitsLoss``.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Raises:
        ValueError: with ``boundary_smoothing`` for dense targets, and for points of masks; with
            ``pos_weight`` under softmax, or for another number of channels.

    Example:
        >>> import torch
        >>> CrossEntropyLoss()(torch.zeros(1, 2, 1, 1), torch.tensor([[[1]]]))  # log 2
        tensor(0.6931)
        >>> sure = torch.tensor([[[[3.0, 1.0]], [[1.0, 3.0]]]]).log()  # 3/4 for the label
        >>> loss = CrossEntropyLoss(boundary_smoothing=0.5)  # makes it 3/4, for both are boundary
        >>> loss(sure, torch.tensor([[[0, 1]]]))  # 3/4 log 4/3 + 1/4 log 4
        tensor(0.5623)
        >>> loss = CrossEntropyLoss(pos_weight=3)
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[0, 1]]))  # (log 2 + 3 log 2) / 2
        tensor(1.3863)
    """

    formula = "-log p_y"
    paper = "Good 1952"
    use_when = "always: the pixel loss that stands beside the others"
    tags: ClassVar[tuple[str, ...]] = ("soft", "multilabel", "general", "partial")
    pos_weight: Tensor | None

    def __init__(
        self,
        boundary_smoothing: BoundarySmoothing | None = None,
        pos_weight: float | Sequence[float] | None = None,
        **options: Unpack[PixelOptions],
    ) -> None:
        super().__init__(**options)
        self.boundary_smoothing = boundary_smoothing_options(boundary_smoothing)
        one = isinstance(pos_weight, int | float) or getattr(pos_weight, "ndim", 1) == 0
        given: Any = [pos_weight] if one else pos_weight
        self.register_buffer("pos_weight", class_factors(given, "pos_weight"), persistent=False)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """-log p of the label."""
        return cross_entropy_loss(logits, target)

    def prepare(self, batch: Aligned) -> Aligned:
        """Soften the labels at boundaries."""
        return soften_boundaries(batch, self.boundary_smoothing)

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over pixels, of independent channels where their foreground has a weight."""
        given = None if self.pos_weight is None else len(self.pos_weight)
        if given is not None and (not batch.sigmoid or given not in (1, batch.channels)):
            raise ValueError(
                "pos_weight must be a number or one per channel, of independent channels: expected"
                f" use_sigmoid=True and {batch.channels} numbers, got {given}; weigh the classes of"
                " a softmax by class_weight"
            )
        weighed = not (batch.row_weight is self.class_weight is None)
        own = type(self).compute is CrossEntropyLoss.compute
        few = takes_few(batch.logits)
        if weighed or given is not None or asked.reduction == "none" or not own or not few:
            return super().reduce(batch, asked)
        plain = asked.reduction == "mean" and asked.avg_factor is None
        loss = summed_entropy(batch, self._count(batch) if plain else 1.0)
        if loss is None:
            return super().reduce(batch, asked)
        if batch.pixel_weight is not None:
            # the kernels skip pixels of weight 0, which must not hide logits that are no numbers
            loss = loss + broken(batch).sum()
        return loss if plain else asked.of(loss)

    def _counted(self, batch: Aligned, target: Tensor) -> Tensor:
        own = type(self).compute is CrossEntropyLoss.compute and not target.is_floating_point()
        if not own or (at_hand(batch.logits) and not takes_few(batch.logits)):
            return super()._counted(batch, target)
        return cross_entropy(batch.logits, target, batch.valid)

    def _of_margins(self, logits: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            return super()._of_margins(logits, target)
        return binary_entropy(logits, target)

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        loss = super()._by_channel(logits, batch)
        if self.pos_weight is None:
            return loss
        y = batch.target()
        extra = (self.pos_weight - 1).view(1, -1, *(1,) * (logits.dim() - 2))
        foreground = self._weighed(-extra * y * F.logsigmoid(logits))
        if self.class_weight is not None and logits.shape[1] == 1:
            foreground = foreground * self.class_weight[1]
        return loss + foreground
