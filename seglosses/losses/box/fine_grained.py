"""Distributions of box edges over uneven distances, and their distillation, as in D-FINE.

They are functions alone: heads of D-FINE call them, and no head of MMDetection does.
:class:`~seglosses.losses.box.distribution.DistributionFocalLoss` is the same loss of positions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.losses.box.distribution import distribution_focal_loss

__all__ = [
    "decoupled_distillation_focal_loss",
    "fine_grained_bins",
    "fine_grained_localization_loss",
]


def fine_grained_bins(count: int, *, up: float = 0.5, scale: float = 4.0) -> Tensor:
    r"""The offsets that the bins of D-FINE stand for: close around zero, and wide apart beyond.

        W(0) = -2 up scale,  W(count - 1) = 2 up scale,  W(middle +- i) = +-(step^i - 1)
        step = (up scale + 1)^(2 / (count - 3))

    Args:
        count: Number of bins, odd, 5 at least (33 in D-FINE).
        up: Largest offset in parts of the box.
        scale: The larger, the flatter around zero.

    Returns:
        (count,), rising.

    Raises:
        ValueError: for an even number of bins, or fewer than 5.

    References:
        Peng et al., D-FINE, ICLR 2025, arXiv:2410.13842; equal to ``weighting_function`` of
        Peterande/D-FINE (4a1f73a).

    Example:
        >>> fine_grained_bins(5, up=0.5, scale=4)  # step 3
        tensor([-4., -2.,  0.,  2.,  4.])
    """
    if count < 5 or count % 2 == 0:
        raise ValueError(f"expected an odd number of bins from 5 on, got {count}")
    inner = torch.arange(1, count // 2, dtype=torch.float64)
    right = (up * scale + 1) ** (2 * inner / (count - 3)) - 1
    end = right.new_tensor([2 * up * scale])
    return torch.cat([-end, -right.flip(0), right.new_zeros(1), right, end]).float()


def fine_grained_localization_loss(
    logits: Tensor, offset: Tensor, iou: Tensor, *, up: float = 0.5, scale: float = 4.0
) -> Tensor:
    r"""Fine-grained localisation (FGL): cross-entropy with the two bins around an offset.

        loss = IoU ((W_(i+1) - y) CE_i + (y - W_i) CE_(i+1)) / (W_(i+1) - W_i)

    Args:
        logits: (n, K), one distribution an edge.
        offset: y, (n,), of the true edge in units of :func:`fine_grained_bins`; clamped to them.
        iou: (n,), of the predicted and the true box; it carries no gradient.
        up: See :func:`fine_grained_bins`.
        scale: See :func:`fine_grained_bins`.

    Returns:
        (n,); D-FINE divides the sum by the number of boxes.

    Raises:
        ValueError: for shapes that do not fit, and numbers of bins as :func:`fine_grained_bins`.

    References:
        Peng et al., D-FINE, ICLR 2025, arXiv:2410.13842; equal to Peterande/D-FINE (4a1f73a).

    Example:
        >>> logits = torch.tensor([[0.0, 0.0, 0.0, 1.0, 0.0]])  # bins at -4, -2, 0, 2, 4
        >>> fine_grained_localization_loss(logits, torch.tensor([1.5]), torch.tensor([0.5]))
        tensor([0.5774])
    """
    bins = fine_grained_bins(logits.shape[-1], up=up, scale=scale).to(logits)
    y = offset.to(logits.dtype).clamp(float(bins[0]), float(bins[-1]))
    left = (torch.searchsorted(bins, y.contiguous(), right=True) - 1).clamp(0, len(bins) - 2)
    position = left + (y - bins[left]) / (bins[left + 1] - bins[left])
    if iou.shape != offset.shape:
        raise ValueError(
            f"expected one IoU per edge, {tuple(offset.shape)}, got {tuple(iou.shape)}"
        )
    return iou.detach() * distribution_focal_loss(logits, position)


def decoupled_distillation_focal_loss(
    logits: Tensor, teacher: Tensor, weight: Tensor, matched: Tensor, *, temperature: float = 5.0
) -> Tensor:
    r"""Decoupled distillation (DDF): the last layer of a decoder teaches the ones before it.

        kl_i = T^2 w_i KL(softmax(teacher / T) || softmax(logits / T))
        loss = (sqrt(n_m) mean of matched kl + sqrt(n_u) mean of other kl) / (sqrt n_m + sqrt n_u)

    Args:
        logits: (n, K), distributions of edges.
        teacher: (n, K), the same of the last layer; it carries no gradient.
        weight: (n,), IoU where matched and the teacher's confidence elsewhere; without gradient.
        matched: Boolean (n,), edges of boxes that are matched with an object.
        temperature: T.

    Returns:
        (n,), the parts of the loss, which is their sum.

    Raises:
        ValueError: for shapes that differ.

    References:
        Peng et al., D-FINE, ICLR 2025, arXiv:2410.13842; equal to Peterande/D-FINE (4a1f73a),
        which takes n_m and n_u of the first layer for all.

    Example:
        >>> logits, teacher = torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
        >>> which = torch.tensor([True, False])
        >>> # KL of a coin and 0.7311: 0.1109, in one of two equal halves
        >>> decoupled_distillation_focal_loss(logits, teacher, torch.ones(2), which, temperature=1)
        tensor([0.0555, 0.0000])
    """
    if logits.shape != teacher.shape or not weight.shape == matched.shape == logits.shape[:1]:
        raise ValueError(
            "expected logits and teacher (n, K), weight and matched (n,), got "
            + ", ".join(str(tuple(each.shape)) for each in (logits, teacher, weight, matched))
        )
    ours = (logits / temperature).log_softmax(1)
    theirs = (teacher.detach() / temperature).log_softmax(1)
    apart = temperature**2 * weight.detach() * (theirs.exp() * (theirs - ours)).sum(1)
    sizes = torch.stack([matched.sum(), (~matched).sum()]).to(apart.dtype)
    # sqrt(n) mean = sum / sqrt(n)
    parts = 1 / (sizes.clamp(min=1).sqrt() * sizes.sqrt().sum().clamp(min=1))
    return apart * torch.where(matched, parts[0], parts[1])
