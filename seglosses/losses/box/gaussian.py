"""Losses of rotated boxes (x, y, w, h, angle) as Gaussians.

The centre is the mean and the sides are deviations, so boxes that do not meet attract each other,
the angle fades out as a box becomes a square, and (w, h, angle) costs what (h, w, angle + pi / 2)
costs. Each is a short reading of one :class:`seglosses.primitives.rotated.GaussianPair`, written so
that equal boxes cost exactly nothing in any precision.
"""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import RotatedBoxLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.rotated import GaussianPair

__all__ = [
    "GWDLoss",
    "KLDLoss",
    "gwd_loss",
    "kld_loss",
]


def gwd_loss(
    pred: Tensor, target: Tensor, *, tau: float = 1.0, alpha: float = 1.0, normalize: bool = True
) -> Tensor:
    r"""Gaussian Wasserstein distance of rotated boxes.

        D^2 = |dm|^2 + alpha^2 Tr(P + T - 2 (P^1/2 T P^1/2)^1/2)
        loss = 1 - 1 / (tau + log(1 + D / s)),   s = 2 (|P| |T|)^1/8, or 1 without ``normalize``

    P and T are the covariances, with half the sides as deviations, and dm joins the centres.

    Args:
        pred: Boxes (n, 5), in pixels and radians.
        target: Boxes (n, 5).
        tau: At least 1; below 1 the logarithm itself is the loss, as published programs have it.
        alpha: Weight of sides and angle against the centres.
        normalize: Divide by the size of both boxes, so that the scale does not matter.

    Returns:
        (n,): for ``tau`` of 1 in [0, 1).

    Raises:
        ValueError: for other shapes, or an option out of range.

    References:
        Yang et al., ICML 2021, arXiv:2101.11952; the constants are those of MMRotate's GDLoss.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 4, 2, 0]]), torch.tensor([[3.0, 0, 4, 2, 0]])
        >>> # D = 3, s = 2 sqrt(2 * 1): 1 - 1 / (1 + log(1 + 3 / 2.8284))
        >>> gwd_loss(pred, target)
        tensor([0.4196])
    """
    check_range("[0, inf)", tau=tau, alpha=alpha)
    pair = GaussianPair(pred, target)
    mixed = (pair.deviation * pair.target_deviation).sum(1)
    # sqrt of the trace's square, and what the angle takes off it, without a difference of squares
    root = (mixed.square() - pair.tilt).clamp(min=0).sqrt()
    shape = pair.change.square().sum(1) + 2 * pair.tilt / (mixed + root)
    square = pair.offset.square().sum(1) + alpha**2 * shape
    distance = root_at_rest(square)
    if normalize:
        distance = distance / (2 * (pair.volume * pair.target_volume).sqrt().sqrt())
    return _bounded(distance, tau)


def kld_loss(pred: Tensor, target: Tensor, *, tau: float = 1.0, alpha: float = 1.0) -> Tensor:
    r"""Kullback-Leibler divergence of rotated boxes.

        D = 1/2 (dm' P^-1 dm / alpha^2 + Tr(P^-1 T) + log(|P| / |T|) - 2)
        loss = 1 - 1 / (tau + log(1 + sqrt(D)))

    P and T are the covariances, with half the sides as deviations. This is the divergence of the
    target from the prediction, that of the released programs; exchange the boxes for the other.
    Its gradient of a coordinate grows as that side shrinks, so long thin boxes are met precisely.

    Args:
        pred: Boxes (n, 5), in pixels and radians.
        target: Boxes (n, 5).
        tau: At least 1; below 1 the logarithm itself is the loss, as published programs have it.
        alpha: Divisor of the distance of the centres; above 0.

    Returns:
        (n,): for ``tau`` of 1 in [0, 1).

    Raises:
        ValueError: for other shapes, or an option out of range.

    References:
        Yang et al., NeurIPS 2021, arXiv:2106.01883; the constants are those of MMRotate's GDLoss.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 4, 2, 0]]), torch.tensor([[4.0, 0, 4, 2, 0]])
        >>> # the centres are 2 deviations apart: D = 2, 1 - 1 / (1 + log(1 + sqrt(2)))
        >>> kld_loss(pred, target)
        tensor([0.4685])
    """
    check_range("[0, inf)", tau=tau)
    check_range("(0, inf)", alpha=alpha)
    pair = GaussianPair(pred, target)
    ratio = 2 * (pair.target_deviation / pair.deviation).log()
    # u - 1 - log u for both axes, and what the angle adds to the trace
    shape = (ratio.expm1() - ratio).sum(1) + pair.tilt / pair.volume / pair.volume
    square = (pair.own_distance / alpha**2 + shape) / 2
    return _bounded(root_at_rest(square), tau)


