"""Losses of lines between cells: where cells leak into each other, a line must close."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.reduction import average_pixels
from seglosses.topology import label_components

__all__ = [
    "CavityLoss",
    "cavity_loss",
]

Mask = NDArray[np.bool_]


def cavity_loss(
    margin: Tensor, target: Tensor, *, reach: int = 2, weight: Tensor | None = None
) -> Tensor:
    r"""Cavity loss: cross-entropy along the lines between cells that leak into each other.

        loss = mean over x in the leaking lines of BCE(z_x, 1)

    The label's background falls into cells, in 3D behind membranes. The prediction, looked at no
    further than ``reach`` from the label, lets some of them run together; the watershed of the
    probability between these cells is where it should have closed. This follows the idea of Ngoc et
    al. with a watershed in place of the minimum barrier distance; it is a re-implementation.

    Args:
        margin: One-versus-rest logits, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.
        reach: Pixels beside the label's line in which a line may be found.
        weight: (N, 1, *S) or broadcastable weights of pixels.

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
    leaks = host_maps(
        _leaking_lines, margin, target > 0.5, dtype=torch.bool, options=dict(reach=reach)
    )
    lines = leaks.to(margin.dtype)
    if weight is not None:
        lines = lines * weight
    return average_pixels(F.softplus(-margin), lines)


@host_function
def _leaking_lines(height: NDArray[np.floating], label: Mask, *, reach: int) -> Mask:
    band = widened(label, reach)
    cells, count = label_components(~band, connectivity=2 * label.ndim)
    if count < 2:
        return np.zeros(label.shape, bool)
    cavities, _ = label_components(~((height > 0) & band), connectivity=2 * label.ndim)
    # past an open end of a line, cells that the band parts are one
    apart, _ = label_components(~label, connectivity=2 * label.ndim)
    owner, truth = np.zeros((2, count + 1), np.int64)
    owner[cells], truth[cells] = cavities, apart
    basins = watershed(height, cells, watershed_line=True)
    # both cells beside a pixel of the line: the largest and the least number around it
    ring = np.ones((3,) * label.ndim, bool)
    high = ndimage.maximum_filter(basins, footprint=ring)
    low = ndimage.minimum_filter(np.where(basins > 0, basins, count + 1), footprint=ring)
    line = (basins == 0) & (low < high)
    low = np.minimum(low, count)
    leaking: Mask = line & (owner[high] == owner[low]) & (truth[high] != truth[low])
    return leaking


def widened(label: Mask, by: int) -> Mask:
    """The mask with all pixels that face-connected paths of ``by`` steps reach from it.

    Example:
        >>> widened(np.array([[False, False, False, True]]), 2)
        array([[False,  True,  True,  True]])
    """
    wide: Mask = ndimage.binary_dilation(label, iterations=by) if by else label
    return wide


class CavityLoss(MapLoss):
    """Registered form of :func:`cavity_loss`; closes gaps only, so use CE and Dice beside it.

    Args:
        reach: Pixels beside the label's line in which a line may be found.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a negative ``reach``.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[0, 0, 1, 0, 0]]])  # a line that the prediction leaves open
        >>> CavityLoss(reach=0)(torch.zeros(1, 1, 1, 5), labels)  # log 2 on it
        tensor(0.6931)
    """

    formula = "mean of CE over the watershed lines between cells that leak into each other"
    paper = "Ngoc et al., BMVC 2021 (re-implementation)"
    use_when = "gaps in thin boundaries of cells; beside CE and Dice; 63 to 98 times their cost"
    tags = ("thin", "topology", "cell")
    reads_margins = True

    def __init__(self, reach: int = 2, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", whole=True, reach=reach)
        self.reach = reach

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over leaking lines."""
        return cavity_loss(prob, target, reach=self.reach, weight=mask)
