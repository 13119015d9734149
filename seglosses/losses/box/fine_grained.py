"""Distributions of box edges over uneven distances, and their distillation, as in D-FINE.

Heads of D-FINE call them, and no head of MMDetection does: its heads decode distributions over even
distances, for which there is :class:`~seglosses.losses.box.distribution.DistributionFocalLoss`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from seglosses.losses.box.distribution import DistributionFocalLoss, distribution_focal_loss
from seglosses.losses.loss import LossOptions
from seglosses.losses.rows import RowLoss, Target
from seglosses.primitives.checks import check_range

__all__ = [
    "DecoupledDistillationFocalLoss",
    "FineGrainedLocalizationLoss",
    "decoupled_distillation_focal_loss",
    "fine_grained_bins",
    "fine_grained_localization_loss",
]


def fine_grained_bins(
    count: int, *, up: float = 0.5, scale: float = 4.0, device: torch.device | None = None
) -> Tensor:
    r"""The offsets that the bins of D-FINE stand for: close around zero, and wide apart beyond.

        W(0) = -2 up scale,  W(count - 1) = 2 up scale,  W(middle +- i) = +-(step^i - 1)
        step = (up scale + 1)^(2 / (count - 3))

    Args:
        count: Number of bins, odd, 3 at least (33 in D-FINE).
        up: Largest offset in parts of the box.
        scale: The larger, the flatter around zero.
        device: Where they are made; nothing is copied there.

    Returns:
        (count,), rising.

    Raises:
        ValueError: for an even number of bins, or fewer than 3.

    References:
        Peng et al., D-FINE, ICLR 2025, arXiv:2410.13842; equal to ``weighting_function`` of
        Peterande/D-FINE (4a1f73a).

    Example:
        >>> fine_grained_bins(5, up=0.5, scale=4)  # step 3
        tensor([-4., -2.,  0.,  2.,  4.])
    """
    if count < 3 or count % 2 == 0:
        raise ValueError(f"expected an odd number of bins from 3 on, got {count}")
    middle = count // 2
    step = (up * scale + 1) ** (2 / max(count - 3, 1))
    place = torch.arange(-middle, middle + 1, device=device, dtype=torch.float32)
    inner = place.abs().mul(math.log(step)).expm1()
    return place.sign() * inner.masked_fill(place.abs() == middle, 2 * up * scale)


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
    bins = fine_grained_bins(logits.shape[-1], up=up, scale=scale, device=logits.device)
    if iou.shape != offset.shape:
        raise ValueError(
            f"expected one IoU per edge, {tuple(offset.shape)}, got {tuple(iou.shape)}"
        )
    return iou.detach() * distribution_focal_loss(logits, _positions(offset, bins.to(logits.dtype)))


def _positions(offset: Tensor, bins: Tensor) -> Tensor:
    """Where offsets lie among the bins, counted from 0."""
    y = offset.to(bins.dtype).clamp(bins[0], bins[-1])
    left = (torch.searchsorted(bins, y.contiguous(), right=True) - 1).clamp(0, len(bins) - 2)
    return left + (y - bins[left]) / (bins[left + 1] - bins[left])


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
    return _apart(logits, teacher, weight, matched.long(), temperature)


def _apart(
    logits: Tensor, teacher: Tensor, weight: Tensor | None, kind: Tensor, temperature: float
) -> Tensor:
    """The parts of rows that are matched (1) or not (0); others count in neither number."""
    ours = (logits / temperature).log_softmax(1)
    theirs = (teacher.detach() / temperature).log_softmax(1)
    apart = temperature**2 * (theirs.exp() * (theirs - ours)).sum(1)
    apart = apart if weight is None else weight.detach() * apart
    sizes = torch.stack([(kind == 1).sum(), (kind == 0).sum()]).to(apart.dtype)
    # sqrt(n) mean = sum / sqrt(n)
    parts = 1 / (sizes.clamp(min=1).sqrt() * sizes.sqrt().sum().clamp(min=1))
    return apart * torch.where(kind == 1, parts[0], parts[1])


class FineGrainedLocalizationLoss(DistributionFocalLoss):
    """Cross-entropy of a distribution over uneven offsets with the two bins around the true one.

    Predictions are logits (n, K), K odd, targets offsets (n,), weights the IoU of each edge's box.

    Args:
        up: Largest offset in parts of the box, see :func:`fine_grained_bins`.
        scale: The larger, the flatter around zero.
        options: See :class:`~seglosses.losses.base.Loss`.

    Raises:
        ValueError: for an even number of bins, fewer than 3, and other shapes.

    Example:
        >>> loss = FineGrainedLocalizationLoss()
        >>> logits = torch.tensor([[0.0, 0.0, 0.0, 1.0, 0.0]])  # bins at -4, -2, 0, 2, 4
        >>> loss(logits, torch.tensor([1.5]), weight=torch.tensor([0.5]))
        tensor(0.5774)
    """

    formula = "-w ((W_(i+1) - y) log P_i + (y - W_i) log P_(i+1)) / (W_(i+1) - W_i), w the IoU"
    paper = "Peng et al. 2025, arXiv:2410.13842"
    use_when = "box edges are refined by distributions over uneven offsets, as in D-FINE"

    def __init__(self, up: float = 0.5, scale: float = 4.0, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", up=up, scale=scale)
        self.up = up
        self.scale = scale

    def distances(self, count: int, device: torch.device | None = None) -> Tensor:
        """See :func:`fine_grained_bins`."""
        return fine_grained_bins(count, up=self.up, scale=self.scale, device=device)

    def compare(self, pred: Tensor, target: Target) -> Tensor:
        """See :func:`fine_grained_localization_loss`."""
        assert isinstance(target, Tensor)
        bins = self.distances(pred.shape[1], pred.device).to(pred.dtype)
        return distribution_focal_loss(pred, _positions(target, bins))


class DecoupledDistillationFocalLoss(RowLoss):
    """The last layer of a decoder teaches the distributions of the layers before it.

    Predictions are logits (n, K). The target is ``(teacher, matched)``: logits (n, K) without
    gradient, and whether each edge's box is matched with an object, boolean (n,). Weights are the
    IoU of matched boxes and the teacher's confidence in others; rows of weight 0 are not counted.
    D-FINE's loss is the sum, which ``avg_factor=1`` gives.

    Args:
        temperature: T, divides the logits of both.
        options: See :class:`~seglosses.losses.base.Loss`.

    Raises:
        ValueError: for shapes that differ.

    Example:
        >>> loss = DecoupledDistillationFocalLoss(temperature=1)
        >>> teacher = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
        >>> target = teacher, torch.tensor([True, False])
        >>> loss(torch.zeros(2, 2), target, avg_factor=1)  # KL of a coin and 0.7311: 0.1109, halved
        tensor(0.0555)
    """

    formula = (
        "T^2 (sum of matched w KL / sqrt n_m + of other w KL / sqrt n_u) / (sqrt n_m + sqrt n_u)"
    )
    paper = "Peng et al. 2025, arXiv:2410.13842"
    use_when = "layers of a D-FINE decoder learn from the last one"
    tags = ("detection", "teacher")

    def __init__(self, temperature: float = 5.0, **options: Unpack[LossOptions]) -> None:
        super().__init__(**options)
        check_range("(0, inf)", temperature=temperature)
        self.temperature = temperature

    def check(self, pred: Tensor, target: Target) -> None:
        """Refuse what is no teacher beside whether each row is matched."""
        shapes = [tuple(each.shape) for each in target] if isinstance(target, tuple | list) else []
        if shapes and target[1].dtype != torch.bool:
            raise ValueError(
                f"expected whether rows are matched as booleans, got {target[1].dtype}"
            )
        if pred.dim() != 2 or shapes != [tuple(pred.shape), tuple(pred.shape[:1])]:
            raise ValueError(
                "expected logits (n, K) and the target (teacher, matched), (n, K) and (n,), got"
                f" {tuple(pred.shape)} and {shapes or type(target).__name__}"
            )

    def without(self, gone: Tensor, pred: Tensor, target: Target) -> tuple[Tensor, Target]:
        """Rows of weight zero are neither matched nor unmatched."""
        teacher, matched = target
        empty = gone.unsqueeze(1)
        kind = matched.long().masked_fill(gone, -1)
        return pred.masked_fill(empty, 0), (teacher.masked_fill(empty, 0), kind)

    def compare(self, pred: Tensor, target: Target) -> Tensor:
        """See :func:`decoupled_distillation_focal_loss`."""
        teacher, matched = target
        return _apart(pred, teacher.to(pred.dtype), None, matched.long(), self.temperature)
