"""Structural similarity at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.boundary.structural import check_window, dissimilarity
from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range

__all__ = [
    "MultiScaleSSIMLoss",
    "multi_scale_ssim_loss",
]

#: The exponents of the paper, the finest scale first.
_PAPER = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# below it a power is replaced by a line, whose slope is bounded
_FLOOR = 1e-3


def multi_scale_ssim_loss(
    prob: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    window: int = 11,
    sigma: float = 1.5,
    scales: Sequence[float] = _PAPER,
) -> Tensor:
    r"""One minus the product over scales of structural similarities (MS-SSIM).

        loss = 1 - max(0, mean SSIM_M)^a_M prod over j < M of max(0, mean CS_j)^a_j
        CS = (2 cov + C2) / (var_p + var_y + C2)

    Scale j is the maps pooled j - 1 times by 2, each time leaving out an odd last row. SSIM is that
    of :func:`~seglosses.losses.ssim_loss`. Only windows that lie in the image count, where it is
    as large as one: as in pytorch-msssim and MONAI. torchmetrics takes windows of the image
    reflected at its rim too, at the coarsest scale.

    A scale that is smaller than the window, on an axis longer than 1, is left out, but for the
    first, and the exponents of the others are scaled so that their sum stays: five scales need
    11 * 16 = 176 pixels. A mean below 1e-3 counts m (1e-3)^(a - 1) in place of
    m^a, which has no bounded slope; one below 0 makes the loss 1, without a gradient.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S), pooled likewise; 0 leaves a pixel
            out of the means.
        window: Odd side of the window, pixels. An axis of one pixel is not filtered, nor pooled.
        sigma: Standard deviation of the window, pixels.
        scales: Exponents a of the scales, the finest first.

    Returns:
        One loss per image and class, (N, C), in [0, 1]; 0 where every pixel is left out.

    Raises:
        ValueError: for a window that is even or not positive, or without a positive exponent.

    References:
        Wang et al., Multi-scale structural similarity for image quality assessment, Asilomar 2003;
        in segmentation: Huang et al., UNet 3+, ICASSP 2020, arXiv:2004.08790.

    Example:
        >>> prob, target = torch.full((1, 1, 1, 1), 0.5), torch.ones(1, 1, 1, 1)
        >>> multi_scale_ssim_loss(prob, target)  # one scale: 1 - (1 + C1) / (1.25 + C1)
        tensor([[0.2000]])
    """
    check_window(window, sigma)
    powers = _exponents(scales, prob.shape[2:], window)
    target, total = target.to(prob.dtype), None
    for number, power in enumerate(powers):
        if number:
            prob, target = _halved(prob), _halved(target)
            weight = None if weight is None else _halved(weight)
        gap = dissimilarity(
            prob,
            target,
            _inside(prob, weight, window),
            window=window,
            sigma=sigma,
            luminance=number == len(powers) - 1,
        )
        factor = _power(1 - gap, power)
        total = factor if total is None else total * factor
    assert total is not None
    return 1 - total


def _exponents(scales: Sequence[float], size: Sequence[int], window: int) -> list[float]:
    """Exponents of the scales that are at least as large as a window."""
    if not scales or min(scales) <= 0:
        raise ValueError(
            f"scales must be one positive exponent per scale, the finest first; got {scales!r}"
        )
    kept = 1
    sides = [side for side in size if side > 1]
    shortest = min(sides) if sides else 1
    while kept < len(scales) and shortest // 2**kept >= window:
        kept += 1
    share = sum(scales) / sum(scales[:kept])
    return [power * share for power in scales[:kept]]


def _halved(maps: Tensor) -> Tensor:
    """Means of 2 along each axis that is longer than 1."""
    spatial = maps.dim() - 2
    pool: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[spatial - 1]
    halved: Tensor = pool(maps, [2 if side > 1 else 1 for side in maps.shape[2:]])
    return halved


def _inside(maps: Tensor, weight: Tensor | None, window: int) -> Tensor:
    """Weights of pixels whose window lies in the image; all where there is none that counts."""
    rim = window // 2
    size = maps.shape[2:]
    inner = maps.new_ones(1, 1, *size)
    for axis, length in enumerate(size, start=2):
        if length >= window:
            inner.narrow(axis, 0, rim).zero_()
            inner.narrow(axis, length - rim, rim).zero_()
    if weight is None:
        return inner
    kept = weight * inner
    some = kept.flatten(1).sum(1) > 0
    return torch.where(some.view(-1, *(1,) * (kept.dim() - 1)), kept, weight.expand_as(kept))


def _power(mean: Tensor, power: float) -> Tensor:
    steep = mean > _FLOOR
    curve = torch.where(steep, mean, 1.0) ** power
    return torch.where(steep, curve, mean.clamp(min=0) * _FLOOR ** (power - 1))


class MultiScaleSSIMLoss(MapLoss):
    """Registered form of :func:`multi_scale_ssim_loss`.

    Args:
        window: Odd side of the Gaussian window, pixels.
        sigma: Its standard deviation, pixels.
        scales: Exponents of the scales, the finest first.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``window`` that is even or not positive, a ``sigma`` up to 0, or without a
            positive exponent.

    Example:
        >>> labels = torch.tensor([[[1]]])  # one pixel, 1/2 in place of 1, has no variance
        >>> MultiScaleSSIMLoss()(torch.zeros(1, 1, 1, 1), labels)
        tensor(0.2000)
    """

    formula = "1 - SSIM_M^a_M prod_j CS_j^a_j, means over 5 scales of p and y"
    paper = "Wang et al. 2003; Huang et al. 2020 (UNet 3+), arXiv:2004.08790"
    use_when = "borders of objects and their shape at once; beside cross-entropy or focal loss"
    tags = ("boundary", "salient")

    def __init__(
        self,
        window: int = 11,
        sigma: float = 1.5,
        scales: Sequence[float] = _PAPER,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_window(window, sigma)
        for number, power in enumerate(scales):
            check_range("(0, inf)", **{f"scales[{number}]": power})  # type: ignore[arg-type]
        _exponents(scales, (1,), window)
        self.window, self.sigma, self.scales = window, sigma, tuple(scales)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the product of similarities."""
        return multi_scale_ssim_loss(
            prob, target, weight=mask, window=self.window, sigma=self.sigma, scales=self.scales
        )
