"""Losses that weigh probabilities by a distance map of the label."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_input
from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.compat import Compat, check_compat
from seglosses.losses.fields import inner_fields, signed_fields
from seglosses.primitives.distance import Spacing, as_numbers
from seglosses.primitives.layout import pick_channels
from seglosses.primitives.reduction import average_pixels, select_classes

__all__ = [
    "KervadecBoundaryLoss",
    "RegionWiseLoss",
    "boundary_loss",
    "rectified_region_map",
    "region_wise_loss",
]


def boundary_loss(
    prob: Tensor,
    signed_distance: Tensor,
    *,
    weight: Tensor | None = None,
    normalize: bool = False,
) -> Tensor:
    r"""Boundary (surface) loss of Kervadec et al.

        loss = mean over kept pixels of p phi

    phi is the signed distance to the label's boundary, negative inside
    (:func:`seglosses.losses.fields.signed_fields`). The loss is linear in the probability and
    **signed**: the best prediction costs the (negative) mean of phi inside the label, not zero.

    Args:
        prob: Class probabilities, (N, C, *S).
        signed_distance: phi, (N, C, *S); zeros for a class without a boundary.
        weight: Weights of pixels, broadcastable to (N, 1, *S); 0 leaves a pixel out of the mean.
        normalize: Divide phi by its largest absolute value in each image and class, so that the
            loss lies in [-1, 1] whatever the size of the image.

    Returns:
        One loss per image and class, (N, C); 0 where every pixel is left out.

    References:
        Kervadec et al., Boundary loss for highly unbalanced segmentation, MIDL 2019,
        arXiv:1812.07032.

    Example:
        >>> prob = torch.tensor([[[1.0, 0.5, 0.0, 0.0]]])
        >>> phi = signed_fields(torch.tensor([[[0, 0, 1, 1]]]) > 0)
        >>> phi
        tensor([[[ 2.,  1.,  0., -1.]]])
        >>> boundary_loss(prob, phi)  # (1 * 2 + 0.5 * 1) / 4
        tensor([[0.6250]])
    """
    phi = signed_distance.flatten(2)
    if normalize and phi.shape[2]:
        largest = phi.abs().amax(2, keepdim=True)
        phi = phi / torch.where(largest > 0, largest, 1.0)
    return average_pixels(prob.flatten(2) * phi, weight)


class KervadecBoundaryLoss(MapLoss):
    """Registered form of :func:`boundary_loss`; signed, so use a region loss beside it.

    The authors' rebalancing, alpha * region + (1 - alpha) * boundary with alpha falling from 1 to
    0.01, is two weights that change over the training: ``loss_weight=dict(value=0.01, initial=1.0,
    warmup=1.0)`` of the region loss and ``dict(value=0.99, warmup=1.0)`` here, as in the mix-in
    ``dice_boundary_rebalanced``.

    The maps come from the extra input ``signed_distance`` where one is given (computed once in
    the data pipeline; (N, C, *S), or only the chosen classes), else they are computed from the
    label at each call, without gradient. A class that the image lacks, or that fills all its kept
    pixels, has no boundary and costs 0, whatever a map that is given says of it. Dense targets are
    cut at 1/2; ignored pixels lie outside every class.

    Args:
        spacing: Edge lengths of a pixel, for distances in that unit; maps that are given are not
            changed.
        normalize: Divide distances by the largest one in each image and class.
        options: See :class:`~seglosses.losses.classwise.MapLoss`; class 0 is left out unless
            ``classes`` names it.

    Raises:
        ValueError: for ``signed_distance`` of other classes or another shape than the logits.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 0, 1, 1]]])  # phi = 2, 1, 0, -1
        >>> KervadecBoundaryLoss()(torch.zeros(1, 1, 1, 4), labels)  # (2 + 1 + 0 - 1) / 2 / 4
        tensor(0.2500)
    """

    has_label_half = True
    formula = "mean of p phi, phi the signed distance to the label's boundary"
    paper = "Kervadec et al. 2019, arXiv:1812.07032"
    use_when = "small or thin foreground; beside Dice or CE, with weight 0.01 or rebalancing"
    tags = ("thin", "lesion", "small", "boundary")

    def __init__(
        self, spacing: Spacing = None, normalize: bool = False, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        self.spacing = as_numbers(spacing)
        self.normalize = normalize

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean of p phi."""
        inside = target > 0.5
        bounded = _bounded(inside, mask)
        given = self._given(prob)
        if given is None:
            given = signed_fields(inside, self.spacing).to(prob.dtype)
        phi = torch.where(bounded, given, 0.0)
        return boundary_loss(prob, phi, weight=mask, normalize=self.normalize)

    def _given(self, prob: Tensor) -> Tensor | None:
        maps = extra_input("signed_distance")
        if maps is None:
            return None
        chosen = None if self.classes is None else select_classes(self.classes, maps.shape[1])
        if maps.shape[1] != prob.shape[1] and chosen is not None:
            maps = pick_channels(maps, chosen)
        if maps.shape != prob.shape:
            raise ValueError(
                f"signed_distance must be {tuple(prob.shape)} (chosen classes) or hold every"
                f" class, got {tuple(maps.shape)}; make the maps after the crop"
            )
        return maps.detach().to(prob)


