"""Losses that estimate the Hausdorff distance: squared errors weighed by how far off they are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.fields import two_sided_pair
from seglosses.primitives.checks import check_range
from seglosses.primitives.distance import Spacing, as_numbers
from seglosses.primitives.encoding import Aligned
from seglosses.primitives.reduction import Asked, average_pixels

__all__ = [
    "HausdorffDTLoss",
    "HausdorffErosionLoss",
    "LogHausdorffDTLoss",
    "hausdorff_dt_loss",
    "hausdorff_erosion_loss",
    "log_hausdorff_dt_loss",
]


def hausdorff_dt_loss(
    prob: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    alpha: float = 2.0,
    spacing: Spacing = None,
) -> Tensor:
    r"""Hausdorff loss by distance transforms.

        loss = mean over kept pixels of (p - y)^2 (d_p^alpha + d_y^alpha)

    d_y is the distance to the label's boundary, d_p to that of p > 1/2; both are two-sided and
    constants of differentiation. A mask without a boundary has the field 0. Where the prediction
    fills the image and the label is empty, or the reverse, no boundary exists at all; then the
    squared error itself is the loss, which is 0 in implementations that only follow the formula.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S); 0 leaves a pixel out of the mean.
        alpha: Exponent of the distances.
        spacing: Edge lengths of a pixel.

    Returns:
        One loss per image and class, (N, C), not negative.

    References:
        Karimi and Salcudean, Reducing the Hausdorff distance in medical image segmentation with
        CNNs, IEEE TMI 2020, arXiv:1904.10030.

    Example:
        >>> prob = torch.tensor([[[0.0, 1.0, 1.0, 0.0]]])
        >>> target = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]])
        >>> hausdorff_dt_loss(prob, target)  # one wrong pixel, d_p = d_y = 1
        tensor([[0.5000]])
    """
    with torch.no_grad():
        predicted, labelled = prob > 0.5, target > 0.5
        d_p, d_y = two_sided_pair(predicted, labelled, spacing)
        field = d_p.to(prob.dtype).pow(alpha) + d_y.to(prob.dtype).pow(alpha)
        nowhere = field.flatten(2).sum(2) == 0
        opposite = (predicted != labelled).flatten(2).any(2) & nowhere
        field.add_(opposite.view(*opposite.shape, *(1,) * (field.dim() - 2)))
    return average_pixels((prob - target).square() * field, weight)


def log_hausdorff_dt_loss(
    prob: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    alpha: float = 2.0,
    spacing: Spacing = None,
) -> Tensor:
    r"""Logarithm of the Hausdorff loss by distance transforms, which is in powers of pixels.

        loss = log(1 + hausdorff_dt_loss)

    Here each image and class has a logarithm of its own; :class:`LogHausdorffDTLoss` takes one of
    the reduced loss, as in MONAI.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: As in :func:`hausdorff_dt_loss`.
        alpha: Exponent of the distances.
        spacing: Edge lengths of a pixel.

    Returns:
        One loss per image and class, (N, C), not negative.

    References:
        Karimi and Salcudean, IEEE TMI 2020, arXiv:1904.10030; the logarithm is MONAI's.

    Example:
        >>> prob = torch.tensor([[[0.0, 1.0, 1.0, 0.0]]])
        >>> target = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]])
        >>> log_hausdorff_dt_loss(prob, target)  # log(1 + 1/2)
        tensor([[0.4055]])
    """
    return hausdorff_dt_loss(prob, target, weight=weight, alpha=alpha, spacing=spacing).log1p()


def hausdorff_erosion_loss(
    prob: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    alpha: float = 2.0,
    erosions: int = 10,
) -> Tensor:
    r"""Hausdorff loss by erosions: an error that survives k erosions is about k pixels thick.

        e_0 = (p - y)^2
        e_k = rescale(relu(mean of e_{k-1} over the pixel and its face neighbours - 1/2))
        loss = mean over kept pixels of sum_k k^alpha e_k

    ``rescale`` stretches an image to [0, 1] where its range is not zero. No distance transform is
    needed. An error that is nowhere above 1/2, or a lone pixel, costs exactly nothing: use a
    region loss beside it.

    Args:
        prob: Class probabilities, (N, C, *S) with 2 or 3 spatial dimensions.
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S); 0 leaves a pixel out of the mean.
        alpha: Exponent of the thickness.
        erosions: Number of erosions, pixels.

    Returns:
        One loss per image and class, (N, C), not negative.

    Raises:
        ValueError: for maps that are neither images nor volumes.

    References:
        Karimi and Salcudean, IEEE TMI 2020, arXiv:1904.10030; rescaling as in the public ports of
        its third estimate.

    Example:
        >>> prob = torch.zeros(1, 1, 3, 3)
        >>> prob[0, 0, 1] = prob[0, 0, :, 1] = 1.0
        >>> hausdorff_erosion_loss(prob, torch.zeros(1, 1, 3, 3), erosions=1)  # a cross: 1 of 9
        tensor([[0.1111]])
    """
    shape = prob.shape
    spatial = prob.dim() - 2
    if spatial not in (2, 3):
        raise ValueError(f"prob must be (N, C, H, W) or (N, C, D, H, W), got {tuple(shape)}")
    error = (prob - target).square().reshape(-1, 1, *shape[2:])
    cross = _face_neighbours(error, spatial)
    convolve = F.conv2d if spatial == 2 else F.conv3d
    total = torch.zeros_like(error)
    for k in range(1, erosions + 1):
        error = _rescale(F.relu(convolve(error, cross, padding=1) - 0.5))
        total = total + k**alpha * error
    return average_pixels(total.reshape(shape), weight)


def _face_neighbours(like: Tensor, spatial: int) -> Tensor:
    """Mean of a pixel and its neighbours across faces, a filter (1, 1, 3, 3[, 3])."""
    cross = like.new_zeros((1, 1) + (3,) * spatial)
    for axis in range(2, spatial + 2):
        line = cross
        for other in range(2, spatial + 2):
            line = line if other == axis else line.narrow(other, 1, 1)
        line.fill_(1 / (2 * spatial + 1))
    return cross


def _rescale(images: Tensor) -> Tensor:
    """Each image (B, 1, *S) to [0, 1]; a (nearly) constant one stays."""
    if not images.numel():
        return images
    flat = images.flatten(1)
    least = flat.amin(1, keepdim=True)
    span = flat.amax(1, keepdim=True) - least
    # below this the slope 1 / span says nothing but rounding
    varies = span > 1e-6
    return torch.where(varies, (flat - least) / torch.where(varies, span, 1.0), flat).view_as(
        images
    )


class HausdorffDTLoss(MapLoss):
    """Registered form of :func:`hausdorff_dt_loss`.

    Args:
        alpha: Exponent of the distances.
        spacing: Edge lengths of a pixel.
        options: See :class:`~seglosses.losses.classwise.MapLoss`; class 0 is left out unless
            ``classes`` names it.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[-99.0, 99.0, 99.0, -99.0]]]])
        >>> HausdorffDTLoss()(logits, torch.tensor([[[0, 1, 0, 0]]]))  # (1^2 + 1^2) / 4
        tensor(0.5000)
    """

    has_label_half = True
    formula = "mean of (p - y)^2 (d_p^a + d_y^a), d the distance to the boundary of p > 1/2, y"
    paper = "Karimi and Salcudean 2020, arXiv:1904.10030"
    use_when = "errors far from the boundary matter most (HD95); beside Dice, with a small weight"
    tags = ("boundary",)

    def __init__(
        self, alpha: float = 2.0, spacing: Spacing = None, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha)
        self.alpha = alpha
        self.spacing = as_numbers(spacing)

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Squared errors weighed by distances."""
        return hausdorff_dt_loss(prob, target, weight=mask, alpha=self.alpha, spacing=self.spacing)


