"""Losses of best paths between regions: lines must separate, regions must stay connected."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.topology.bars import windows
from seglosses.losses.topology.cavity import widened
from seglosses.primitives.checks import check_range
from seglosses.primitives.distance import distance_to
from seglosses.primitives.host import host_function, host_maps
from seglosses.topology import label_components
from seglosses.topology.flooding import bottleneck_shares

__all__ = [
    "MalisLoss",
    "malis_distance_loss",
    "malis_loss",
]

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

    Lines of the label cut the background of each window into regions. ``between`` are the shares of
    pairs of pixels of two regions whose best path has its bottleneck at x, and counts where x lies
    on the label's line (a gap): descent closes it. ``within`` are the same for pairs of one region,
    and counts where x lies inside the region (a false line): descent opens it. Windows are treated
    on their own and then averaged. The published loss reads distances to the line in place of
    ``a``: :func:`malis_distance_loss`.

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
    path = 1 - prob
    between, within = _shares(path, target > 0.5, window, margin).unbind(2)
    loss = between * path.square() + positive * within * prob.square()
    return (loss if weight is None else loss * weight).flatten(2).sum(2)


def malis_distance_loss(
    logit: Tensor,
    target: Tensor,
    *,
    distance: float = 20.0,
    window: int | None = 64,
    margin: int = 2,
    positive: float = 0.1,
    fit: float = 1e-3,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Connectivity of the background by best paths on distance maps (TOPO).

        d    = 1/2 - z                                   the network's distance to the line
        D    = min(distance to the label's line, distance)
        loss = sum_x between_x relu(d_x)^2 + positive sum_x within_x relu(D_x - d_x)^2
               + fit sum_x (d_x - D_x)^2 / number of windows

    The network regresses truncated distances, and a pixel is on the line where its logit is
    positive, so that argmax and a threshold at 1/2 go on working. ``between`` and ``within`` are
    those of :func:`malis_loss`, of best paths along which the distance stays large. The published
    loss draws false lines to the full ``distance`` wherever the label is at least half as far, so
    that exact distances have a price; here they have none. It adds windows up; here they are
    averaged, and so is the regression.

    Args:
        logit: One-versus-rest logits z, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.
        distance: Where distances are truncated, pixels.
        window: Side of the windows, pixels; ``None`` for the whole map.
        margin: Pixels beside the line that belong to no region; 5 as published.
        positive: Price of false lines.
        fit: Price of the regression a pixel.
        weight: (N, 1, *S) or broadcastable weights of pixels; 0 leaves a pixel out.

    Returns:
        One loss per image and class, (N, K); 0 for the label's own distances.

    References:
        Oner et al., TPAMI 2021, arXiv:2009.07011, and their code doruk-oner/TOPO-Windowed-Loss.

    Example:
        >>> import torch
        >>> line = torch.tensor([[[[0.0, 0.0, 1.0, 0.0, 0.0]]]])
        >>> d = torch.tensor([[[[2.0, 1.0, 0.3, 1.0, 2.0]]]])  # a gap, but for it exact
        >>> malis_distance_loss(0.5 - d, line, margin=0)  # 0.3^2 (1 + 0.001)
        tensor([[0.0901]])
    """
    truth = target > 0.5
    if weight is not None:
        # nothing is known there: no line, and nothing that weight 0 would multiply
        logit = torch.where(weight > 0, logit, 0.5 - distance)
    path = 0.5 - logit
    between, within, field = _shares(path, truth, window, margin, distance).unbind(2)
    loss = between * path.relu().square() + positive * within * (field - path).relu().square()
    loss = loss + fit / _count_windows(truth.shape[2:], window) * (path - field).square()
    return (loss if weight is None else loss * weight).flatten(2).sum(2)


