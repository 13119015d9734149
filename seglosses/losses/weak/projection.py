"""Losses of projections: what a volume or a mask looks like from one side."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from typing_extensions import Unpack

from seglosses.extra_inputs import extra_input
from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.primitives.checks import check_range
from seglosses.primitives.focusing import focal_power
from seglosses.primitives.overlap import ratio, soft_counts, tversky_index
from seglosses.primitives.reduction import select_classes

__all__ = [
    "BoxProjectionLoss",
    "MIPLoss",
    "box_projection_loss",
    "mip_loss",
]


def mip_loss(
    prob: Tensor,
    target: Tensor,
    *,
    axes: Sequence[int] = (0,),
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 0.75,
    smooth: float = 1.0,
) -> Tensor:
    r"""Focal Tversky loss of maximum intensity projections, the mean of the axes.

        loss = mean over axes a of (1 - T(max_a p, max_a y))^gamma
        T = (TP + smooth) / (TP + alpha FP + beta FN + smooth)

    The gradient reaches the largest voxel of each ray alone. SPOCKMIP's code sums over axes where
    this takes the mean, so that a weight means the same for one axis and for three.

    Args:
        prob: Class probabilities, (N, C, D, H, W).
        target: One-hot or soft labels, (N, C, D, H, W).
        axes: Spatial axes to look along, 0 to 2.
        alpha: Price of a false positive.
        beta: Price of a false negative.
        gamma: Focal exponent.
        smooth: Added above and below, in pixels of the projection.

    Returns:
        One loss per image and class, (N, C), in [0, 1].

    References:
        Radhakrishna et al., SPOCKMIP, 2024, arXiv:2407.08655.

    Example:
        >>> import torch
        >>> target = torch.zeros(1, 1, 2, 1, 2)
        >>> target[0, 0, 0, 0, 0] = 1
        >>> prob = target.flip(2)  # in the wrong slice: unseen along the first axis
        >>> mip_loss(prob, target, axes=[0])
        tensor([[0.]])
        >>> mip_loss(prob, target, axes=[1], gamma=1.0)  # TP 0, FP 1, FN 1: 1 - 1 / 2
        tensor([[0.5000]])
    """
    total = prob.new_zeros(prob.shape[:2])
    for axis in axes:
        total = total + _seen(
            prob.amax(axis + 2), target.amax(axis + 2), alpha, beta, gamma, smooth
        )
    return total / len(axes)


def _seen(
    prob: Tensor, target: Tensor, alpha: float, beta: float, gamma: float, smooth: float
) -> Tensor:
    index = tversky_index(soft_counts(prob, target), alpha=alpha, beta=beta, smooth=smooth)
    return focal_power((1 - index).clamp(min=0), gamma)


def box_projection_loss(
    prob: Tensor, target: Tensor, *, smooth: float = 1.0, squares: bool = False
) -> Tensor:
    r"""Dice loss of the projections onto every axis: all that a bounding box says.

        loss = sum over axes of 1 - (2 sum p y + smooth) / (sum p + sum y + smooth)

    p and y are the maxima over the other axes; with ``squares`` the sums below are those of their
    squares, so that a wrong projection of p counts by p^2. A mask and its bounding box have the
    same projections, so the label may hold filled boxes.

    Args:
        prob: Class probabilities, (N, C, *S).
        target: Masks or filled boxes, (N, C, *S).
        smooth: Added above and below, in pixels.
        squares: As in the code of BoxInst, which adds 5e-6 below only (``smooth=0`` gives its
            number to 1e-5); BoxSnake's has the sums themselves.

    Returns:
        One loss per image and class, (N, C), in [0, number of axes].

    References:
        Tian et al., BoxInst, CVPR 2021, arXiv:2012.02310; linear Dice as in BoxSnake,
        arXiv:2303.11630.

    Example:
        >>> import torch
        >>> box = torch.ones(1, 1, 2, 2)
        >>> prob = torch.eye(2).view(1, 1, 2, 2)  # it touches every row and column
        >>> box_projection_loss(prob, box)
        tensor([[0.]])
        >>> prob[0, 0, 1, 1] = 0.0  # one row and one column of two: 1 - 3 / 4, twice
        >>> box_projection_loss(prob, box)
        tensor([[0.5000]])
    """
    spatial = range(2, prob.dim())
    total = prob.new_zeros(prob.shape[:2])
    for axis in spatial:
        others = tuple(other for other in spatial if other != axis)
        p, y = (x.amax(others) if others else x for x in (prob, target))
        if squares:
            below = (p.square() + y.square()).flatten(2).sum(2)
            index = ratio(2 * (p * y).flatten(2).sum(2) + smooth, below + smooth)
        else:
            index = tversky_index(soft_counts(p, y, intersection="product"), smooth=smooth / 2)
        total = total + 1 - index
    return total


class MIPLoss(MapLoss):
    """Registered form of :func:`mip_loss`, for volumes.

    With the extra input ``projection`` (the label of a whole volume, projected along the one axis
    in use and cropped like the patch; (N, C, *S without that axis)) what lies outside the patch
    counts too, as in the published training. A maximum has no share of a pixel: those of weight 0
    are ignored, and weights other than 0 and 1 are refused.

    Args:
        axes: Spatial axis to look along, or several, 0 to 2.
        alpha: Price of a false positive.
        beta: Price of a false negative.
        gamma: Focal exponent.
        smooth: Added above and below, in pixels.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for axes outside 0 to 2.

    Example:
        >>> import torch
        >>> labels = torch.tensor([[[[1, 0]], [[0, 0]]]])
        >>> logits = torch.tensor([[[[[-99.0, -99.0]], [[99.0, -99.0]]]]])  # one slice further on
        >>> MIPLoss(axes=1, gamma=1.0)(logits, labels)  # TP 0, FP 1, FN 1: 1 - 1 / (1 + 0.3 + 0.7)
        tensor(0.5000)
    """

    formula = "mean over axes of (1 - Tversky(max_a p, max_a y))^gamma"
    paper = "Radhakrishna et al. 2024, arXiv:2407.08655"
    use_when = "vessels in volumes; beside a focal Tversky loss of the voxels, 0.3 : 0.7"
    tags = ("thin", "volume")
    spatial_dims = (3,)
    of_structures = True

    def __init__(
        self,
        axes: int | Sequence[int] = (0,),
        alpha: float = 0.3,
        beta: float = 0.7,
        gamma: float = 0.75,
        smooth: float = 1.0,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", alpha=alpha, beta=beta, smooth=smooth)
        check_range("(0, inf)", gamma=gamma)
        chosen = tuple(axes) if isinstance(axes, Sequence) else (axes,)
        if not chosen or not set(chosen) <= {0, 1, 2} or len(set(chosen)) < len(chosen):
            raise ValueError(f"axes must be different spatial axes among 0, 1 and 2, got {axes!r}")
        self.axes = chosen
        self.alpha, self.beta, self.gamma, self.smooth = alpha, beta, gamma, smooth

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Focal Tversky loss of projections."""
        given = extra_input("projection")
        if given is None:
            return mip_loss(
                prob,
                target,
                axes=self.axes,
                alpha=self.alpha,
                beta=self.beta,
                gamma=self.gamma,
                smooth=self.smooth,
            )
        seen = prob.amax(self.axes[0] + 2)
        given = self._fitting(given, seen)
        return _seen(seen, given, self.alpha, self.beta, self.gamma, self.smooth)

    def _fitting(self, given: Tensor, seen: Tensor) -> Tensor:
        if len(self.axes) > 1:
            raise ValueError(
                f"projection is along one axis, but axes={self.axes}: use one loss each"
            )
        if given.dim() > 1 and given.shape[1] != seen.shape[1] and self.classes is not None:
            chosen = select_classes(self.classes, given.shape[1])
            given = given if chosen is None else given[:, chosen]
        if given.shape != seen.shape:
            raise ValueError(
                f"projection must be {tuple(seen.shape)} (chosen classes) or hold every class, got"
                f" {tuple(given.shape)}; crop it like the patch"
            )
        return given.to(seen)


class BoxProjectionLoss(MapLoss):
    """Registered form of :func:`box_projection_loss`.

    A maximum has no share of a pixel: those of weight 0 are ignored, and weights other than 0 and 1
    are refused.

    Args:
        smooth: Added above and below, in pixels.
        squares: Dice of squares, see :func:`box_projection_loss`.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for an option out of its range.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[[99.0, -99.0], [-99.0, -99.0]]]])  # one row and column of two
        >>> BoxProjectionLoss()(logits, torch.ones(1, 2, 2, dtype=torch.long))  # 1 - 3 / 4, twice
        tensor(0.5000)
    """

    formula = "sum over axes of Dice(max over the other axes of p, of y)"
    paper = "Tian et al. 2021 (BoxInst), arXiv:2012.02310"
    use_when = "labels are bounding boxes, one object per image or crop; with PairwiseAffinityLoss"
    tags = ("weak",)
    of_structures = True

    def __init__(
        self, smooth: float = 1.0, squares: bool = False, **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", smooth=smooth)
        self.smooth, self.squares = smooth, squares

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Dice of projections."""
        return box_projection_loss(prob, target, smooth=self.smooth, squares=self.squares)
