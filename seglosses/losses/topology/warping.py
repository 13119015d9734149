"""Homotopy warping: cross-entropy at pixels that no topology-preserving deformation explains."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.compat import Compat, check_compat
from seglosses.losses.topology.released import released_warping_loss
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.reduction import average_pixels
from seglosses.topology.warping import critical_pixels

__all__ = [
    "WarpingLoss",
    "warping_loss",
]


def warping_loss(margin: Tensor, target: Tensor, *, weight: Tensor | None = None) -> Tensor:
    r"""Homotopy warping loss.

        loss = mean over critical pixels of BCE(z, y)

    Prediction and label, both cut at 1/2, are warped towards each other by flipping simple points;
    what still differs is critical (:func:`seglosses.topology.warping.critical_pixels`). Masks are
    framed by background, so that the border of the image is no obstacle. Without topological error
    loss and gradient are zero. The authors' code multiplies logits by the mask, which adds a
    constant for every other pixel; here they are left out.

    Args:
        margin: One-versus-rest logits, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape.
        weight: (N, 1, *S) or broadcastable weights of pixels; 0 leaves a pixel out of the mean.

    Returns:
        One loss per image and class, (N, K).

    References:
        Hu, Structure-Aware Image Segmentation with Homotopy Warping, NeurIPS 2022,
        arXiv:2112.07812.

    Example:
        >>> import torch
        >>> line, z = torch.ones(1, 1, 1, 5), torch.tensor([[[[4.0, 4.0, -1e-6, 4.0, 4.0]]]])
        >>> warping_loss(z, line)  # log 2 at the break
        tensor([[0.6931]])
        >>> warping_loss(z.roll(2, 3), line)  # a shorter line only
        tensor([[0.]])
    """
    marks = host_maps(_critical_pixels, margin > 0, target > 0.5, dtype=torch.bool)
    critical = marks.to(margin.dtype)
    if weight is not None:
        critical = critical * weight
    cost = F.binary_cross_entropy_with_logits(margin, target.to(margin.dtype), reduction="none")
    return average_pixels(cost, critical)


_critical_pixels = host_function(critical_pixels)


class WarpingLoss(MapLoss):
    """Registered form of :func:`warping_loss`; beside Dice, at about a tenth.

    Args:
        compat: 'topomortar' computes
            :func:`seglosses.losses.topology.released.released_warping_loss`, errors included, in 2D
            and without weights of pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``compat`` that does not exist, and for weights of pixels beside it.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[4.0, 4.0, 0.0, 4.0, 4.0]]]])  # a break of probability 1/2
        >>> WarpingLoss()(logits, torch.ones(1, 1, 5, dtype=torch.long))  # log 2 at the break
        tensor(0.6931)
    """

    formula = "mean of CE over the pixels that remain when both masks are warped to each other"
    paper = "Hu 2022, arXiv:2112.07812"
    use_when = (
        "topology must be right to the pixel; beside Dice; 6 to 29 times the cost of CE + Dice"
    )
    tags = ("thin", "topology")
    reads_margins = True

    def __init__(self, compat: Compat | None = None, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_compat(compat)
        self.compat = compat

    def prepare(self, batch: Aligned) -> Aligned:
        """Refuse weights of pixels beside ``compat``."""
        if self.compat and batch.pixel_weight is not None:
            raise ValueError(
                f"compat={self.compat!r} is the released program, which takes no weights of"
                " pixels: leave compat out, or weigh images (N,)"
            )
        return batch

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over critical pixels."""
        if self.compat:
            return released_warping_loss(prob, target)
        return warping_loss(prob, target, weight=mask)