def _shares(
    path: Tensor, lines: Tensor, window: int | None, margin: int, distance: float | None = None
) -> Tensor:
    """Maps of :func:`_bottlenecks`, (N, K, 2, *S), or 3 with distances."""
    return host_maps(
        _bottlenecks,
        path,
        lines,
        dtype=torch.float32,
        extra=(2 if distance is None else 3,),
        options=dict(window=window, margin=margin, distance=distance),
    ).to(path.dtype)


@host_function
def _bottlenecks(
    height: NDArray[np.floating],
    label: Mask,
    *,
    window: int | None,
    margin: int,
    distance: float | None,
) -> NDArray[np.float32]:
    """Shares of bottlenecks between regions, on the lines, and within regions; distances."""
    band = widened(label, margin)
    regions = np.zeros(label.shape, np.int32)
    for part in windows(label.shape, window):
        # of the label, not of the band: past an open end of a line nothing is apart
        regions[part], _ = label_components(~label[part], connectivity=2 * label.ndim)
    regions[band] = 0
    between, within = bottleneck_shares(height, regions, window=window)
    count = _count_windows(label.shape, window)
    maps = [between * band / count, within * (regions > 0) / count]
    if distance is not None:
        maps.append(np.minimum(distance_to(label), distance))
    return np.stack(maps).astype(np.float32)


def _count_windows(shape: tuple[int, ...], window: int | None) -> int:
    return math.prod([-(-n // (window or max(n, 1))) for n in shape])


class MalisLoss(MapLoss):
    """Registered form of :func:`malis_loss`, or of :func:`malis_distance_loss` on distance maps.

    On probabilities it joins any head that classifies. On distances, as published, it trains alone:
    the logits are distances then, which cross-entropy would spoil. TopoMortar's own version takes
    the distances of a binary mask, and its prediction script calls everything background; there is
    nothing that ``compat`` could rerun.

    Args:
        window: Side of the windows, pixels; ``None`` for whole maps.
        margin: Pixels beside a line that belong to no region.
        positive: Price of false lines.
        distance: Reads logits as distances to the line, truncated at so many pixels (20 as
            published); ``None`` reads probabilities.
        fit: Price of the regression of distances, a pixel.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a window under 2 pixels, a negative ``margin``, or a ``distance`` up to it.

    Example:
        >>> import torch
        >>> gap = torch.tensor([[[[0.0, 0.0, 0.4, 0.0, 0.0]]]]).logit(1e-6)
        >>> MalisLoss(margin=0)(gap, torch.tensor([[[0, 0, 1, 0, 0]]]))  # (1 - 0.4)^2
        tensor(0.3600)
    """

    formula = "sum of between a^2 + positive within (1 - a)^2 over bottlenecks, a = 1 - p"
    paper = "Oner et al. 2021, arXiv:2009.07011"
    use_when = (
        "roads and membranes must separate regions; beside CE and Dice; 26 to 36 times theirs"
    )
    tags = ("thin", "topology", "cell")
    reads_margins = True

    def __init__(
        self,
        window: int | None = 64,
        margin: int = 2,
        positive: float = 0.1,
        distance: float | None = None,
        fit: float = 1e-3,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", whole=True, margin=margin)
        check_range("[0, inf)", positive=positive, fit=fit)
        if window is not None:
            check_range("[2, inf)", whole=True, window=window)
        if distance is not None:
            check_range(f"({margin}, inf)", remedy="it is larger than margin", distance=distance)
        self.window, self.margin, self.positive = window, margin, positive
        self.distance, self.fit = distance, fit

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Sum over bottlenecks."""
        if self.distance is not None:
            return malis_distance_loss(
                prob,
                target,
                distance=self.distance,
                window=self.window,
                margin=self.margin,
                positive=self.positive,
                fit=self.fit,
                weight=mask,
            )
        lines = prob.sigmoid()
        return malis_loss(
            lines if mask is None else torch.where(mask > 0, lines, 0.0),
            target,
            window=self.window,
            margin=self.margin,
            positive=self.positive,
            weight=mask,
        )
