"""Centre-line boundary Dice: clDice that also sees radii, so that thin and thick count alike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.compat import Compat, check_compat
from seglosses.primitives.checks import check_range
from seglosses.primitives.distance import distance_to
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.label_halves import both_maps
from seglosses.primitives.overlap import ratio
from seglosses.primitives.soft_thinning import soft_thinning
from seglosses.topology.skeleton import skeletonize

__all__ = [
    "CenterlineBoundaryDiceLoss",
    "centerline_boundary_dice_loss",
]

Array = NDArray[np.float32]


def radius_weights(mask: NDArray[np.bool_], skeleton: NDArray[np.bool_], boundary: bool) -> Array:
    r"""Weights of a mask's pixels by the radius of the structure around them.

        volume   = min(D, R_max) / R_max         D: distance to the background
        radius   = D / R_max                     on the skeleton, else 0
        boundary = (R_max - D + 1) / R_max       on the skeleton, else 0; squared in 3D

    R_max is the largest D on the skeleton. The third weight is larger where the structure is
    thin; without ``boundary`` it is 1 on the skeleton (clMDice).

    Args:
        mask: Boolean, (H, W) or (D, H, W).
        skeleton: Boolean, inside the mask.
        boundary: Weigh skeleton pixels by thinness.

    Returns:
        (3, *S) float32.

    Example:
        >>> import numpy as np
        >>> mask = np.ones((3, 5), bool)
        >>> mask[[0, 2]] = False  # a line, one pixel wide: every weight is 1 on it
        >>> radius_weights(mask, mask, True)[:, 1].tolist()
        [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]]
    """
    distance = distance_to(~mask)
    # a mask without background has no radius: every pixel counts alike
    distance = np.where(np.isfinite(distance), distance, 1.0) * mask
    radius = distance * skeleton
    largest = max(float(radius.max(initial=0.0)), 1.0)
    thinness = skeleton.astype(np.float32)
    if boundary:
        # a volume with one slice is a plane
        power = 2 if min(mask.shape) > 1 and mask.ndim == 3 else 1
        thinness = thinness * ((largest - radius + 1) / largest) ** power
    return np.stack([np.minimum(distance, largest) / largest, radius / largest, thinness]).astype(
        np.float32
    )


_radius_weights = host_function(radius_weights)


@host_function
def _own_weights(mask: NDArray[np.bool_], *, boundary: bool) -> Array:
    return radius_weights(mask, skeletonize(mask), boundary)


def centerline_boundary_dice_loss(
    prob: Tensor,
    pred_weights: Tensor,
    target_weights: Tensor,
    *,
    smooth: float = 1.0,
    pooled: bool = False,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Centre-line boundary Dice loss (cbDice), or clMDice.

        V, R, I     volume, radius and boundary weights of :func:`radius_weights`
        precision   = (sum I_p p V_y + s) / (sum I_p p [R_y or else R_p p] + s)
        sensitivity = (sum I_y V_p p + s) / (sum I_y [R_p p or else R_y] + s)
        loss        = 1 - 2 precision sensitivity / (precision + sensitivity)

    'a or else b' is a where a is positive, else b: a skeleton pixel is measured by the radius of
    the other skeleton there, and by its own where they do not meet. A thin branch of a thick object
    is measured by little there and met by much, so that precision or sensitivity can exceed 1 in
    the published form, and the loss be negative; here they end at 1, but in pooled batches. The
    weights are hard and have no gradient, so pixels away from both skeletons have none. The
    authors' code returns this minus 1, for the pooled batch.

    Args:
        prob: Class probabilities, (N, K, *S).
        pred_weights: (N, K, 3, *S), of the predicted masks.
        target_weights: (N, K, 3, *S), of the labels.
        smooth: Added above and below.
        pooled: Sum over all images and classes first; each of them is then given the same loss.
        weight: (N, 1, *S) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K), in [0, 1] unless ``pooled``; 0 where both masks are
        empty.

    References:
        Shi et al., Centerline Boundary Dice Loss, MICCAI 2024, arXiv:2407.01517.

    Example:
        >>> w = torch.ones(1, 1, 3, 1, 4)
        >>> centerline_boundary_dice_loss(torch.ones(1, 1, 1, 4), w, w)
        tensor([[0.]])
    """
    volume_p, radius_p, thin_p = (each * prob for each in pred_weights.unbind(2))
    volume_y, radius_y, thin_y = target_weights.unbind(2)
    if weight is not None:
        thin_p, thin_y = thin_p * weight, thin_y * weight
    sums = [
        *_sums(thin_p, volume_y, torch.where(radius_y > 0, radius_y, radius_p)),
        *_sums(thin_y, volume_p, torch.where(radius_p > 0, radius_p, radius_y)),
    ]
    if pooled:
        sums = [each.sum().expand_as(each) for each in sums]
    hit, possible, found, wanted = (each + smooth for each in sums)
    if not pooled:
        hit, found = torch.minimum(hit, possible), torch.minimum(found, wanted)
    precision, sensitivity = ratio(hit, possible), ratio(found, wanted)
    both = precision + sensitivity
    return 1 - 2 * precision * sensitivity / torch.where(both > 0, both, 1.0)


