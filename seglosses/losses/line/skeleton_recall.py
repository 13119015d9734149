"""Skeleton recall: the tube around the label's skeleton must be found."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.host import host_function
from seglosses.primitives.label_halves import label_maps
from seglosses.primitives.overlap import ratio
from seglosses.topology.skeleton import tube

__all__ = [
    "SkeletonRecallLoss",
    "skeleton_recall_loss",
]


def skeleton_recall_loss(
    prob: Tensor, tubes: Tensor, *, smooth: float = 1e-5, weight: Tensor | None = None
) -> Tensor:
    r"""Skeleton recall loss.

        loss = 1 - (sum p y + smooth) / (sum y + smooth)

    y is the tube: the label's skeleton made thicker, inside the label
    (:func:`seglosses.topology.skeleton.tube`). Predicting foreground everywhere costs nothing, so a
    loss that prices false positives must stand beside it. The authors' code returns this minus 1.

    Args:
        prob: Class probabilities, (N, K, *S).
        tubes: Boolean or soft tubes of that shape, without gradient.
        smooth: Added above and below, in pixels.
        weight: (N, 1, *S) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K), in [0, 1]; 0, without gradient, for an empty tube.

    References:
        Kirchhoff et al., Skeleton Recall Loss, ECCV 2024, arXiv:2404.03010.

    Example:
        >>> import torch
        >>> y = torch.tensor([[[[True, True, True, True]]]])
        >>> skeleton_recall_loss(torch.tensor([[[[1.0, 1.0, 0.5, 0.0]]]]), y, smooth=0)
        tensor([[0.3750]])
    """
    own = tubes if weight is None else tubes * weight
    found = (prob * own).flatten(2).sum(2)
    wanted = own.flatten(2).sum(2, dtype=prob.dtype)
    return 1 - ratio(found + smooth, wanted + smooth)


_tube = host_function(tube)


class SkeletonRecallLoss(MapLoss):
    """Registered form of :func:`skeleton_recall_loss`; tubes are computed once per label.

    The tube of a label is remembered, so that deep supervision and later epochs do not compute it
    again. Every class has a skeleton of its own; the authors' code takes one of the merged
    foreground, which between touching classes belongs to neither. Dense targets are cut at 1/2.

    Args:
        radius: Half-width of the tube in pixels.
        smooth: Added above and below, in pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a negative ``radius``.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[1.0, 1.0, 0.5, 0.0]]]]).logit(1e-6)
        >>> labels = torch.ones(1, 1, 4, dtype=torch.long)  # its tube is all of the line
        >>> SkeletonRecallLoss()(logits, labels)  # 1 - 2.5 / 4
        tensor(0.3750)
    """

    has_label_half = True
    formula = "1 - sum p y / sum y, y the label's skeleton made thicker"
    paper = "Kirchhoff et al. 2024, arXiv:2404.03010"
    use_when = (
        "thin structures must be found without gaps; beside CE and Dice; 7 to 8 times their cost"
    )
    tags = ("thin", "topology")

    def __init__(
        self, radius: int = 2, smooth: float = 1e-5, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        check_range("[0, inf)", whole=True, radius=radius)
        self.radius, self.smooth = radius, smooth

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the recall of the tube."""
        tubes = label_maps(_tube, target > 0.5, dtype=torch.bool, options=dict(radius=self.radius))
        return skeleton_recall_loss(prob, tubes, smooth=self.smooth, weight=mask)