class LogHausdorffDTLoss(HausdorffDTLoss):
    """log(1 + :class:`HausdorffDTLoss`): a region loss's magnitude, the same options.

    The logarithm is taken last, of the reduced loss, as in MONAI.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[-99.0, 99.0, 99.0, -99.0]]]])
        >>> LogHausdorffDTLoss()(logits, torch.tensor([[[0, 1, 0, 0]]]))  # log(1 + 1/2)
        tensor(0.4055)
    """

    formula = "log(1 + HausdorffDTLoss)"
    use_when = "as HausdorffDTLoss, where its scale (squared pixels) would dominate the other terms"
    tags = ("boundary",)

    def reduce(self, batch: Aligned, asked: Asked) -> Tensor:
        """Logarithm of the reduced loss."""
        return super().reduce(batch, asked).log1p()


class HausdorffErosionLoss(MapLoss):
    """Registered form of :func:`hausdorff_erosion_loss`.

    Args:
        alpha: Exponent of the thickness.
        erosions: Number of erosions.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for fewer erosions than one.

    Example:
        >>> import torch
        >>> cross = torch.tensor([[[[-99.0, 99, -99], [99, 99, 99], [-99, 99, -99]]]])
        >>> loss = HausdorffErosionLoss(erosions=1)  # leaves the middle, one pixel of 9
        >>> loss(cross, torch.zeros(1, 3, 3, dtype=torch.long))
        tensor(0.1111)
    """

    formula = "mean of sum_k k^a e_k, e_k the squared error after k soft erosions"
    paper = "Karimi and Salcudean 2020, arXiv:1904.10030"
    use_when = "as HausdorffDTLoss, without a distance transform; little evidence so far"
    tags = ("boundary",)

    def __init__(
        self, alpha: float = 2.0, erosions: int = 10, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha)
        check_range("[1, inf)", whole=True, erosions=erosions)
        self.alpha = alpha
        self.erosions = erosions

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Errors weighed by the erosions that they survive."""
        return hausdorff_erosion_loss(
            prob, target, weight=mask, alpha=self.alpha, erosions=self.erosions
        )