def root_at_rest(square: Tensor) -> Tensor:
    """Square root that is at rest at zero, where its slope is infinite; NaN stays NaN."""
    rest = square <= 0
    return torch.where(rest, 0.0, torch.where(rest, 1.0, square).sqrt())


def _bounded(distance: Tensor, tau: float) -> Tensor:
    grown = distance.log1p()
    return grown if tau < 1 else 1 - 1 / (tau + grown)


class GWDLoss(RotatedBoxLoss):
    """Registered form of :func:`gwd_loss`.

    Args:
        tau: At least 1 for a bounded loss.
        alpha: Weight of sides and angle against the centres.
        normalize: Divide by the size of both boxes.
        options: See :class:`~seglosses.losses.base.Loss`.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 4, 2, 0]]), torch.tensor([[3.0, 0, 4, 2, 0]])
        >>> GWDLoss(tau=0, normalize=False)(pred, target)  # log(1 + 3)
        tensor(1.3863)
    """

    formula = "1 - 1 / (tau + log(1 + D / s)), D^2 = |dm|^2 + Tr(P + T - 2 (P^1/2 T P^1/2)^1/2)"
    paper = "Yang et al. 2021, arXiv:2101.11952"
    use_when = (
        "oriented boxes that are nearly square, or angles that jump at the end of their range"
    )
    tags = ("rotated",)

    def __init__(
        self,
        tau: float = 1.0,
        alpha: float = 1.0,
        normalize: bool = True,
        **options: Unpack[LossOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", tau=tau, alpha=alpha)
        self.tau = tau
        self.alpha = alpha
        self.normalize = normalize

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`gwd_loss`."""
        return gwd_loss(pred, target, tau=self.tau, alpha=self.alpha, normalize=self.normalize)


class KLDLoss(RotatedBoxLoss):
    """Registered form of :func:`kld_loss`.

    Args:
        tau: At least 1 for a bounded loss.
        alpha: Divisor of the distance of the centres.
        options: See :class:`~seglosses.losses.base.Loss`.

    Example:
        >>> pred, target = torch.tensor([[0.0, 0, 4, 2, 0]]), torch.tensor([[4.0, 0, 4, 2, 0]])
        >>> KLDLoss(tau=0)(pred, target)  # log(1 + sqrt(2))
        tensor(0.8814)
    """

    formula = "1 - 1 / (tau + log(1 + D^1/2)), 2 D = dm' P^-1 dm + Tr(P^-1 T) + log(|P| / |T|) - 2"
    paper = "Yang et al. 2021, arXiv:2106.01883"
    use_when = "oriented boxes that are long and thin: a small rotation leaves no overlap"
    tags = ("rotated",)

    def __init__(
        self, tau: float = 1.0, alpha: float = 1.0, **options: Unpack[LossOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", tau=tau)
        check_range("(0, inf)", alpha=alpha)
        self.tau = tau
        self.alpha = alpha

    def compute(self, pred: Tensor, target: Tensor) -> Tensor:
        """See :func:`kld_loss`."""
        return kld_loss(pred, target, tau=self.tau, alpha=self.alpha)