def _bounded(inside: Tensor, mask: Tensor | None) -> Tensor:
    """Whether the label shows a boundary of the class, (N, K, 1, ...); it needs both sides."""
    outside = ~inside if mask is None else ~inside & (mask > 0)
    both = inside.flatten(2).any(2) & outside.flatten(2).any(2)
    return both.view(*inside.shape[:2], *(1,) * (inside.dim() - 2))


def region_wise_loss(prob: Tensor, region_map: Tensor, *, weight: Tensor | None = None) -> Tensor:
    r"""Region-wise loss: probabilities against a map of rewards and prices.

        loss = mean over kept pixels of p z

    z is negative inside the class and positive outside (:func:`rectified_region_map`). The loss is
    linear in the probability and **signed**: the best prediction costs the mean of min(z, 0).

    Args:
        prob: Class probabilities, (N, C, *S).
        region_map: z, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S); 0 leaves a pixel out of the mean.

    Returns:
        One loss per image and class, (N, C), in [-1, 1]; 0 where every pixel is left out.

    References:
        Valverde and Tohka, Region-wise loss for biomedical image segmentation, Pattern
        Recognition 2023, arXiv:2108.01405.

    Example:
        >>> prob = torch.tensor([[[0.5, 0.5, 1.0, 1.0]]])
        >>> z = rectified_region_map(torch.tensor([[[0, 0, 1, 1]]]) > 0)
        >>> z
        tensor([[[ 1.0000,  1.0000, -0.5000, -1.0000]]])
        >>> region_wise_loss(prob, z)  # (0.5 + 0.5 - 0.5 - 1) / 4
        tensor([[-0.1250]])
    """
    return average_pixels(prob * region_map, weight)


def rectified_region_map(
    masks: Tensor, spacing: Spacing = None, compat: Compat | None = None
) -> Tensor:
    r"""Rectified region-wise map.

        z = -d / max d   inside, d the distance to the nearest pixel outside
        z = 1            outside

    Args:
        masks: Boolean (N, K, *S).
        spacing: Edge lengths of a pixel.
        compat: 'topomortar' measures a full mask as
            :func:`seglosses.losses.topology.released.released_depth` says.

    Returns:
        (N, K, *S) in [-1, 1]; all 1 for an empty mask, all -1 for a full one, which has no
        boundary to measure to.

    Example:
        >>> rectified_region_map(torch.tensor([[[1, 1, 1, 0]]]) > 0)
        tensor([[[-1.0000, -0.6667, -0.3333,  1.0000]]])
    """
    depth = inner_fields(masks, spacing)
    if not depth.numel():
        return depth
    if compat:
        full = masks.flatten(2).all(2).view(*depth.shape[:2], *(1,) * (depth.dim() - 2))
        depth = torch.where(full, released_depth(depth.shape[2:]).to(depth), depth)
    deepest = depth.flatten(2).amax(2).view(*depth.shape[:2], *(1,) * (depth.dim() - 2))
    return torch.where(masks, torch.where(deepest > 0, -depth / deepest, -1.0), 1.0)


class RegionWiseLoss(MapLoss):
    """Registered form of :func:`region_wise_loss` with rectified maps of the label.

    By default a mean over the classes that the label has, background too; ``classes='all'`` is
    TopoMortar's ``RRW``. Dense targets are cut at 1/2; ignored pixels lie outside every class.

    Args:
        spacing: Edge lengths of a pixel; only their proportions matter.
        compat: 'topomortar' differs for images of one class only, see
            :func:`rectified_region_map`.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``compat`` that does not exist.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 0, 1, 1]]])  # z = 1, 1, -1/2, -1 for class 1, and mirrored
        >>> RegionWiseLoss()(torch.zeros(1, 2, 1, 4), labels)  # (1 + 1 - 1/2 - 1) / 2 / 4
        tensor(0.0625)
    """

    has_label_half = True
    formula = "mean of p z, z = -depth / deepest inside the class, 1 outside"
    paper = "Valverde and Tohka 2023, arXiv:2108.01405"
    use_when = "alone, where class sizes differ by orders of magnitude; may be negative"
    tags = ("lesion", "imbalance", "boundary")
    default_classes = "present"

    def __init__(
        self,
        spacing: Spacing = None,
        compat: Compat | None = None,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_compat(compat)
        self.spacing, self.compat = as_numbers(spacing), compat

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean of p z."""
        z = rectified_region_map(target > 0.5, self.spacing, self.compat).to(prob.dtype)
        return region_wise_loss(prob, z, weight=mask)


def released_depth(shape: tuple[int, ...]) -> Tensor:
    """Depth that the released region-wise maps give to a class that fills the image.

    The distance transform finds no pixel outside and measures to one before the first row.

    Args:
        shape: Of the image.

    Returns:
        Distances of that shape.

    Example:
        >>> released_depth((2, 2))
        tensor([[1.0000, 1.4142],
                [2.0000, 2.2361]])
    """
    places = np.indices(shape, np.float32)
    places[0] += 1
    return torch.from_numpy(np.sqrt(np.square(places).sum(0)))
