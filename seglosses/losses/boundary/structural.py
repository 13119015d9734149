"""Losses of local structure: windows instead of pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand, exact_convolutions
from seglosses.primitives.first_order import apply_by_hand, first_order

__all__ = [
    "SSIMLoss",
    "ssim_loss",
]

# the constants of the paper for values in [0, 1]
_C1, _C2 = 0.01**2, 0.03**2


def ssim_loss(
    prob: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    window: int = 11,
    sigma: float = 1.5,
) -> Tensor:
    r"""One minus the structural similarity of probabilities and labels.

        SSIM = (2 m_p m_y + C1) (2 cov + C2) / ((m_p^2 + m_y^2 + C1) (var_p + var_y + C2))
        loss = 1 - mean over kept pixels of SSIM

    Means, variances and covariance are those of a Gaussian window; beyond the image all is zero,
    as in BASNet. The gradient is a closed form found in the forward pass, so that only one map the
    size of ``prob`` is kept for the backward pass.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S); 0 leaves a pixel out of the mean.
        window: Odd side of the window, pixels. An axis of one pixel is not filtered.
        sigma: Standard deviation of the window, pixels.

    Returns:
        One loss per image and class, (N, C), in [0, 2]; 0 where every pixel is left out.

    Raises:
        ValueError: for a window that is even or not positive.

    References:
        Wang et al., Image quality assessment, IEEE TIP 2004; in segmentation: Qin et al., BASNet,
        CVPR 2019, arXiv:2101.04704.

    Example:
        >>> prob, target = torch.full((1, 1, 1, 1), 0.5), torch.ones(1, 1, 1, 1)
        >>> ssim_loss(prob, target)  # one pixel has no variance: 1 - (1 + C1) / (1.25 + C1)
        tensor([[0.2000]])
    """
    check_window(window, sigma)
    return dissimilarity(prob, target, weight, window=window, sigma=sigma)


def dissimilarity(
    prob: Tensor,
    target: Tensor,
    weight: Tensor | None,
    *,
    window: int,
    sigma: float,
    luminance: bool = True,
) -> Tensor:
    """One minus the mean of SSIM, or of its factor of variances alone, (N, C).

    Example:
        >>> half, ones = torch.full((1, 1, 1, 1), 0.5), torch.ones(1, 1, 1, 1)
        >>> dissimilarity(half, ones, None, window=1, sigma=1.0, luminance=False).round(decimals=3)
        tensor([[0.]])
    """
    taps = [math.exp(-((offset / sigma) ** 2) / 2) for offset in range(window // 2 + 1)]
    total = 2 * sum(taps) - taps[0]
    half = [tap / total for tap in taps]
    target = target.to(prob.dtype)
    loss: Tensor = apply_by_hand(_Dissimilarity, prob, target, weight, half, luminance)
    return loss


def check_window(window: int, sigma: float) -> None:
    """Refuse an even ``window``, or a ``sigma`` that is not positive.

    Example:
        >>> check_window(11, 1.5)
    """
    check_range("(0, inf)", sigma=sigma)
    check_range("[1, inf)", whole=True, remedy="it must be odd", window=window)
    if window % 2 == 0:
        raise ValueError(f"window must be odd, got {window}")


def _blur(maps: Tensor, half: Sequence[float]) -> Tensor:
    """Symmetric filter along every spatial axis of (N, C, *S), zero beyond the border.

    Shifted sums: several times faster on a CPU than a convolution of one channel, and fused by a
    compiler. On another device a convolution moves a fifteenth of the bytes.
    """
    if not at_hand(maps) and not torch.compiler.is_compiling():
        return _convolved(maps, half)
    for axis in range(2, maps.dim()):
        size = maps.shape[axis]
        if size == 1:
            continue
        out = maps * half[0]
        for shift, tap in enumerate(half[1:], start=1):
            if shift >= size:
                break
            left, right = maps.narrow(axis, 0, size - shift), maps.narrow(axis, shift, size - shift)
            out.narrow(axis, 0, size - shift).add_(right, alpha=tap)
            out.narrow(axis, shift, size - shift).add_(left, alpha=tap)
        maps = out
    return maps


def _convolved(maps: Tensor, half: Sequence[float]) -> Tensor:
    # made where it is needed, for a copy would have to wait: a Gaussian falls with the square
    reach = len(half) - 1
    squares = torch.arange(-reach, reach + 1, dtype=maps.dtype, device=maps.device).square_()
    taps = torch.pow(half[1] / half[0] if reach else 1.0, squares).mul_(half[0])
    spatial = maps.dim() - 2
    convolve = (F.conv1d, F.conv2d, F.conv3d)[spatial - 1]
    out = maps.flatten(0, 1).unsqueeze(1)
    # variances are differences of means, of which TF32 would leave three digits
    with exact_convolutions():
        for axis in range(spatial):
            if maps.shape[axis + 2] > 1:
                shape, padding = [1] * spatial, [0] * spatial
                shape[axis], padding[axis] = len(taps), reach
                out = convolve(out, taps.view(1, 1, *shape), padding=padding)
    return out.view(maps.shape)


class _Dissimilarity(torch.autograd.Function):
    """1 - mean SSIM per image and class; keeps the gradient of the mean and nothing else.

    Without ``luminance`` the factor of the means, a1 / b1, is 1.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor,
        weight: Tensor | None,
        half: Sequence[float],
        luminance: bool,
    ) -> Tensor:
        mean_x, mean_y = _blur(x, half), _blur(y, half)
        both = mean_x * mean_y
        squares = mean_x.square().addcmul_(mean_y, mean_y)
        a1 = both.mul(2).add_(_C1) if luminance else torch.ones_like(both)
        a2 = _blur(x * y, half).sub_(both).mul_(2).add_(_C2)
        b1 = squares + _C1 if luminance else torch.ones_like(squares)
        b2 = _blur(x.square().addcmul_(y, y), half).sub_(squares).add_(_C2)
        inverse = (b1 * b2).reciprocal_()
        similarity = a1 * a2 * inverse
        axes = tuple(range(2, x.dim()))
        if weight is None:
            share: Tensor | float = 1 / max(x[0, 0].numel() if x.numel() else 1, 1)
            loss = (1 - similarity).sum(axes) * share
        else:
            total = weight.sum(axes, keepdim=True)
            share = weight / torch.where(total > 0, total, 1.0)
            loss = ((1 - similarity) * share).sum(axes)
        if ctx.needs_input_grad[0]:
            # slopes of the similarity in the two means, x y and x^2, at fixed other three
            d_a1, d_a2 = a2.mul_(inverse), a1.mul_(inverse)
            d_b1, d_b2 = similarity / b1, similarity.div_(b2)
            if not luminance:
                d_a1, d_b1 = d_a1.zero_(), d_b1.zero_()
            twice = 2 * share
            d_mean = d_a1.sub_(d_a2).mul_(mean_y).addcmul_(d_b1.sub_(d_b2), mean_x, value=-1)
            slope = _blur(d_mean.mul_(twice), half)
            slope.addcmul_(_blur(d_a2.mul_(twice), half), y)
            slope.addcmul_(_blur(d_b2.mul_(twice), half), x, value=-1)
            ctx.save_for_backward(slope)
        return loss

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        (slope,) = ctx.saved_tensors
        return -slope * grad.view(*grad.shape, *(1,) * (slope.dim() - 2)), None, None, None, None


class SSIMLoss(MapLoss):
    """Registered form of :func:`ssim_loss`; with cross-entropy and Jaccard, BASNet's hybrid loss.

    Args:
        window: Odd side of the Gaussian window, pixels.
        sigma: Its standard deviation, pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``window`` that is even or not positive, or a ``sigma`` up to 0.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[1]]])  # one pixel, 1/2 in place of 1, has no variance
        >>> SSIMLoss()(torch.zeros(1, 1, 1, 1), labels)  # 1 - (2 * 1/2 + C1) / (1/4 + 1 + C1)
        tensor(0.2000)
    """

    formula = "1 - mean SSIM of p and y in 11 x 11 Gaussian windows"
    paper = "Wang et al. 2004; Qin et al. 2019 (BASNet), arXiv:2101.04704"
    use_when = "salient objects and mattes with sharp borders; beside cross-entropy and Jaccard"
    tags = ("boundary", "salient")

    def __init__(self, window: int = 11, sigma: float = 1.5, **options: Unpack[MapOptions]) -> None:
        super().__init__(**options)
        check_window(window, sigma)
        self.window = window
        self.sigma = sigma

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the structural similarity."""
        return ssim_loss(prob, target, weight=mask, window=self.window, sigma=self.sigma)
