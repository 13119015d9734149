"""Calibration by what is labelled around a pixel."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.base import PixelLoss, PixelOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.encoding import Aligned, one_hot
from seglosses.primitives.entropy import cross_entropy
from seglosses.primitives.neighbourhood import gaussian_weights, neighbourhood_mean

__all__ = [
    "NACLLoss",
    "SVLSLoss",
    "nacl_loss",
    "svls_loss",
    "svls_targets",
]


def svls_targets(
    target: Tensor, valid: Tensor | None = None, *, sigma: float = 1.0, radius: int = 1
) -> Tensor:
    r"""Labels smoothed by those of their neighbours.

        target_i = y_i / 2 + sum_{j != i} g_ij y_j / (2 sum_{j != i} g_ij),  g a normal distribution

    Args:
        target: One-hot or soft labels, (N, C, *S); beyond the border lies what is nearest inside.
        valid: Pixels that count, boolean (N, *S); the others are no neighbours, and get zeros.
        sigma: Of the distribution, pixels.
        radius: Of the window, pixels.

    Returns:
        (N, C, *S), with the sums over classes of ``target``.

    References:
        Islam and Glocker, Spatially varying label smoothing, IPMI 2021, arXiv:2104.05788.

    Example:
        >>> y = torch.tensor([[[1.0, 1.0, 0.0]]])
        >>> svls_targets(y)  # in a row the neighbours share the other half
        tensor([[[1.0000, 0.7500, 0.2500]]])
    """
    axes = sum(length > 1 for length in target.shape[2:])
    if not axes:
        return target
    weights = gaussian_weights(sigma, radius)
    own = weights[radius] ** axes
    if valid is None:
        # (target + around) / 2, of which around is (mean - own target) / (1 - own)
        half = neighbourhood_mean(target, weights) / (2 * (1 - own))
        return half.add_(target, alpha=0.5 - own / (2 * (1 - own)))
    seen = valid.unsqueeze(1).to(target.dtype)
    near = neighbourhood_mean(target * seen, weights) - own * target * seen
    share = neighbourhood_mean(seen, weights) - own * seen
    # rounding, where no neighbour counts
    lone = share < 1e-6
    around = torch.where(lone, target, near / torch.where(lone, 1.0, share))
    return (target + around) / 2 * seen


def svls_loss(logits: Tensor, target: Tensor, *, sigma: float = 1.0, radius: int = 1) -> Tensor:
    r"""Cross-entropy of :func:`svls_targets`: certain inside, unsure at boundaries.

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S).
        sigma: Of the distribution, pixels.
        radius: Of the window, pixels.

    Returns:
        (N, *S).

    References:
        Islam and Glocker, IPMI 2021, arXiv:2104.05788.

    Example:
        >>> logits = torch.tensor([[[3.0, 1.0], [1.0, 3.0]]]).log()  # 3/4 for the label
        >>> svls_loss(logits, torch.tensor([[0, 1]]))  # targets 3/4 and 1/4
        tensor([[0.5623, 0.5623]])
    """
    hot = target if target.is_floating_point() else one_hot(target, logits.shape[1])
    return cross_entropy(logits, svls_targets(hot.to(logits.dtype), sigma=sigma, radius=radius))


def nacl_loss(logits: Tensor, target: Tensor, *, alpha: float = 0.1, radius: int = 1) -> Tensor:
    r"""Cross-entropy, and logits drawn to the shares of classes around the pixel.

        loss = CE + alpha mean_k |z_k - tau_k|,  tau_k the share of class k in the window

    Args:
        logits: (N, C, *S).
        target: Labels (N, *S), or class probabilities (N, C, *S); beyond the border lies what is
            nearest inside (the authors' program has class 0 there).
        alpha: Strength.
        radius: Of the window, pixels.

    Returns:
        (N, *S).

    References:
        Murugesan et al., Neighbor-aware calibration of segmentation networks with penalty-based
        constraints, 2024, arXiv:2401.14487.

    Example:
        >>> z = torch.tensor([[[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]]])
        >>> ce = torch.nn.functional.cross_entropy(z, torch.tensor([[0, 0, 1]]), reduction="none")
        >>> nacl_loss(z, torch.tensor([[0, 0, 1]])) - ce  # in the middle .1 (|2 - 2/3| + 1/3) / 2
        tensor([[0.0500, 0.0833, 0.1167]])
    """
    hot = target if target.is_floating_point() else one_hot(target, logits.shape[1])
    share = _shares(hot.to(logits.dtype), None, radius)
    return cross_entropy(logits, target) + alpha * (logits - share).abs().mean(1)


def _shares(hot: Tensor, valid: Tensor | None, radius: int) -> Tensor:
    """Shares of classes in windows, of the pixels that count."""
    weights = [1 / (2 * radius + 1)] * (2 * radius + 1)
    if valid is None:
        return neighbourhood_mean(hot, weights)
    seen = valid.unsqueeze(1).to(hot.dtype)
    share = neighbourhood_mean(seen, weights)
    return neighbourhood_mean(hot * seen, weights) / torch.where(share > 0, share, 1.0)


class SVLSLoss(PixelLoss):
    """Registered form of :func:`svls_loss`: spatially varying label smoothing.

    Pixels that are ignored are no neighbours.

    Args:
        sigma: Of the distribution, pixels.
        radius: Of the window, pixels.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> logits = torch.tensor([[[[3.0, 1.0]], [[1.0, 3.0]]]]).log()
        >>> SVLSLoss()(logits, torch.tensor([[[0, 1]]]))  # 3/4 log 4/3 + 1/4 log 4
        tensor(0.5623)
    """

    formula = "-sum_k t_k log p_k, t half the label and half its neighbours'"
    paper = "Islam and Glocker 2021, arXiv:2104.05788"
    use_when = "calibration at ambiguous boundaries; predictions inside of regions stay certain"
    tags = ("calibration", "boundary")

    def __init__(
        self, sigma: float = 1.0, radius: int = 1, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("(0, inf)", sigma=sigma)
        check_range("[1, inf)", whole=True, radius=radius)
        self.sigma, self.radius = sigma, radius

    def prepare(self, batch: Aligned) -> Aligned:
        """Smooth the labels."""
        if not batch.spatial:
            return batch
        dense = svls_targets(batch.target(), batch.valid, sigma=self.sigma, radius=self.radius)
        return batch._replace(labels=None, dense=dense)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of smoothed labels."""
        return cross_entropy(logits, target)


class NACLLoss(PixelLoss):
    """Registered form of :func:`nacl_loss`: neighbour-aware calibration.

    Pixels that are ignored are no neighbours. A foreground logit z is read as the logits
    (-z/2, z/2).

    Args:
        alpha: Strength.
        radius: Of the window, pixels.
        options: See :class:`~seglosses.losses.base.PixelLoss`.

    Example:
        >>> z = torch.tensor([[[[2.0, 2.0]], [[0.0, 0.0]]]])
        >>> NACLLoss(alpha=1.0)(z, torch.tensor([[[0, 0]]]))  # log(1 + e^-2) + (|2 - 1| + 0) / 2
        tensor(0.6269)
    """

    formula = "-log p_y + a mean_k |z_k - tau_k|, tau the shares of classes around the pixel"
    paper = "Murugesan et al. 2024, arXiv:2401.14487"
    use_when = "calibration: as MarginSmoothingLoss, with less certainty at boundaries"
    tags = ("calibration", "boundary")

    def __init__(
        self, alpha: float = 0.1, radius: int = 1, **options: Unpack[PixelOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha)
        check_range("[1, inf)", whole=True, radius=radius)
        self.alpha, self.radius = alpha, radius

    def _around(self, batch: Aligned) -> Tensor:
        target = batch.target()
        return _shares(target, batch.valid, self.radius) if batch.spatial else target

    def _of_softmax(self, batch: Aligned, target: Tensor) -> Tensor:
        logits = batch.pixel_logits()
        gap = (logits - self._around(batch)).abs().mean(1)
        return cross_entropy(logits, target) + self.alpha * gap

    def _by_channel(self, logits: Tensor, batch: Aligned) -> Tensor:
        share, half = self._around(batch), logits / 2
        gap = self.alpha * ((half - share).abs() + (-half - (1 - share)).abs()) / 2
        if batch.channels == 1 and self.class_weight is not None:
            y = batch.target()
            gap = gap * (self.class_weight[0] * (1 - y) + self.class_weight[1] * y)
        return super()._by_channel(logits, batch) + self._weighed(gap)

    def compute(self, logits: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of independent channels, to which the gaps are added."""
        return cross_entropy(logits, target)
