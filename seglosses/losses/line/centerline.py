"""Centre-line losses: thin structures must agree along their skeletons, not only in area."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import Unpack

from seglosses.losses.classwise import MapLoss, MapOptions
from seglosses.losses.compat import Compat, check_compat
from seglosses.primitives.checks import check_range
from seglosses.primitives.device import at_hand
from seglosses.primitives.overlap import ratio
from seglosses.primitives.reduction import average_pixels
from seglosses.primitives.soft_skeleton import soft_skeleton
from seglosses.primitives.soft_thinning import soft_thinning

__all__ = [
    "CenterlineCrossEntropyLoss",
    "SoftClDiceLoss",
    "centerline_cross_entropy_loss",
    "soft_cldice_loss",
]

Skeleton = Literal["soft", "thinned"]


def soft_cldice_loss(
    prob: Tensor,
    target: Tensor,
    *,
    iterations: int = 10,
    smooth: float = 1.0,
    pooled: bool = False,
    skeleton: Skeleton = "soft",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Soft centre-line Dice loss.

        precision   = (sum S(p) y + smooth) / (sum S(p) + smooth)
        sensitivity = (sum S(y) p + smooth) / (sum S(y) + smooth)
        loss        = 1 - 2 precision sensitivity / (precision + sensitivity)

    with the soft skeleton S of :func:`seglosses.primitives.soft_skeleton.soft_skeleton`. Structures
    wider than ``2 iterations + 1`` pixels have no skeleton and are not seen. The sums run over one
    image and class; the code of the authors and of TopoMortar pools the batch and its classes, see
    ``pooled``.

    Args:
        prob: Class probabilities, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape; gradients do not flow into it.
        iterations: Erosions, at least the largest half-width in pixels. TopoMortar takes 3.
        smooth: Added above and below, in skeleton pixels; a map without skeleton in prediction
            and target costs 0 in any case.
        pooled: Sum over all images and classes first; each of them is then given the same loss.
        skeleton: 'soft' by erosions, or 'thinned' with the mask's topology
            (:func:`seglosses.primitives.soft_thinning.soft_thinning`).
        weight: (N, 1, *S) or broadcastable weights of pixels.

    Returns:
        One loss per image and class, (N, K), in [0, 1].

    References:
        Shit et al., clDice, CVPR 2021, arXiv:2003.07311.

    Example:
        A line of 7 pixels with a break of one: precision 1, sensitivity 6 / 7.

        >>> line = torch.zeros(1, 1, 3, 7)
        >>> line[..., 1, :] = 1
        >>> broken = line.clone()
        >>> broken[..., 1, 3] = 0
        >>> soft_cldice_loss(broken, line, smooth=0.0)  # 1 - (2 * 6 / 7) / (1 + 6 / 7)
        tensor([[0.0769]])
    """
    make = _SKELETONS[skeleton]
    target, target_skeleton = _target_skeleton(target.detach(), iterations, make)
    hit, length = _sums(make(prob, iterations), target, weight)
    found, wanted = _sums(prob, target_skeleton, weight, of_second=True)
    if pooled:
        hit, length, found, wanted = (
            each.sum().expand_as(each) for each in (hit, length, found, wanted)
        )
    precision = ratio(hit + smooth, length + smooth)
    sensitivity = ratio(found + smooth, wanted + smooth)
    both = precision + sensitivity
    return 1 - 2 * precision * sensitivity / torch.where(both > 0, both, 1.0)


