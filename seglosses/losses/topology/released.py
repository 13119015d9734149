"""Topological losses as TopoMortar released them, errors included, to rerun its published rows.

Losses whose released code differs take ``compat='topomortar'``. It changes the definition only;
windows, iterations and weights stay options, and the mix-ins ``configs/losses/topomortar_*.py``
hold the released ones. A class is compared with all others; TopoMortar has two classes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from seglosses.losses.topology.bars import windows
from seglosses.primitives.host import host_function, host_maps
from seglosses.topology import label_components, persistence
from seglosses.topology.warping import released_critical_pixels

Mask = NDArray[np.bool_]


def released_topo_loss(
    prob: Tensor, target: Tensor, *, window: int | None = 50, min_length: float = 0.03
) -> Tensor:
    r"""TopoLoss of TopoMortar: mean over pixels of (W q - R)^2.

    Where it differs from :func:`seglosses.losses.topo_loss`:

    * q = sigmoid(2 p - 1) is the softmax taken a second time, so no bar is longer than 0.47;
    * components only; as many bars are kept as the *background* of the label has components in
      the window, less one, and windows without two of them are skipped;
    * births of kept bars are drawn to 0 and their deaths to 1, against the sense of the bars;
    * windows that are not square are read with their sides exchanged, which mixes up their rows;
    * W = 1 and R, the other end of the bar, draw surplus bars together, but their deaths are
      marked at their place in the first window instead of their own.

    Args:
        prob: Class probabilities, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.
        window: Side of the windows, pixels; ``None`` for whole maps.
        min_length: Surplus bars that are not longer cost nothing.

    Returns:
        One loss per image and class, (N, K); TopoMortar adds 100 times their mean to CE.

    References:
        TopoMortar, lib/losses.py (TopoLoss) and lib/losses_topoloss.py.

    Example:
        >>> prob = torch.tensor([[[[0.9, 0.3, 0.65]]]])  # a peak of .9 and one of .65, joined at .3
        >>> label = torch.tensor([[[[0.0, 1.0, 0.0]]]])
        >>> released_topo_loss(prob, label)  # q = .69, .40, .57: (.57^2 + (.40 - 1)^2) / 3
        tensor([[0.2295]])
    """
    likelihood = (2 * prob - 1).sigmoid()
    maps = host_maps(
        _marks,
        likelihood,
        target > 0.5,
        dtype=torch.float32,
        extra=(2,),
        options=dict(window=window, min_length=min_length),
    )
    chosen, wanted = maps.to(prob.dtype).unbind(2)
    return (likelihood * chosen - wanted).square().flatten(2).mean(2)


@host_function
def _marks(
    height: NDArray[np.floating], foreground: Mask, *, window: int | None, min_length: float
) -> NDArray[np.float32]:
    """W and R, (2, *S)."""
    background = ~foreground
    size = height.size
    index, chosen = np.arange(size).reshape(height.shape), np.zeros((2, size), np.float32)
    for part in windows(height.shape, window):
        # the released code hands rows to a library that reads columns
        label, values = (
            each[part].reshape(each[part].shape[::-1]) for each in (background, height)
        )
        kept = label_components(label, connectivity=(8, 26)[height.ndim - 2])[1] - 1
        bars = persistence(values, construction="T")
        if label.all() or kept < 1 or not len(bars.pairs[0]):
            continue
        lengths = bars.values[0][:, 0] - bars.values[0][:, 1]
        order = np.argsort(-lengths, kind="stable")
        own = index[part].ravel()[bars.pairs[0]]
        first = index[tuple(slice(0, n) for n in index[part].shape)].ravel()[bars.pairs[0]]
        for bar in order[:kept]:
            chosen[:, own[bar, 0]] = 1, 0
            chosen[:, own[bar, 1]] = 1, 1
        for bar in order[kept:]:
            if lengths[bar] > min_length:
                chosen[:, own[bar, 0]] = 1, bars.values[0][bar, 1]
                chosen[:, first[bar, 1]] = 1, bars.values[0][bar, 0]
    return chosen.reshape(2, *height.shape)


def released_warping_loss(margin: Tensor, target: Tensor) -> Tensor:
    r"""Homotopy warping loss of TopoMortar, which warps to the label's background.

        loss = mean over pixels of c (-log(p_y + eps)) + (1 - c) (-log eps),   eps = 1e-15

    p_y is the probability of the right class and c marks
    :func:`seglosses.topology.warping.released_critical_pixels`, in the main those that are right.
    Probabilities are multiplied by c instead of left out, so that every other pixel adds 34.5.

    Args:
        margin: One-versus-rest logits, (N, K, H, W).
        target: One-hot or soft labels of that shape, cut at 1/2.

    Returns:
        One loss per image and class, (N, K); TopoMortar adds a tenth of their mean to Dice.

    Raises:
        ValueError: For volumes.

    References:
        TopoMortar, lib/losses.py (WarpingLoss) and lib/losses_warping.py.

    Example:
        >>> released_warping_loss(torch.full((1, 1, 1, 4), 4.0), torch.ones(1, 1, 1, 4))
        tensor([[0.0181]])
    """
    truth = target > 0.5
    critical = host_maps(_critical_pixels, margin > 0, truth, dtype=torch.bool)
    least = math.log(1e-15)
    right = F.logsigmoid(torch.where(truth, margin, -margin))
    # log(p + eps) by way of the logarithms, which does not round p off
    cost = -torch.logaddexp(right, torch.full_like(right, least))
    return torch.where(critical, cost, -least).flatten(2).mean(2)


_critical_pixels = host_function(released_critical_pixels)
