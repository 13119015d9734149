"""Overlap losses in which the classes of an image are weighed against each other."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.classwise import CountOptions, MapLoss, MapOptions, OverlapLoss
from seglosses.primitives.checks import check_range
from seglosses.primitives.few_overlap import Levers, generalized_levers
from seglosses.primitives.focusing import focal_power
from seglosses.primitives.layout import flat_maps
from seglosses.primitives.overlap import Counts, Intersection, ratio, soft_counts, tversky_index
from seglosses.primitives.reduction import average_pixels

__all__ = [
    "GeneralizedDiceLoss",
    "UnifiedFocalLoss",
    "generalized_dice_loss",
    "unified_focal_loss",
]


def generalized_dice_loss(
    prob: Tensor, target: Tensor, *, smooth: float = 1e-5, intersection: Intersection = "min"
) -> Tensor:
    r"""Generalized Dice: every class counts by the inverse of its squared volume.

        w_c = (min_k Y_k / Y_c)^2
        loss = 1 - (2 sum_c w_c I_c + smooth) / (sum_c w_c (P_c + Y_c) + smooth)

    with I, P and Y the intersection and the masses of prediction and target. The weights are those
    of the paper, 1 / Y_c^2, scaled so that the largest is 1: the quotient stays, and ``smooth``
    cannot drown it, whatever the volume. A class that the target lacks has the largest weight.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        smooth: Added above and below; where the target is empty, the mass of a false prediction
            that costs 1/2.
        intersection: See :func:`seglosses.primitives.overlap.soft_counts`.

    Returns:
        One loss per image, (N, 1), in [0, 1].

    References:
        Sudre et al., Generalised Dice overlap, DLMIA 2017, arXiv:1707.03237.

    Example:
        >>> prob = torch.tensor([[[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]])
        >>> target = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
        >>> generalized_dice_loss(prob, target, smooth=0.0)  # w = 1/4, 1: 1 - 0.5 / 3
        tensor([[0.8333]])
    """
    return _generalized(soft_counts(prob, target, intersection=intersection), smooth)


def _generalized(counts: Counts, smooth: float) -> Tensor:
    volume = counts.target.detach()
    found = volume > 0
    least = volume.masked_fill(~found, torch.inf).amin(1, keepdim=True)
    weight = torch.where(found, (least / volume.clamp(min=torch.finfo(volume.dtype).tiny)), 1.0)
    weight = weight.square()
    hit = 2 * (weight * counts.tp).sum(1, keepdim=True)
    mass = (weight * (counts.prob + counts.target)).sum(1, keepdim=True)
    return (1 - ratio(hit + smooth, mass + smooth)).clamp(min=0)


class GeneralizedDiceLoss(OverlapLoss):
    """Registered form of :func:`generalized_dice_loss`.

    With ``classes='present'`` the classes that the label lacks take no part, with 'all' they have
    the largest weight.

    Args:
        smooth: Added above and below; where the target is empty, the mass of a false prediction
            that costs 1/2.
        options: See :class:`~seglosses.losses.classwise.OverlapLoss`; no ``class_weight``, for the
            loss makes its own.

    Raises:
        ValueError: for a ``class_weight``.

    Example:
        >>> import torch
        >>> loss = GeneralizedDiceLoss(smooth=0.0)  # w = 1/9 and 1, with 3 pixels and 1
        >>> loss(torch.zeros(1, 2, 1, 4), torch.tensor([[[0, 0, 0, 1]]]))  # 1 - (4 / 3) / (32 / 9)
        tensor(0.6250)
    """

    formula = "1 - (2 sum w I + s) / (sum w (P + Y) + s), w = 1/Y^2 scaled to max 1"
    paper = "Sudre et al. 2017, arXiv:1707.03237"
    use_when = "classes of very different size: each is weighted by the inverse square of its size"
    tags = ("lesion", "imbalance", "score")

    def __init__(self, smooth: float = 1e-5, **options: Unpack[CountOptions]) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        if self.class_weight is not None:
            raise ValueError(
                "GeneralizedDiceLoss weighs classes by 1/volume^2: leave class_weight out, or use"
                " DiceLoss with it"
            )
        self.smooth = smooth

    def compute(self, counts: Counts) -> Tensor:
        """One value per image."""
        return _generalized(counts, self.smooth)

    def _levers(self) -> Levers | None:
        return generalized_levers(self.smooth)


def unified_focal_loss(
    prob: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    balance: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    smooth: float = 1e-6,
) -> Tensor:
    r"""Asymmetric unified focal loss: Tversky and cross-entropy, focal in opposite directions.

        T_c = (TP + smooth) / (TP + delta FN + (1 - delta) FP + smooth)
        region: 1 - T_0 for the background, (1 - T_c)^(1 - gamma) for the rest
        pixel:  (1 - delta) (1 - p_0)^gamma CE_0,  delta CE_c,  CE_c = -y_c log p_c
        loss_c = balance region_c + (1 - balance) mean over pixels of pixel_c

    ``gamma`` lowers easy background pixels and raises nearly right foreground classes. Class 0 is
    the background; one channel is a foreground whose background is its complement.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: One-hot or soft labels, (N, C, *S).
        weight: Weights of pixels, broadcastable to (N, 1, *S).
        balance: Share of the region term.
        delta: Price of a false negative and of foreground, above 1/2.
        gamma: Strength of both focal effects, in [0, 1).
        smooth: Added above and below in T, pixels.

    Returns:
        One loss per image and class, (N, C), at least 0.

    References:
        Yeung et al., Unified focal loss, CMIG 2022, arXiv:2102.04525.

    Example:
        >>> prob = torch.tensor([[[0.5, 0.5]]])
        >>> target = torch.tensor([[[1.0, 0.0]]])
        >>> unified_focal_loss(prob, target, balance=1.0, delta=0.5, gamma=0.5)  # (.5 + .5^.5) / 2
        tensor([[0.6036]])
    """
    if prob.shape[1] == 1:
        return _binary_unified(prob, target, weight, balance, delta, gamma, smooth)
    floor = torch.finfo(prob.dtype).tiny
    return _unified(prob, target, weight, balance, delta, gamma, smooth, floor)


def _unified(
    prob: Tensor,
    target: Tensor,
    weight: Tensor | None,
    balance: float,
    delta: float,
    gamma: float,
    smooth: float,
    floor: float,
) -> Tensor:
    counts = soft_counts(prob, target, weight)
    index = tversky_index(counts, alpha=1 - delta, beta=delta, smooth=smooth)
    region = 1 - index
    region = torch.cat([region[:, :1], focal_power(region[:, 1:], 1 - gamma)], 1)
    x, y = flat_maps(prob), flat_maps(target)
    entropy = -y * x.clamp(min=floor).log()
    easy = focal_power((1 - x[:, :1]).clamp(min=0), gamma)
    pixel = torch.cat([(1 - delta) * easy * entropy[:, :1], delta * entropy[:, 1:]], 1)
    return balance * region + (1 - balance) * average_pixels(pixel, weight)


def _binary_unified(
    prob: Tensor,
    target: Tensor,
    weight: Tensor | None,
    balance: float,
    delta: float,
    gamma: float,
    smooth: float,
) -> Tensor:
    """Every channel a foreground beside its complement; the mean of the two, (N, C)."""
    rows, channels = prob.shape[:2]
    x, y = (maps.flatten(2).flatten(0, 1).unsqueeze(1) for maps in (prob, target))
    if weight is not None:
        weight = weight.flatten(2).expand(-1, channels, -1).flatten(0, 1).unsqueeze(1)
    # a complement is known to rounding only, hence the higher floor
    both = torch.cat([1 - x, x], 1), torch.cat([1 - y, y], 1)
    pair = _unified(*both, weight, balance, delta, gamma, smooth, 1e-7)
    return pair.mean(1).view(rows, channels)


class UnifiedFocalLoss(MapLoss):
    """Registered form of :func:`unified_focal_loss`.

    Args:
        balance: Share of the region term.
        delta: Price of a false negative and of foreground.
        gamma: Strength of both focal effects.
        smooth: Added above and below in the Tversky index.
        options: See :class:`~seglosses.losses.classwise.MapLoss`; ``classes`` is 'present' or
            'all', for class 0 is the background. With ``use_sigmoid`` every channel is a foreground
            beside its complement.

    Raises:
        ValueError: for ``classes`` other than 'present' and 'all'.

    Example:
        >>> import torch
        >>> loss = UnifiedFocalLoss(balance=1.0)  # the region term alone; T = 1/2 for both classes
        >>> loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))  # (0.5 + 0.5^0.5) / 2
        tensor(0.6036)
    """

    formula = "l (1 - T_0, (1 - T_c)^(1-g)) + (1 - l) ((1 - d)(1 - p_0)^g CE_0, d CE_c)"
    paper = "Yeung et al. 2022, arXiv:2102.04525"
    use_when = "small lesions on a large background: one loss for regions and pixels"
    tags = ("lesion", "small", "imbalance")
    spatial_dims = (0, 1, 2, 3)
    default_classes = None

    def __init__(
        self,
        balance: float = 0.5,
        delta: float = 0.6,
        gamma: float = 0.5,
        smooth: float = 1e-6,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, 1]", balance=balance, delta=delta)
        check_range("[0, 1)", gamma=gamma)
        check_range("[0, inf)", smooth=smooth)
        if self.classes not in (None, "present", "all"):
            raise ValueError(
                "UnifiedFocalLoss treats class 0 as background and needs all channels: classes must"
                f" be 'present' or 'all', got {self.classes!r}"
            )
        self.balance, self.delta, self.gamma, self.smooth = balance, delta, gamma, smooth

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Region and pixel term of each class."""
        formula = _binary_unified if self.use_sigmoid else unified_focal_loss
        return formula(
            prob,
            target,
            mask,
            balance=self.balance,
            delta=self.delta,
            gamma=self.gamma,
            smooth=self.smooth,
        )
