"""Cross-entropy in which every object counts alike: all of its pixels, or its boundary."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.losses.objects import hard_labels, of_labels, region_weights, weighed_by
from seglosses.losses.whole_maps import broken
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.entropy import cross_entropy, summed_entropy
from seglosses.primitives.label_edges import label_boundary
from seglosses.primitives.reduction import Asked

__all__ = [
    "ComponentBalancedCrossEntropyLoss",
    "InstanceBoundaryCrossEntropyLoss",
    "component_balanced_cross_entropy_loss",
    "instance_boundary_cross_entropy_loss",
]


def component_balanced_cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    r"""Cross-entropy by which every region of an image counts alike.

        loss = n / (K |R|) (-log p_y), R the pixel's region

    The background of an image is one region, and so is each connected component of another class
    (diagonals connect); n pixels lie in K regions.

    Args:
        logits: (N, C, *S) with 2 or 3 spatial dimensions.
        target: Labels (N, *S).

    Returns:
        (N, *S), with the mean over pixels of an image = mean over regions of their means.

    References:
        Shirokikh et al., Universal loss reweighting to balance lesion size inequality in 3D medical
        image segmentation, MICCAI 2020, arXiv:2007.10033.

    Example:
        >>> labels = torch.tensor([[[0, 0, 0, 1]]])
        >>> component_balanced_cross_entropy_loss(torch.zeros(1, 2, 1, 4), labels)  # 4/6, 4/2 log 2
        tensor([[[0.4621, 0.4621, 0.4621, 1.3863]]])
    """
    return region_weights(target) * cross_entropy(logits, target)


def instance_boundary_cross_entropy_loss(
    logits: Tensor, target: Tensor, *, radius: int = 1
) -> Tensor:
    r"""Cross-entropy of boundary pixels, by which the boundary of every object counts alike.

        loss = n / (K |B|) (-log p_y) where another label is within a radius, else 0

    B are the boundary pixels of the pixel's region, of which there are K; n pixels in all. Pixels
    of the background beside an object are the boundary of the background.

    Args:
        logits: (N, C, *S) with 2 or 3 spatial dimensions.
        target: Labels (N, *S).
        radius: Half side of the window, pixels.

    Returns:
        (N, *S), with the mean over pixels of an image = mean over regions of their boundaries'.

    References:
        Boundary pixels as in Tarubinga et al., CW-BASS, arXiv:2502.15152; balanced as in Shirokikh
        et al., arXiv:2007.10033.

    Example:
        >>> labels = torch.tensor([[[0, 0, 1, 1]]])
        >>> instance_boundary_cross_entropy_loss(torch.zeros(1, 2, 1, 4), labels)  # 4 / (2 * 1)
        tensor([[[0.0000, 1.3863, 1.3863, 0.0000]]])
    """
    return boundary_region_weights(target, None, radius) * cross_entropy(logits, target)


def boundary_region_weights(labels: Tensor, valid: Tensor | None, radius: int) -> Tensor:
    """Weights (N, *S) of boundary pixels, whose mean over the pixels that count is 1.

    Example:
        >>> boundary_region_weights(torch.tensor([[[0, 0, 1, 1]]]), None, 1)
        tensor([[[0., 2., 2., 0.]]])
    """
    edge = label_boundary(labels.unsqueeze(1), valid, radius=radius)
    weights = region_weights(labels, valid, edge).flatten(1)
    seen = torch.ones_like(edge) if valid is None else valid
    share = seen.flatten(1).sum(1) / edge.flatten(1).sum(1).clamp(min=1)
    return (weights * share.unsqueeze(1)).view(labels.shape)


class _WeighedEntropy(PixelLoss):
    """Cross-entropy of pixels that :meth:`prepare` weighs.

    Args:
        options: See :class:`~seglosses.losses.base.PixelLoss`.
    """

    has_label_half = True

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Mean over pixels that count."""
        plain = batch.row_weight is self.class_weight is None and asked.reduction != "none"
        total = summed_entropy(batch) if plain else None
        if total is None:
            return super().reduce(batch, asked)
        # the kernels skip pixels of weight 0, which must not hide logits that are no numbers
        return asked.of(total + broken(batch).sum(), count=self._count(batch))

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy, not yet weighed."""
        return cross_entropy(logits, target)


class ComponentBalancedCrossEntropyLoss(_WeighedEntropy):
    """Registered form of :func:`component_balanced_cross_entropy_loss`.

    Regions of dense targets are those of their largest class, see
    :func:`seglosses.losses.objects.hard_labels`. Points and rows, which have no components, are
    weighed alike.

    Args:
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> labels = torch.tensor([[[0, 0, 0, 1]]])
        >>> logits = torch.tensor([[[[99.0, 99.0, 99.0, 0.0]], [[0.0, 0.0, 0.0, 0.0]]]])
        >>> ComponentBalancedCrossEntropyLoss()(logits, labels)  # (0 + log 2) / 2
        tensor(0.3466)
    """

    formula = "n / (K |R|) (-log p_y), R the component of a pixel"
    paper = "Shirokikh et al. 2020, arXiv:2007.10033"
    use_when = "objects of one class differ widely in size; in place of cross-entropy"
    tags = ("lesion", "small", "cell", "imbalance")

    def prepare(self, batch: Aligned) -> Aligned:
        """Weigh pixels by their component."""
        if not batch.spatial:
            return batch
        with of_labels(batch):
            weights = region_weights(hard_labels(batch), batch.valid)
        return weighed_by(batch, weights)


class InstanceBoundaryCrossEntropyLoss(_WeighedEntropy):
    """Registered form of :func:`instance_boundary_cross_entropy_loss`.

    Beside cross-entropy. Images without a boundary cost nothing, and count in the mean.

    Args:
        radius: Half side of the window, pixels.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> logits = torch.tensor([[[[99.0, 99.0, 0.0, 99.0]], [[0.0, 0.0, 0.0, 0.0]]]])
        >>> labels = torch.tensor([[[0, 0, 1, 1]]])
        >>> InstanceBoundaryCrossEntropyLoss()(logits, labels)  # (0 + log 2) / 2
        tensor(0.3466)
    """

    formula = "n / (K |B|) (-log p_y) of pixels of the boundary B of a component"
    paper = "Tarubinga et al. 2025, arXiv:2502.15152; Shirokikh et al. 2020, arXiv:2007.10033"
    use_when = "borders of small objects must be as sharp as those of large ones; beside CE"
    tags = ("boundary", "small", "cell")

    def __init__(self, radius: int = 1, **options: Unpack[PixelOptions]) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, radius=radius)
        self.radius = radius

    def prepare(self, batch: Aligned) -> Aligned:
        """Weigh boundary pixels by their component."""
        if not batch.spatial:
            raise ValueError(
                f"{type(self).__name__} needs maps (N, C, *S) of images or volumes, got logits"
                f" {tuple(batch.logits.shape)}; sampled points have no boundary"
            )
        with of_labels(batch, f"edges of {self.radius}"):
            weights = boundary_region_weights(hard_labels(batch), batch.valid, self.radius)
        return weighed_by(batch, weights)
