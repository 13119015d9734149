"""Mutual information of the regions of prediction and label."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import widest

__all__ = ["RMILoss", "rmi_loss"]

#: Added to the diagonals of covariances, as published.
_RIDGE = 5e-4


def rmi_loss(prob: Tensor, target: Tensor, *, radius: int = 3, pool: int = 3) -> Tensor:
    r"""Region mutual information: how much of a label's region its prediction leaves open.

        loss = log det(S_y - S_yp (S_p + a I)^-1 S_yp' + a I) / (2 d),  a = 0.0005

    Each pixel is a vector of the d pixels of its window. S are sums of products of centred vectors
    over the maps, which are max-pooled first; the loss is a lower bound of the negative mutual
    information, up to what depends on the label alone. It is negative where little is left open.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        radius: Side of the window; shorter along axes that have fewer cells.
        pool: Side and stride of the pooling.

    Returns:
        One loss per image and class, (N, C), at least log(a) / 2 = -3.8.

    References:
        Zhao et al., Region mutual information loss for semantic segmentation, NeurIPS 2019,
        arXiv:1910.12037. There cross-entropy is part of the loss, probabilities are those of a
        sigmoid, and classes are summed.

    Example:
        >>> y = torch.tensor([[[[0.0, 1.0, 0.0, 1.0]]]])
        >>> half = torch.full_like(y, 0.5)  # says nothing: log(1 + a) / 2 of the variance's sum 1
        >>> rmi_loss(half, y, radius=1, pool=1)
        tensor([[0.0002]])
    """
    if not prob.numel():
        return prob.flatten(2).sum(2)
    p, y = (_windows(maps, radius, pool) for maps in (prob, target.to(prob.dtype)))
    ridge = _RIDGE * torch.eye(p.shape[-2], device=p.device, dtype=p.dtype)
    own = y @ y.transpose(-1, -2)
    cross, known = y @ p.transpose(-1, -2), p @ p.transpose(-1, -2) + ridge
    left = own - cross @ torch.linalg.solve(known, cross.transpose(-1, -2))
    # rounding may bend the symmetry that a Cholesky factor needs
    factor, failed = torch.linalg.cholesky_ex((left + left.transpose(-1, -2)) / 2 + ridge)
    roots = factor.diagonal(dim1=-2, dim2=-1)
    loss: Tensor = roots.log().sum(-1) / p.shape[-2]
    return loss.masked_fill(failed > 0, torch.nan).to(prob.dtype)


def _windows(maps: Tensor, radius: int, pool: int) -> Tensor:
    """Centred vectors of windows, (N, C, d, P), in the widest type."""
    axes = maps.dim() - 2
    if pool > 1:
        pools = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
        maps = pools[axes](maps, pool, pool, pool // 2)
    for axis in range(2, 2 + axes):
        maps = maps.unfold(axis, min(radius, maps.shape[axis]), 1)
    cells = maps.flatten(2 + axes).flatten(2, 1 + axes).transpose(2, 3).to(widest(maps))
    return cells - cells.mean(3, keepdim=True)


class RMILoss(MapLoss):
    """Registered form of :func:`rmi_loss`; beside cross-entropy, half and half in the paper.

    Args:
        radius: Side of the window.
        pool: Side and stride of the pooling.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Example:
        >>> logits = torch.zeros(1, 1, 1, 4)  # 1/2 everywhere
        >>> RMILoss(radius=1, pool=1)(logits, torch.tensor([[[0, 1, 0, 1]]]))
        tensor(0.0002)
    """

    formula = "log det(S_y - S_yp (S_p + a I)^-1 S_yp' + a I) / (2 d), S covariances of windows"
    paper = "Zhao et al. 2019, arXiv:1910.12037"
    use_when = (
        "neighbouring pixels should form the structure of the label; beside cross-entropy, 1 : 1"
    )
    tags = ("boundary", "small")
    of_structures = True

    def __init__(self, radius: int = 3, pool: int = 3, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_range("[1, inf)", whole=True, radius=radius, pool=pool)
        self.radius, self.pool = radius, pool

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Information of images and classes; ignored pixels are 0 in both."""
        loss = rmi_loss(prob, target, radius=self.radius, pool=self.pool)
        return loss if mask is None else loss * (mask > 0).flatten(1).any(1, keepdim=True)
