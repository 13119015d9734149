"""Losses of regions of errors: those that change the topology cost."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.reduction import average_pixels
from seglosses.topology.regions import critical_components, critical_regions

__all__ = [
    "SupervoxelLoss",
    "TopographLoss",
    "supervoxel_loss",
    "topograph_loss",
]

Price = Literal["probability", "entropy"]
Mask = NDArray[np.bool_]


def topograph_loss(
    margin: Tensor,
    target: Tensor,
    *,
    price: Price = "probability",
    connectivity: int | None = None,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Topograph loss: critical regions, each by the mean of its wrong probability.

        loss = sum over critical regions R of mean_(x in R) price(x)
        price = probability of the predicted (wrong) class, or binary cross-entropy

    Regions come from :func:`seglosses.topology.regions.critical_regions` of the prediction cut at
    1/2 and of the label cut at 1/2. Without topological error loss and gradient are zero. A
    confident error has almost no slope under the probability; cross-entropy keeps it.

    Args:
        margin: One-versus-rest logits, (N, K, H, W).
        target: One-hot or soft labels of that shape.
        price: 'probability' as in the paper, or 'entropy'.
        connectivity: Of the foreground, 8 or 4, None for 8.
        weight: (N, 1, H, W) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K): about the number of critical regions.

    References:
        Lux et al., Topograph, ICLR 2025, arXiv:2411.03228.

    Example:
        >>> line = torch.ones(1, 1, 1, 5)
        >>> z = torch.tensor([4.0, 4.0, 0.0, 4.0, 4.0]).view_as(line)
        >>> topograph_loss(z - 1e-6, line)  # the break is predicted with probability 1/2
        tensor([[0.5000]])
    """
    seen, truth = margin > 0, target > 0.5
    share = host_maps(
        _shares, seen, truth, dtype=torch.float32, options=dict(connectivity=connectivity)
    )
    if weight is not None:
        share = share * weight
    if price == "entropy":
        truth_map = truth.to(margin.dtype)
        cost = F.binary_cross_entropy_with_logits(margin, truth_map, reduction="none")
    else:
        cost = torch.where(seen, margin, -margin).sigmoid()
    return (cost * share).flatten(2).sum(2)


@host_function
def _shares(pred: Mask, label: Mask, *, connectivity: int | None) -> NDArray[np.float32]:
    """One over the size of the critical region that a pixel belongs to, 0 elsewhere."""
    regions = critical_regions(pred, label, connectivity=connectivity)
    share = 1 / np.maximum(np.bincount(regions.ravel()), 1)
    share[0] = 0
    return share[regions].astype(np.float32)


def supervoxel_loss(
    margin: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Supervoxel loss: cross-entropy with a surcharge on critical components.

        loss = mean over pixels of ((1 - alpha) + alpha (beta M_y + (1 - beta) M_p)) BCE(z, y)

    M_y marks missed components whose loss deletes or splits a component of the label, M_p surplus
    components that add or merge one
    (:func:`seglosses.topology.regions.critical_components`).

    Args:
        margin: One-versus-rest logits, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape.
        alpha: Share of topology, in [0, 1].
        beta: Price of splits against merges, in [0, 1].
        weight: (N, 1, *S) or broadcastable weights of pixels; 0 leaves a pixel out of the mean.

    Returns:
        One loss per image and class, (N, K).

    References:
        Grim et al., Efficient Connectivity-Preserving Instance Segmentation with Supervoxel-Based
        Loss Function, AAAI 2025, arXiv:2501.01022.

    Example:
        >>> line = torch.ones(1, 1, 1, 4)
        >>> supervoxel_loss(torch.full_like(line, 1e-6), line)  # half of log 2, nothing critical
        tensor([[0.3466]])
    """
    seen, truth = margin > 0, target > 0.5
    marks = host_maps(_marks, seen, truth, dtype=torch.bool)
    surcharge = torch.where(truth, beta, 1 - beta) * marks
    cost = F.binary_cross_entropy_with_logits(margin, target.to(margin.dtype), reduction="none")
    return average_pixels(cost * (1 - alpha + alpha * surcharge), weight)


@host_function
def _marks(pred: Mask, label: Mask) -> Mask:
    return critical_components(pred, label) > 0


class TopographLoss(MapLoss):
    """Registered form of :func:`topograph_loss`; beside a pixel loss.

    For images only, as defined: in a volume a region may touch one region of each kind and still
    open or close a handle, so counting neighbours is not enough. :class:`SupervoxelLoss` and
    :class:`~seglosses.losses.WarpingLoss` take volumes.

    Args:
        price: 'probability' as in the paper, or 'entropy', which keeps its slope.
        connectivity: Of the foreground, 8 or 4, None for 8.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``price`` or ``connectivity`` that does not exist.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[4.0, 4.0, 0.0, 4.0, 4.0]]]])  # a break of probability 1/2
        >>> TopographLoss()(logits, torch.ones(1, 1, 5, dtype=torch.long))  # one critical region
        tensor(0.5000)
    """

    formula = "sum over critical error regions of the mean wrong probability"
    paper = "Lux et al. 2025, arXiv:2411.03228"
    use_when = "breaks, bridges, islands and holes; beside CE and Dice; 6 to 19 times their cost"
    tags = ("thin", "topology", "cell")
    spatial_dims = (2,)
    reads_margins = True

    def __init__(
        self,
        price: Price = "probability",
        connectivity: int | None = None,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        if price not in ("probability", "entropy"):
            raise ValueError(f"price must be 'probability' or 'entropy', got {price!r}")
        if connectivity not in (None, 4, 8):
            raise ValueError(f"connectivity must be 4 or 8, got {connectivity!r}")
        self.price, self.connectivity = price, connectivity

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over critical regions."""
        return topograph_loss(
            prob, target, price=self.price, connectivity=self.connectivity, weight=mask
        )


class SupervoxelLoss(MapLoss):
    """Registered form of :func:`supervoxel_loss`; holds cross-entropy itself.

    Args:
        alpha: Share of topology.
        beta: Price of splits against merges.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for ``alpha`` or ``beta`` outside [0, 1].

    Example:
        >>> import torch
        >>> labels = torch.zeros(1, 1, 4, dtype=torch.long)  # nothing seen, nothing critical
        >>> SupervoxelLoss()(torch.zeros(1, 1, 1, 4), labels)  # (1 - 0.5) log 2
        tensor(0.3466)
    """

    formula = "mean of (1 - alpha + alpha (beta M_y + (1 - beta) M_p)) BCE"
    paper = "Grim et al. 2025, arXiv:2501.01022"
    use_when = (
        "neurites and vessels must not split or merge; instead of CE; 6 to 16 times the cost "
        "of CE + Dice"
    )
    tags = ("thin", "topology", "cell")
    reads_margins = True

    def __init__(
        self, alpha: float = 0.5, beta: float = 0.5, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, 1]", alpha=alpha, beta=beta)
        self.alpha, self.beta = alpha, beta

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over pixels."""
        return supervoxel_loss(prob, target, alpha=self.alpha, beta=self.beta, weight=mask)