def _sums(thin: Tensor, volume: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    return (thin * volume).flatten(2).sum(2), (thin * radius).flatten(2).sum(2)


class CenterlineBoundaryDiceLoss(MapLoss):
    """Registered form of :func:`centerline_boundary_dice_loss`; masks are cut at 1/2.

    Skeletons preserve topology (Zhang's and Lee's thinning) and those of labels are remembered.
    Every class is compared on its own; the authors' code merges all foreground. The gradient is
    sparse: combine it with cross-entropy and Dice, ``0.5 CE + 0.25 Dice + 0.25 cbDice`` in the
    paper.

    Args:
        smooth: Added above and below, in skeleton pixels.
        boundary: Weigh skeleton pixels by thinness (cbDice), or alike (clMDice).
        compat: 'topomortar' pools the batch, thins as Menten et al. do, five layers deep, and
            weighs by R_max / D instead of the paper's (R_max - D + 1) / R_max, squared in 3D.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``compat`` that does not exist.

    Example:
        >>> import torch
        >>> line = torch.tensor([[[0] * 7, [1] * 7, [0] * 7]])
        >>> broken = torch.where(line > 0, 99.0, -99.0).unsqueeze(1)
        >>> broken[..., 1, 3] = -99.0  # all weights are 1; precision 1, sensitivity 6 / 7
        >>> CenterlineBoundaryDiceLoss(smooth=0.0)(broken, line)  # 1 - (12 / 7) / (13 / 7)
        tensor(0.0769)
    """

    has_label_half = True
    formula = "1 - 2 P R / (P + R), clDice of hard skeletons weighed by radius"
    paper = "Shi et al. 2024, arXiv:2407.01517"
    use_when = "vessels of very different widths; beside CE and Dice; 16 to 25 times their cost"
    tags = ("thin", "topology")

    def __init__(
        self,
        smooth: float = 1.0,
        boundary: bool = True,
        compat: Compat | None = None,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        check_compat(compat)
        self.smooth, self.boundary, self.compat = smooth, boundary, compat

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the harmonic mean."""
        seen, truth = prob > 0.5, target > 0.5
        if self.compat:
            weights, number = self._released_weights(torch.cat([seen, truth])), seen.shape[0]
            of_pred, of_target = weights[:number], weights[number:]
        else:
            options = dict(boundary=self.boundary)
            of_pred, of_target = both_maps(
                _own_weights, seen, truth, dtype=torch.float32, extra=(3,), options=options
            )
        return centerline_boundary_dice_loss(
            prob,
            of_pred.to(prob.dtype),
            of_target.to(prob.dtype),
            smooth=self.smooth,
            pooled=bool(self.compat),
            weight=mask,
        )

    def _released_weights(self, masks: Tensor) -> Tensor:
        skeletons = soft_thinning(masks, 5)
        maps = host_maps(
            _radius_weights,
            masks,
            skeletons,
            dtype=torch.float32,
            extra=(3,),
            options=dict(boundary=False),
        )
        if not self.boundary:
            return maps
        volume, radius, skeleton = maps.unbind(2)
        power = masks.dim() - 3
        return torch.stack([volume, radius, skeleton * (1 + 1e-7) / (radius**power + 1e-7)], 2)
