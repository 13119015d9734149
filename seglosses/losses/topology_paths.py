"""Losses of paths between regions: lines must separate, regions must hang together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapOptions, ShapeLoss
from seglosses.losses.planes import constant_maps
from seglosses.reduction import average_pixels
from seglosses.topology import label_components
from seglosses.topology.flooding import bottleneck_shares

Mask = NDArray[np.bool_]


def malis_loss(
    prob: Tensor,
    target: Tensor,
    *,
    window: int | None = 64,
    margin: int = 2,
    positive: float = 0.1,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Connectivity of the background by best paths (MALIS, as in TOPO).

        a    = 1 - p                                     background probability
        loss = sum_x between_x a_x^2 + positive sum_x within_x (1 - a_x)^2

    Lines of the label cut the background into regions. ``between`` are the shares of pairs of
    pixels of two regions whose best path has its bottleneck at x, and counts where x lies on the
    label's line (a gap): descent closes it. ``within`` are the same for pairs of one region, and
    counts where x lies inside the region (a false line): descent opens it. Windows are treated on
    their own and then averaged. Where the published loss regresses distances to the line, this one
    reads background probabilities.

    Args:
        prob: Probabilities of the lines, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.
        window: Side of the windows, pixels; ``None`` for the whole map.
        margin: Pixels beside the line that belong to no region, so that lines may move as far.
        positive: Price of false lines.
        weight: (N, 1, *S) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K); 0 where no window holds two regions.

    References:
        Oner et al., Promoting Connectivity of Network-Like Structures by Enforcing Region
        Separation, TPAMI 2021, arXiv:2009.07011; Turaga et al., NeurIPS 2009, arXiv:0911.5372.

    Example:
        >>> import torch
        >>> line = torch.tensor([[[[0.0, 0.0, 1.0, 0.0, 0.0]]]])
        >>> gap = torch.tensor([[[[0.0, 0.0, 0.4, 0.0, 0.0]]]])
        >>> malis_loss(gap, line, margin=0)  # (1 - 0.4)^2
        tensor([[0.3600]])
    """

    def shares(path: NDArray[np.floating], label: Mask) -> NDArray[np.float32]:
        band = _widened(label, margin)
        regions, _ = label_components(~band, connectivity=2 * label.ndim)
        between, within = bottleneck_shares(path, regions, window=window)
        windows = np.prod([-(-n // (window or max(n, 1))) for n in label.shape])
        pair = np.stack([between * band, within * (regions > 0)]) / windows
        return pair.astype(np.float32)

    path = 1 - prob
    between, within = constant_maps(shares, path, target > 0.5).to(prob.dtype).unbind(2)
    loss = between * path.square() + positive * within * prob.square()
    return (loss if weight is None else loss * weight).flatten(2).sum(2)


def cavity_loss(
    margin: Tensor, target: Tensor, *, reach: int = 2, weight: Tensor | None = None
) -> Tensor:
    r"""Cavity loss: cross-entropy along the lines between cells that leak into each other.

        loss = mean over x in the leaking lines of BCE(z_x, 1)

    The label's background falls into cells. The prediction, looked at no further than ``reach``
    from the label, lets some of them run together; the watershed of the probability between these
    cells is where it should have closed. This follows the idea of Ngoc et al. with a watershed in
    place of the minimum barrier distance; it is a re-implementation.

    Args:
        margin: One-versus-rest logits, (N, K, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.
        reach: Pixels beside the label's line in which a line may be found.
        weight: (N, 1, H, W) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K); 0 where no cells leak.

    References:
        Ngoc et al., Introducing the Boundary-Aware loss for deep image segmentation, BMVC 2021.

    Example:
        >>> import torch
        >>> line = torch.tensor([[[[0.0, 0.0, 1.0, 0.0, 0.0]]]])
        >>> cavity_loss(torch.full_like(line, -1e-6), line, reach=0)  # log 2
        tensor([[0.6931]])
    """

    def leaks(height: NDArray[np.floating], label: Mask) -> Mask:
        return _leaking_lines(height, label, reach)

    lines = constant_maps(leaks, margin, target > 0.5).to(margin.dtype)
    if weight is not None:
        lines = lines * weight
    return average_pixels(F.softplus(-margin), lines)


def _leaking_lines(height: NDArray[np.floating], label: Mask, reach: int) -> Mask:
    band = _widened(label, reach)
    cells, count = label_components(~band, connectivity=2 * label.ndim)
    if count < 2:
        return np.zeros(label.shape, bool)
    cavities, _ = label_components(~((height > 0) & band), connectivity=2 * label.ndim)
    owner = np.zeros(count + 1, np.int64)
    owner[cells] = cavities
    basins = watershed(height, cells, watershed_line=True)
    # both cells beside a pixel of the line: the largest and the least number around it
    ring = np.ones((3,) * label.ndim, bool)
    high = ndimage.maximum_filter(basins, footprint=ring)
    low = ndimage.minimum_filter(np.where(basins > 0, basins, count + 1), footprint=ring)
    line = (basins == 0) & (low < high)
    leaking: Mask = line & (owner[high] == owner[np.minimum(low, count)])
    return leaking


def _widened(label: Mask, by: int) -> Mask:
    wide: Mask = ndimage.binary_dilation(label, iterations=by) if by else label
    return wide


class MalisLoss(ShapeLoss):
    """Registered form of :func:`malis_loss`, the loss of TOPO on probabilities.

    Args:
        window: Side of the windows, pixels; ``None`` for whole maps.
        margin: Pixels beside a line that belong to no region.
        positive: Price of false lines.
        options: See :class:`~seglosses.losses.classwise.ShapeLoss`.
    """

    formula = "sum of between a^2 + positive within (1 - a)^2 over bottlenecks, a = 1 - p"
    paper = "Oner et al. 2021, arXiv:2009.07011"
    use_when = "roads and membranes must separate what they enclose; beside CE and Dice"

    def __init__(
        self,
        window: int | None = 64,
        margin: int = 2,
        positive: float = 0.1,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        if margin < 0 or (window is not None and window < 2):
            raise ValueError(
                f"margin must not be negative and window at least 2, got {margin} and {window}"
            )
        self.window, self.margin, self.positive = window, margin, positive

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over bottlenecks."""
        return malis_loss(
            prob,
            target,
            window=self.window,
            margin=self.margin,
            positive=self.positive,
            weight=mask,
        )


class CavityLoss(ShapeLoss):
    """Registered form of :func:`cavity_loss`; closes gaps only, so use CE and Dice beside it.

    Args:
        reach: Pixels beside the label's line in which a line may be found.
        options: See :class:`~seglosses.losses.classwise.ShapeLoss`.
    """

    formula = "mean of CE over the watershed lines between cells that leak into each other"
    paper = "Ngoc et al., BMVC 2021 (re-implementation)"
    use_when = "cells must be closed: gaps in thin boundaries; beside CE and Dice"
    spatial_dims = (2,)
    reads_margins = True

    def __init__(self, reach: int = 2, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        if reach < 0:
            raise ValueError(f"reach must not be negative, got {reach}")
        self.reach = reach

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over leaking lines."""
        return cavity_loss(prob, target, reach=self.reach, weight=mask)