def centerline_cross_entropy_loss(
    margin: Tensor,
    target: Tensor,
    *,
    iterations: int = 3,
    skeleton: Skeleton = "soft",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Centre-line cross-entropy: pixels count where prediction or label have a skeleton.

        loss = mean over pixels of CE(z, y) (S(y) + S(sigmoid(z)))

    The mean runs over all pixels, as in the paper, so the value is small where lines are rare.
    The gradient also flows into the predicted skeleton.

    Args:
        margin: One-versus-rest logits z, (N, K, H, W) or (N, K, D, H, W).
        target: One-hot or soft labels of that shape; gradients do not flow into it.
        iterations: Erosions, see :func:`seglosses.primitives.soft_skeleton.soft_skeleton`.
        skeleton: 'soft' by erosions, or 'thinned' with the mask's topology.
        weight: (N, 1, *S) or broadcastable weights of pixels; 0 leaves a pixel out of the mean.

    Returns:
        One loss per image and class, (N, K).

    References:
        Acebes et al., The Centerline-Cross Entropy Loss for Vessel-Like Structure Segmentation,
        MICCAI 2024.

    Example:
        >>> line = torch.zeros(1, 1, 3, 4)
        >>> line[..., 1, :] = 1
        >>> centerline_cross_entropy_loss(torch.zeros_like(line), line)  # 4 log(2) / 12
        tensor([[0.2310]])
    """
    make = _SKELETONS[skeleton]
    truth, target_skeleton = _target_skeleton(target.detach(), iterations, make)
    own = make(_kept(margin.sigmoid(), weight), iterations)
    entropy = F.binary_cross_entropy_with_logits(margin, truth.to(margin.dtype), reduction="none")
    return average_pixels(entropy * (own + target_skeleton), weight)


def _kept(prob: Tensor, weight: Tensor | None) -> Tensor:
    """Probabilities, zero where left out: such pixels must not shape their neighbours."""
    return prob if weight is None else torch.where(weight > 0, prob, 0.0)


_SKELETONS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "soft": soft_skeleton,
    "thinned": soft_thinning,
}


def _check_skeleton(skeleton: str) -> None:
    if skeleton not in _SKELETONS:
        raise ValueError(f"skeleton must be 'soft' or 'thinned', got {skeleton!r}")


def _target_skeleton(
    target: Tensor, iterations: int, make: Callable[[Tensor, int], Tensor]
) -> tuple[Tensor, Tensor]:
    """Target and skeleton; as booleans where hard, which is quick and small to keep."""
    # elsewhere than on the CPU the question would cost a synchronisation
    hard = target.dtype == torch.bool
    if not hard and at_hand(target) and bool(((target == 0) | (target == 1)).all()):
        target = target.bool()
    with torch.no_grad():
        return target, make(target, iterations)


def _sums(
    a: Tensor, b: Tensor, weight: Tensor | None, *, of_second: bool = False
) -> tuple[Tensor, Tensor]:
    """Sum of a b, and of a (or b), per image and class (N, K), in the dtype of ``a``."""
    if weight is not None:
        b_weighted, own = b * weight, (b if of_second else a) * weight
    else:
        b_weighted, own = b, b if of_second else a
    dtype = a.dtype
    return (a * b_weighted).flatten(2).sum(2), own.flatten(2).sum(2, dtype=dtype)


class SoftClDiceLoss(MapLoss):
    """Registered form of :func:`soft_cldice_loss`; by default of the foreground classes.

    Combine it with a region loss: the paper takes ``0.5 * Dice + 0.5 * clDice``.

    Args:
        iterations: Erosions, at least the largest half-width in pixels.
        smooth: Added above and below, in skeleton pixels.
        skeleton: 'soft' by erosions, or 'thinned' with the mask's topology.
        compat: 'topomortar' pools the batch, as the authors of clDice do; TopoMortar takes
            ``iterations=3``, theirs is 10.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``skeleton`` or ``compat`` that does not exist.

    Example:
        >>> import torch
        >>> line = torch.tensor([[[0] * 7, [1] * 7, [0] * 7]])
        >>> broken = torch.where(line > 0, 99.0, -99.0).unsqueeze(1)
        >>> broken[..., 1, 3] = -99.0  # precision 1, sensitivity 6 / 7
        >>> SoftClDiceLoss(smooth=0.0)(broken, line)  # 1 - (2 * 6 / 7) / (1 + 6 / 7) = 1 / 13
        tensor(0.0769)
    """

    reads_masks = True
    formula = "1 - 2 P R / (P + R), P = sum S(p) y / sum S(p), R = sum S(y) p / sum S(y)"
    paper = "Shit et al. 2021, arXiv:2003.07311"
    use_when = (
        "thin structures must stay connected; beside CE and Dice; 25 to 31 times their "
        "cost, with 3 erosions 10 to 15 times"
    )
    tags = ("thin", "topology")

    def __init__(
        self,
        iterations: int = 10,
        smooth: float = 1.0,
        skeleton: Skeleton = "soft",
        compat: Compat | None = None,
        **options: Unpack[MapOptions],
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", whole=True, iterations=iterations)
        check_range("[0, inf)", smooth=smooth)
        _check_skeleton(skeleton)
        check_compat(compat)
        self.iterations, self.smooth = iterations, smooth
        self.skeleton, self.compat = skeleton, compat

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """One minus the harmonic mean."""
        return soft_cldice_loss(
            prob,
            target,
            iterations=self.iterations,
            smooth=self.smooth,
            pooled=bool(self.compat),
            skeleton=self.skeleton,
            weight=mask,
        )


class CenterlineCrossEntropyLoss(MapLoss):
    """Registered form of :func:`centerline_cross_entropy_loss`; by default of the foreground.

    Args:
        iterations: Erosions of the soft skeleton.
        skeleton: 'soft' by erosions, or 'thinned' with the mask's topology.
        options: See :class:`~seglosses.losses.classwise.MapLoss`.

    Raises:
        ValueError: for a ``skeleton`` that does not exist.

    Example:
        >>> import torch
        >>> line = torch.tensor([[[0] * 4, [1] * 4, [0] * 4]])
        >>> CenterlineCrossEntropyLoss()(torch.zeros(1, 1, 3, 4), line)  # 4 log 2 / 12
        tensor(0.2310)
    """

    reads_masks = True
    formula = "mean of CE (S(y) + S(p)), S the soft skeleton"
    paper = "Acebes et al., MICCAI 2024"
    use_when = (
        "thin structures; beside Dice, instead of clDice; 12 to 13 times the cost of CE + Dice"
    )
    tags = ("thin", "topology")
    reads_margins = True

    def __init__(
        self, iterations: int = 3, skeleton: Skeleton = "soft", **options: Unpack[MapOptions]
    ) -> None:
        super().__init__(**options)
        check_range("[0, inf)", whole=True, iterations=iterations)
        _check_skeleton(skeleton)
        self.iterations, self.skeleton = iterations, skeleton

    def compute(self, prob: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """Mean over pixels."""
        return centerline_cross_entropy_loss(
            prob, target, iterations=self.iterations, skeleton=self.skeleton, weight=mask
        )
